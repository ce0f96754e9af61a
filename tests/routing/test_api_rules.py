"""The way of a version by API: try, golden leads, ask, approve, plan, publish, roll back."""

import pytest

from routing.models import GoldenLead, Organisation, RuleSet
from routing.rules import digest, lifecycle
from tests import make

pytestmark = pytest.mark.django_db
AT = make.MONDAY_9AM


@pytest.fixture
def ops(client):
    make.organisation()
    user = make.user("ops", group="revops")
    client.force_login(user)
    return user


@pytest.fixture
def draft(ops):
    make.rules(make.round_robin(make.pool(make.rep("robin"), name="Duo")))
    return lifecycle.draft(by=ops, at=AT)


def post(client, draft, act, body=None):
    return client.post(
        f"/api/v1/rulesets/{draft.pk}/{act}/", body or {}, content_type="application/json"
    )


def test_a_lead_is_tried_with_the_whole_explanation(client, draft):
    answer = post(client, draft, "test", {"facts": {"employees": 5}}).json()

    assert (answer["differs"], answer["draft"]["words"]) == (False, "goes to robin by “To Duo”")
    assert answer["draft"]["explanation"]["rules"][0]["name"] == "To Duo"
    assert post(client, draft, "test", {"facts": {"shoes": 5}}).status_code == 400


def test_golden_leads_are_written_and_run(client, draft):
    row = {"ruleset": draft.pk, "name": "A", "facts": {"employees": 5}, "expect_outcome": "queue"}
    made = client.post("/api/v1/golden-leads/", row, content_type="application/json")
    assert made.status_code == 201

    (result,) = client.get(f"/api/v1/rulesets/{draft.pk}/golden_leads/").json()
    assert (result["passed"], result["golden_lead"]["name"]) == (False, "A")
    refused = post(client, draft, "publish")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "golden_lead")

    address = f"/api/v1/golden-leads/{made.json()['id']}/"
    client.patch(address, {"expect_outcome": "assign"}, content_type="application/json")
    assert GoldenLead.objects.get().expect_outcome == "assign"
    assert post(client, draft, "publish").status_code == 200
    for answer in (
        client.patch(address, {"name": "B"}, content_type="application/json"),
        client.delete(address),
    ):
        assert answer.status_code == 409
    assert GoldenLead.objects.get().name == "A"


def test_the_second_person_is_another_one(client, ops, draft):
    second = make.user("second", group="manager")
    assert post(client, draft, "ask_approval").json()["approval_asked_by"] == ops.pk
    seen = client.get(f"/api/v1/rulesets/{draft.pk}/standing/").json()["digest"]
    assert seen == digest.of_rules(draft)

    own = post(client, draft, "approve", {"digest": seen})
    client.force_login(second)
    other = post(client, draft, "approve", {"digest": seen})

    assert (own.status_code, own.json()["code"]) == (409, "rules_refused")
    assert other.json()["approved_by"] == second.pk
    assert post(client, draft, "refuse_approval", {"reason": "no"}).json()["approved_by"] is None


def test_a_plan_is_made_and_taken_back(client, draft):
    made = post(client, draft, "schedule", {"when": "2101-01-01T00:00:00Z"}).json()
    assert made["publish_at"].startswith("2101-01-01")
    assert post(client, draft, "schedule", {"when": None}).json()["publish_at"] is None
    assert post(client, draft, "schedule", {"when": "2001-01-01T00:00:00Z"}).status_code == 409


def test_reps_read_and_write_nothing(client, draft):
    client.force_login(make.user(group="rep"))

    for act in ("publish", "schedule", "ask_approval", "approve", "test"):
        assert post(client, draft, act).status_code == 403
    assert RuleSet.objects.get(pk=draft.pk).state == "DRAFT"
    assert Organisation.get().live_ruleset_id != draft.pk
