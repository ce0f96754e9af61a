"""What a simulation measures. Pure: no Django, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass

from routing.engine import RepSpec
from routing.engine.eligibility import opens_at
from routing.insight import measures


def percent(part: float, whole: float) -> float:
    """`part` of `whole` in percent with two decimals; 0 of nothing."""
    return round(100 * part / whole, 2) if whole else 0.0


def in_time(rep: RepSpec | None, at: int, deadline: int) -> bool:
    """Whether the rep, given a lead `at`, works at some instant before the deadline."""
    if rep is None:
        return False
    opens = opens_at(rep, at)
    return opens is not None and opens < deadline


@dataclass(frozen=True, slots=True)
class Seat:
    """A member of a pool: the weight, and the leads that two rule sets gave them from it."""

    rep: int
    weight: int
    live: int
    draft: int


@dataclass(frozen=True, slots=True)
class Fairness:
    """
    How fairly a pool's leads are shared. Gini over leads per weight; `off` is the largest
    distance of a member from their share by weight, in leads.
    """

    live: int
    draft: int
    live_gini: float
    draft_gini: float
    live_off: float
    draft_off: float


def fairness(seats: Sequence[Seat]) -> Fairness:
    """Compare what the members of one pool got with what their weights promise."""
    weights = sum(seat.weight for seat in seats)
    live, draft = sum(s.live for s in seats), sum(s.draft for s in seats)
    return Fairness(
        live=live,
        draft=draft,
        live_gini=round(measures.gini([s.live / s.weight for s in seats]), 4),
        draft_gini=round(measures.gini([s.draft / s.weight for s in seats]), 4),
        live_off=round(max(abs(s.live - live * s.weight / weights) for s in seats), 2),
        draft_off=round(max(abs(s.draft - draft * s.weight / weights) for s in seats), 2),
    )
