"""
Proof from the record that limits of new leads per period held.

What can be proven: from the last change of the limit, of the rep, of their team and of their
hours on, no window holds more counted assignments than the limit allows. A share of a tier
cannot: it is of what a pool had given at that moment, and assignments that were taken back
since are gone from the sum. Points and value are of the moment too.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from reps.models import Rep
from routing.fairness import limits, windows
from routing.models import Assignment, Limit, PoolMember


def exceeded(at: datetime) -> Iterator[str]:
    """Say for each rep and limit in which window there were too many, if there were."""
    for row in Limit.objects.filter(kind=Limit.Kind.FLOW).order_by("pk"):
        for rep in _reps(row):
            since = _unchanged_since(row, rep)
            # Without hours of their own or their team's, the zone is one they may change at will.
            if since is None or not (row.rolling or rep.calendar or rep.team.calendar):
                continue
            given = _given(row, rep, since=since)
            most, begins = _fullest(row, rep, given)
            if most > row.most:
                yield (
                    f"rep {rep.pk} had {most} new leads from {begins} on; "
                    f"limit {row.pk} allows {row.most}"
                )


def _reps(row: Limit) -> Iterable[Rep]:
    reps = Rep.objects.select_related("user", "calendar", "team__calendar")
    if row.rep_id is not None:
        return reps.filter(pk=row.rep_id)
    members = PoolMember.objects.filter(pool=row.pool_id)
    return reps.filter(pk__in=members.values("rep"))


def _unchanged_since(row: Limit, rep: Rep) -> datetime | None:
    """From when on limit, membership and zone are as they are now; None if nobody knows."""
    rows = [row, rep, rep.team, rep.calendar or rep.team.calendar]
    if row.rep_id is None:
        rows.append(PoolMember.objects.get(pool=row.pool_id, rep=rep))
    changed = [_changed_at(one) for one in rows if one is not None]
    return None if None in changed else max(changed)


def _changed_at(row: Limit | Rep | PoolMember) -> datetime | None:
    return (
        type(row)
        .history.filter(id=row.pk)
        .order_by("-history_date")
        .values_list("history_date", flat=True)
        .first()
    )


def _given(row: Limit, rep: Rep, *, since: datetime) -> list[int]:
    rows = Assignment.objects.filter(rep=rep, counts=True, started_at__gt=since)
    if row.pool_id is not None:
        rows = rows.filter(pool=row.pool_id)
    if row.tier:
        rows = rows.filter(tier=row.tier)
    moments = rows.order_by("started_at").values_list("started_at", flat=True)
    return [int(moment.timestamp()) for moment in moments]


def _fullest(row: Limit, rep: Rep, given: Sequence[int]) -> tuple[int, int]:
    """The most assignments in one window, and the instant at which it begins."""
    if not row.rolling:
        zone, counts = limits.zone_of(rep), {}
        for one in given:
            begins = windows.begins(row.window, zone, one)
            counts[begins] = counts.get(begins, 0) + 1
        return max(((n, begins) for begins, n in counts.items()), default=(0, 0))
    length, most, inside = windows.LENGTH[row.window], (0, 0), deque[int]()
    for one in given:
        inside.append(one)
        while inside[0] <= one - length:
            inside.popleft()
        most = max(most, (len(inside), inside[0]))
    return most
