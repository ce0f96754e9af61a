"""The counters as they stand at this moment, read without a lock: for trying, never for routing."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from reps.models import Rep
from routing.engine import Counters
from routing.models import Assignment, PoolStanding, RepLoad


def counters(*, at: datetime) -> Counters:
    """Open leads, balances, turns, and who is away now."""
    balance, turn = {}, {}
    for pool, rep, lane, owed, last in PoolStanding.objects.values_list(
        "pool_id", "rep_id", "lane", "balance", "turn"
    ):
        balance[pool, rep, lane], turn[pool, rep, lane] = owed, last
    away = Rep.objects.filter(Q(paused_until__isnull=True) | Q(paused_until__gt=at))
    return Counters(
        open=dict(RepLoad.objects.values_list("rep_id", "open")),
        balance=balance,
        turn=turn,
        away={
            rep: None if until is None else int(until.timestamp())
            for rep, until in away.filter(paused_at__isnull=False).values_list("pk", "paused_until")
        },
    )


def without(now: Counters, assignments: Iterable[Assignment]) -> Counters:
    """The counters as they would stand had these assignments never been."""
    free = now.copy()
    for one in assignments:
        if one.rep_id is None:
            continue
        free.open[one.rep_id] = max(0, free.open.get(one.rep_id, 0) - 1)
        for name, held in (("points", free.points), ("value", free.value)):
            if one.rep_id in held:
                held[one.rep_id] -= int(one.moved.get(name, 0) or 0)
        for rep, units in _charges(one):
            seat = (one.pool_id, rep, one.moved.get("lane", ""))
            if seat in free.balance:
                free.balance[seat] -= units
    return free


def _charges(one: Assignment) -> list[tuple[int, int]]:
    """The rotation's charges that came with an assignment: (rep, units)."""
    charges = one.moved.get("charges") or []
    pairs = charges.items() if isinstance(charges, dict) else charges
    return [(int(rep), int(units)) for rep, units in pairs] if one.pool_id else []
