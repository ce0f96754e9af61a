"""Alarms and the routine that raises them: told once, cleared when it is right again."""

from datetime import timedelta

import pytest

from reps.due import alarms, heartbeats, holds, jobs, routines, strikes, watch
from reps.due.jobs import Job
from reps.models import Alarm, Heartbeat, Hold, Message, Routine
from reps.post import kinds
from tests import make

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


def keys():
    return set(alarms.open_alarms().values_list("key", flat=True))


def heard(name, *, at=AT, max_age=10, **detail):
    Heartbeat.objects.update_or_create(
        name=name, defaults={"at": at, "max_age": max_age, "detail": detail}
    )


@pytest.fixture
def settled(monkeypatch):
    """The watch has run for longer than it gives the others to begin."""
    since = (AT - timedelta(hours=1)).isoformat()
    heard("watch", at=AT - timedelta(seconds=15), max_age=60, since=since)
    monkeypatch.setattr(heartbeats, "database_now", lambda: AT)


# --- Alarms -----------------------------------------------------------------------------


def test_an_alarm_is_one_row_and_every_admin_is_told_once():
    admin = make.user("admin", group="admin")
    root = make.user("root", is_superuser=True, group="admin")
    make.user("riley", group="revops")
    make.user("gone", is_superuser=True, is_active=False)

    assert alarms.raise_("disk", "The disk is full.", at=AT)
    assert not alarms.raise_("disk", "The disk is very full.", at=AT + timedelta(minutes=5))

    alarm = Alarm.objects.get()
    assert (alarm.text, alarm.since) == ("The disk is very full.", AT)
    assert alarm.seen_at == AT + timedelta(minutes=5)
    told = Message.objects.filter(kind="alarm")
    assert {message.recipient for message in told} == {admin, root}
    assert all(message.urgent for message in told)


def test_an_alarm_that_comes_again_is_told_again():
    make.user(is_superuser=True)
    alarms.raise_("disk", "Full.", at=AT)
    assert alarms.clear("disk", at=AT + timedelta(minutes=1))
    assert not alarms.clear("disk", at=AT + timedelta(minutes=1))

    alarms.raise_("disk", "Full.", at=AT + timedelta(minutes=2))

    assert Alarm.objects.count() == Message.objects.count() == 2


def test_the_message_says_what_is_wrong_and_where_to_look_and_is_not_sent_too_late():
    reader = make.user(is_superuser=True)
    alarms.raise_("disk", "The disk is full.", at=AT)
    message = Message.objects.get()
    kind = kinds.get("alarm")

    assert "The disk is full." in kind.render(message).subject
    assert kind.render(message).url.endswith("/operations/")
    assert kind.lines([message], reader) == {message.pk: "The disk is full."}
    assert kind.still_wanted(message)
    alarms.clear("disk", at=AT)
    assert not kind.still_wanted(message)


def test_settling_clears_only_what_it_is_about():
    for key in ("silent/sweep", "silent/celery", "held/restored"):
        alarms.raise_(key, "wrong", at=AT)

    alarms.settle({"silent/sweep": "wrong"}, about=("silent",), at=AT)

    assert keys() == {"silent/sweep", "held/restored"}


# --- What the watch finds ---------------------------------------------------------------


def test_all_is_well(settled):
    heard("sweep")

    assert watch.run(AT) == {"found": []}
    assert Heartbeat.objects.get(name="watch").max_age == watch.MAX_AGE


def test_a_silent_loop_is_an_alarm_until_it_speaks(settled):
    heard("sweep", at=AT - timedelta(seconds=11))
    watch.run(AT)
    assert keys() == {"silent/sweep"}

    heard("sweep")
    watch.run(AT)

    assert keys() == set()


def test_a_loop_that_was_never_heard_is_one_where_it_is_expected(settled, settings):
    settings.EXPECTED_LOOPS = ["celery", "beat"]
    heard("celery")

    watch.run(AT)

    assert keys() == {"silent/beat"}


@pytest.mark.parametrize(("dead", "alive"), [("celery", "beat"), ("beat", "celery")])
def test_a_dead_beat_shows_beside_a_living_worker_and_the_other_way_round(
    settled, settings, dead, alive
):
    settings.EXPECTED_LOOPS = ["celery", "beat", "sweep"]
    for name in (alive, "sweep"):
        heard(name, max_age=15)
    heard(dead, at=AT - timedelta(seconds=30), max_age=15)

    watch.run(AT)

    assert keys() == {f"silent/{dead}"}


def test_a_loop_stopped_on_purpose_is_silent_only_where_it_is_expected(settled, settings):
    heard("sweep", at=AT - timedelta(hours=1))
    heartbeats.retire("sweep")
    watch.run(AT)
    assert keys() == set()

    settings.EXPECTED_LOOPS = ["sweep"]
    watch.run(AT)

    assert keys() == {"silent/sweep"}


def test_after_a_start_the_others_are_given_a_minute(settings, monkeypatch):
    settings.EXPECTED_LOOPS = ["celery"]
    now = [AT]
    monkeypatch.setattr(heartbeats, "database_now", lambda: now[0])

    for seconds in (0, 15, 30, 45):
        now[0] = AT + timedelta(seconds=seconds)
        watch.run(now[0])
        assert keys() == set()
    now[0] = AT + timedelta(seconds=60)
    watch.run(now[0])

    assert keys() == {"silent/celery"}


@pytest.fixture
def waiting():
    """A job whose oldest row has waited for two minutes."""
    state = {"paused": False}
    jobs.register(
        Job(
            "test",
            lambda **kwargs: 0,
            lambda: AT - timedelta(minutes=2),
            reaches_out=True,
            is_paused=lambda: state["paused"],
        )
    )
    yield state
    jobs._jobs.pop("test")


def test_work_that_waits_for_more_than_a_minute_is_an_alarm(settled, waiting):
    watch.run(AT)

    assert keys() == {"waiting/test"}
    assert "120 s" in Alarm.objects.get().text


def test_what_is_paused_or_held_does_not_wait(settled, waiting):
    waiting["paused"] = True
    watch.run(AT)
    assert keys() == set()

    waiting["paused"] = False
    holds.hold(kind=Hold.Kind.BY_HAND, reason="x", at=AT)
    watch.run(AT)
    assert keys() == {"held/by_hand"}


def test_what_was_held_waits_from_its_release(settled, waiting):
    holds.hold(kind=Hold.Kind.BY_HAND, reason="x", at=AT - timedelta(hours=1))
    holds.release(kind=Hold.Kind.BY_HAND, by=None, at=AT - timedelta(seconds=30))

    watch.run(AT)

    assert keys() == set()


def test_given_up_rows_dead_letters_and_failing_routines_are_alarms(settled):
    for _ in range(strikes.MOST):
        strikes.strike("route", 7, error="ValueError", at=AT)
    strikes.strike("clocks", 8, error="ValueError", at=AT)
    Message.objects.create(
        key="x", kind="lead_assigned", recipient=make.user(), created_at=AT, due_at=AT, state="DEAD"
    )
    Routine.objects.create(name="audit", next_at=AT, failures=2, last_error="ValueError: x")
    Routine.objects.create(name="once", next_at=AT, failures=1)

    watch.run(AT)

    assert keys() == {"given_up/route", "undelivered/outbox", "failing/audit"}


def test_the_watch_runs_as_a_routine_every_quarter_of_a_minute(settled):
    routines.drain(driver="test", due_before=AT)

    row = Routine.objects.get(name="watch")
    assert (row.last_at, row.next_at) == (AT, AT + timedelta(seconds=15))
    assert row.last_error == ""
