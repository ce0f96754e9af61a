"""A second person for versions that move many leads: who, for what content, and what voids it."""

from datetime import timedelta

import pytest
from django.db import transaction

from reps.models import AuditEvent, Message
from reps.models.tracked import bulk_writer
from routing.models import Organisation, Rule, RuleSet
from routing.models.simulation import Simulation
from routing.rules import approval, blast, digest, edit, lifecycle, schedule
from routing.rules.refusals import ApprovalNeeded, RulesRefused
from tests import make

AT = make.MONDAY_9AM
LATER = AT + timedelta(hours=1)
REST = {"name": "Rest", "path": {"target": {"kind": "nurture"}}}
pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    make.organisation(approval_above=20)
    return [make.user(name, group="revops") for name in ("ada", "ben", "cleo")]


@pytest.fixture
def ada(people):
    return people[0]


@pytest.fixture
def ben(people):
    return people[1]


@pytest.fixture
def routed(people):
    """Ten leads that the live rules gave to reps in turn."""
    pool = make.pool(make.rep(), make.rep())
    make.rules(make.round_robin(pool))
    return [make.routed(lead) for lead in make.leads(10)]


@pytest.fixture
def draft(routed, ada):
    """A draft by Ada that lets every lead rest."""
    made = lifecycle.draft(by=ada, at=LATER)
    rule = made.rules.get(is_fallback=False)
    edit.save_rule(
        ruleset=made,
        rule=rule,
        name="Rest",
        condition={"all": []},
        path=REST["path"],
        by=ada,
        at=LATER,
    )
    return made


def fresh(draft: RuleSet) -> RuleSet:
    return RuleSet.objects.get(pk=draft.pk)


def radius(draft: RuleSet, **more) -> blast.Blast:
    return blast.radius(draft, digest=digest.of_rules(draft), at=LATER, **more)


def test_a_copy_moves_nobody_and_a_change_for_all_moves_all(routed, ada):
    made = lifecycle.draft(by=ada, at=LATER)

    assert radius(made) == blast.Blast(moved=0, looked_at=10, total=10)

    make.trail.delete(made.rules.get(is_fallback=False), by=ada, at=LATER, reason="for a test")
    assert radius(made).percent == 100


def test_only_the_leads_that_a_new_rule_takes_count(people, ada):
    pool = make.pool(make.rep())
    make.rules(make.round_robin(pool))
    for employees in (10, 20, 30, 4000):
        make.routed(make.lead({"employees": employees}))
    made = lifecycle.draft(by=ada, at=LATER)
    edit.save_rule(
        ruleset=made,
        rule=None,
        name="Huge",
        condition={"fact": "employees", "op": "gte", "value": 1000},
        path=REST["path"],
        by=ada,
        at=LATER,
    )
    huge = made.rules.get(name="Huge")
    edit.reorder(
        ruleset=made,
        ids=[huge.pk, *made.rules.exclude(pk=huge.pk).values_list("pk", flat=True)],
        by=ada,
        at=LATER,
    )

    assert (radius(made).moved, radius(made).percent) == (1, 25)


def test_it_is_compared_with_what_is_live_and_not_with_what_decided_then(routed, ada):
    organisation = Organisation.get()
    organisation.approval_above = 100
    make.saved(organisation)
    make.rules(REST)
    made = lifecycle.draft(by=ada, at=LATER)

    assert radius(made).moved == 0


def test_a_bound_on_time_leaves_a_sample_of_the_newest(routed, ada, monkeypatch):
    monkeypatch.setattr(blast, "AT_ONCE", 2)
    made = lifecycle.draft(by=ada, at=LATER)

    found = radius(made, seconds=0)

    assert (found.looked_at, found.total) == (2, 10)


def test_leads_older_than_a_month_do_not_count(routed, ada):
    made = lifecycle.draft(by=ada, at=LATER)

    found = blast.radius(made, digest="", at=AT + timedelta(days=31))

    assert found == blast.Blast()


