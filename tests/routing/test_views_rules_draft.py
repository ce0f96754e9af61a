"""The draft's way on its pages: order, approval, plan, golden leads, trying, repair, sharing."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from reps.models import User
from routing.models import GoldenLead, Lead, Organisation, RuleSet
from routing.rules import approval, digest, edit, lifecycle
from tests import make
from tests.clock import travel

pytestmark = pytest.mark.django_db
AT = make.MONDAY_9AM
ALL = {"name": "Everything", "condition": {"all": []}}


@pytest.fixture
def ops(client):
    make.organisation(approval_above=20)
    user = make.user("ops", group="revops")
    client.force_login(user)
    return user


@pytest.fixture
def draft(ops):
    make.rules({**make.round_robin(make.pool(make.rep("robin"), name="Duo")), **ALL})
    return lifecycle.draft(by=ops, at=AT)


def text(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


@pytest.mark.parametrize(
    "name", ["rules_reach", "golden_leads", "golden_add", "rules_try", "rules_draft", "rules_live"]
)
def test_pages_open(client, draft, name):
    assert client.get(reverse(name)).status_code == 200


@pytest.mark.parametrize("name", ["rules_reach", "golden_leads", "golden_add", "rules_try"])
def test_the_drafts_pages_are_none_of_a_reps_business(client, draft, name):
    client.force_login(make.user(group="rep"))

    assert client.get(reverse(name)).status_code == 403


def test_live_rules_and_versions_are_read_by_everybody_who_is_signed_in(client, draft):
    live = Organisation.get().live_ruleset
    pages = [reverse("rules_live"), reverse("rules_version", args=[live.pk])]
    client.force_login(make.user(group="rep"))

    for page in pages:
        answer = client.get(page)
        words = text(answer).partition("<main")[2]
        assert answer.status_code == 200
        assert "Everything" in words
        assert "Members: robin" in words
        assert "Roll back" not in words
    assert client.post(pages[1], {"reason": "mine"}).status_code == 403
    client.logout()
    assert client.get(pages[0]).status_code == 302


def test_rules_are_put_in_the_order_they_were_dragged_to(client, draft):
    for name in ("b", "c"):
        edit.save_rule(
            ruleset=draft,
            rule=None,
            name=name,
            condition={"all": []},
            path={"target": {"kind": "nurture"}},
            by=None,
            at=AT,
        )
    rules = {rule.name: rule.pk for rule in draft.rules.all()}
    wanted = ["c", "Everything", "b", "Fallback"]

    client.post(reverse("rules_order"), {"rule": [rules[name] for name in wanted]})
    assert list(draft.rules.order_by("position").values_list("name", flat=True)) == wanted

    page = client.post(reverse("rules_order"), {"rule": [rules["b"], "²", "9" * 40]}, follow=True)
    assert "Look at the draft again" in text(page)
    assert draft.rules.get(name="c").position == 1


def test_a_second_person_approves_on_the_page(client, ops, draft):
    with travel(AT + timedelta(hours=1)):
        _approved_by_a_second_person(client, ops, draft)


def _approved_by_a_second_person(client, ops, draft):
    for lead in make.leads(3):
        make.routed(lead)
    edit.delete_rule(rule=draft.rules.get(is_fallback=False), by=ops, at=AT)

    page = text(client.get(reverse("rules_reach")))
    assert "100 %" in page
    assert "A second person has to approve it" in page
    refused = text(client.post(reverse("rules_publish"), follow=True))
    assert "second person has to approve" in refused
    make.user("second", group="manager")
    client.post(reverse("rules_approval"), {"do": "ask"})
    own = text(client.get(reverse("rules_reach")))
    assert "You asked for approval" in own
    assert "Approve these rules" not in own
    client.post(reverse("rules_approval"), {"do": "approve", "digest": digest.of_rules(draft)})
    assert RuleSet.objects.get(pk=draft.pk).approved_at is None

    client.force_login(User.objects.get(username="second"))
    assert "Approve these rules" in text(client.get(reverse("rules_reach")))
    client.post(reverse("rules_approval"), {"do": "approve", "digest": digest.of_rules(draft)})
    client.post(reverse("rules_publish"))

    assert Organisation.get().live_ruleset == draft


def test_a_refusal_needs_a_reason_on_the_page(client, ops, draft):
    make.user("second", group="manager")
    approval.ask(ruleset=draft, by=ops, at=AT)

    answer = client.post(reverse("rules_approval"), {"do": "refuse", "reason": ""})
    assert answer.status_code == 422
    client.post(reverse("rules_approval"), {"do": "refuse", "reason": "not now"})
    assert RuleSet.objects.get(pk=draft.pk).approval_asked_at is None


def test_a_draft_is_planned_and_the_plan_taken_back(client, draft):
    assert client.post(reverse("rules_plan"), {"when": "soon"}).status_code == 422
    assert "future" in text(client.post(reverse("rules_plan"), {"when": "2001-01-01T00:00"}))
    client.post(reverse("rules_plan"), {"when": "2101-01-01T00:00"})
    assert RuleSet.objects.get(pk=draft.pk).publish_at.year in (2100, 2101)
    assert "planned by" in text(client.get(reverse("rules_draft")))
    client.post(reverse("rules_plan"), {"cancel": "1"})
    assert RuleSet.objects.get(pk=draft.pk).publish_at is None


ROWS = {"c_fact": ["employees", "answers"], "c_value": ["900", "Topic=Price, size=b"]}


def test_a_golden_lead_is_written_as_rows(client, draft):
    answer = client.post(
        reverse("golden_add"), {"name": "Big", "expect_rule": "Everything", **ROWS}
    )

    assert answer.url == reverse("golden_leads")
    row = GoldenLead.objects.get()
    assert row.facts == {"employees": 900, "answers": ["size=b", "topic=price"]}
    assert "as written" in text(client.get(reverse("golden_leads")))
    page = text(client.get(reverse("golden", args=[row.pk])))
    assert 'value="size=b, topic=price"' in page
    assert "{" not in page.partition("<main")[2]
    client.post(reverse("golden_delete", args=[row.pk]))
    assert not GoldenLead.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"c_fact": "employees", "c_value": "many"}, "Write a number"),
        ({"c_fact": "shoes", "c_value": "1"}, "Choose what"),
        ({"expect_rule": ""}, "expects nothing"),
        ({"name": ""}, "required"),
    ],
)
def test_a_mistake_in_a_golden_lead_is_told(client, draft, wrong, words):
    body = {"name": "Big", "expect_rule": "Everything", **ROWS, **wrong}

    answer = client.post(reverse("golden_add"), body)

    assert answer.status_code == 422
    assert words in text(answer)
    assert not GoldenLead.objects.exists()


@pytest.mark.parametrize("act", ["row", "drop:0", "drop:²", "drop:99", "x" * 9000])
def test_buttons_of_rows_break_nothing(client, draft, act):
    assert client.post(reverse("golden_add"), {**ROWS, "act": act}).status_code in (200, 422)
    assert client.post(reverse("rules_try"), {**ROWS, "act": act}).status_code in (200, 422)


def test_a_golden_lead_is_made_of_a_lead_that_the_person_may_see(client, draft):
    lead = make.routed(make.lead({"employees": 900, "title": "Head of Secrets"}))

    page = text(client.get(reverse("golden_add"), {"lead": lead.pk}))
    assert f"Like lead {lead.pk}" in page
    assert 'value="900"' in page
    assert "Head of Secrets" not in page

    client.force_login(make.user("elsewhere", group="manager"))
    assert "not yours to see" in text(client.get(reverse("golden_add"), {"lead": lead.pk}))


def test_one_lead_is_tried_under_the_draft_and_under_what_is_live(client, ops, draft):
    lead = make.lead({"employees": 900})
    edit.delete_rule(rule=draft.rules.get(is_fallback=False), by=ops, at=AT)

    page = text(client.get(reverse("rules_try"), {"lead": lead.pk}))
    typed = text(client.post(reverse("rules_try"), ROWS))

    for shown in (page, typed):
        assert "The draft sends it elsewhere." in shown
        assert "It goes to robin by “Everything”." in shown
        assert "robin: chosen" in shown
    lead.refresh_from_db()
    assert lead.owner is None
    assert not lead.decisions.exists()


def test_what_changed_is_told_on_the_version(client, ops, draft):
    edit.delete_rule(rule=draft.rules.get(is_fallback=False), by=ops, at=AT)
    lifecycle.publish(ruleset=draft, by=ops, at=AT)

    page = text(client.get(reverse("rules_version", args=[draft.pk])))

    assert "What changed since v1" in page
    assert "taken out" in page


def test_one_click_leads_back_from_the_rules_page(client, ops, draft):
    before = Organisation.get().live_ruleset
    lifecycle.publish(ruleset=draft, by=ops, at=AT)

    page = text(client.get(reverse("rules")))
    assert f"Roll back to {before}" in page
    client.post(reverse("rules_version", args=[before.pk]), {"reason": "better"})
    assert Organisation.get().live_ruleset == before
    assert "rolled back: better" in text(client.get(reverse("rules")))


def test_a_bad_version_is_repaired_on_the_page(client, ops, draft):
    good, bad_rep = Organisation.get().live_ruleset, make.rep("wrong")
    rule = draft.rules.get(is_fallback=False)
    pool = make.pool(bad_rep, name="Wrong")
    edit.save_rule(ruleset=draft, rule=rule, by=ops, at=AT, **{**make.round_robin(pool), **ALL})
    lifecycle.publish(ruleset=draft, by=ops, at=AT)
    leads = [make.routed(lead) for lead in make.leads(2)]
    lifecycle.roll_back(to=good, by=ops, at=AT + timedelta(minutes=1), reason="wrong pool")
    address = reverse("rules_repair", args=[draft.pk])

    page = text(client.get(address))
    assert "goes to robin by “Everything”" in page
    chosen = [f"{lead.pk}:{lead.owner_epoch}" for lead in leads]
    assert client.post(address, {"lead": chosen}).status_code == 422
    done = client.post(address, {"lead": [*chosen, "²:x", "999999:1"], "reason": "ours"})

    result = text(client.get(done.url))
    assert "not yours to see" in result
    assert Lead.objects.filter(owner=bad_rep).count() == 0
    assert (
        Lead.objects.filter(route_at__isnull=False, pk__in=[one.pk for one in leads]).count() == 2
    )


def test_a_rule_with_an_end_shows_the_time_left(client, ops, draft):
    rule = draft.rules.get(is_fallback=False)
    rule.expires_at = make.MONDAY_9AM + timedelta(days=36_500)
    make.saved(rule)

    assert "ends in" in text(client.get(reverse("rules_draft")))


def test_the_statements_of_the_draft_page_do_not_grow_with_rules(client, ops, draft):
    def add(number):
        for _ in range(number):
            edit.save_rule(
                ruleset=draft,
                rule=None,
                name="More",
                condition={"all": []},
                path={"target": {"kind": "nurture"}},
                owner=make.user(),
                by=ops,
                at=AT,
            )

    def cost():
        with CaptureQueriesContext(connection) as seen:
            client.get(reverse("rules_draft"))
        return len(seen)

    add(2)
    cost()
    few = cost()
    add(8)
    assert cost() == few
