"""
How certain a share is, and how even a spread. Pure.

Both intervals are of 95 % (z = 1.959964) and hold for small numbers too, where the textbook's
"plus or minus two standard errors" does not.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z = 1.959964


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with the range in which the true one lies, 95 times of 100."""

    low: float
    value: float
    high: float

    @property
    def is_certain(self) -> bool:
        """Whether the range leaves out zero: a difference is more than chance."""
        return self.low > 0 or self.high < 0


def share(hits: int, of: int) -> Interval | None:
    """
    Return the share of hits by Wilson's score interval; None of nothing.

    Wilson, "Probable inference, the law of succession, and statistical inference" (1927).
    """
    if of <= 0:
        return None
    found = hits / of
    middle = (found + Z * Z / (2 * of)) / (1 + Z * Z / of)
    half = Z * math.sqrt(found * (1 - found) / of + Z * Z / (4 * of * of)) / (1 + Z * Z / of)
    return Interval(max(0.0, middle - half), found, min(1.0, middle + half))


def difference(one: Interval, other: Interval) -> Interval:
    """
    Return how much higher `other` is than `one`, both shares of different people.

    Newcombe, "Interval estimation for the difference between independent proportions" (1998),
    method 10: the two score intervals combined.
    """
    gap = other.value - one.value
    down = math.hypot(other.value - other.low, one.high - one.value)
    up = math.hypot(other.high - other.value, one.value - one.low)
    return Interval(gap - down, gap, gap + up)


def gini(amounts: Sequence[float]) -> float:
    """
    Return how unevenly amounts are spread: 0 all equal, towards 1 one has everything.

    The mean difference between any two, as a share of twice the mean; 0 for no amounts.
    """
    total, number = sum(amounts), len(amounts)
    if not total:
        return 0.0
    ranked = enumerate(sorted(amounts), start=1)
    return sum((2 * rank - number - 1) * amount for rank, amount in ranked) / (number * total)