def test_a_finished_simulation_of_the_same_content_speaks_for_it(draft, ada):
    live = Organisation.get().live_ruleset
    row = Simulation.objects.create(
        draft=draft,
        draft_rules=[],
        draft_digest=digest.of_rules(draft),
        live=live,
        since=LATER - timedelta(days=30),
        until=LATER,
        state=Simulation.State.DONE,
        result={"moves_percent": 12.5},
        asked_by=ada,
        asked_at=AT,
        ended_at=AT,
        total=40,
        done=40,
    )

    assert (radius(draft).percent, radius(draft).simulation) == (12.5, row.pk)
    Simulation.objects.filter(pk=row.pk).update(draft_digest="of something else")
    assert radius(draft).percent == 100
    Simulation.objects.filter(pk=row.pk).update(
        draft_digest=digest.of_rules(draft), since=LATER - timedelta(hours=1)
    )
    assert radius(draft).simulation is None
    # Two years would hide in their mass what becomes of last month's leads.
    Simulation.objects.filter(pk=row.pk).update(since=LATER - timedelta(days=700))
    assert radius(draft).simulation is None


def test_the_digest_is_of_what_decides(draft, ada):
    before = digest.of_rules(draft)
    rule = draft.rules.first()
    rule.reasoning = "Because"
    make.saved(rule)
    assert digest.of_rules(draft) == before

    rule.expires_at = LATER
    make.saved(rule)
    assert digest.of_rules(draft) != before


def test_one_person_does_not_publish_what_moves_many(draft, ada):
    with pytest.raises(ApprovalNeeded, match="100 % of last month's leads"):
        lifecycle.publish(ruleset=draft, by=ada, at=LATER)

    assert fresh(draft).state == "DRAFT"


def test_below_the_limit_or_without_one_nobody_else_is_asked(draft, ada):
    organisation = Organisation.get()
    organisation.approval_above = 100
    make.saved(organisation)

    assert lifecycle.publish(ruleset=draft, by=ada, at=LATER).state == "PUBLISHED"


def test_a_second_person_approves_and_then_it_goes_live(draft, people, ada, ben):
    approval.ask(ruleset=draft, by=ada, at=LATER)
    told = Message.objects.filter(kind="rules_approval_asked")
    assert {message.recipient for message in told} >= set(people[1:])
    assert ada.pk not in told.values_list("recipient", flat=True)

    approval.approve(ruleset=draft, by=ben, at=LATER)
    published = lifecycle.publish(ruleset=draft, by=ada, at=LATER)

    assert (published.approved_by, published.published_by) == (ben, ada)
    assert Message.objects.get(kind="rules_approval_answered").recipient == ada
    kinds = AuditEvent.objects.filter(subject="routing.ruleset", subject_id=draft.pk)
    assert {"approval_asked", "approved", "published"} <= set(kinds.values_list("kind", flat=True))


def test_the_second_person_is_neither_the_first_nor_the_last_author(draft, people, ada, ben):
    cleo = people[2]
    approval.ask(ruleset=draft, by=cleo, at=LATER)

    for who, words in ((cleo, "You asked"), (ada, "You changed these rules last")):
        with pytest.raises(RulesRefused, match=words):
            approval.approve(ruleset=draft, by=who, at=LATER)
    with pytest.raises(RulesRefused, match="Managers, RevOps and admins"):
        approval.approve(ruleset=draft, by=make.user(group="rep"), at=LATER)
    assert fresh(draft).approved_at is None


def test_who_takes_a_rule_out_is_an_author_too(draft, ben):
    edit.delete_rule(rule=draft.rules.get(is_fallback=False), by=ben, at=LATER)

    assert approval.last_author(draft) == ben


def test_nobody_approves_what_nobody_asked_for(draft, ben):
    with pytest.raises(RulesRefused, match="Nobody has asked"):
        approval.approve(ruleset=draft, by=ben, at=LATER)


