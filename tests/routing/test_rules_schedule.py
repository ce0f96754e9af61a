"""Rules by the clock: going live at a time, by either driver, and being looked at again."""

from datetime import date, timedelta

import pytest

from reps import tasks
from reps.due import jobs
from reps.due.loop import Sweep
from reps.models import AuditEvent, Message
from reps.trail import audit
from routing.models import GoldenLead, Lead, Organisation, RuleSet
from routing.rules import edit, golden, lifecycle, schedule
from routing.rules.refusals import RulesRefused
from tests import make
from tests.clock import travel

AT = make.MONDAY_9AM
NIGHT = AT + timedelta(hours=12)
REST = {"name": "Rest", "path": {"target": {"kind": "nurture"}}}
pytestmark = pytest.mark.django_db


@pytest.fixture
def boss():
    make.organisation()
    return make.user("boss", is_superuser=True)


@pytest.fixture
def draft(boss):
    make.rules({**REST, "name": "Old"})
    made = lifecycle.draft(by=boss, at=AT)
    edit.save_rule(
        ruleset=made,
        rule=made.rules.get(is_fallback=False),
        name="New",
        condition={"all": []},
        path=REST["path"],
        owner=boss,
        by=boss,
        at=AT,
    )
    return made


def live() -> RuleSet:
    return Organisation.get().live_ruleset


def fresh(draft: RuleSet) -> RuleSet:
    return RuleSet.objects.get(pk=draft.pk)


def test_a_planned_version_goes_live_by_celery(draft, boss):
    schedule.plan(ruleset=draft, when=NIGHT, by=boss, at=AT)
    assert schedule.oldest() == NIGHT

    with travel(NIGHT - timedelta(seconds=1)):
        assert tasks.drain(job="rules") == 0
    assert live() != draft
    with travel(NIGHT):
        assert tasks.drain(job="rules") == 1
        assert tasks.drain(job="rules") == 0

    row = fresh(draft)
    assert live() == row
    assert (row.published_by, row.published_at, row.publish_at) == (boss, NIGHT, None)
    assert schedule.oldest() is None


def test_a_planned_version_goes_live_by_the_sweep_when_nobody_else_comes(draft, boss):
    schedule.plan(ruleset=draft, when=NIGHT, by=boss, at=AT)

    with travel(NIGHT + timedelta(seconds=3)):
        assert Sweep().round()["rules"] == 1

    assert live() == draft


def test_two_drivers_at_once_publish_it_once(draft, boss, monkeypatch):
    schedule.plan(ruleset=draft, when=NIGHT, by=boss, at=AT)
    stale = fresh(draft)

    assert schedule.drain(driver="celery", due_before=NIGHT) == 1
    assert not schedule._go_live(stale, at=NIGHT)

    assert AuditEvent.objects.filter(kind="published", subject_id=draft.pk).count() == 1
    assert not Message.objects.filter(kind="rules_not_published").exists()


def test_a_plan_is_made_for_the_future_and_for_rules_that_can_go_live(draft, boss):
    with pytest.raises(RulesRefused, match="future"):
        schedule.plan(ruleset=draft, when=AT, by=boss, at=AT)
    edit.delete_rule(rule=draft.rules.get(is_fallback=True), by=boss, at=AT)
    with pytest.raises(RulesRefused, match="no fallback"):
        schedule.plan(ruleset=draft, when=NIGHT, by=boss, at=AT)


def test_a_plan_is_taken_back(draft, boss):
    schedule.plan(ruleset=draft, when=NIGHT, by=boss, at=AT)
    schedule.cancel(ruleset=draft, by=boss, at=AT)

    assert schedule.drain(driver="test", due_before=NIGHT) == 0
    assert live() != draft


def test_what_is_wrong_at_that_moment_keeps_the_draft_and_tells_the_planner(draft, boss):
    golden.save(
        ruleset=draft, golden=None, name="Rests", known={}, expect_rule="New", by=boss, at=AT
    )
    schedule.plan(ruleset=draft, when=NIGHT, by=boss, at=AT)
    # Meanwhile the example is sharpened; its rules are the same.
    row = draft.golden_leads.get()
    golden.save(
        ruleset=draft, golden=row, name="Rests", known={}, expect_rule="Old", by=boss, at=AT
    )

    assert schedule.drain(driver="test", due_before=NIGHT) == 1

    row = fresh(draft)
    assert (row.state, row.publish_at, live().version) == ("DRAFT", None, 1)
    assert "“Rests” fails" in row.publish_error
    message = Message.objects.get(kind="rules_not_published")
    assert message.recipient == boss
    assert schedule.drain(driver="test", due_before=NIGHT) == 0
    assert not list(audit.broken())


