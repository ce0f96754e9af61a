"""`/healthz` and `/readyz`: open to monitors, and honest."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config import health
from reps.due import alarms, holds
from reps.models import Heartbeat, Hold, Message
from reps.models.tracked import bulk_writer
from routing.models import Lead
from routing.rules import lifecycle
from tests import make

pytestmark = pytest.mark.django_db


def test_the_process_answers_without_signing_in(client):
    assert client.get("/healthz").json() == {"status": "ok"}


def test_an_idle_product_is_ready(client):
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert set(answer.json()["work"]) >= {"intake", "route", "clocks", "outbox"}


def test_work_that_waits_for_more_than_a_minute_is_red(client):
    make.submission(at=timezone.now() - timedelta(seconds=90))

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["work"]["intake"]["ok"] is False


def test_work_of_this_minute_is_not(client):
    make.submission(at=timezone.now() - timedelta(seconds=20))

    assert client.get("/readyz").status_code == 200


def test_a_lead_parked_until_tomorrow_does_not_wait(client):
    lead = make.lead()
    with bulk_writer("test"):
        Lead.objects.filter(pk=lead.pk).update(route_at=timezone.now() + timedelta(days=1))

    assert client.get("/readyz").json()["work"]["route"] == {
        "ok": True,
        "waited_seconds": 0,
        "paused": False,
        "held": False,
    }


def test_paused_routing_is_a_decision_and_no_fault(client):
    make.lead()
    lifecycle.pause_routing(by=make.user(), at=make.MONDAY_9AM)

    work = client.get("/readyz").json()["work"]["route"]

    assert (work["ok"], work["paused"]) == (True, True)


def test_a_silent_loop_is_red(client):
    Heartbeat.objects.create(name="sweep", at=timezone.now() - timedelta(seconds=30), max_age=10)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["heartbeats"]["sweep"]["ok"] is False


def test_a_lost_database_is_red_and_no_error(client, monkeypatch):
    def lost():
        raise DatabaseError("gone")

    monkeypatch.setattr(health, "database_now", lost)

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["database"]) == (503, False)


def test_nothing_personal_is_shown(client):
    make.submission({"email": "ada@example.com"}, at=timezone.now() - timedelta(hours=1))

    assert b"ada" not in client.get("/readyz").content


def test_a_loop_that_is_expected_and_was_never_heard_is_red(client, settings):
    settings.EXPECTED_LOOPS = ["sweep", "auditor"]
    Heartbeat.objects.create(name="sweep", at=timezone.now(), max_age=10)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["heartbeats"] == {
        "auditor": {"ok": False, "silent_seconds": None, "max_seconds": 0},
        "sweep": {"ok": True, "silent_seconds": 0, "max_seconds": 10},
    }


def test_what_is_held_is_no_fault_and_is_said(client):
    make.submission(at=timezone.now() - timedelta(seconds=20))
    Message.objects.create(
        key="x",
        kind="invitation",
        recipient=make.user(),
        created_at=timezone.now(),
        due_at=timezone.now() - timedelta(hours=1),
    )
    assert client.get("/readyz").status_code == 503

    holds.hold(kind=Hold.Kind.RESTORED, reason="x", at=timezone.now())
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "held"
    assert answer.json()["work"]["outbox"]["held"] is True
    assert [hold["kind"] for hold in answer.json()["holds"]] == ["RESTORED"]
    assert answer.json()["alarms"] == 1


def test_after_the_release_it_counts_from_there(client):
    now = timezone.now()
    Message.objects.create(
        key="x",
        kind="invitation",
        recipient=make.user(),
        created_at=now,
        due_at=now - timedelta(hours=1),
    )
    holds.hold(kind=Hold.Kind.BY_HAND, reason="x", at=now - timedelta(hours=1))
    holds.release(kind=Hold.Kind.BY_HAND, by=None, at=now - timedelta(seconds=10))
    assert client.get("/readyz").status_code == 200

    Hold.objects.update(released_at=now - timedelta(seconds=90))

    assert client.get("/readyz").status_code == 503


def test_it_costs_less_than_ten_statements_whatever_there_is(client, settings):
    settings.EXPECTED_LOOPS = ["sweep", "celery", "beat"]
    for number in range(5):
        make.submission(at=timezone.now())
        alarms.raise_(f"x/{number}", "wrong", at=timezone.now())
        Heartbeat.objects.create(name=f"loop{number}", at=timezone.now(), max_age=10)
    client.get("/readyz")

    with CaptureQueriesContext(connection) as captured:
        client.get("/readyz")

    assert len(captured) < 10
