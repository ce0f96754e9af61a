"""The clock guard: a jump of the database's clock holds effects back before anything fires."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reps import tasks
from reps.due import clock, guard, holds
from reps.due.guard import Look, is_a_jump, jump
from reps.due.loop import Sweep
from reps.models import Alarm, Heartbeat, Hold
from sla.models import Escalation
from tests import make

AT = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)
HOURS = timedelta(hours=2)


# --- The rule ---------------------------------------------------------------------------


def look(now: float, before: float, after: float | None = None) -> Look:
    return Look(AT + timedelta(seconds=now), before, before if after is None else after)


def test_time_that_runs_as_it_should_is_no_jump():
    assert jump(look(0, 100), look(30, 130)) == timedelta(0)


@pytest.mark.parametrize("seconds", [7200, -7200, 61])
def test_a_jump_is_how_far_the_database_went_beyond_what_passed(seconds):
    assert jump(look(0, 100), look(30 + seconds, 130)).total_seconds() == seconds


def test_a_slow_answer_is_no_jump_whenever_the_database_read_its_clock():
    # The question took 90 s; the database may have read its clock at its start or at its end.
    for now in (30, 75, 120):
        assert jump(look(0, 100), look(now, 130, 220)) == timedelta(0)


def test_a_process_that_was_stopped_sees_no_jump():
    assert jump(look(0, 100), look(86_400, 86_500)) == timedelta(0)


@given(
    passed=st.floats(0, 1e6),
    slow=st.floats(0, 1e4),
    share=st.floats(0, 1),
    by=st.floats(-1e6, 1e6),
)
def test_what_is_found_is_never_more_than_what_happened(passed, slow, share, by):
    read_at = passed + slow * share

    found = jump(look(0, 0), look(read_at + by, passed, passed + slow)).total_seconds()

    assert abs(found) <= abs(by) + 1e-3
    assert abs(found) >= abs(by) - slow - 1e-3


@pytest.mark.parametrize(
    ("by", "after", "found"),
    [(59, 1, False), (61, 1, True), (-61, 1, True), (61, 86_400, False), (600, 86_400, True)],
)
def test_a_minute_is_a_jump_unless_two_clocks_may_have_drifted_apart_by_it(by, after, found):
    assert is_a_jump(timedelta(seconds=by), after=after) is found


# --- In a driver ------------------------------------------------------------------------


class Clocks:
    """The two clocks, both in the test's hand."""

    def __init__(self):
        self.database, self.steady = AT, 1000.0

    def passes(self, seconds: float) -> None:
        self.database += timedelta(seconds=seconds)
        self.steady += seconds


@pytest.fixture
def clocks(monkeypatch, db):
    made = Clocks()
    monkeypatch.setattr(guard, "database_now", lambda: made.database)
    monkeypatch.setattr(clock, "_server_time", lambda: made.database)
    monkeypatch.setattr(guard, "steady", lambda: made.steady)
    make.user(is_superuser=True)
    return made


def test_a_clock_that_runs_as_it_should_holds_nothing(clocks):
    for _ in range(5):
        guard.checked_now()
        clocks.passes(100)

    assert guard.checked_now() == clocks.database
    assert holds.held() is None


@pytest.mark.parametrize(("by", "words"), [(HOURS, "7200 s ahead"), (-HOURS, "7200 s back")])
def test_a_jump_holds_and_raises_an_alarm_at_once(clocks, by, words):
    guard.checked_now()
    clocks.passes(1)
    clocks.database += by

    guard.checked_now()

    hold = holds.held()
    assert hold.kind == Hold.Kind.CLOCK_JUMP
    assert words in hold.reason
    assert words in Alarm.objects.get().text


@pytest.mark.parametrize("driver", ["sweep", "celery"])
def test_no_clock_fires_before_the_guard_has_looked(clocks, driver):
    make.policy(budget=600)
    lead = make.routed(_routable(), at=AT)
    assert lead.owner is not None
    drive = {"sweep": lambda: Sweep().round(), "celery": lambda: tasks.drain(job="clocks")}[driver]
    drive()
    clocks.passes(1)
    clocks.database += HOURS

    drive()

    assert not Escalation.objects.exists()
    assert holds.held().kind == Hold.Kind.CLOCK_JUMP
    holds.release(kind=Hold.Kind.CLOCK_JUMP, by=None, at=clocks.database)
    clocks.passes(1)
    drive()
    assert Escalation.objects.exists()


def _routable():
    make.organisation()
    make.rules(make.round_robin(make.pool(make.rep("ann"))))
    return make.lead(at=AT)


def test_one_jump_is_one_hold_and_the_way_back_is_no_second_one(clocks):
    guard.checked_now()
    clocks.database += HOURS
    guard.checked_now()
    clocks.database -= HOURS
    guard.checked_now()

    assert Hold.objects.count() == 1


def test_after_the_release_the_new_time_is_the_time(clocks):
    guard.checked_now()
    clocks.database += HOURS
    guard.checked_now()
    holds.release(kind=Hold.Kind.CLOCK_JUMP, by=None, at=clocks.database)

    clocks.passes(10)
    guard.checked_now()

    assert holds.held() is None


def test_a_new_process_sees_that_the_clock_went_back_by_the_signs_of_life(clocks):
    Heartbeat.objects.create(name="sweep", at=AT + HOURS, max_age=10)

    guard.checked_now()

    assert holds.held().kind == Hold.Kind.CLOCK_JUMP
    holds.release(kind=Hold.Kind.CLOCK_JUMP, by=None, at=clocks.database)
    guard.forget()
    guard.checked_now()
    assert holds.held() is None


def test_a_jump_that_could_not_be_noted_is_found_again(clocks, monkeypatch):
    guard.checked_now()
    clocks.database += HOURS
    with monkeypatch.context() as patch:
        patch.setattr(holds, "hold", lambda **kwargs: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            guard.checked_now()

    guard.checked_now()

    assert holds.held() is not None


def test_the_steady_clock_is_real():
    first = guard.steady()

    assert guard.steady() >= first


def test_a_worker_looks_before_it_forks(clocks, monkeypatch):
    monkeypatch.setattr(tasks.connection, "close", lambda: None)
    tasks.look_first()
    clocks.database += HOURS

    tasks.drain(job="clocks")

    assert holds.held().kind == Hold.Kind.CLOCK_JUMP
