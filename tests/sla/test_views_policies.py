"""Promises in pages: read as sentences, written from rows."""

import pytest
from django.urls import reverse

from sla import sentences
from sla.models import Policy
from tests import make

pytestmark = pytest.mark.django_db
BODY = {
    "name": "Hot inbound",
    "metric": "ACKNOWLEDGE",
    "scope": "LEAD",
    "hours": "REP",
    "position": "5",
    "minutes": "5",
    "seconds": "30",
    "is_active": "on",
    "g_match": "all",
    "c_group": "0",
    "c_fact": "tier",
    "c_op": "eq",
    "c_value": "hot",
    "most_hops": "3",
    "target_percent": "80",
    "pausable": "on",
    "s_when": ["200", "50", ""],
    "s_unit": ["percent", "percent", "percent"],
    "s_action": ["to_manager", "remind", "remind"],
    "s_target": ["", "", ""],
}


@pytest.fixture
def manager(client):
    user = make.user("morgan", group="manager")
    client.force_login(user)
    return user


def test_a_promise_is_written_from_rows_and_read_as_a_sentence(client, manager):
    answer = client.post(reverse("policy_add"), BODY)

    policy = Policy.objects.get()
    assert answer.url == reverse("policies")
    assert policy.budget == 330
    assert policy.condition == {"all": [{"fact": "tier", "op": "eq", "value": "HOT"}]}
    assert policy.steps == [
        {"at_percent": 50, "do": "remind"},
        {"at_percent": 200, "do": "to_manager"},
    ]
    assert policy.history.get().history_user == manager
    page = client.get(reverse("policies")).content.decode()
    assert (
        "Acknowledge within 5 minutes 30 seconds of the rep&#x27;s working time, if tier is HOT"
        in page
    )


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"minutes": "0", "seconds": "0"}, "at least one second"),
        ({"s_when": ["50"], "s_action": ["remind"]}, "must name a person"),
        ({"s_when": ["soon"], "s_action": ["to_manager"]}, "a whole number"),
        ({"s_when": ["99999"], "s_action": ["to_manager"]}, "from 1 to 10000"),
        ({"s_action": ["to_pool", "remind", "remind"]}, "Choose the pool"),
        ({"s_unit": ["fortnights", "percent", "percent"]}, "Choose when"),
        (
            {
                "s_action": ["to_manager", "to_pool", "remind"],
                "s_target": ["", "pool:999", ""],
            },
            "Step 1: there is no such pool.",
        ),
        ({"c_value": "boiling"}, "HOT, WARM, COLD"),
        ({"name": ""}, "required"),
    ],
)
def test_a_mistake_is_told_in_words(client, manager, wrong, words):
    page = client.post(reverse("policy_add"), {**BODY, **wrong})

    assert page.status_code == 422
    assert words in page.content.decode()
    assert not Policy.objects.exists()


def test_a_step_that_sends_leads_somewhere_names_where(client, manager):
    pool = make.pool(make.rep(), name="Rescue")
    queue = make.queue(pool, name="Desk")
    sent = {
        **BODY,
        "s_when": ["10", "90", "30"],
        "s_unit": ["minutes", "seconds", "minutes"],
        "s_action": ["to_pool", "to_queue", "tell_leadership"],
        "s_target": [f"pool:{pool.pk}", f"queue:{queue.pk}", ""],
        "most_hops": "1",
    }
    client.post(reverse("policy_add"), sent)

    policy = Policy.objects.get()
    assert policy.steps == [
        {"after": 90, "do": "to_queue", "queue": queue.pk},
        {"after": 600, "do": "to_pool", "pool": pool.pk},
        {"after": 1800, "do": "tell_leadership"},
    ]
    assert policy.most_hops == 1
    page = client.get(reverse("policies")).content.decode()
    assert "give the lead to somebody of a pool: Rescue" in page
    opened = client.get(reverse("policy", args=[policy.pk])).context["steps"]
    assert [(row.when, row.unit, row.target) for row in opened] == [
        ("90", "seconds", f"queue:{queue.pk}"),
        ("10", "minutes", f"pool:{pool.pk}"),
        ("30", "minutes", ""),
    ]


