"""Routines: once per slot whoever drives, failures on record, one never stopping another."""

import logging
from datetime import timedelta

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from reps.due import routines
from reps.due.routines import Work
from reps.models import Heartbeat, Routine
from tests import make

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


@pytest.fixture
def only(monkeypatch):
    """Only the routines of the test."""
    monkeypatch.setattr(routines, "_works", {})
    logging.disable(logging.CRITICAL)
    yield routines.register
    logging.disable(logging.NOTSET)


def drain(at=AT, driver="test"):
    return routines.drain(driver=driver, due_before=at)


def test_a_routine_runs_once_per_slot(only):
    ran = []
    only(Work("tidy", lambda at: ran.append(at) or {"n": 1}, routines.every(minutes=5)))

    assert [drain(), drain(), drain(AT + timedelta(minutes=4))] == [1, 0, 0]
    assert drain(AT + timedelta(minutes=5)) == 1

    assert ran == [AT, AT + timedelta(minutes=5)]
    row = Routine.objects.get()
    assert (row.detail, row.driver, row.failures) == ({"n": 1}, "test", 0)
    assert routines.last("tidy") == {"n": 1}


@pytest.mark.parametrize("error", [ValueError, IntegrityError, OperationalError])
def test_one_that_fails_is_on_record_comes_again_soon_and_stops_no_other(only, error):
    ran = []

    def fails(at):
        Heartbeat.objects.create(name="half", at=at, max_age=1)
        raise error("it fails")

    only(Work("bad", fails, routines.every(hours=1)))
    only(Work("good", lambda at: ran.append(at) or {}, routines.every(hours=1)))
    Routine.objects.create(name="bad", next_at=AT - timedelta(hours=1))

    drain()

    assert ran == [AT]
    row = Routine.objects.get(name="bad")
    assert row.failures == 1
    assert row.last_error == f"{error.__name__}: it fails"
    assert not Heartbeat.objects.exists()


def test_a_run_may_ask_to_come_again_sooner(only):
    only(Work("eager", lambda at: {routines.AGAIN_IN: 5, "n": 2}, routines.every(hours=1)))

    drain()

    row = Routine.objects.get()
    assert (row.next_at, row.detail) == (AT + timedelta(seconds=5), {"n": 2})


def test_a_clock_that_went_back_does_not_stop_it(only):
    ran = []
    only(Work("tidy", lambda at: ran.append(at) or {}, routines.every(minutes=5)))
    drain(AT + timedelta(hours=2))

    drain(AT)
    drain(AT)

    assert ran == [AT + timedelta(hours=2), AT]


def test_it_can_be_made_to_run_now(only):
    only(Work("tidy", lambda at: {}, routines.every(hours=1)))
    drain()

    assert routines.run_now("tidy", at=AT + timedelta(minutes=1))
    assert drain(AT + timedelta(minutes=1)) == 1
    assert not routines.run_now("nonsense", at=AT)


def test_a_routine_of_an_older_version_is_left_alone(only):
    Routine.objects.create(name="gone", next_at=AT)

    assert drain() == 0
    assert routines.oldest() is None


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
@pytest.mark.django_db(transaction=True)
def test_one_that_another_driver_runs_is_left_to_it(only):
    import threading

    ran, inside, go_on = [], threading.Event(), threading.Event()

    def slow(at):
        ran.append(at)
        inside.set()
        go_on.wait(10)
        return {}

    only(Work("slow", slow, routines.every(hours=1)))
    done = []

    def other():
        done.append(drain(driver="other"))
        connection.close()

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait(10)
    with transaction.atomic():
        mine = drain(driver="mine")
    go_on.set()
    thread.join(10)

    assert (mine, done, len(ran)) == (0, [1], 1)
    assert Routine.objects.get().driver == "other"
