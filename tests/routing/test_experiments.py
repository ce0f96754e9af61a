"""Experiments: both sides of a split, and how certain the difference is."""

from datetime import timedelta

import pytest
from django.urls import reverse

from routing.insight import experiments, measures
from routing.models import Batch, Decision, Desk, Outcome, RosterSnapshot, RuleSet
from tests import make

pytestmark = pytest.mark.django_db


def decided(branch, *, won=False, contacted_after=None):
    """A lead that a rule with an experiment decided, on this side of it."""
    lead = make.lead()
    batch = Batch.objects.create(
        desk_id=Desk.default_pk(),
        ruleset=RuleSet.objects.first() or make.rules(),
        roster=RosterSnapshot.objects.create(
            digest=str(lead.pk), body="{}", made_at=make.MONDAY_9AM
        ),
        at=make.MONDAY_9AM,
        driver="test",
        engine="2",
        counters="{}",
        size=1,
    )
    Decision.objects.create(
        batch=batch,
        place=0,
        lead=lead,
        outcome="nurture",
        branch=branch,
        facts={},
        body="{}",
        decided_at=batch.at,
    )
    if won:
        Outcome.objects.create(lead=lead, kind=Outcome.Kind.WON, at=batch.at)
    if contacted_after:
        lead.contacted_at = lead.received_at + contacted_after
        make.saved(lead)
    return lead


def test_each_lead_counts_once_on_its_side():
    again = decided("offer:a")
    first = again.decisions.get()
    Decision.objects.create(
        batch=first.batch,
        place=1,
        lead=again,
        outcome="nurture",
        branch="offer:a",
        facts={},
        body="{}",
        decided_at=first.decided_at,
    )
    decided("offer:b", won=True, contacted_after=timedelta(minutes=4))
    decided("offer:b", contacted_after=timedelta(minutes=8))
    make.lead()

    [found] = experiments.running()

    assert (found.name, found.a.leads, found.b.leads) == ("offer", 1, 2)
    assert (found.a.won.value, found.b.won.value) == (0, 0.5)
    assert found.b.median == timedelta(minutes=6)
    assert found.a.median is None


def test_the_report_costs_the_same_for_many_leads(django_assert_num_queries):
    for number in range(6):
        decided(f"offer:{'ab'[number % 2]}")

    with django_assert_num_queries(1):
        experiments.running()


def test_the_page_says_whether_it_may_be_chance(client):
    client.force_login(make.user(is_superuser=True, is_staff=True))
    decided("offer:a")
    decided("offer:b", won=True)

    page = client.get(reverse("experiments"))

    assert b"offer" in page.content
    assert b"may be chance" in page.content


def test_wilson_agrees_with_the_published_example():
    # Newcombe 1998, table I: 81 of 263, score without continuity correction.
    found = measures.share(81, 263)

    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)


def test_newcombe_agrees_with_the_published_example():
    # Newcombe 1998 (differences), table II, method 10: 56/70 less 48/80.
    found = measures.difference(measures.share(48, 80), measures.share(56, 70))

    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)
    assert found.is_certain


def test_a_share_of_nothing_is_unknown_and_small_ones_stay_within_zero_and_one():
    assert measures.share(0, 0) is None
    assert measures.share(0, 20).low == 0.0
    assert measures.share(20, 20).high == 1.0


def test_gini_is_zero_for_equal_shares_and_grows_with_inequality():
    assert measures.gini([5, 5, 5]) == 0
    assert measures.gini([0, 0, 9]) == pytest.approx(2 / 3)
    assert measures.gini([]) == measures.gini([0, 0]) == 0
