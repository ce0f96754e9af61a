"""Working time as clocks freeze it: what is written down comes back the same."""

import json
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reps.hours import add, clip, elapsed, is_open, next_open
from sla.hours import ROUND_THE_CLOCK, Hours


def text(zone: str, opens: str = "09:00", closes: str = "17:00") -> str:
    week = {day: [[opens, closes]] for day in ("mon", "tue", "wed", "thu", "fri")}
    return json.dumps({"timezone": zone, "weekly": week}, sort_keys=True)


TOKYO, BERLIN, DENVER = text("Asia/Tokyo"), text("Europe/Berlin"), text("America/Denver")
DAY = 86_400


def at(words: str) -> int:
    return int(datetime.fromisoformat(words).replace(tzinfo=UTC).timestamp())


MONDAY = at("2026-06-15 00:00")


@pytest.mark.parametrize(
    "hours",
    [
        ROUND_THE_CLOCK,
        Hours(away=((10, 20), (30, 40))),
        Hours((BERLIN,)),
        Hours((BERLIN,), ((10, 20),)),
        Hours((BERLIN, TOKYO)),
    ],
)
def test_hours_come_back_as_they_were_written(hours):
    # As the database gives it back: without an order of its own.
    body = dict(reversed(list(json.loads(json.dumps(hours.as_json())).items())))

    again = Hours.from_json(body)

    assert again == hours
    assert again.digest == hours.digest
    assert again.calendar is hours.calendar


def test_other_hours_have_another_digest():
    several = [Hours(), Hours((BERLIN,)), Hours((BERLIN,), ((1, 2),)), Hours((BERLIN, TOKYO))]

    assert len({hours.digest for hours in several}) == len(several)


def test_several_calendars_are_open_while_one_of_them_is():
    shared = Hours((BERLIN, TOKYO)).calendar

    # Tokyo works from 0:00 to 8:00 UTC, Berlin from 7:00 to 15:00.
    assert elapsed(shared, MONDAY, MONDAY + DAY) == 15 * 3600
    assert add(shared, at("2026-06-15 14:50"), 1200) == at("2026-06-16 00:10")
    assert next_open(shared, at("2026-06-19 16:00")) == at("2026-06-22 00:00")
    assert not is_open(shared, at("2026-06-15 15:00"))


@given(
    texts=st.lists(st.sampled_from([TOKYO, BERLIN, DENVER]), min_size=2, max_size=3, unique=True),
    start=st.integers(MONDAY - 400 * DAY, MONDAY + 400 * DAY),
    length=st.integers(0, 30 * DAY),
)
def test_their_time_together_is_the_time_in_which_any_is_open(texts, start, length):
    hours = Hours(tuple(texts))
    apart = [Hours((one,)).calendar.open_spans(start, start + length) for one in texts]

    found = elapsed(hours.calendar, start, start + length)

    edges = sorted({start, start + length, *(edge for spans in apart for s in spans for edge in s)})
    expected = sum(
        right - left
        for left, right in pairwise(edges)
        if any(clip(spans, left, right) for spans in apart)
    )
    assert found == expected


def test_a_far_deadline_is_found_on_several_calendars():
    shared = Hours((BERLIN, TOKYO)).calendar

    due = add(shared, MONDAY, 15 * 3600 * 5 * 300)

    assert elapsed(shared, MONDAY, due) == 15 * 3600 * 5 * 300
