"""
A working calendar: local windows by weekday and date, turned into open spans in UTC.

What is written in local time is turned into UTC once, date by date; everything after that is
arithmetic on whole seconds. Conventions:

- A window belongs to the date on which it starts. One that closes at or before its opening time
  runs into the next date: `["22:00", "06:00"]`.
- An override replaces the weekly windows of its date, and a holiday as well; a holiday lets no
  window start. Neither touches a window that started the evening before.
- A break is taken out of whatever is open at that time, whichever date it belongs to.
- A closing time of `24:00` is the end of the day, and so are `23:59` and `23:59:59`, which is what
  people write when a form refuses 24:00. A closing time of `00:00` is refused as ambiguous.
- A local time that the clocks skip is moved forward by what they skip (02:30 is 03:30); one that
  happens twice means the first time, for opening and closing alike. So a night shift is an hour
  shorter in spring and an hour longer in autumn, and a window whose closing is not after its
  opening any more has no time on that date.
"""

import json
import re
import reprlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from reps.hours.intervals import Span, Spans, clip, normalise, subtract, union

Window = tuple[int, int]
"""Opening and closing in seconds after local midnight; closing is past 24 h for a night shift."""

Windows = tuple[Window, ...]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

FIRST_YEAR, LAST_YEAR = 1900, 2199
"""Time is counted within these years, so that no calendar can be searched for ever."""

FIRST_INSTANT = int(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())
LAST_INSTANT = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp())

_Key = TypeVar("_Key", str, date)

_DAY = 24 * 60 * 60
_CHUNK = 366 * _DAY
_PARTS = ("timezone", "weekly", "holidays", "overrides", "breaks")
_TIME = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])(?::([0-5][0-9]))?")
_WRITTEN_FOR_END_OF_DAY = (_DAY - 60, _DAY - 1)
# A zone is at most a day away from UTC, a night shift a day longer than its date, and the longest
# jump of a clock (Samoa, 2011) was a day.
_REACH_OF_A_DATE = timedelta(days=3)


class HoursError(ValueError):
    """Something about working time cannot be answered; the message is fit for a person."""


class CalendarError(HoursError):
    """A calendar is written wrongly. The message names the part, what is wrong and the way out."""


class OutOfRange(HoursError):
    """An instant lies outside the years that are counted (1900 to 2199)."""


class Timeline:
    """
    The open spans of a calendar between two instants, with running totals. It never changes.

    Besides the instants of the clock it knows *positions*: working seconds since its own start.
    Positions of different timelines are not comparable.
    """

    __slots__ = ("_before", "_closes", "_opens", "end", "spans", "start", "total")

    def __init__(self, start: int, end: int, spans: Spans) -> None:
        self.start = start
        self.end = end
        self.spans = spans
        self._opens = [opens for opens, _ in spans]
        self._closes = [closes for _, closes in spans]
        worked = accumulate((closes - opens for opens, closes in spans), initial=0)
        *self._before, self.total = worked

    def position(self, instant: int) -> int:
        """Return the working seconds from the start of the timeline to the instant."""
        index = bisect_right(self._opens, instant) - 1
        if index < 0:
            return 0
        return self._before[index] + min(instant, self._closes[index]) - self._opens[index]

    def earliest(self, position: int) -> int:
        """Return the first instant of a position in `(0, total]`: at a closing, the closing."""
        index = bisect_left(self._before, position) - 1
        return self._opens[index] + position - self._before[index]

    def latest(self, position: int) -> int:
        """Return the last instant of a position in `[0, total)`: at a closing, the next opening."""
        index = bisect_right(self._before, position) - 1
        return self._opens[index] + position - self._before[index]

    def is_open(self, instant: int) -> bool:
        """Tell whether the instant is working time."""
        return bisect_right(self._opens, instant) > bisect_right(self._closes, instant)

    def closing_after(self, instant: int) -> int | None:
        """Return the first closing after the instant, or None if the timeline ends before it."""
        index = bisect_right(self._closes, instant)
        closes = self._closes[index] if index < len(self._closes) else self.end
        return closes if closes < self.end else None

    def between(self, start: int, end: int) -> Spans:
        """Return the open spans within `[start, end)`."""
        first = bisect_right(self._closes, start)
        last = bisect_left(self._opens, end)
        return clip(self.spans[first:last], start, end)


