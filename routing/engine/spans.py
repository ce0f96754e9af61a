"""Spans of time: sorted, disjoint, half-open `(start, end)` in whole epoch seconds (UTC)."""

from bisect import bisect_right
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]
Spans: TypeAlias = tuple[Span, ...]

_LATEST = float("inf")


def covering(spans: Spans, at: int) -> Span | None:
    """Return the span that contains the instant, if any."""
    i = bisect_right(spans, (at, _LATEST))
    if i and at < spans[i - 1][1]:
        return spans[i - 1]
    return None


def first_open(spans: Spans, at: int) -> int | None:
    """Return the first instant from `at` on that lies in a span; None if there is none."""
    i = bisect_right(spans, (at, _LATEST))
    if i and at < spans[i - 1][1]:
        return at
    return spans[i][0] if i < len(spans) else None


def check(spans: Spans) -> None:
    """
    Make sure that the spans are sorted, disjoint and none is empty.

    :raises ValueError: otherwise; every search here relies on it
    """
    last: int | None = None
    for start, end in spans:
        if start >= end or (last is not None and start < last):
            raise ValueError(f"spans must be sorted, disjoint and not empty: {(start, end)}")
        last = end
