"""A lead that cannot be decided, or that kills whoever decides it, stops no other."""

import logging
from datetime import timedelta

import pytest
from django.db import OperationalError

from reps.due import jobs, strikes
from reps.models import Strike
from routing import engine
from routing.dispatch import batch, gather, poison
from routing.models import Assignment, Decision, Lead
from tests import make

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """The process dies here: nothing catches this, and what it had not committed is gone."""


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def team():
    make.organisation()
    rep = make.rep("ann")
    make.rules(make.round_robin(make.pool(rep)))
    return rep


def poisoned(monkeypatch, *leads, error=ValueError):
    """From now on deciding one of these leads fails."""
    real, ids = gather.facts_of, {lead.pk for lead in leads}

    def facts_of(rows, **kwargs):
        if ids & {row.pk for row in rows}:
            raise error("person@example.com")
        return real(rows, **kwargs)

    monkeypatch.setattr(batch.gather, "facts_of", facts_of)


def drain(seconds=0, driver="test"):
    return jobs.drain("route", driver=driver, due_before=AT + timedelta(seconds=seconds))


def decided(leads):
    return [Lead.objects.get(pk=lead.pk).owner is not None for lead in leads]


def test_a_lead_that_fails_stops_none_of_the_others(team, monkeypatch):
    leads = make.leads(5)
    poisoned(monkeypatch, leads[2])

    drain()

    assert decided(leads) == [True, True, False, True, True]
    bad = Lead.objects.get(pk=leads[2].pk)
    assert bad.route_at == AT + poison.RETRY
    assert Strike.objects.get().last_error == "ValueError"


def test_after_three_failures_it_is_in_review_where_it_is_seen_and_an_alarm_is_due(
    team, monkeypatch
):
    leads = make.leads(3)
    poisoned(monkeypatch, leads[0])

    for seconds in (0, 10, 30, 60, 90):
        drain(seconds)

    bad = Lead.objects.get(pk=leads[0].pk)
    assert (bad.place, bad.route_at) == (Lead.Place.REVIEW, None)
    assert Assignment.objects.get(lead=bad).reason_code == "FAILED"
    assert strikes.given_up("route") == {bad.pk}
    assert bad in make_visible()
    assert decided(leads) == [False, True, True]


def make_visible():
    from routing.visibility import visible_leads

    return visible_leads(make.user(group="revops"))


def test_it_can_be_tried_again_and_then_goes_its_way(team, monkeypatch):
    (lead,) = make.leads(1)
    with monkeypatch.context() as patch:
        poisoned(patch, lead)
        for seconds in (0, 10, 30):
            drain(seconds)
    later = AT + timedelta(hours=1)

    assert jobs.retry("route", lead.pk, by=make.user(is_superuser=True), at=later)
    jobs.drain("route", driver="test", due_before=later)

    assert decided([lead]) == [True]
    assert not Strike.objects.exists()


def test_a_lead_that_goes_well_the_second_time_is_forgiven(team, monkeypatch):
    (lead,) = make.leads(1)
    with monkeypatch.context() as patch:
        poisoned(patch, lead)
        drain()

    drain(10)

    assert decided([lead]) == [True]
    assert not Strike.objects.exists()


def test_if_every_lead_fails_none_of_them_is_to_blame(team, monkeypatch):
    leads = make.leads(3)
    poisoned(monkeypatch, *leads)

    for _ in range(4):
        with pytest.raises(ValueError, match="person"):
            drain()

    assert not Strike.objects.exists()
    assert {lead.route_at for lead in Lead.objects.all()} == {AT}


def test_trouble_of_the_database_is_no_leads_fault(team, monkeypatch):
    leads = make.leads(2)
    poisoned(monkeypatch, leads[0], error=OperationalError)

    with pytest.raises(OperationalError):
        drain(20)

    assert not Strike.objects.exists()


def test_a_shadow_that_fails_is_left_alone_without_a_change_of_place(team, monkeypatch):
    shadow, live = make.lead(mode="SHADOW"), make.lead()
    poisoned(monkeypatch, shadow)

    for seconds in (0, 10, 30):
        drain(seconds)

    shadow.refresh_from_db()
    assert (shadow.place, shadow.route_at) == (Lead.Place.QUEUE, None)
    assert not Assignment.objects.filter(lead=shadow).exists()
    assert decided([live]) == [True]


def test_a_lead_that_kills_its_process_has_three_attempts_and_the_others_are_decided(
    team, monkeypatch
):
    leads = make.leads(6)
    starts = []
    real = gather.facts_of

    def facts_of(rows, **kwargs):
        if leads[3].pk in {row.pk for row in rows}:
            starts.append(len(rows))
            raise Killed
        return real(rows, **kwargs)

    monkeypatch.setattr(batch.gather, "facts_of", facts_of)
    # Late enough that batches are counted; before, nobody could know.
    second = 20
    for _ in range(30):
        try:
            drain(second)
        except Killed:
            second += 1
    assert decided(leads) == [True, True, True, False, True, True]
    assert Lead.objects.get(pk=leads[3].pk).place == Lead.Place.REVIEW
    # Once in the batch, three times by itself.
    assert starts == [6, 1, 1, 1]


def test_a_batch_that_keeps_up_counts_nothing(team, django_assert_max_num_queries):
    make.leads(3)

    drain(1)

    assert not Strike.objects.exists()
    assert Decision.objects.count() == 3


def test_a_late_batch_is_counted_and_forgiven(team):
    leads = make.leads(3)

    drain(60)

    assert decided(leads) == [True] * 3
    assert not Strike.objects.exists()


def test_the_engine_is_asked_as_ever(team):
    """The guard around a batch changes no decision."""
    (lead,) = make.leads(1)
    drain(60)

    assert lead.decisions.get().batch.engine == engine.ENGINE_VERSION
