"""When the fixed windows of a limit begin: the hours, days and weeks of a rep's own zone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

HOUR, DAY, WEEK = "HOUR", "DAY", "WEEK"
# The length of a window that rolls, in seconds.
LENGTH = {HOUR: 3600, DAY: 86_400, WEEK: 7 * 86_400}


@lru_cache(maxsize=1024)
def edges(kind: str, zone: str, start: int, end: int) -> tuple[int, ...]:
    """
    Return the starts of all windows that touch [start, end), in epoch seconds, sorted.

    Days begin at midnight in the zone, weeks on Monday, hours on the hour of its clocks.
    """
    found = []
    for edge in _edges(kind, ZoneInfo(zone), start):
        if edge >= end:
            break
        found.append(edge)
    return tuple(found)


def begins(kind: str, zone: str, at: int) -> int:
    """Return the start of the window that holds an instant."""
    return edges(kind, zone, at, at + 1)[0]


def _edges(kind: str, zone: ZoneInfo, start: int) -> Iterator[int]:
    local = datetime.fromtimestamp(start, tz=UTC).astimezone(zone)
    if kind == HOUR:
        yield from _hours(zone, start - local.minute * 60 - local.second)
        return
    day = local.date()
    if kind == WEEK:
        day -= timedelta(days=day.weekday())
    step = timedelta(days=7 if kind == WEEK else 1)
    while True:
        yield int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())
        day += step


def _hours(zone: ZoneInfo, edge: int) -> Iterator[int]:
    while True:
        yield edge
        # Where clocks move by half an hour, the next full hour of the clock is nearer.
        local = datetime.fromtimestamp(edge, tz=UTC).astimezone(zone)
        edge += LENGTH[HOUR] - local.minute * 60 - local.second
