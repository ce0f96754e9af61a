"""The points model: pure arithmetic on facts, every contribution shown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from routing.engine import Condition, holds

LOWEST, HIGHEST = 0, 100
# Tiers by score; requirement SCO-2.
HOT_FROM, WARM_FROM = 80, 60


@dataclass(frozen=True, slots=True)
class Factor:
    """Points, possibly negative, for leads that meet a condition."""

    name: str
    condition: Condition
    points: int


@dataclass(frozen=True, slots=True)
class Score:
    """A score from 0 to 100, and the factors it adds up from before it is bounded."""

    value: int
    parts: Sequence[tuple[str, int]]

    @property
    def tier(self) -> str:
        return tier_of(self.value)


def tier_of(score: int) -> str:
    """HOT from 80, WARM from 60, else COLD."""
    if score >= HOT_FROM:
        return "HOT"
    return "WARM" if score >= WARM_FROM else "COLD"


def score(factors: Iterable[Factor], facts: Mapping[str, Any]) -> Score:
    """Add up the points of every factor whose condition holds; bound the sum to 0 to 100."""
    parts = [(factor.name, factor.points) for factor in factors if holds(factor.condition, facts)]
    total = sum(points for _, points in parts)
    return Score(max(LOWEST, min(HIGHEST, total)), parts)
