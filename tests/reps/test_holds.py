"""Holds: what reaches out waits until somebody releases it; everything else goes on."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from reps.due import holds, jobs, routines
from reps.due.jobs import Job
from reps.due.routines import Work
from reps.models import Alarm, AuditEvent, Hold, Message, Routine
from reps.post import outbox
from routing.models import Lead
from sla.models import Escalation
from tests import make

AT = make.MONDAY_9AM
BY_HAND, RESTORED, JUMP = Hold.Kind.BY_HAND, Hold.Kind.RESTORED, Hold.Kind.CLOCK_JUMP
pytestmark = pytest.mark.django_db


def hold(kind=BY_HAND, at=AT):
    return holds.hold(kind=kind, reason="for a test", at=at)


def drain(*names, at=AT):
    return {name: jobs.drain(name, driver="test", due_before=at) for name in names}


def late_lead():
    """A lead that is routed and whose first reminder is due a minute later."""
    make.policy(budget=60)
    rep = make.rep("ann")
    make.rules(make.round_robin(make.pool(rep)))
    make.submission()
    drain("intake", "route")
    return Lead.objects.get()


def test_nothing_is_held_to_begin_with():
    assert holds.held() is None
    assert not holds.excuses(AT, patience=timedelta(seconds=60))


def test_what_reaches_out_is_known_and_nothing_else():
    reaching = {name for name in jobs.names() if jobs.get(name).reaches_out}

    assert reaching == {"clocks", "disputes", "enrich", "outbox", "pauses", "requests"}


def test_doors_intake_and_routing_go_on_while_clocks_and_messages_wait():
    hold()

    lead = late_lead()
    assert lead.owner is not None

    assert drain("clocks", "outbox", at=AT + timedelta(hours=1)) == {"clocks": 0, "outbox": 0}
    assert not Escalation.objects.exists()
    assert Message.objects.filter(kind="lead_assigned", state="PENDING").exists()


def test_after_the_release_the_backlog_runs():
    hold()
    late_lead()
    later = AT + timedelta(hours=1)

    assert holds.release(kind=BY_HAND, by=make.user(), at=later)
    drain("clocks", "outbox", at=later)

    assert Escalation.objects.exists()
    assert not Message.objects.filter(kind="lead_assigned", state="PENDING").exists()


def test_a_hold_that_comes_in_the_middle_stops_the_next_round():
    rounds = []

    def work(**kwargs):
        rounds.append(1)
        hold()
        return 1

    jobs.register(Job("test", work, lambda: None, reaches_out=True))
    try:
        assert drain("test") == {"test": 1}
    finally:
        jobs._jobs.pop("test")

    assert rounds == [1]


@pytest.mark.parametrize(("kind", "leaves"), [(JUMP, True), (BY_HAND, True), (RESTORED, False)])
def test_the_alarm_of_a_hold_leaves_although_it_is_held_except_after_a_restore(kind, leaves):
    admin = make.user(is_superuser=True)
    outbox.put([outbox.Draft(key="other", kind="invitation", to=admin.pk)], at=AT)
    hold(kind)

    drain("outbox", at=AT + timedelta(seconds=1))

    states = dict(Message.objects.values_list("kind", "state"))
    assert states == {"invitation": "PENDING", "alarm": "SENT" if leaves else "PENDING"}


def test_there_is_one_hold_of_a_kind_and_work_waits_for_all_kinds():
    first, again = hold(), hold(at=AT + timedelta(hours=1))
    other = hold(RESTORED)

    assert first.pk == again.pk
    holds.release(kind=BY_HAND, by=None, at=AT)
    assert holds.held() == other
    holds.release(kind=RESTORED, by=None, at=AT)
    assert holds.held() is None


def test_who_held_and_who_released_is_in_the_trail_and_the_alarm_is_cleared():
    boss = make.user("boss", is_superuser=True)
    made = holds.hold(kind=BY_HAND, reason="moving house", at=AT, by=boss)
    assert Alarm.objects.get().cleared_at is None

    holds.release(kind=BY_HAND, by=boss, at=AT + timedelta(hours=1), reason="all moved")

    made.refresh_from_db()
    assert (made.released_by, made.released_at) == (boss, AT + timedelta(hours=1))
    told = AuditEvent.objects.filter(subject="reps.hold").order_by("seq")
    assert [(one.kind, one.actor, one.reason) for one in told] == [
        ("held", boss, "moving house"),
        ("released", boss, "all moved"),
    ]
    assert Alarm.objects.get().cleared_at is not None


def test_what_is_not_held_cannot_be_released():
    assert not holds.release(kind=RESTORED, by=None, at=AT)


def test_lateness_counts_from_the_release():
    minute = timedelta(seconds=60)
    hold()
    assert holds.excuses(AT + timedelta(hours=5), patience=minute)

    holds.release(kind=BY_HAND, by=None, at=AT + timedelta(hours=5))

    assert holds.excuses(AT + timedelta(hours=5, seconds=59), patience=minute)
    assert not holds.excuses(AT + timedelta(hours=5, seconds=61), patience=minute)


def test_a_routine_that_reaches_out_waits_and_the_others_run():
    ran = []
    for name, reaches_out in (("quiet", False), ("loud", True)):
        routines.register(
            Work(name, lambda at, n=name: ran.append(n) or {}, routines.every(hours=1), reaches_out)
        )
    hold()
    try:
        routines.drain(driver="test", due_before=AT)
        assert ran.count("loud") == 0
        assert ran.count("quiet") == 1
        holds.release(kind=BY_HAND, by=None, at=AT)
        routines.drain(driver="test", due_before=AT)
    finally:
        for name in ("quiet", "loud"):
            routines._works.pop(name)

    assert sorted(ran) == ["loud", "quiet"]
    assert Routine.objects.get(name="loud").last_at == AT


# --- After a restore --------------------------------------------------------------------


@pytest.fixture
def restore_mode(settings, monkeypatch):
    settings.RESTORE_MODE = True
    monkeypatch.setattr(holds, "_has_noted_restore", False)


def test_in_restore_mode_the_first_look_of_a_process_holds(restore_mode):
    make.organisation()

    assert drain("clocks") == {"clocks": 0}

    assert holds.held().kind == RESTORED


def test_a_process_holds_once_so_that_a_release_lasts(restore_mode):
    holds.hold_if_restored()
    holds.release(kind=RESTORED, by=None, at=AT)

    holds.hold_if_restored()

    assert holds.held() is None


def test_without_restore_mode_no_process_holds():
    holds.hold_if_restored()

    assert holds.held() is None


@pytest.mark.skipif(connection.vendor != "postgresql", reason="a file is swapped as a whole")
def test_a_restore_that_did_not_come_to_its_end_is_held_by_the_next_process(monkeypatch):
    monkeypatch.setattr(holds, "_has_noted_restore", False)
    make.organisation()
    holds.mark_restoring()

    assert drain("clocks") == {"clocks": 0}
    assert holds.held().kind == RESTORED
    holds.release(kind=RESTORED, by=None, at=AT)
    monkeypatch.setattr(holds, "_has_noted_restore", False)

    holds.hold_if_restored()
    assert holds.held() is None, "once held, the mark is gone"


# --- On the command line ----------------------------------------------------------------


def test_the_commands_hold_and_release_with_who_and_why():
    make.user("olga", is_superuser=True)
    printed = StringIO()

    call_command("hold", "--reason", "moving", "--by", "olga", stdout=printed)
    call_command("release", stdout=printed)
    assert holds.held().reason == "moving"
    call_command("release", "by_hand", "--reason", "moved", "--by", "olga", stdout=printed)

    assert holds.held() is None
    assert Hold.objects.get().released_by.username == "olga"
    assert "Released" in printed.getvalue()


def test_the_command_after_a_restore_holds_everything():
    call_command("hold", "--restored", "--reason", "backup of Monday", stdout=StringIO())

    assert holds.held().kind == RESTORED


@pytest.mark.parametrize(
    "words",
    [
        ("release", "by_hand"),
        ("release", "by_hand", "--reason", "x"),
        ("hold", "--reason", "x", "--by", "nobody"),
    ],
)
def test_the_commands_refuse_what_makes_no_sense(words):
    with pytest.raises(CommandError):
        call_command(*words, stdout=StringIO())
