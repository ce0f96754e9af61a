"""The counters as they stand at this moment, read without a lock: for trying, never for routing."""

from collections.abc import Iterable
from datetime import datetime

from routing.dispatch import counting, snapshot
from routing.engine import Counters
from routing.engine.types import Given
from routing.models import Assignment, Organisation, RepLoad


def counters(*, at: datetime) -> Counters:
    """Open leads with what the limits count of them, balances, turns, and who is away now."""
    return counting.read(
        dict(RepLoad.objects.values_list("rep_id", "open")),
        roster=snapshot.current(at=at).roster,
        organisation=Organisation.get(),
        by_value=True,
        at=at,
    )


def without(now: Counters, assignments: Iterable[Assignment]) -> Counters:
    """The counters as they would stand had these assignments never been."""
    free = now.copy()
    # The last one first, so that each member's last turn is again the one before.
    for one in sorted(assignments, key=lambda one: one.pk, reverse=True):
        if one.rep_id is None:
            continue
        free.open[one.rep_id] = max(0, free.open.get(one.rep_id, 0) - 1)
        for name, held in (("points", free.points), ("value", free.value)):
            if one.rep_id in held:
                held[one.rep_id] -= one.moved.get(name, 0)
        for rep, units in one.moved.get("charges", ()):
            seat = (one.pool_id, rep, one.moved["lane"])
            if seat in free.balance:
                free.balance[seat] -= units
        _take_back_turn(free, one)
        if one.counts:
            given = Given(int(one.started_at.timestamp()), one.pool_id, one.tier)
            _take_out(free, one.rep_id, given)
    return free


def _take_back_turn(counters: Counters, one: Assignment) -> None:
    turn = one.moved.get("turn")
    if turn is None:
        return
    seat = (one.pool_id, one.rep_id, one.moved["lane"])
    if counters.turn.get(seat) == turn[1]:
        counters.turn[seat] = turn[0]


def _take_out(counters: Counters, rep: int, given: Given) -> None:
    """One of what a rep was given counts no more, as `counts` will say once it is undone."""
    rows = list(counters.given.get(rep, ()))
    if given in rows:
        rows.remove(given)
        counters.given[rep] = tuple(rows)