@dataclass(frozen=True)
class Calendar:
    """
    When work is done, in one time zone. Equal content is equal, and equal calendars hash alike.

    A calendar remembers the open spans it has worked out, so keep and share instances
    (`calendar_for` does); they are safe to share between threads.

    :raises CalendarError: if the zone is unknown or there is never any working time
    """

    timezone: str
    weekly: tuple[Windows, ...] = ((),) * 7  # Monday first
    holidays: frozenset[date] = frozenset()
    overrides: tuple[tuple[date, Windows], ...] = ()  # sorted by date, each date once
    breaks: tuple[tuple[date, Windows], ...] = ()  # the same
    _timeline: Timeline | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError) as error:  # unknown; no name; a folder ("Europe")
            raise CalendarError(
                f"timezone: {reprlib.repr(self.timezone)} is not a known time zone; "
                "write an IANA name such as 'Europe/Berlin'"
            ) from error
        if not any(self.weekly) and not self._spans_on(self._dates_with_exceptions()):
            raise CalendarError(
                "weekly: this calendar is never open; give at least one day a window such as "
                '{"mon": [["09:00", "17:00"]]}, or write null for around the clock'
            )

    @classmethod
    def from_json(cls, value: object) -> "Calendar":
        """
        Read the documented form (see `to_json`); `None` is around the clock.

        :raises CalendarError: naming the part that is wrong, e.g. `weekly.mon[0]: …`
        """
        if value is None:
            return ALWAYS
        parts = _mapping("calendar", value)
        for name in parts:
            if name not in _PARTS:
                raise CalendarError(f"{name}: unknown part; a calendar has {', '.join(_PARTS)}")
        if not isinstance(parts.get("timezone"), str):
            raise CalendarError(
                "timezone: expected an IANA name such as 'Europe/Berlin', "
                f"got {reprlib.repr(parts.get('timezone'))}"
            )
        weekly = _windows_by("weekly", parts.get("weekly"), _weekday)
        return cls(
            timezone=parts["timezone"],
            weekly=tuple(weekly.get(name, ()) for name in WEEKDAYS),
            holidays=frozenset(_dates("holidays", parts.get("holidays"))),
            overrides=tuple(
                sorted(_windows_by("overrides", parts.get("overrides"), _date).items())
            ),
            breaks=tuple(sorted(_windows_by("breaks", parts.get("breaks"), _date).items())),
        )

    def to_json(self) -> dict[str, Any] | None:
        """
        Return the form that `from_json` reads, leaving out parts that are empty.

        `{"timezone": "Europe/Berlin", "weekly": {"mon": [["09:00", "17:00"]]},
        "holidays": ["2026-12-25"], "overrides": {"2026-12-24": [["09:00", "12:00"]]},
        "breaks": {"2026-12-23": [["12:00", "13:00"]]}}`; around the clock is `None`.
        """
        if self == ALWAYS:
            return None
        days = zip(WEEKDAYS, self.weekly, strict=True)
        parts: dict[str, Any] = {
            "timezone": self.timezone,
            "weekly": {name: _written(windows) for name, windows in days if windows},
            "holidays": sorted(day.isoformat() for day in self.holidays),
            "overrides": {day.isoformat(): _written(windows) for day, windows in self.overrides},
            "breaks": {day.isoformat(): _written(windows) for day, windows in self.breaks},
        }
        return {name: part for name, part in parts.items() if part}

    def windows_on(self, day: date) -> Windows:
        """Return the local windows that start on the date, before breaks are taken out."""
        replaced = self._override_by_date.get(day)
        if replaced is not None:
            return replaced
        return () if day in self.holidays else self.weekly[day.weekday()]

    def open_spans(self, start: int, end: int) -> Spans:
        """
        Return the working time within `[start, end)`, epoch seconds UTC.

        :raises OutOfRange: if either lies outside the years that are counted
        """
        if end <= start:
            return ()
        return self.timeline(start, end).between(start, end)

    def timeline(self, start: int, end: int) -> Timeline:
        """
        Return all that is worked out so far, which contains both instants from now on.

        It costs about two milliseconds for each year not asked for before, else nothing.

        :raises OutOfRange: if either lies outside the years that are counted
        """
        known = self._timeline
        if known is None or start < known.start or known.end <= end:
            return self._grow(known, start, end)
        return known

    def _grow(self, known: Timeline | None, start: int, end: int) -> Timeline:
        if start < FIRST_INSTANT or end > LAST_INSTANT:
            raise OutOfRange(f"Working time is counted from {FIRST_YEAR} to {LAST_YEAR}.")
        first, last = start - start % _CHUNK, end - end % _CHUNK + _CHUNK
        if known is None:
            spans = self._work_out(first, last)
        else:
            first, last = min(first, known.start), max(last, known.end)
            earlier, later = self._work_out(first, known.start), self._work_out(known.end, last)
            spans = union(earlier, known.spans, later)
        grown = Timeline(first, last, spans)
        # Threads that grow it at once each publish a whole timeline; whichever stays is right.
        object.__setattr__(self, "_timeline", grown)
        return grown

    def _work_out(self, start: int, end: int) -> Spans:
        """Turn the local windows of every date that can reach into `[start, end)` into UTC."""
        if end <= start:
            return ()
        day = datetime.fromtimestamp(start, UTC).date() - _REACH_OF_A_DATE
        last = datetime.fromtimestamp(end, UTC).date() + _REACH_OF_A_DATE
        days = [day + timedelta(days=n) for n in range((last - day).days + 1)]
        return clip(self._spans_on(days), start, end)

    def _spans_on(self, days: Iterable[date]) -> Spans:
        work: list[Span] = []
        rest: list[Span] = []
        for day in days:
            work.extend(self._in_utc(day, self.windows_on(day)))
            rest.extend(self._in_utc(day, self._breaks_by_date.get(day, ())))
        return subtract(normalise(work), normalise(rest))

    def _in_utc(self, day: date, windows: Windows) -> Iterator[Span]:
        # Adding to an aware datetime moves its wall clock. With fold=0 a skipped time is read with
        # the offset before the jump, which moves it forward; a repeated one is the first.
        midnight = datetime.combine(day, time(), tzinfo=self._zone)
        for opens, closes in windows:
            yield (
                int((midnight + timedelta(seconds=opens)).timestamp()),
                int((midnight + timedelta(seconds=closes)).timestamp()),
            )

    def _dates_with_exceptions(self) -> set[date]:
        return {day for day, _ in (*self.overrides, *self.breaks)}

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @cached_property
    def _override_by_date(self) -> dict[date, Windows]:
        return dict(self.overrides)

    @cached_property
    def _breaks_by_date(self) -> dict[date, Windows]:
        return dict(self.breaks)