def test_a_planned_version_takes_over_who_waits_if_asked(draft, boss):
    waiting = make.lead()
    waiting.route_at, waiting.waiting = AT + timedelta(days=1), Lead.Waiting.HOURS
    waiting.wait_ruleset = live()
    make.saved(waiting)
    schedule.plan(ruleset=draft, when=NIGHT, takes_over=True, by=boss, at=AT)

    schedule.drain(driver="test", due_before=NIGHT)

    waiting.refresh_from_db()
    assert (waiting.wait_ruleset, waiting.route_at) == (None, NIGHT)
    event = AuditEvent.objects.get(kind="taken_over", subject_id=waiting.pk)
    assert event.data["ruleset_id"] == draft.pk
    assert waiting.history.first().wait_ruleset_id is None


@pytest.mark.parametrize("act", ["publish", "roll back"])
def test_who_waits_stays_with_its_version_unless_taken_over(draft, boss, act):
    old, waiting = live(), make.lead()
    waiting.route_at, waiting.waiting = AT + timedelta(days=1), Lead.Waiting.HOURS
    waiting.wait_ruleset = old
    make.saved(waiting)

    lifecycle.publish(ruleset=draft, by=boss, at=NIGHT)
    waiting.refresh_from_db()
    assert (waiting.wait_ruleset, waiting.route_at) == (old, AT + timedelta(days=1))

    if act == "roll back":
        waiting.wait_ruleset = draft
        make.saved(waiting)
        lifecycle.roll_back(to=old, by=boss, at=NIGHT, reason="wrong", takes_over=True)
        waiting.refresh_from_db()
        assert waiting.wait_ruleset is None


# --- Reviews -----------------------------------------------------------------------------


def test_the_owner_is_told_once_when_the_review_date_has_come(boss):
    carer, day = make.user("carer", group="manager"), date(2026, 7, 1)
    made = make.rules({**REST, "owner": carer, "review_on": day})
    due = AT.replace(month=7, day=1, hour=0)

    assert schedule.due_for_review(made, at=due - timedelta(seconds=1)) == []
    assert schedule.drain(driver="test", due_before=due - timedelta(seconds=1)) == 0
    assert schedule.oldest() == due
    assert schedule.drain(driver="test", due_before=due) == 1
    assert schedule.drain(driver="test", due_before=due + timedelta(days=1)) == 0

    assert schedule.oldest() is None
    assert Message.objects.get(kind="rule_review_due").recipient == carer
    assert [rule.name for rule in schedule.due_for_review(made, at=due)] == ["Rest"]


def test_without_an_owner_whoever_answers_at_the_end_is_told(boss):
    make.rules({**REST, "review_on": date(2026, 6, 1)})

    schedule.drain(driver="test", due_before=AT)

    message = Message.objects.get(kind="rule_review_due")
    assert message.recipient == Organisation.get().responsible


def test_rules_that_are_not_live_remind_nobody(boss):
    make.rules({**REST, "review_on": date(2026, 6, 1), "owner": boss})
    make.rules(REST)

    assert schedule.drain(driver="test", due_before=AT) == 0


def test_looking_for_the_oldest_reminder_costs_the_same_for_many(boss, django_assert_num_queries):
    day = date(2026, 7, 1)
    make.rules(*({**REST, "name": f"Rule {n}", "review_on": day, "owner": boss} for n in range(9)))

    with django_assert_num_queries(3):
        assert schedule.oldest() is not None


def test_the_job_is_known_to_both_drivers():
    assert jobs.get("rules").drain is schedule.drain


# --- Golden leads of a version -----------------------------------------------------------


def test_golden_leads_are_copied_with_a_draft_and_fixed_with_a_version(draft, boss):
    golden.save(
        ruleset=draft,
        golden=None,
        name="Rests",
        known={"employees": 5},
        expect_outcome="nurture",
        by=boss,
        at=AT,
    )
    published = lifecycle.publish(ruleset=draft, by=boss, at=AT)
    row = published.golden_leads.get()

    copied = lifecycle.draft(by=boss, at=AT).golden_leads.get()
    assert (copied.name, copied.facts, copied.expect_outcome) == (
        "Rests",
        {"employees": 5},
        "nurture",
    )
    assert copied.history.count() == 1
    with pytest.raises(RulesRefused, match="published already"):
        golden.delete(golden=row, by=boss, at=AT)
    for act in (
        lambda: make.saved(row),
        lambda: make.trail.delete(row, by=boss, at=AT, reason="x"),
        lambda: make.saved(GoldenLead(ruleset=published, name="Late")),
    ):
        with pytest.raises(Exception, match="never change"):
            act()
