"""Booking a decision."""

from routing.engine import rotation
from routing.engine.types import Counters, Decision, Given, Roster


def apply(counters: Counters, decision: Decision, roster: Roster) -> None:
    """
    Fold a decision into the counters, in place.

    An assignment adds an open lead to its rep, with its points and value, is remembered among
    the leads given, and, if a rotation chose, books that rotation's charges. Every other outcome
    changes nothing. Folding the decisions of a batch in order over its starting counters gives
    the counters each of them was made with: that is how a decision is run again. Decisions of
    version 1 name whom they charged but not how much: it was each one's share, without bounds.
    """
    rep = decision.rep
    if rep is None:
        return
    counters.open[rep] = counters.open.get(rep, 0) + 1
    counters.points[rep] = counters.points.get(rep, 0) + decision.points
    counters.value[rep] = counters.value.get(rep, 0) + decision.value
    given = Given(decision.at, decision.pool, decision.tier)
    counters.given[rep] = (*counters.given.get(rep, ()), given)
    if decision.pool is not None and decision.charges:
        pool = roster.pools[decision.pool]
        charges = decision.charges
        if decision.engine == "1":
            charges = rotation.plain_shares(pool, [one for one, _ in charges], rep)
        rotation.book(pool, decision.lane, charges, rep, counters)
