"""The bell is only a hint: after the commit, coalesced, and never in the way."""

import logging

import pytest
from django.db import transaction

from reps.due import doorbell
from reps.due.doorbell import COALESCE, SILENT_AFTER_FAILURE, Breaker

pytestmark = pytest.mark.django_db


@pytest.fixture
def rung():
    found = []
    doorbell.connect(found.append)
    return found


@pytest.fixture
def time(monkeypatch):
    class Time:
        now = 1000.0

        def monotonic(self):
            return self.now

    found = Time()
    monkeypatch.setattr(doorbell, "time", found)
    return found


def ring(callbacks, *names):
    with callbacks(execute=True):
        for name in names:
            doorbell.ring(name)


def test_the_bell_rings_after_the_commit(rung, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        doorbell.ring("route")
        assert rung == []

    assert rung == ["route"]


def test_a_change_that_is_rolled_back_rings_no_bell(rung, django_capture_on_commit_callbacks):
    def fails():
        with transaction.atomic():
            doorbell.ring("route")
            raise RuntimeError

    with django_capture_on_commit_callbacks(execute=True), pytest.raises(RuntimeError):
        fails()

    assert rung == []


def test_several_commits_within_a_moment_ring_once(rung, time, django_capture_on_commit_callbacks):
    ring(django_capture_on_commit_callbacks, "route", "route", "outbox")
    assert rung == ["route", "outbox"]

    time.now += 2 * COALESCE
    ring(django_capture_on_commit_callbacks, "route")
    assert rung == ["route", "outbox", "route"]


def test_a_broker_that_fails_costs_nobody_anything_and_is_left_alone_for_a_while(
    time, django_capture_on_commit_callbacks, caplog
):
    tried = []

    def fails(name):
        tried.append(name)
        raise ConnectionError("the broker is away")

    doorbell.connect(fails)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            ring(django_capture_on_commit_callbacks, "route", "outbox")
            time.now += 1

    assert tried == ["route"]
    assert "the sweep will do the work" in caplog.text

    time.now += SILENT_AFTER_FAILURE
    ring(django_capture_on_commit_callbacks, "route")
    assert tried == ["route", "route"]


def test_without_a_bell_nothing_happens(django_capture_on_commit_callbacks):
    doorbell.connect(None)

    ring(django_capture_on_commit_callbacks, "route")


def test_a_breaker_forgets_when_it_is_reset(time):
    breaker = Breaker()
    assert breaker.allows("route")
    assert not breaker.allows("route")
    breaker.failed()

    breaker.reset()

    assert breaker.allows("route")