def test_what_is_wrong_with_a_step_stands_at_its_row(client, manager):
    empty = make.pool(name="Empty")
    sent = {
        **BODY,
        "s_action": ["to_manager", "to_pool", "remind"],
        "s_target": ["", f"pool:{empty.pk}", ""],
    }

    page = client.post(reverse("policy_add"), sent)

    rows = page.context["steps"]
    assert [row.error for row in rows] == ["", "Step 1: the pool Empty has no members.", ""]


def test_a_promise_is_read_as_a_sentence_before_it_is_saved(client, manager):
    page = client.post(reverse("policy_add"), {**BODY, "act": "preview"})

    assert page.status_code == 200
    assert page.context["preview"]["words"].startswith("Acknowledge within 5 minutes 30 seconds")
    assert page.context["preview"]["chain"][0] == "after 2 minutes 45 seconds: remind the owner"
    assert not Policy.objects.exists()
    wrong = client.post(reverse("policy_add"), {**BODY, "name": "", "act": "preview"})
    assert (wrong.status_code, wrong.context["preview"]) == (422, None)


def test_a_pool_that_has_emptied_since_shows_in_the_list(client, manager):
    pool = make.pool(make.rep(), name="Rescue")
    make.policy(
        steps=[
            {"at_percent": 50, "do": "to_pool", "pool": pool.pk},
            {"at_percent": 90, "do": "tell_manager"},
        ]
    )
    assert "has no members" not in client.get(reverse("policies")).content.decode()

    pool.members.all().delete()

    page = client.get(reverse("policies")).content.decode()
    assert "Step 1: the pool Rescue has no members." in page


def test_by_api_too_a_chain_needs_real_targets(client, manager):
    body = {
        "name": "By API",
        "budget": 60,
        "most_hops": 2,
        "steps": [
            {"at_percent": 50, "do": "to_queue", "queue": 999},
            {"at_percent": 90, "do": "tell_manager"},
        ],
    }
    refused = client.post("/api/v1/policies/", body, content_type="application/json")
    assert refused.status_code == 400
    assert "no such queue" in refused.content.decode()

    body["steps"] = body["steps"][1:]
    made = client.post("/api/v1/policies/", body, content_type="application/json").json()
    assert (made["most_hops"], made["version"], made["target_percent"]) == (2, 1, 80)
    again = client.patch(
        f"/api/v1/policies/{made['id']}/", {"budget": 90}, content_type="application/json"
    )
    assert again.json()["version"] == 2


@pytest.mark.parametrize(("act", "steps"), [("step", 4), ("unstep:0", 2), ("row:0", 3)])
def test_rows_come_and_go_without_script(client, manager, act, steps):
    page = client.post(reverse("policy_add"), {**BODY, "act": act})

    assert page.status_code == 200
    assert len(page.context["steps"]) == steps
    assert 'value="Hot inbound"' in page.content.decode()
    assert not Policy.objects.exists()


def test_one_click_promises_fifteen_minutes_once(client, manager):
    for _ in range(2):
        client.post(reverse("policy_standard"))

    assert Policy.objects.get().budget == 900


def test_a_rep_promises_nothing(client):
    client.force_login(make.user(group="rep"))

    codes = [client.get(reverse(name)).status_code for name in ("policies", "policy_add")]

    assert codes == [403, 403]


def test_a_policy_opens_with_what_is_stored(client, manager):
    policy = make.policy("Standard", budget=95)

    page = client.get(reverse("policy", args=[policy.pk]))

    assert page.context["form"].initial["minutes"] == 1
    assert page.context["form"].initial["seconds"] == 35
    assert [step.when for step in page.context["steps"]] == ["50", "100", "200", "300"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(900, "15 minutes"), (5400, "1 hour 30 minutes"), (45, "45 seconds"), (86_400, "1 day")],
)
def test_spans_read_as_words(seconds, words):
    assert sentences.span(seconds) == words
