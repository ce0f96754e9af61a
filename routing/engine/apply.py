"""Booking a decision."""

from routing.engine import rotation
from routing.engine.types import Counters, Decision, Roster


def apply(counters: Counters, decision: Decision, roster: Roster) -> None:
    """
    Fold a decision into the counters, in place.

    An assignment adds an open lead to its rep and, if a rotation chose, charges that rotation
    (`rotation.charge`). Every other outcome changes nothing. Folding the decisions of a batch
    in order over its starting counters gives the counters each of them was made with: that is
    how a decision is run again.
    """
    if decision.rep is None:
        return
    counters.open[decision.rep] = counters.open.get(decision.rep, 0) + 1
    if decision.pool is None:
        return
    pool = roster.pools[decision.pool]
    eligible = [pool.by_rep[rep] for rep in decision.eligible]
    rotation.charge(pool.id, eligible, decision.rep, counters, pool.members)
