"""
How many of their leads reps win, for the weights of pools and for rules that choose the best.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, F, QuerySet

from routing.fairness import factors
from routing.fairness.factors import HUNDRED, Seat
from routing.models import Assignment, Lead, Outcome

# The past that closings are counted in.
PERIOD = timedelta(days=90)
# Percent; whoever has had too few leads to be judged is as usual.
USUAL = HUNDRED


@dataclass(slots=True)
class Closings:
    """Leads of the period by rep, and those of them that the rep won."""

    given: dict[int, int] = field(default_factory=dict)
    won: dict[int, int] = field(default_factory=dict)


def closings(reps: Collection[int] | None, *, at: datetime) -> Closings:
    """
    Count over all leads that these reps (None: everybody) were given; two statements.

    A lead counts as won for the rep who held it to the end.
    """
    given = Assignment.objects.filter(
        place=Lead.Place.OWNER,
        started_at__gt=at - PERIOD,
        started_at__lte=at,
        undone_at__isnull=True,
    ).order_by()
    if reps is not None:
        given = given.filter(rep__in=reps)
    won = given.filter(
        lead__place=Lead.Place.CLOSED,
        lead__former_owner=F("rep"),
        lead__outcomes__kind=Outcome.Kind.WON,
        lead__outcomes__at__lte=at,
    )
    return Closings(_by_rep(given), _by_rep(won))


def _by_rep(rows: QuerySet[Assignment]) -> dict[int, int]:
    return dict(rows.values_list("rep").annotate(n=Count("lead", distinct=True)))


def of_reps(*, at: datetime) -> dict[int, int]:
    """
    Return rep → performance in percent of what is usual among everybody who had leads: their
    closings per lead, from 80 to 120 in steps, see `factors.performance`. Two statements.
    """
    counted = closings(None, at=at)
    seats = [
        Seat(rep=rep, given=given, won=counted.won.get(rep, 0))
        for rep, given in sorted(counted.given.items())
    ]
    found = factors.performance(seats) if seats else []
    return {seat.rep: round(factor * HUNDRED) for seat, factor in zip(seats, found, strict=True)}
