"""
The floor: what no rule can relax.

A candidate is checked in this order, and the first check that fails is the verdict:
`unknown` (not in the roster), `inactive`, `handed_back` (held this very lead and gave it back,
or lost it for being late: fact `handed_back`), `away` (paused), `absent` (out of office),
`full` (open leads at capacity), and then the other limits: `full_points`, `full_value`,
`full_flow`, `full_share`, see `limits`. The filters of the path come after, in their own order.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Protocol

from routing.engine import limits, spans
from routing.engine.conditions import Facts
from routing.engine.limits import Load
from routing.engine.types import Counters, Limit, RepSpec, Situation, Verdict

UNKNOWN = "unknown"
INACTIVE = "inactive"
HANDED_BACK = "handed_back"
AWAY = "away"
ABSENT = "absent"
FULL = "full"

# Held back by how much they have already.
FULL_OF: tuple[Verdict, ...] = (FULL, *limits.VERDICTS.values())
FLOOR: tuple[Verdict, ...] = (UNKNOWN, INACTIVE, HANDED_BACK, AWAY, ABSENT, *FULL_OF)


@dataclass(frozen=True, slots=True)
class Detail:
    """A verdict in words, and the instant it ends where time alone ends it."""

    text: str
    until: int | None = None


class TimeBound(Protocol):
    """What `next_chance` asks of a filter."""

    def not_before(self, rep: RepSpec, situation: Situation, at: int) -> int | None:
        """Return the first instant from `at` on when it lets the rep pass; None for never."""


def handed_back(facts: Facts) -> frozenset[int]:
    """Return the reps who must not get this lead again."""
    reps = facts.get("handed_back")
    return frozenset(reps) if isinstance(reps, list | tuple) else frozenset()


def floor(
    rep: RepSpec | None,
    counters: Counters,
    at: int,
    never: Container[int] = (),
    load: Load | None = None,
) -> Verdict | None:
    """
    Return the first floor check that the rep fails; None if the rep may take a lead.

    `never` are the reps who have handed this lead back. `load` is what it would add; without,
    a lead of no points, value, tier and pool is asked about.
    """
    if rep is None:
        return UNKNOWN
    if not rep.active:
        return INACTIVE
    if rep.id in never:
        return HANDED_BACK
    if rep.id in counters.away and is_away(rep, counters, at):
        return AWAY
    if rep.absences and spans.covering(rep.absences, at):
        return ABSENT
    if rep.capacity is not None and counters.open.get(rep.id, 0) >= rep.capacity:
        return FULL
    if rep.limits:
        stands_at = limit_reached(rep, counters, at, load or Load())
        return None if stands_at is None else limits.VERDICTS[stands_at.kind]
    return None


def limit_reached(rep: RepSpec, counters: Counters, at: int, load: Load) -> Limit | None:
    """Return the first limit that keeps the rep from a lead of this load."""
    for limit in rep.limits:
        if limits.exceeded(limit, rep.id, counters, at, load):
            return limit
    return None


def is_away(rep: RepSpec, counters: Counters, at: int) -> bool:
    """Say whether the rep is paused: until further notice, or until an instant still to come."""
    if rep.id not in counters.away:
        return False
    until = counters.away[rep.id]
    return until is None or at < until


def is_absent(rep: RepSpec, at: int) -> bool:
    """Say whether the rep is out of office."""
    return spans.covering(rep.absences, at) is not None


def next_chance(
    rep: RepSpec,
    situation: Situation,
    filters: Sequence[TimeBound] = (),
    load: Load | None = None,
) -> int | None:
    """
    Return the first instant, from now on, when time alone no longer keeps the rep from leads.

    Considers the pause, absences and the given filters together: somebody back from holiday at
    midnight whose shift opens at nine has a chance at nine. With a `load`, also the limits that
    time frees: so many leads an hour, and a share of a tier. Capacity, points and value are not
    a matter of time and are left out. None if no such instant is known: switched off, paused
    until further notice, never qualified, or no shift left in the planned hours.
    """
    if not rep.active:
        return None
    at, counters = situation.at, situation.counters
    while True:
        later = _not_before(rep, counters, at)
        for one in filters:
            if later is None:
                return None
            later = one.not_before(rep, situation, later)
        if load is not None:
            for limit in rep.limits:
                if later is not None and limits.is_timed(limit):
                    later = limits.frees_at(limit, rep.id, counters, later, load)
        if later is None or later == at:
            return later
        # Whoever moved on may have moved into something else; every step is forward, from one
        # edge of a finite plan to another, so this ends.
        at = later


def _not_before(rep: RepSpec, counters: Counters, at: int) -> int | None:
    if is_away(rep, counters, at):
        until = counters.away[rep.id]
        if until is None:
            return None
        at = until
    absence = spans.covering(rep.absences, at)
    return at if absence is None else absence[1]


def opens_at(rep: RepSpec, at: int) -> int | None:
    """Return the first instant from `at` on when the rep works: in hours and not absent."""
    while True:
        if rep.hours is not None:
            start = spans.first_open(rep.hours, at)
            if start is None:
                return None
            at = start
        absence = spans.covering(rep.absences, at)
        if absence is None:
            return at
        at = absence[1]


def floor_detail(
    verdict: Verdict, rep: RepSpec | None, counters: Counters, at: int, load: Load | None = None
) -> Detail:
    """Put a verdict of the floor into words."""
    if rep is None:
        return Detail("not in the roster")
    if verdict == AWAY:
        until = counters.away[rep.id]
        return Detail("paused until further notice" if until is None else f"back at {until}", until)
    if verdict == ABSENT:
        absence = spans.covering(rep.absences, at)
        end = absence[1] if absence else None
        return Detail(f"back at {end}", end)
    if verdict == HANDED_BACK:
        return Detail("held this lead before")
    if verdict == FULL:
        return Detail(f"open {counters.open.get(rep.id, 0)} of {rep.capacity}")
    if verdict in FULL_OF:
        return _limit_detail(rep, counters, at, load or Load())
    return Detail("switched off")


def _limit_detail(rep: RepSpec, counters: Counters, at: int, load: Load) -> Detail:
    limit = limit_reached(rep, counters, at, load)
    if limit is None:
        return Detail("")
    until = limits.frees_at(limit, rep.id, counters, at, load)
    return Detail(limits.words(limit, rep.id, counters, at, load), until)
