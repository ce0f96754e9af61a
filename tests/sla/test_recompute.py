"""Deadlines stay where they were promised; moving them is an act of its own, with a preview."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reps import verify
from reps.due import jobs
from reps.models import AuditEvent
from reps.trail.audit import broken
from routing import ownership
from routing.models import Lead
from sla.models import Clock
from sla.services import pauses, recompute
from sla.services.recompute import RecomputeRefused
from tests import make
from tests.recorded import recorded

AT = make.MONDAY_9AM
MINUTE = make.MINUTE
HOUR = 60 * MINUTE
SIZES = {"sqlite": (2, 20), "postgresql": (2, 200)}
pytestmark = pytest.mark.django_db


@pytest.fixture
def boss():
    make.organisation()
    return make.user("boss", group="manager")


@pytest.fixture
def ann(boss):
    return make.rep("ann", team=make.team("North", manager=boss))


def change(policy, **fields):
    for name, value in fields.items():
        setattr(policy, name, value)
    return make.saved(policy)


def see(policy, *, at=AT + MINUTE):
    return recompute.preview(policy, leads=Lead.objects.all(), at=at)


def move(policy, *clocks, by, at=AT + MINUTE, reason="We promised too much") -> int:
    ids = [clock.pk for clock in clocks or Clock.objects.all()]
    return recompute.recompute(policy=policy, clocks=ids, reason=reason, by=by, at=at)


def clock(lead) -> Clock:
    return Clock.objects.get(lead=lead)


def tick(at) -> int:
    return jobs.drain("clocks", driver="test", due_before=at)


def violations(at) -> list[str]:
    codes = ["I6", "I8", "I9", "S1", "S2"]
    return [line for _, lines in verify.run(at=at, codes=codes) for line in lines]


# --- Nothing moves by itself --------------------------------------------------------------------


def test_neither_a_policy_nor_a_calendar_moves_a_running_deadline(boss):
    calendar = make.calendar("UTC", time_zone="UTC")
    rep = make.rep("kei", calendar=calendar)
    policy = make.policy(budget=900)
    many = max(SIZES[connection.vendor])
    made = make.leads(many)
    ownership.change_many(
        [
            ownership.Move(
                lead_id=lead.pk, epoch=0, place="OWNER", rep_id=rep.pk, reason_code="CORRECTED"
            )
            for lead in made
        ],
        by=None,
        at=AT,
        driver="test",
    )
    columns = ("pk", "due_at", "steps", "next_at", "hours", "budget", "policy_version")
    before = list(Clock.objects.order_by("pk").values_list(*columns))
    assert len(before) == many

    change(policy, budget=60, steps=[], hours="ALWAYS", is_active=False)
    calendar.weekly, calendar.time_zone = {"sat": [["01:00", "02:00"]]}, "Asia/Tokyo"
    make.saved(calendar)
    make.absence(rep, AT, AT + 3 * HOUR)

    assert list(Clock.objects.order_by("pk").values_list(*columns)) == before
    assert policy.version == 2


# --- The preview --------------------------------------------------------------------------------


def test_the_preview_says_what_would_move_and_changes_nothing(ann):
    policy = make.policy(budget=900)
    lead = make.owned(ann)
    before = Clock.objects.values().get()
    change(policy, budget=1800)

    (found,) = see(policy)

    assert (found.clock.due_at, found.due_at) == (AT + 15 * MINUTE, AT + 30 * MINUTE)
    assert [(one.do, one.before, one.after) for one in found.moved] == [
        ("remind", AT + timedelta(minutes=7, seconds=30), AT + 15 * MINUTE),
        ("tell_manager", AT + 15 * MINUTE, AT + 30 * MINUTE),
        ("to_backup", AT + 30 * MINUTE, AT + 60 * MINUTE),
        ("to_manager", AT + 45 * MINUTE, AT + 90 * MINUTE),
    ]
    assert found.changes
    assert not found.fires_at_once(AT + MINUTE)
    assert Clock.objects.values().get() == before
    assert recompute.preview(policy, leads=Lead.objects.exclude(pk=lead.pk), at=AT) == []


def test_a_clock_that_would_stay_as_it_is_says_so(ann):
    policy = make.policy(budget=900)
    make.owned(ann)

    (found,) = see(policy)

    assert not found.changes
    assert move(policy, by=ann.user) == 0


def test_other_steps_are_told_as_new_and_gone(ann):
    policy = make.policy(budget=900, steps=[{"at_percent": 100, "do": "tell_manager"}])
    make.owned(ann)
    change(
        policy,
        steps=[{"at_percent": 50, "do": "remind"}, {"at_percent": 100, "do": "tell_manager"}],
    )

    (found,) = see(policy)

    due = AT + 15 * MINUTE
    assert [(one.do, one.before, one.after) for one in found.moved] == [
        ("tell_manager", due, None),
        ("remind", None, AT + timedelta(minutes=7, seconds=30)),
        ("tell_manager", None, due),
    ]


# --- The act ------------------------------------------------------------------------------------


def test_the_clocks_named_move_and_no_others(ann, boss):
    policy = make.policy(budget=900)
    mine, other = make.owned(ann), make.owned(ann)
    change(policy, budget=1800)

    assert move(policy, clock(mine), by=boss) == 1

    found = clock(mine)
    assert (found.due_at, found.first_due_at) == (AT + 30 * MINUTE, AT + 15 * MINUTE)
    assert (found.budget, found.policy_version) == (1800, 2)
    assert found.next_at == AT + 15 * MINUTE
    mine.refresh_from_db()
    assert mine.due_at == AT + 30 * MINUTE
    assert (clock(other).due_at, clock(other).policy_version) == (AT + 15 * MINUTE, 1)
    assert violations(AT + 2 * MINUTE) == []


def test_it_counts_in_the_hours_as_they_are_now_from_the_clocks_own_start(boss):
    calendar = make.calendar("UTC", time_zone="UTC")
    kei = make.rep("kei", calendar=calendar)
    policy = make.policy(budget=3600)
    lead = make.owned(kei)
    calendar.weekly = {"mon": [["09:00", "09:30"]], "tue": [["12:00", "17:00"]]}
    make.saved(calendar)

    move(policy, by=boss, at=AT + 20 * MINUTE)

    found = clock(lead)
    assert found.due_at == AT.replace(day=16, hour=12, minute=30)
    assert found.hours.body["calendar"]["weekly"] == calendar.weekly


def test_the_time_of_pauses_stays_left_out(ann, boss):
    policy = make.policy(budget=900)
    lead = make.owned(ann)
    reason = make.pause_reason()
    how = {"lead_id": lead.pk, "epoch": 1, "by": ann.user}
    pauses.pause(**how, reason=reason, until=AT + HOUR, note="", at=AT + 5 * MINUTE)
    pauses.resume(**how, at=AT + 15 * MINUTE)
    change(policy, budget=1800)

    move(policy, by=boss, at=AT + 16 * MINUTE)

    assert clock(lead).due_at == AT + 40 * MINUTE
    assert violations(AT + 16 * MINUTE) == []


def test_a_clock_that_stands_still_goes_on_by_the_new_numbers(ann, boss):
    policy = make.policy(budget=900)
    lead = make.owned(ann)
    how = {"lead_id": lead.pk, "epoch": 1, "by": ann.user}
    pauses.pause(**how, reason=make.pause_reason(), until=AT + HOUR, note="", at=AT + 5 * MINUTE)
    change(policy, budget=1800)

    move(policy, by=boss, at=AT + 10 * MINUTE)
    assert clock(lead).next_at is None
    pauses.resume(**how, at=AT + 15 * MINUTE)

    assert clock(lead).due_at == AT + 40 * MINUTE
    assert violations(AT + 16 * MINUTE) == []


def test_steps_taken_stay_taken_and_overdue_ones_are_due_now(ann, boss):
    policy = make.policy(budget=900)
    lead = make.owned(ann)
    tick(AT + 8 * MINUTE)
    change(policy, budget=300)
    now = AT + 9 * MINUTE

    (found,) = see(policy, at=now)
    assert found.fires_at_once(now)
    move(policy, by=boss, at=now)

    found = clock(lead)
    assert (found.next_step, found.due_at, found.breached_at) == (1, AT + 5 * MINUTE, None)
    assert found.steps[0]["at"] == int((AT + timedelta(seconds=450)).timestamp())
    assert found.next_at == now
    # Its manager should have been told after 5 minutes, 200 percent are not over yet.
    assert tick(now) == 1
    assert [one.action for one in found.escalations.order_by("step")] == ["remind", "tell_manager"]
    assert clock(lead).breached_at == now
    assert violations(now) == []


def test_a_shorter_chain_leaves_nothing_to_do(ann, boss):
    policy = make.policy(budget=900)
    lead = make.owned(ann)
    tick(AT + 8 * MINUTE)
    change(policy, steps=[{"at_percent": 100, "do": "tell_manager"}])

    move(policy, by=boss, at=AT + 9 * MINUTE)

    found = clock(lead)
    assert ([one["do"] for one in found.steps], found.next_at) == (["remind"], None)
    assert violations(AT + 9 * MINUTE) == []


@pytest.mark.parametrize("noted", [True, False])
def test_a_breach_stays_a_breach(ann, boss, noted):
    policy = make.policy(budget=900)
    lead = make.owned(ann)
    if noted:
        tick(AT + 16 * MINUTE)
    change(policy, budget=7200)

    move(policy, by=boss, at=AT + 16 * MINUTE)

    found = clock(lead)
    assert (found.due_at, found.budget) == (AT + 15 * MINUTE, 900)
    # What is still to come, comes by the new numbers.
    assert found.steps[-1]["at"] == int((AT + 6 * HOUR).timestamp())
    tick(AT + 6 * HOUR)
    assert clock(lead).breached_at is not None
    assert violations(AT + 6 * HOUR) == []


def test_clocks_that_have_ended_or_are_anothers_are_left_alone(ann, boss):
    policy = make.policy("Ours", budget=900)
    other = make.policy("Theirs", budget=900, metric="CONTACT")
    lead = make.owned(ann)
    from routing import work

    work.acknowledge(lead_id=lead.pk, epoch=1, by=ann.user, at=AT)
    for one in (policy, other):
        change(one, budget=60)

    assert move(policy, by=boss) == 0


# --- On record ----------------------------------------------------------------------------------


def test_each_lead_and_the_policy_say_who_why_and_from_when_to_when(ann, boss):
    policy = make.policy(budget=900)
    lead = make.owned(ann)
    make.owned(ann)
    change(policy, budget=1800)

    with recorded() as found:
        move(policy, by=boss)

    assert found.rows == []
    of_lead = [one for one in found.events if one.subject == "routing.lead"]
    (of_policy,) = [one for one in found.events if one.subject == "sla.policy"]
    assert len(of_lead) == 2
    assert {one.kind for one in found.events} == {"recomputed"}
    assert {(one.actor, one.reason) for one in found.events} == {(boss, "We promised too much")}
    assert of_policy.data == {"asked": 2, "changed": 2, "version": 2}
    mine = next(one for one in of_lead if one.subject_id == lead.pk)
    assert mine.data["clocks"] == [
        {
            "clock_id": clock(lead).pk,
            "from": "2026-06-15T09:15:00Z",
            "to": "2026-06-15T09:30:00Z",
        }
    ]


@pytest.mark.parametrize(("reason", "clocks"), [(" ", [1]), ("Why not", [])])
def test_it_wants_a_reason_and_clocks(boss, reason, clocks):
    policy = make.policy()

    with pytest.raises(RecomputeRefused):
        recompute.recompute(policy=policy, clocks=clocks, reason=reason, by=boss, at=AT)

    assert not AuditEvent.objects.filter(kind="recomputed").exists()


def test_it_goes_batch_by_batch(ann, boss, monkeypatch):
    monkeypatch.setattr(recompute, "BATCH", 2)
    policy = make.policy(budget=900)
    for _ in range(5):
        make.owned(ann)
    change(policy, budget=1800)

    assert move(policy, by=boss) == 5

    assert AuditEvent.objects.filter(kind="recomputed", subject="sla.policy").count() == 1
    assert list(broken()) == []


def test_statements_do_not_grow_with_the_clocks(ann, boss):
    policy = make.policy(budget=900)
    counted = {}
    for size in (2, 20):
        leads = [make.owned(ann) for _ in range(size)]
        change(policy, budget=policy.budget + 60)
        clocks = [clock(lead) for lead in leads]
        with CaptureQueriesContext(connection) as captured:
            see(policy)
            move(policy, *clocks, by=boss)
        counted[size] = len(captured)

    assert len(set(counted.values())) == 1, counted
