"""Whether two values of a field say the same, and how sure a share of a sample is. Pure."""

import math
from collections.abc import Iterable
from typing import Any, Final

# Head counts and revenues differ by a little between any two who counted.
NEAR: Final = 0.1
# Of two lists, the share of their words that both have.
SHARED: Final = 0.5
Z_95: Final = 1.959964


def agree(one: Any, other: Any) -> bool:
    """
    Whether two values say the same: words whatever their case, numbers within ten percent,
    lists that share half of their words.
    """
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) or isinstance(other, list):
        a, b = _words(one), _words(other)
        return bool(a | b) and len(a & b) / len(a | b) >= SHARED
    if isinstance(one, int | float) and isinstance(other, int | float):
        most = max(abs(one), abs(other))
        return most == 0 or abs(one - other) / most <= NEAR
    return _plain(one) == _plain(other)


def wilson(hits: int, of: int, z: float = Z_95) -> tuple[float, float]:
    """
    Return the bounds of a share, 0 to 1, that hold with 95 percent (Wilson's interval);
    (0, 1) of nothing, which says nothing.
    """
    if of <= 0:
        return 0.0, 1.0
    share, square = hits / of, z * z
    middle = share + square / (2 * of)
    spread = z * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    below = (middle - spread) / (1 + square / of)
    above = (middle + spread) / (1 + square / of)
    return max(0.0, below), min(1.0, above)


def percentile(sorted_values: list[int], percent: int) -> int | None:
    """Return the smallest value that so many percent do not exceed; None of nothing."""
    if not sorted_values:
        return None
    rank = max(1, math.ceil(len(sorted_values) * percent / 100))
    return sorted_values[rank - 1]


def _words(value: Any) -> set[str]:
    values: Iterable[Any] = value if isinstance(value, list) else [value]
    return {_plain(one) for one in values if _plain(one)}


def _plain(value: Any) -> str:
    return " ".join(str(value if value is not None else "").casefold().split())
