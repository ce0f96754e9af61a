"""Poison control: counted in the database, by row, before the work where it may kill."""

import logging
from datetime import timedelta

import pytest
from django.db import OperationalError

from reps.due import jobs, strikes
from reps.due.jobs import Job
from reps.models import AuditEvent, Strike
from tests import make

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_the_third_failure_gives_a_row_up():
    given_up = [strikes.strike("x", 1, error="E", at=AT) for _ in range(3)]

    assert given_up == [False, False, True]
    assert strikes.given_up("x") == {1}


def test_an_attempt_counts_from_its_beginning_so_that_a_killer_has_three():
    begun = [strikes.begin("x", 1, at=AT) for _ in range(4)]

    assert begun == [True, True, True, False]
    assert strikes.given_up("x") == {1}
    assert Strike.objects.get().last_error == strikes.DIED


def test_a_failure_that_was_counted_is_not_counted_twice():
    strikes.begin("x", 1, at=AT)

    assert not strikes.failed("x", 1, error="ValueError", at=AT)

    assert strikes.failures("x", 1) == 1
    assert strikes.left_behind("x") == {1: False}


def test_what_was_begun_and_never_ended_is_left_behind():
    strikes.begin("x", 1, at=AT)

    assert strikes.left_behind("x") == {1: True}
    assert strikes.left_behind("y") == {}


def test_an_attempt_that_says_nothing_is_taken_back():
    strikes.begin("x", 1, at=AT)
    strikes.begin("x", 1, at=AT)

    strikes.take_back("x", 1)
    assert strikes.failures("x", 1) == 1
    strikes.take_back("x", 1)
    strikes.take_back("x", 1)

    assert not Strike.objects.exists()


def test_a_failing_row_stops_none_after_it_and_pauses_longer_each_time():
    done = []

    def do(pk):
        if pk == 2:
            raise ValueError("person@example.com")
        done.append(pk)
        return 1

    def run(seconds):
        return strikes.each("x", [1, 2, 3], do, at=AT + timedelta(seconds=seconds))

    assert run(0) == 2
    assert strikes.failures("x", 2) == 1
    run(5)
    assert strikes.failures("x", 2) == 1
    run(10)
    run(29)
    assert strikes.failures("x", 2) == 2
    run(30)
    run(1000)

    assert strikes.given_up("x") == {2}
    assert Strike.objects.get().last_error == "ValueError"


def test_a_row_that_goes_well_again_is_forgiven():
    fails = [True]

    def do(pk):
        if fails[0]:
            raise ValueError
        return 1

    strikes.each("x", [1], do, at=AT)
    fails[0] = False
    strikes.each("x", [1], do, at=AT + timedelta(minutes=1))

    assert not Strike.objects.exists()


def test_trouble_of_the_database_is_no_rows_fault():
    def do(pk):
        raise OperationalError("gone")

    with pytest.raises(OperationalError):
        strikes.each("x", [1], do, at=AT)

    assert not Strike.objects.exists()


def test_a_person_may_try_again_or_let_it_be_and_it_is_on_record():
    again = []
    jobs.register(
        Job("x", lambda **k: 0, lambda: None, retry=lambda pk, *, by, at: again.append(pk))
    )
    boss = make.user(is_superuser=True)
    try:
        for pk in (1, 2):
            for _ in range(3):
                strikes.strike("x", pk, error="E", at=AT)

        assert jobs.retry("x", 1, by=boss, at=AT)
        assert jobs.let_be("x", 2, by=boss, at=AT)
        assert not jobs.retry("x", 1, by=boss, at=AT)
        assert not jobs.let_be("x", 3, by=boss, at=AT)
    finally:
        jobs._jobs.pop("x")

    assert again == [1]
    assert not Strike.objects.exists()
    told = AuditEvent.objects.filter(subject="reps.strike").order_by("pk")
    assert [(one.kind, one.actor, one.data) for one in told] == [
        ("retried", boss, {"row": 1}),
        ("let_be", boss, {"row": 2}),
    ]