ALWAYS = Calendar(timezone="UTC", weekly=(((0, _DAY),),) * 7)
"""Around the clock: what `null` means as a calendar."""


@lru_cache(maxsize=1024)
def calendar_for(json_text: str) -> Calendar:
    """
    Return the calendar written in the text; the same text gives the same, warm instance.

    :raises CalendarError: if the text is not JSON, or not a calendar
    """
    try:
        value = json.loads(json_text)
    except (ValueError, RecursionError) as error:
        raise CalendarError(f"calendar: not JSON ({error})") from error
    return Calendar.from_json(value)


def _mapping(part: str, value: object) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise CalendarError(f"{part}: expected an object {{…}}, got {reprlib.repr(value)}")
    return value


def _list(part: str, value: object, of: str) -> list[Any] | tuple[Any, ...]:
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise CalendarError(f"{part}: expected a list of {of}, got {reprlib.repr(value)}")
    return value


def _windows_by(part: str, value: object, key: Callable[[str, str], _Key]) -> dict[_Key, Windows]:
    return {
        key(part, name): _windows(f"{part}.{name}", windows)
        for name, windows in _mapping(part, value).items()
    }


def _weekday(part: str, name: str) -> str:
    if name not in WEEKDAYS:
        raise CalendarError(f"{part}.{name}: unknown weekday; write one of {', '.join(WEEKDAYS)}")
    return name


def _dates(part: str, value: object) -> list[date]:
    dates = _list(part, value, of="dates such as '2026-12-25'")
    return [_date(f"{part}[{index}]", day) for index, day in enumerate(dates)]


def _date(part: str, text: object) -> date:
    try:
        day = date.fromisoformat(str(text))
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise CalendarError(
            f"{part}: {reprlib.repr(text)} is not a date; write YYYY-MM-DD such as 2026-12-25"
        )
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise CalendarError(f"{part}: {day} is out of range; use {FIRST_YEAR} to {LAST_YEAR}")
    return day


def _windows(part: str, value: object) -> Windows:
    pairs = _list(part, value, of='windows such as ["09:00", "17:00"]')
    windows = sorted(_window(f"{part}[{index}]", pair) for index, pair in enumerate(pairs))
    for earlier, later in pairwise(windows):
        if later[0] < earlier[1]:
            raise CalendarError(
                f"{part}: {'-'.join(_pair(later))} overlaps {'-'.join(_pair(earlier))}; "
                "join them into one window or move one of them"
            )
    return tuple(windows)


def _window(part: str, value: object) -> Window:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise CalendarError(
            f'{part}: expected ["opens", "closes"] such as ["09:00", "17:00"], '
            f"got {reprlib.repr(value)}"
        )
    opens, closes = _seconds(part, value[0]), _seconds(part, value[1])
    if opens == _DAY:
        raise CalendarError(f"{part}: cannot open at 24:00; write 00:00 on the next day")
    if closes == 0:
        raise CalendarError(
            f"{part}: 00:00 as closing time is ambiguous; write 24:00 for the end of the day"
        )
    if opens == closes:
        raise CalendarError(
            f"{part}: empty window, it closes when it opens; remove it, "
            'or write ["00:00", "24:00"] for the whole day'
        )
    if closes in _WRITTEN_FOR_END_OF_DAY:
        closes = _DAY
    return (opens, closes) if opens < closes else (opens, closes + _DAY)


def _seconds(part: str, text: object) -> int:
    """Read a local time as seconds after midnight; 24:00 is allowed."""
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if match:
        hour, minute, second = (int(digits or 0) for digits in match.groups())
        seconds = (hour * 60 + minute) * 60 + second
        if seconds <= _DAY:
            return seconds
    raise CalendarError(
        f"{part}: {reprlib.repr(text)} is not a time; write HH:MM or HH:MM:SS, from 00:00 to 24:00"
    )


def _written(windows: Windows) -> list[list[str]]:
    return [_pair(window) for window in windows]


def _pair(window: Window) -> list[str]:
    opens, closes = window
    return [_clock(opens), _clock(closes if closes <= _DAY else closes - _DAY)]


def _clock(seconds: int) -> str:
    minutes, second = divmod(seconds, 60)
    text = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{text}:{second:02}" if second else text
