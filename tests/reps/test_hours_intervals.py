"""Sets of time. The laws are checked against plain sets of seconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reps.hours.intervals import Spans, clip, covers, intersect, length, normalise, subtract, union

LAST = 12  # tiny numbers, so that spans meet and touch all the time
edges = st.integers(0, LAST)
spans = st.lists(st.tuples(edges, edges), max_size=5).map(normalise)


def seconds(spans: Spans) -> set[int]:
    return {second for start, end in spans for second in range(start, end)}


def test_normalise_sorts_joins_and_drops_what_holds_no_instant():
    assert normalise([(7, 9), (1, 3), (2, 4), (4, 5), (6, 6), (9, 8)]) == ((1, 5), (7, 9))


def test_subtract_leaves_the_gaps():
    assert subtract(((0, 10),), ((2, 3), (5, 7))) == ((0, 2), (3, 5), (7, 10))


@pytest.mark.parametrize(("instant", "inside"), [(0, False), (1, True), (2, True), (3, False)])
def test_a_span_holds_its_start_and_not_its_end(instant, inside):
    assert covers(((1, 3), (5, 6)), instant) is inside


@given(st.lists(st.tuples(edges, edges), max_size=6))
def test_equal_sets_of_time_are_equal_tuples(pairs):
    result = normalise(pairs)

    assert seconds(result) == seconds(pairs)
    assert all(start < end for start, end in result)
    assert all(result[i][1] < result[i + 1][0] for i in range(len(result) - 1))
    assert normalise(reversed(result)) == result


@given(spans, spans)
def test_operations_agree_with_sets_of_seconds(one, other):
    for result, expected in (
        (union(one, other), seconds(one) | seconds(other)),
        (intersect(one, other), seconds(one) & seconds(other)),
        (subtract(one, other), seconds(one) - seconds(other)),
    ):
        assert seconds(result) == expected
        assert result == normalise(result)
        assert length(result) == len(expected)


@given(spans, edges, edges)
def test_clip_keeps_what_lies_within(one, start, end):
    assert seconds(clip(one, start, end)) == seconds(one) & set(range(start, end))


@given(spans, edges)
def test_covers_agrees_with_sets_of_seconds(one, instant):
    assert covers(one, instant) is (instant in seconds(one))
