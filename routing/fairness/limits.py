"""
The limits of reps as the engine reads them, and the counters that these limits ask for.

The caller holds the loads of the reps: whoever gives a lead locks them first, so that two who
count at once cannot both find room.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from django.db.models import Count, Q

from reps.availability import horizon, moment
from reps.models import Rep
from routing.engine import Counters
from routing.engine.types import Given
from routing.engine.types import Limit as Cap
from routing.fairness import windows
from routing.models import Assignment, Lead, Limit, PoolMember
from routing.models.assignment import Reason

Limits: TypeAlias = Mapping[int, tuple[Cap, ...]]

# What is no new lead for the rep: custody that others arranged, or that only comes home.
# Everything else counts toward the limits per period: routed, claimed, moved by hand, late.
NOT_COUNTED = frozenset(
    {
        Reason.COVERED,
        Reason.RETURNED,
        Reason.LEAVER,
        Reason.REJOINED,
        Reason.MERGED,
        Reason.UNMERGED,
        Reason.REOPENED,
        Reason.IMPORTED,
        Reason.REALIGNED,
    }
)
# A lead that changes hands is new to whoever gets it.
NEW_AGAIN = (Lead.State.WORKING, Lead.State.RECYCLED)
# How far ahead the starts of hours are written out; days and weeks reach to the horizon.
HOURS_AHEAD = 2 * windows.LENGTH[windows.DAY]
STOCK = ("points", "value")


def zone_of(rep: Rep) -> str:
    """The zone in which a rep's days begin: that of their hours, else their own."""
    calendar = rep.calendar or rep.team.calendar
    return calendar.time_zone if calendar else rep.user.time_zone


def of_reps(reps: Iterable[Rep], *, at: datetime) -> dict[int, tuple[Cap, ...]]:
    """
    Return the limits of each rep who has any: their own, and those of their pools.

    The reps come with user, calendar and their team's calendar. Two statements, or one where
    no limit is for a whole pool.
    """
    rows = list(Limit.objects.order_by("pk"))
    shared = {row.pool_id for row in rows if row.rep_id is None}
    members: dict[int, set[int]] = {}
    if shared:
        for pool, rep in PoolMember.objects.filter(pool__in=shared).values_list("pool", "rep"):
            members.setdefault(pool, set()).add(rep)
    found = {}
    for rep in reps if rows else ():
        theirs = [
            row
            for row in rows
            if rep.pk in (members.get(row.pool_id, ()) if row.rep_id is None else (row.rep_id,))
        ]
        if theirs:
            found[rep.pk] = tuple(_limit(row, zone=zone_of(rep), at=at) for row in theirs)
    return found


def _limit(row: Limit, *, zone: str, at: datetime) -> Cap:
    fixed = row.kind == Limit.Kind.FLOW and not row.rolling
    edges: tuple[int, ...] = ()
    if fixed:
        start, end = horizon(at)
        if row.window == windows.HOUR:
            end = start + HOURS_AHEAD
        edges = windows.edges(row.window, zone, start, end)
    return Cap(
        kind=row.kind,
        most=row.most,
        window=None if fixed or not row.window else windows.LENGTH[row.window],
        edges=edges,
        pool=row.pool_id,
        tier=row.tier or None,
    )


def points_of(lead: Lead, stage_points: Mapping[str, int], *, state: str | None = None) -> int:
    """What an open lead weighs at its stage, or at the stage that it is about to have."""
    return int(stage_points.get(state or lead.state, 0))


def state_once_placed(lead: Lead) -> str:
    """The state of a lead with a new holder, who has neither seen nor worked it."""
    return Lead.State.NEW if lead.state in NEW_AGAIN else lead.state


def value_of(lead: Lead) -> int:
    """The expected value of a lead to the nearest whole currency unit, as the engine counts it."""
    return _whole(lead.expected_value)


def _whole(value: Decimal | None) -> int:
    return max(0, round(value or 0))


def fill(
    counters: Counters,
    limits: Limits,
    *,
    at: datetime,
    stage_points: Mapping[str, int],
    by_value: Collection[int] = (),
) -> None:
    """
    Read what these limits count: points and value of open leads, and the recent past.

    `by_value`: reps whose value is asked for by more than a limit. At most two statements, and
    none for reps whom no limit concerns.
    """
    stock = {
        kind: {rep for rep, own in limits.items() if any(one.kind == kind for one in own)}
        for kind in STOCK
    }
    stock["value"].update(by_value)
    if any(stock.values()):
        _read_stock(counters, stock, stage_points)
    periods = {
        rep: [one for one in own if one.kind not in STOCK]
        for rep, own in limits.items()
        if any(one.kind not in STOCK for one in own)
    }
    if periods:
        _read_given(counters, periods, at=int(at.timestamp()))


def _read_stock(
    counters: Counters, reps: Mapping[str, set[int]], stage_points: Mapping[str, int]
) -> None:
    counters.points.update(dict.fromkeys(reps["points"], 0))
    counters.value.update(dict.fromkeys(reps["value"], 0))
    rows = (
        Lead.objects.filter(place=Lead.Place.OWNER, owner__in=reps["points"] | reps["value"])
        .order_by()
        # Each value is rounded by itself, as it is when its lead is given: so they are not
        # added up by the database.
        .values_list("owner", "state", "expected_value")
        .annotate(n=Count("pk"))
    )
    for rep, state, value, n in rows:
        if rep in counters.points:
            counters.points[rep] += n * int(stage_points.get(state, 0))
        if rep in counters.value:
            counters.value[rep] += n * _whole(value)


def _read_given(counters: Counters, limits: Mapping[int, Sequence[Cap]], *, at: int) -> None:
    """Read the counted assignments that a limit looks at; the others are left out."""
    shares: dict[tuple[int | None, str | None], int] = {}
    flows: dict[int, list[tuple[Cap, int]]] = {}
    for rep, own in limits.items():
        for one in own:
            since = since_when(one, at)
            if one.kind == "tier_share":
                key = (one.pool, one.tier)
                shares[key] = min(since, shares.get(key, since))
            else:
                flows.setdefault(rep, []).append((one, since))
    starts = [*shares.values(), *(since for own in flows.values() for _one, since in own)]
    wanted = Q(rep__in=list(flows))
    if shares:
        wanted |= Q(pool__in={pool for pool, _tier in shares}, rep__isnull=False)
    rows = (
        Assignment.objects.filter(wanted, counts=True, started_at__gte=moment(min(starts)))
        .order_by("started_at", "pk")
        .values_list("rep_id", "started_at", "pool_id", "tier")
    )
    found: dict[int, list[Given]] = {}
    for rep, started_at, pool, tier in rows.iterator(chunk_size=5000):
        one = Given(int(started_at.timestamp()), pool, tier)
        in_share = one.at >= shares.get((pool, tier), one.at + 1)
        if in_share or any(
            one.at >= since and limit.pool in (None, pool) and limit.tier in (None, tier)
            for limit, since in flows.get(rep, ())
        ):
            found.setdefault(rep, []).append(one)
    counters.given.update({rep: tuple(given) for rep, given in found.items()})


def since_when(limit: Cap, at: int) -> int:
    """Return the first instant at which an assignment counts for a limit per period."""
    if limit.window is not None:
        return at - limit.window + 1
    return max((edge for edge in limit.edges if edge <= at), default=at)
