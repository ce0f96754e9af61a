"""
A second opinion on working time, which shares neither code nor way of thinking with the engine.

`Clockwork` lives through a few days: it goes from one UTC instant to the next, looks at what the
clock on the wall shows *now*, and lets shifts and breaks begin and end when the wall first shows
their time. It never turns a local time into UTC. What the wall has shown before (the hour that is
repeated) makes nothing happen; what it jumps over happens later by as much as was jumped.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

FROM, UNTIL = datetime(2015, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = timedelta(days=1)
# No zone has changed its clocks twice within so many days since 2015 and come back.
APART = timedelta(days=10)

Changes = tuple[tuple[datetime, timedelta], ...]


def changes(name: str) -> Changes:
    """The offset of a zone at the start of 2015, and each instant at which it changed since."""
    zone = ZoneInfo(name)
    found = [(FROM, _offset(zone, FROM))]
    here = FROM
    while here < UNTIL:
        there = here + APART
        if _offset(zone, there) != found[-1][1]:
            found.append(_change_between(zone, here, there))
        here = there
    return tuple(found)


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _change_between(
    zone: ZoneInfo, before: datetime, after: datetime
) -> tuple[datetime, timedelta]:
    old = _offset(zone, before)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        middle = middle.replace(microsecond=0)
        if _offset(zone, middle) == old:
            before = middle
        else:
            after = middle
    return after, _offset(zone, after)


def one_zone_per_history() -> dict[str, Changes]:
    """The zones of the world without those whose clocks went like another's since 2015."""
    seen: dict[Changes, str] = {}
    for name in sorted(available_timezones()):
        seen.setdefault(changes(name), name)
    return {name: found for found, name in seen.items()}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the calendar wants to happen when the wall shows a time."""

    number: int
    begins: bool
    is_break: bool


class Clockwork:
    """Which steps of a stretch of time are working time, found by living through it."""

    def __init__(self, readings: Sequence[tuple[int, datetime]], step: int, spec: Mapping) -> None:
        self.step = step
        self.start = readings[0][0]
        self.open = bytearray()
        self._waiting = _schedule(spec, readings[0][1].date(), readings[-1][1].date())
        self._working: set[int] = set()
        self._resting: set[int] = set()
        self._over: set[int] = set()
        latest = readings[0][1] - timedelta(seconds=step)
        for _, wall in readings:
            if wall > latest:
                self._show(latest, wall)
                latest = wall
            self.open.append(bool(self._working) and not self._resting)

    def _show(self, latest: datetime, wall: datetime) -> None:
        """The wall shows a time for the first time; between it and the latest one is a jump."""
        step = timedelta(seconds=self.step)
        skipped = latest + step
        jumped = wall - skipped
        while skipped < wall:
            for event in self._waiting.pop(skipped, ()):
                self._waiting.setdefault(skipped + jumped, []).append(event)
            skipped += step
        # What ends at an instant does so before anything begins.
        for event in sorted(self._waiting.pop(wall, ()), key=lambda event: event.begins):
            now = self._resting if event.is_break else self._working
            if not event.begins:
                self._over.add(event.number)
                now.discard(event.number)
            elif event.number not in self._over:
                now.add(event.number)

    # --- What the engine is asked, too --------------------------------------------------
    @property
    def end(self) -> int:
        return self.start + len(self.open) * self.step

    def is_open(self, at: int) -> bool:
        return bool(self.open[(at - self.start) // self.step])

    def elapsed(self, start: int, end: int) -> int:
        """Count the steps; a part of a step counts as far as it goes."""
        first, before = divmod(start - self.start, self.step)
        last, after = divmod(end - self.start, self.step)
        worked = self.open.count(1, first, last) * self.step - before * self.open[first]
        return worked + (after * self.open[last] if after else 0)

    def add(self, start: int, seconds: int) -> int | None:
        """Go on until so much has been worked; None if these days are not enough."""
        place, before = divmod(start - self.start, self.step)
        seconds += before * self.open[place]
        for number in range(place, len(self.open)):
            if self.open[number]:
                if seconds <= self.step:
                    return self.start + number * self.step + seconds
                seconds -= self.step
        return None

    def next_open(self, at: int) -> int | None:
        while at < self.end:
            if self.is_open(at):
                return at
            at += self.step - (at - self.start) % self.step
        return None

    def back(self, end: int, seconds: int) -> int | None:
        """Go back until so much has been worked: the latest start that is early enough."""
        at = end
        while at > self.start:
            edge = at - ((at - self.start) % self.step or self.step)
            if self.is_open(edge):
                if at - edge >= seconds:
                    return at - seconds
                seconds -= at - edge
            at = edge
        return None

    def without(self, pauses: Sequence[tuple[int, int]]) -> "Clockwork":
        """The same days with these spans, which lie on whole steps, taken out."""
        other = copy(self)
        other.open = bytearray(self.open)
        for left, returned in pauses:
            first, last = (left - self.start) // self.step, (returned - self.start) // self.step
            other.open[first:last] = bytes(last - first)
        return other


def readings(name: str, about: datetime, *, days: int, step: int) -> list[tuple[int, datetime]]:
    """What the wall shows from some days before an instant to some days after it."""
    zone = ZoneInfo(name)
    shown = datetime.fromtimestamp
    first = int((about - days * DAY).timestamp())
    first -= first % step
    return [
        (at, shown(at, zone).replace(tzinfo=None, fold=0))
        for at in range(first, first + 2 * days * 86_400, step)
    ]


def _schedule(spec: Mapping, first: date, last: date) -> dict[datetime, list[Event]]:
    found: dict[datetime, list[Event]] = {}
    number = 0
    for day in _dates(first - DAY, last):
        for is_break, pairs in ((False, _shifts(spec, day)), (True, _breaks(spec, day))):
            for opens, closes in pairs:
                number += 1
                ends_on = day if opens < closes else day + DAY
                for text, on, begins in ((opens, day, True), (closes, ends_on, False)):
                    wall = datetime.combine(on, time()) + _after_midnight(text)
                    found.setdefault(wall, []).append(Event(number, begins, is_break))
    return found


def _shifts(spec: Mapping, day: date) -> Sequence[Sequence[str]]:
    if day.isoformat() in spec.get("overrides", {}):
        return spec["overrides"][day.isoformat()]
    if day.isoformat() in spec.get("holidays", ()):
        return ()
    return spec["weekly"].get(WEEKDAYS[day.weekday()], ())


def _breaks(spec: Mapping, day: date) -> Sequence[Sequence[str]]:
    return spec.get("breaks", {}).get(day.isoformat(), ())


def _dates(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += DAY


def _after_midnight(text: str) -> timedelta:
    hour, minute = text.split(":")
    return timedelta(hours=int(hour), minutes=int(minute))
