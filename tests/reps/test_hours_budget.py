"""
Budgets of working time: the conventions by example, the laws, and the wall clock's opinion.

Instants are written as the wall in Berlin shows them, unless they carry an offset. In 2026 the
clocks there spring on 29 March at 02:00 and fall back on 25 October at 03:00, both Sundays.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reps.hours import (
    ALWAYS,
    Calendar,
    NeverCloses,
    NeverOpen,
    OutOfRange,
    add,
    back,
    clip,
    due_at,
    elapsed,
    is_open,
    length,
    next_close,
    next_open,
    normalise,
    working_time,
)
from tests.reps.test_hours_calendar import (
    DAY,
    DAY_NAMES,
    NIGHT,
    OFFICE_WEEK,
    ZONES,
    WallClock,
    calendar,
    instant,
    specs,
)

HOUR = 60 * 60
OFFICE_DAYS = calendar(
    holidays=["2026-12-25"],
    overrides={"2026-12-24": [["09:00", "12:00"]]},
    breaks={"2026-12-23": [["12:00", "13:00"]]},
)
NIGHTS = calendar(weekly=dict.fromkeys(DAY_NAMES, NIGHT))
ONCE = calendar(weekly={}, overrides={"2026-12-24": [["09:00", "12:00"]]})


# Examples


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-03-25T10:00", 2, "2026-03-25T12:00"),
        ("2026-03-27T16:30", 1, "2026-03-30T09:30"),  # Friday to Monday, the clocks change between
        ("2026-03-28T11:00", 1, "2026-03-30T10:00"),  # a Saturday counts from Monday's opening
        ("2026-03-27T16:30", 0.5, "2026-03-27T17:00"),  # used up at closing: due at closing
        ("2026-03-27T16:30", 8.5, "2026-03-30T17:00"),
        ("2026-03-27T16:30", 0, "2026-03-27T16:30"),  # nothing to do, inside hours
        ("2026-03-27T17:00", 0, "2026-03-30T09:00"),  # nothing to do, but closed
        ("2026-03-27T17:00", 1, "2026-03-30T10:00"),
        ("2026-03-27T09:00", 40, "2026-04-02T17:00"),
        ("2026-12-24T11:00", 2, "2026-12-28T10:00"),  # short day, holiday, weekend
        ("2026-12-23T11:30", 2, "2026-12-23T14:30"),  # a break at noon
        ("2026-12-23T12:00", 0, "2026-12-23T13:00"),
        ("2026-12-23T11:00", 1, "2026-12-23T12:00"),  # used up when the break begins
    ],
)
def test_add_in_office_hours(start, hours, due):
    assert add(OFFICE_DAYS, instant(start), int(hours * HOUR)) == instant(due)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-03-28T22:00", 7, "2026-03-29T06:00"),  # the spring night has seven hours
        ("2026-03-28T22:00", 4, "2026-03-29T03:00"),
        ("2026-03-28T22:00", 8, "2026-03-29T23:00"),
        ("2026-10-24T22:00", 9, "2026-10-25T06:00"),  # the autumn night has nine
        ("2026-10-24T22:00", 4.5, "2026-10-25T02:30+02:00"),
        ("2026-10-24T22:00", 5.5, "2026-10-25T02:30+01:00"),
        ("2026-03-25T23:00", 8, "2026-03-26T23:00"),
    ],
)
def test_add_in_night_shifts(start, hours, due):
    assert add(NIGHTS, instant(start), int(hours * HOUR)) == instant(due)


def test_around_the_clock_seconds_are_just_seconds():
    assert add(ALWAYS, 123, 0) == 123
    assert add(ALWAYS, 123, 40 * 366 * DAY) == 123 + 40 * 366 * DAY
    assert elapsed(ALWAYS, -5, 10**9) == 10**9 + 5
    assert back(ALWAYS, 10**9, 10**9 + 5) == -5


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-03-27T16:30", "2026-03-30T09:30", 1),
        ("2026-03-28T00:00", "2026-03-29T23:00", 0),
        ("2026-12-21T00:00", "2027-01-01T00:00", 3 * 8 - 1 + 3 + 4 * 8),
        ("2026-03-30T09:30", "2026-03-27T16:30", -1),
    ],
)
def test_elapsed(start, end, hours):
    assert elapsed(OFFICE_DAYS, instant(start), instant(end)) == hours * HOUR


@pytest.mark.parametrize(
    ("end", "hours", "start"),
    [
        ("2026-03-30T09:30", 1, "2026-03-27T16:30"),
        ("2026-03-27T17:00", 1, "2026-03-27T16:00"),  # due at closing
        ("2026-03-28T12:00", 1, "2026-03-27T16:00"),  # Saturday is as good as Friday's closing
        ("2026-03-30T10:00", 1, "2026-03-30T09:00"),  # Monday's opening, not Friday's closing
        ("2026-03-28T12:00", 0, "2026-03-28T12:00"),
    ],
)
def test_back_finds_the_latest_start(end, hours, start):
    assert back(OFFICE_DAYS, instant(end), hours * HOUR) == instant(start)


@pytest.mark.parametrize(
    ("at", "opens", "closes"),
    [
        ("2026-03-27T12:00", "2026-03-27T12:00", "2026-03-27T17:00"),
        ("2026-03-27T09:00", "2026-03-27T09:00", "2026-03-27T17:00"),
        ("2026-03-27T17:00", "2026-03-30T09:00", "2026-03-30T17:00"),
        ("2026-12-23T11:00", "2026-12-23T11:00", "2026-12-23T12:00"),
        ("2026-12-24T12:00", "2026-12-28T09:00", "2026-12-28T17:00"),
    ],
)
def test_next_open_and_next_close(at, opens, closes):
    assert next_open(OFFICE_DAYS, instant(at)) == instant(opens)
    assert next_close(OFFICE_DAYS, instant(at)) == instant(closes)
    assert is_open(OFFICE_DAYS, instant(at)) is (at == opens)


@pytest.mark.parametrize(
    ("pauses", "start", "hours", "due"),
    [
        ([("2026-03-25T10:00", "2026-03-25T11:00")], "2026-03-25T09:00", 2, "2026-03-25T12:00"),
        ([("2026-03-24T18:00", "2026-03-25T08:00")], "2026-03-24T16:00", 2, "2026-03-25T10:00"),
        ([("2026-03-24T16:00", "2026-03-25T10:00")], "2026-03-24T15:00", 2, "2026-03-25T11:00"),
        ([("2026-03-25T11:00", "2026-03-25T12:00")], "2026-03-25T09:00", 2, "2026-03-25T11:00"),
        ([("2026-03-25T08:00", "2026-03-25T10:00")], "2026-03-25T09:30", 0, "2026-03-25T10:00"),
        ([("2026-03-25T08:00", "2026-03-25T18:00")], "2026-03-25T09:30", 0, "2026-03-26T09:00"),
        (
            [
                ("2026-03-25T10:30", "2026-03-25T12:00"),
                ("2026-03-25T10:00", "2026-03-25T11:00"),
                ("2026-03-20T10:00", "2026-03-20T11:00"),
            ],
            "2026-03-25T09:00",
            2,
            "2026-03-25T13:00",
        ),
    ],
)
def test_pauses_are_taken_out_of_working_time(pauses, start, hours, due):
    spans = [(instant(left), instant(returned)) for left, returned in pauses]

    assert add(OFFICE_DAYS, instant(start), hours * HOUR, spans) == instant(due)
    assert elapsed(OFFICE_DAYS, instant(start), instant(due), spans) == hours * HOUR


# Refusals


def test_a_calendar_that_does_not_open_again_says_so():
    after = instant("2026-12-24T12:00")

    for ask in (
        lambda: add(ONCE, after, 0),
        lambda: add(ONCE, after - HOUR, HOUR + 1),
        lambda: next_open(ONCE, after),
        lambda: next_close(ONCE, after),
        lambda: back(ONCE, after, 3 * HOUR + 1),
    ):
        with pytest.raises(NeverOpen, match="not enough working time"):
            ask()
    assert add(ONCE, 0, 3 * HOUR) == after


def test_a_pause_without_end_leaves_no_time():
    start = instant("2026-03-25T09:00")

    with pytest.raises(NeverOpen):
        add(OFFICE_DAYS, start, HOUR, [(start + 60, 10**15)])


def test_a_budget_longer_than_the_years_that_are_counted_is_refused():
    with pytest.raises(NeverOpen, match="2200"):
        add(OFFICE_DAYS, 0, 10**18)


def test_a_search_that_failed_does_not_spoil_the_next_answer():
    made, start = calendar(), instant("2026-03-27T16:30")

    with pytest.raises(NeverOpen, match="1900"):
        back(made, start, 10**18)

    assert elapsed(made, start, add(made, start, 100_000 * HOUR)) == 100_000 * HOUR


def test_around_the_clock_never_closes():
    with pytest.raises(NeverCloses):
        next_close(ALWAYS, 0)


@pytest.mark.parametrize("count", [add, back])
def test_a_negative_budget_is_refused(count):
    with pytest.raises(ValueError, match="cannot be negative, got -1 s"):
        count(OFFICE_DAYS, 0, -1)


@pytest.mark.parametrize("at", [-(10**11), 10**11])
def test_instants_outside_the_years_that_are_counted_are_refused(at):
    for ask in (is_open, next_open, next_close):
        with pytest.raises(OutOfRange):
            ask(OFFICE_DAYS, at)


# Datetimes


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "budget", "due"),
    [
        ("2026-03-27T15:30:00", timedelta(hours=1), "2026-03-30T07:30:00"),
        ("2026-03-25T09:00:00.25", timedelta(0), "2026-03-25T09:00:00.25"),
        ("2026-03-25T09:00:00.25", timedelta(seconds=1), "2026-03-25T09:00:01.25"),
        ("2026-03-25T09:00:00.25", timedelta(seconds=0.75), "2026-03-25T09:00:01"),
        ("2026-03-25T15:59:59.25", timedelta(seconds=0.75), "2026-03-25T16:00:00"),  # at closing
        ("2026-03-25T15:59:59.25", timedelta(seconds=1), "2026-03-26T08:00:00.25"),
        ("2026-03-25T16:00:00.25", timedelta(0), "2026-03-26T08:00:00"),
        ("2026-03-25T16:00:00.25", timedelta(seconds=0.5), "2026-03-26T08:00:00.5"),
        ("2026-03-25T07:59:59.999999", timedelta(microseconds=1), "2026-03-25T08:00:00.000001"),
    ],
)
def test_due_at_is_exact_to_the_microsecond(start, budget, due):
    assert due_at(OFFICE_DAYS, utc(start), budget) == utc(due)
    assert due_at(OFFICE_DAYS, utc(start), budget).tzinfo is UTC
    assert working_time(OFFICE_DAYS, utc(start), utc(due)) == budget


def test_datetimes_without_an_offset_are_refused():
    naive = datetime.fromisoformat("2026-03-25T09:00")

    with pytest.raises(ValueError, match="2026-03-25T09:00:00 has no UTC offset"):
        due_at(OFFICE_DAYS, naive, timedelta(hours=1))
    with pytest.raises(ValueError, match="has no UTC offset"):
        working_time(OFFICE_DAYS, utc("2026-03-25T09:00"), naive)
    with pytest.raises(ValueError, match="cannot be negative"):
        due_at(OFFICE_DAYS, utc("2026-03-25T09:00"), timedelta(microseconds=-1))


# The wall clock's opinion


def spans_between(start: int, end: int):
    edge = st.integers(start, end)
    return st.lists(st.tuples(edge, edge), max_size=3)


@settings(max_examples=35, deadline=None, database=None)
@given(specs(days=4), st.data())
def test_add_elapsed_and_back_agree_with_the_wall_clock(case, data):
    spec, first = case
    made = Calendar.from_json(spec)
    wall = WallClock(spec, first, days=4)
    start = data.draw(st.integers(wall.start, wall.end - 1), label="start")
    pauses = data.draw(st.just([]) | spans_between(wall.start, wall.end), label="pauses")
    for left, returned in pauses:
        if left < returned:
            wall.open[left - wall.start : returned - wall.start] = bytes(returned - left)
    available = wall.elapsed(start, wall.end)
    assume(available)
    seconds = data.draw(st.integers(1, available), label="seconds")

    due = add(made, start, seconds, pauses)

    assert due == wall.add(start, seconds)
    assert elapsed(made, start, due, pauses) == wall.elapsed(start, due) == seconds
    assert add(made, start, 0, pauses) == wall.add(start, 1) - 1
    if not pauses:
        latest = back(made, due, seconds)
        assert latest >= start
        assert wall.elapsed(latest, due) == seconds
        assert wall.elapsed(latest + 1, due) == seconds - 1
        assert is_open(made, start) is bool(wall.open[start - wall.start])


# Laws, over twenty years


@lru_cache
def warm(timezone: str, shift: str) -> Calendar:
    weekly = {
        "office": OFFICE_WEEK,
        "night": dict.fromkeys(DAY_NAMES, NIGHT),
        "small hours": {"sat": [["23:30", "01:30"]], "sun": [["02:10", "02:40"]]},
    }[shift]
    return calendar(timezone, weekly=weekly)


calendars = st.builds(
    warm, st.sampled_from(ZONES), st.sampled_from(["office", "night", "small hours"])
)
instants = st.datetimes(
    datetime(2015, 1, 1),  # noqa: DTZ001  Hypothesis wants naive bounds
    datetime(2035, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
seconds_of_20_years = instants.map(lambda at: int(at.timestamp()))
budgets = st.one_of(st.integers(0, 20 * HOUR), st.integers(0, 1000 * HOUR))
laws = settings(max_examples=35, deadline=None, database=None)


@laws
@given(calendars, seconds_of_20_years, budgets, budgets)
def test_add_and_elapsed_undo_each_other(made, start, one, other):
    due = add(made, start, one)

    assert elapsed(made, start, due) == one
    if other:  # nothing more to do at closing is due at once, or at the opening; see the examples
        assert add(made, due, other) == add(made, start, one + other)
    assert add(made, start, one) <= add(made, start, one + other)
    assert add(made, start, one) <= add(made, start + other, one)


@laws
@given(calendars, seconds_of_20_years, seconds_of_20_years, seconds_of_20_years)
def test_elapsed_adds_up(made, one, two, three):
    assert elapsed(made, one, two) + elapsed(made, two, three) == elapsed(made, one, three)
    if one <= two:
        assert elapsed(made, one, two) == length(made.open_spans(one, two))


@laws
@given(calendars, seconds_of_20_years, budgets)
def test_back_is_the_latest_start_in_time(made, end, seconds):
    start = back(made, end, seconds)

    if seconds:
        assert add(made, start, seconds) <= end
        assert add(made, start + 1, seconds) > end
    # At an opening the last working second lies before the closed time.
    if is_open(made, end) and is_open(made, end - 1):
        assert add(made, start, seconds) == end


@laws
@given(calendars, seconds_of_20_years, budgets, st.data())
def test_a_pause_costs_the_working_time_it_covers(made, start, seconds, data):
    pauses = data.draw(spans_between(start - 30 * DAY, start + 90 * DAY))

    due = add(made, start, seconds, pauses)

    assert elapsed(made, start, due, pauses) == seconds
    lost = clip(normalise(pauses), start, due)
    assert elapsed(made, start, due) == seconds + sum(elapsed(made, *pause) for pause in lost)


@laws
@given(calendars, seconds_of_20_years)
def test_hours_open_and_close_in_turn(made, at):
    opens, closes = next_open(made, at), next_close(made, at)

    assert at <= opens < closes
    assert is_open(made, at) is (opens == at)
    assert made.open_spans(opens, closes) == ((opens, closes),)
    assert made.open_spans(at, opens) == ()
    assert not is_open(made, closes)


@laws
@given(
    calendars,
    instants,
    st.timedeltas(timedelta(0), timedelta(days=9)),
    st.timedeltas(timedelta(0), timedelta(days=9)),
)
def test_datetimes_keep_the_laws_to_the_microsecond(made, start, one, other):
    due = due_at(made, start, one)

    assert working_time(made, start, due) == one
    if other:
        assert due_at(made, due, other) == due_at(made, start, one + other)


def test_every_half_hour_of_a_changing_week_agrees_with_the_wall_clock():
    spec = NIGHTS.to_json() | {"holidays": [], "overrides": {}, "breaks": {}}
    wall = WallClock(spec, date(2026, 10, 22), days=6)

    for start in range(wall.start, wall.end, HOUR // 2):
        assert is_open(NIGHTS, start) is bool(wall.open[start - wall.start])
        assert elapsed(NIGHTS, wall.start, start) == wall.elapsed(wall.start, start)
