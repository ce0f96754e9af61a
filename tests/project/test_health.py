"""`/healthz` and `/readyz`: open to monitors, and honest."""

from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from config import health
from reps.models import Heartbeat
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
