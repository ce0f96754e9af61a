"""
Budgets of working time: when is it due, how much has passed.

Instants are epoch seconds UTC, budgets are seconds of working time. Conventions:

- A budget that is used up exactly at closing is due *at* closing, not at the next opening.
- A zero budget is due at once inside hours, and at the next opening outside.
- Pauses (any spans, in any order) are taken out of working time: a pause at night costs nothing.

On a calendar that is warm for the years in question, each call takes a few binary searches, however
long the budget is.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from reps.hours.calendar import (
    FIRST_INSTANT,
    LAST_INSTANT,
    Calendar,
    HoursError,
    Timeline,
)
from reps.hours.intervals import Span, Spans, clip, normalise

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_MICROSECOND = timedelta(microseconds=1)
_MICROSECONDS = 1_000_000


class NeverOpen(HoursError):
    """The calendar has not enough working time in the years that are counted (1900 to 2199)."""


class NeverCloses(HoursError):
    """The calendar stays open for all the years that are counted."""


def add(calendar: Calendar, start: int, seconds: int, pauses: Iterable[Span] = ()) -> int:
    """
    Return the instant at which `seconds` of working time, counted from `start`, are used up.

    :raises NeverOpen: if there is not that much working time before the year 2200
    :raises OutOfRange: if `start` lies outside the years that are counted
    :raises ValueError: if `seconds` is negative; `back` counts backwards
    """
    _refuse_negative(seconds)
    away = normalise(pauses) if pauses else ()
    if seconds == 0:
        return _next_open_beyond(calendar, start, away)
    timeline = calendar.timeline(start, start)
    while True:
        due = timeline.position(start) + seconds
        if away:
            due = _put_off(due, timeline, start, away)
        if due <= timeline.total:
            return timeline.earliest(due)
        timeline = _further(calendar, timeline)


def elapsed(calendar: Calendar, start: int, end: int, pauses: Iterable[Span] = ()) -> int:
    """
    Return the seconds of working time from `start` to `end`; negative if `end` comes first.

    :raises OutOfRange: if either lies outside the years that are counted
    """
    if end < start:
        return -elapsed(calendar, end, start, pauses)
    timeline = calendar.timeline(start, end)
    worked = timeline.position(end) - timeline.position(start)
    if pauses:
        for left, returned in clip(normalise(pauses), start, end):
            worked -= timeline.position(returned) - timeline.position(left)
    return worked


def back(calendar: Calendar, end: int, seconds: int) -> int:
    """
    Return the latest start from which `seconds` of working time are used up by `end`.

    If `end` is an instant at which work can be due (inside hours or at closing), then
    `add(calendar, back(calendar, end, seconds), seconds) == end`. Outside hours it is as if `end`
    were the closing before. A start at a closing is moved to the next opening, which is later and
    loses nothing. Zero seconds back is `end` itself.

    :raises NeverOpen: if there is not that much working time since the year 1900
    :raises OutOfRange: if `end` lies outside the years that are counted
    :raises ValueError: if `seconds` is negative; `add` counts forwards
    """
    _refuse_negative(seconds)
    if seconds == 0:
        return end
    timeline = calendar.timeline(end, end)
    while (position := timeline.position(end) - seconds) < 0:
        timeline = _further_back(calendar, timeline)
    return timeline.latest(position)


def is_open(calendar: Calendar, at: int) -> bool:
    """
    Tell whether the instant is working time; at closing it is not any more.

    :raises OutOfRange: if `at` lies outside the years that are counted
    """
    return calendar.timeline(at, at).is_open(at)


def next_open(calendar: Calendar, at: int) -> int:
    """
    Return the first instant of working time from `at` on: `at` itself inside hours.

    :raises NeverOpen: if there is none before the year 2200
    :raises OutOfRange: if `at` lies outside the years that are counted
    """
    timeline = calendar.timeline(at, at)
    while (position := timeline.position(at)) == timeline.total:
        timeline = _further(calendar, timeline)
    return timeline.latest(position)


def next_close(calendar: Calendar, at: int) -> int:
    """
    Return the first instant after `at` at which working time ends.

    :raises NeverOpen: if there is no working time from `at` on
    :raises NeverCloses: if work goes on to the year 2200
    :raises OutOfRange: if `at` lies outside the years that are counted
    """
    opening = next_open(calendar, at)
    timeline = calendar.timeline(opening, opening)
    while (closing := timeline.closing_after(opening)) is None:
        if timeline.end >= LAST_INSTANT:
            raise NeverCloses("This calendar is open without end.")
        timeline = _further(calendar, timeline)
    return closing


def due_at(calendar: Calendar, start: datetime, budget: timedelta) -> datetime:
    """
    Return `add` for an aware start, as an aware datetime in UTC, exact to the microsecond.

    :raises ValueError: if `start` is naive or the budget negative; else as `add`
    """
    second, fraction = _split(start)
    _refuse_negative(budget.total_seconds())
    microseconds = budget // _MICROSECOND
    # Hours open and close on whole seconds. So counting from the whole second before the start is
    # the fraction more, if that second is worked; and a part of a last second is due that part
    # after the second begins.
    if is_open(calendar, second):
        microseconds += fraction
    whole, part = divmod(microseconds, _MICROSECONDS)
    if part == 0:
        return _moment(add(calendar, second, whole))
    return _moment(add(calendar, second, whole + 1)) - (_MICROSECONDS - part) * _MICROSECOND


def working_time(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """
    Return `elapsed` for aware datetimes, exact to the microsecond.

    :raises ValueError: if one of them is naive; else as `elapsed`
    """
    first, first_fraction = _split(start)
    last, last_fraction = _split(end)
    worked = elapsed(calendar, first, last) * _SECOND
    if is_open(calendar, first):
        worked -= first_fraction * _MICROSECOND
    if is_open(calendar, last):
        worked += last_fraction * _MICROSECOND
    return worked


def _refuse_negative(seconds: float) -> None:
    if seconds < 0:
        raise ValueError(f"A budget of working time cannot be negative, got {seconds} s.")


def _put_off(due: int, timeline: Timeline, start: int, pauses: Spans) -> int:
    """Move a due position on by the working time of the pauses that begin before it."""
    begun = timeline.position(start)
    for left, returned in pauses:
        # A pause may reach beyond the timeline. Its position is then the total, which makes the
        # due position lie beyond as well, and the caller comes back with a longer timeline.
        leaving = max(begun, timeline.position(left))
        if leaving >= due:
            break
        due += max(begun, timeline.position(returned)) - leaving
    return due


def _next_open_beyond(calendar: Calendar, at: int, pauses: Spans) -> int:
    at = next_open(calendar, at)
    for left, returned in pauses:
        if left <= at < returned:
            at = next_open(calendar, returned)
    return at


def _further(calendar: Calendar, timeline: Timeline) -> Timeline:
    """Look twice as far, so that a long search costs no more than a few times what it finds."""
    if timeline.end >= LAST_INSTANT:
        raise NeverOpen("There is not enough working time in this calendar before the year 2200.")
    end = min(2 * timeline.end - timeline.start, LAST_INSTANT)
    return calendar.timeline(max(timeline.start, FIRST_INSTANT), end)


def _further_back(calendar: Calendar, timeline: Timeline) -> Timeline:
    """Look twice as far into the past."""
    if timeline.start <= FIRST_INSTANT:
        raise NeverOpen("There is not enough working time in this calendar since the year 1900.")
    start = max(2 * timeline.start - timeline.end, FIRST_INSTANT)
    return calendar.timeline(start, min(timeline.end, LAST_INSTANT))


def _split(at: datetime) -> tuple[int, int]:
    """Split an aware datetime into whole epoch seconds and the microseconds after them."""
    if at.utcoffset() is None:
        raise ValueError(f"{at.isoformat()} has no UTC offset; write one, such as +01:00 or Z.")
    since = at - _EPOCH
    return since // _SECOND, since.microseconds


def _moment(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, UTC)
