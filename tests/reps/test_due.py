"""Due work: one registry, two drivers, and signs of life."""

import logging
from datetime import UTC, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.utils import timezone

from reps import tasks
from reps.due import heartbeats, jobs, loop
from reps.due.clock import database_now
from reps.due.jobs import Job, UnknownJob
from reps.due.loop import Sweep
from reps.models import Heartbeat, Message
from routing.models import Assignment, Lead
from sla.models import Escalation
from tests import make

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


@pytest.fixture
def job():
    """A job with three rounds of work in it."""
    seen = []

    def drain(*, driver, due_before, at):
        if len(seen) >= 3:
            return 0
        seen.append((driver, due_before))
        return 2

    jobs.register(Job("test", drain, lambda: None))
    yield seen
    jobs._jobs.pop("test")


def test_the_clock_is_the_databases_and_aware():
    now = database_now()

    assert now.tzinfo is UTC
    assert abs(now - timezone.now()) < timedelta(seconds=5)


def test_the_clock_moves_on_inside_of_a_transaction():
    assert database_now() < database_now() or connection.vendor == "sqlite"


def test_draining_goes_on_until_nothing_is_left(job):
    assert jobs.drain("test", driver="x", due_before=AT) == 6
    assert job == [("x", AT)] * 3


def test_draining_can_be_bounded(job):
    assert jobs.drain("test", driver="x", due_before=AT, rounds=2) == 4


def test_an_unknown_job_is_named():
    with pytest.raises(UnknownJob, match="nonsense"):
        jobs.drain("nonsense", driver="x", due_before=AT)


def test_the_sweep_takes_every_kind_of_overdue_work_and_gives_a_sign_of_life(job):
    handled = Sweep().round()

    assert set(handled) == set(jobs.names())
    assert handled["test"] == 6
    assert {driver for driver, _ in job} == {"sweep"}
    beat = Heartbeat.objects.get(name="sweep")
    assert abs(beat.at - database_now()) < timedelta(seconds=5)
    assert beat.detail["test"] == 6


def test_the_sweep_leaves_what_is_fresh_to_the_first_driver(job):
    Sweep().round()

    assert all(database_now() - due_before >= jobs.SWEEP_AFTER for _, due_before in job[:1])


def test_one_kind_that_fails_stops_no_other(job):
    def fails(*, driver, due_before, at):
        raise RuntimeError("it fails")

    jobs.register(Job("broken", fails, lambda: None))
    logging.disable(logging.CRITICAL)
    try:
        handled = Sweep().round()
    finally:
        logging.disable(logging.NOTSET)
        jobs._jobs.pop("broken")

    assert handled["broken"] == 0
    assert handled["test"] == 6
    assert Heartbeat.objects.filter(name="sweep").exists()


def test_the_sweep_comes_back_when_the_database_does(monkeypatch):
    sweep, rounds = Sweep(period=0.0), []
    monkeypatch.setattr(loop, "BACK_OFF", 0.0)
    monkeypatch.setattr(loop, "close_old_connections", lambda: None)
    monkeypatch.setattr(loop.connection, "close", lambda: None)
    monkeypatch.setattr(loop.signal, "signal", lambda *args: None)

    def one_round():
        rounds.append(1)
        if len(rounds) < 3:
            raise OperationalError("the database is away")
        sweep.stop()

    monkeypatch.setattr(sweep, "round", one_round)
    logging.disable(logging.CRITICAL)
    try:
        sweep.run()
    finally:
        logging.disable(logging.NOTSET)

    assert len(rounds) == 3


def test_the_sweep_command_does_one_round():
    printed = StringIO()

    call_command("sweep", "--once", stdout=printed)

    for name in jobs.names():
        assert f"{name}: 0" in printed.getvalue()


def test_the_sweep_alone_brings_a_lead_all_the_way():
    make.organisation()
    ben = make.rep("ben")
    ann = make.rep("ann", backup=ben)
    make.policy(budget=2)
    make.rules(make.round_robin(make.pool(ann)))
    make.submission()

    Sweep().round()
    lead = Lead.objects.get()
    assert lead.owner == ann
    assert Assignment.objects.get().driver == "sweep"

    # As of a later moment, for the clock began with the assignment.
    for _ in range(4):
        jobs.drain("clocks", driver="sweep", due_before=lead.assigned_at + timedelta(seconds=10))
    lead.refresh_from_db()
    assert lead.owner == ben
    assert set(Escalation.objects.values_list("driver", flat=True)) == {"sweep"}
    assert not Message.objects.filter(state="DEAD").exists()


def test_the_task_drains_one_kind_as_the_first_driver(job):
    assert tasks.drain(job="test") == 6
    assert {driver for driver, _ in job} == {"celery"}


def test_the_task_of_the_clocks_carries_the_workers_sign_of_life():
    tasks.drain(job="route")
    assert not Heartbeat.objects.exists()

    tasks.drain(job="clocks")

    assert Heartbeat.objects.get().name == "celery"


def test_a_heartbeat_is_one_row_that_moves():
    heartbeats.beat("x", max_age=5)
    first = Heartbeat.objects.get(name="x").at
    heartbeats.beat("x", max_age=7, detail={"n": 1})

    found = Heartbeat.objects.get(name="x")
    assert found.at >= first
    assert (found.max_age, found.detail) == (7, {"n": 1})