def test_with_nobody_to_ask_the_way_out_is_said(draft, people, ada):
    for user in approval.publishers().exclude(pk=ada.pk):
        user.is_active = False
        user.save()

    with pytest.raises(RulesRefused, match="raise the limit"):
        approval.ask(ruleset=draft, by=ada, at=LATER)


def test_an_approval_is_of_what_was_looked_at(draft, ada, ben):
    approval.ask(ruleset=draft, by=ada, at=LATER)

    with pytest.raises(RulesRefused, match="changed since you looked"):
        approval.approve(ruleset=draft, by=ben, at=LATER, digest_seen="0" * 64)


def test_a_refusal_has_a_reason_and_tells_the_asker(draft, ada, ben):
    approval.ask(ruleset=draft, by=ada, at=LATER)

    with pytest.raises(RulesRefused, match="why"):
        approval.refuse(ruleset=draft, by=ben, at=LATER, reason=" ")
    approval.refuse(ruleset=draft, by=ben, at=LATER, reason="Too many at rest")

    message = Message.objects.get(kind="rules_approval_answered")
    assert (message.recipient, message.payload["granted"]) == (ada, False)
    assert fresh(draft).approval_asked_at is None
    with pytest.raises(ApprovalNeeded):
        lifecycle.publish(ruleset=draft, by=ada, at=LATER)


@pytest.mark.parametrize("way", ["save", "delete", "add", "order", "admin"])
def test_any_change_of_the_rules_voids_approval_and_plan_and_says_so(draft, people, ada, ben, way):
    rule, last = draft.rules.get(is_fallback=False), draft.rules.get(is_fallback=True)
    second = edit.save_rule(
        ruleset=draft, rule=None, name="C", condition={"all": []}, path=REST["path"], by=ada, at=AT
    )
    approval.ask(ruleset=draft, by=ada, at=LATER)
    approval.approve(ruleset=draft, by=ben, at=LATER)
    schedule.plan(ruleset=draft, when=LATER + timedelta(days=1), by=ada, at=LATER)

    if way == "save":
        edit.save_rule(
            ruleset=draft,
            rule=rule,
            name="Rested",
            condition=rule.condition,
            path=rule.path,
            by=ada,
            at=LATER,
        )
    elif way == "delete":
        edit.delete_rule(rule=rule, by=ada, at=LATER)
    elif way == "add":
        edit.save_rule(
            ruleset=draft, rule=None, name="B", condition={"all": []}, path=rule.path, by=ada, at=AT
        )
    elif way == "order":
        edit.reorder(ruleset=draft, ids=[second.pk, rule.pk, last.pk], by=ada, at=LATER)
    else:
        rule.name = "By another way in"
        make.saved(rule)

    row = fresh(draft)
    assert (row.approved_at, row.approved_digest, row.publish_at) == (None, "", None)
    event = AuditEvent.objects.filter(kind="approval_void").latest("pk")
    assert "the schedule and the approval" in event.reason
    with pytest.raises(ApprovalNeeded):
        lifecycle.publish(ruleset=draft, by=ada, at=LATER)


def test_an_approved_content_that_was_changed_behind_everybodys_back_is_not_published(
    draft, ada, ben
):
    approval.ask(ruleset=draft, by=ada, at=LATER)
    approval.approve(ruleset=draft, by=ben, at=LATER)
    with bulk_writer("a test"):
        Rule.objects.filter(ruleset=draft, is_fallback=False).update(name="Smuggled")

    with pytest.raises(ApprovalNeeded):
        lifecycle.publish(ruleset=draft, by=ada, at=LATER)


def test_asking_and_its_messages_are_one_act(draft, ada, monkeypatch):
    monkeypatch.setattr(approval.outbox, "put", lambda *args, **kwargs: 1 / 0)

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        approval.ask(ruleset=draft, by=ada, at=LATER)

    assert fresh(draft).approval_asked_at is None
