"""How fair a sharing was: pure arithmetic."""

from collections.abc import Sequence
from math import sqrt

# Two-sided 95 %.
Z = 1.959964


def wilson(got: int, of: int) -> tuple[float, float]:
    """
    Return the 95 % interval (Wilson) of a share, as parts of 1; (0, 1) where nothing was seen.
    """
    if not of:
        return 0.0, 1.0
    share, spread = got / of, Z * Z / of
    middle = (share + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * sqrt(share * (1 - share) / of + spread / (4 * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def gini(values: Sequence[float]) -> float:
    """
    Return 0 where all have the same, towards 1 where one has everything; 0 for no values.
    """
    total = sum(values)
    if not total:
        return 0.0
    ranked = sorted(values)
    n = len(ranked)
    return sum((2 * place - n - 1) * value for place, value in enumerate(ranked, 1)) / (n * total)
