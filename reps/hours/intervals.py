"""
Sets of time as sorted spans.

A span is `(start, end)` in whole epoch seconds UTC, half open: `start` belongs to it, `end` does
not. `Spans` is a tuple of spans that are sorted, not empty, disjoint and do not touch, so two equal
sets of time are equal tuples. Functions that take `Spans` rely on that form; `normalise` makes it.
"""

from bisect import bisect_right
from collections.abc import Iterable
from operator import itemgetter

Span = tuple[int, int]
Spans = tuple[Span, ...]

_start_of = itemgetter(0)


def normalise(spans: Iterable[Span]) -> Spans:
    """Bring spans in any order into the form of `Spans`; those that hold no instant are dropped."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined)


def union(*sets: Spans) -> Spans:
    """Return the time that lies in at least one of the sets."""
    return normalise(span for spans in sets for span in spans)


def intersect(one: Spans, other: Spans) -> Spans:
    """Return the time that lies in both sets."""
    common: list[Span] = []
    i = j = 0
    while i < len(one) and j < len(other):
        start, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if start < end:
            common.append((start, end))
        if one[i][1] <= other[j][1]:
            i += 1
        else:
            j += 1
    return tuple(common)


def subtract(spans: Spans, taken: Spans) -> Spans:
    """Return the time of `spans` that does not lie in `taken`."""
    if not taken or not spans:
        return spans
    first, last = min(spans[0][0], taken[0][0]), max(spans[-1][1], taken[-1][1])
    gaps_start = (first, *(end for _, end in taken))
    gaps_end = (*(start for start, _ in taken), last)
    return intersect(spans, normalise(zip(gaps_start, gaps_end, strict=True)))


def clip(spans: Spans, start: int, end: int) -> Spans:
    """Return the time of `spans` within `[start, end)`."""
    return intersect(spans, normalise([(start, end)]))


def covers(spans: Spans, instant: int) -> bool:
    """Tell whether the instant lies in one of the spans."""
    index = bisect_right(spans, instant, key=_start_of) - 1
    return index >= 0 and instant < spans[index][1]


def length(spans: Spans) -> int:
    """Return how many seconds the spans hold together."""
    return sum(end - start for start, end in spans)
