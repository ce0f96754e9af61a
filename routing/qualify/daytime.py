"""When it is daytime for a person in the coming days. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

# People can be reached from eight in the morning until six in the evening of their own time.
MORNING, EVENING = time(8), time(18)
DAYS = 7


def ahead(zone: str, at: int) -> list[list[int]]:
    """
    Return the spans of daytime in a zone that are not over, of the local day and the next
    seven: [[start, end], …] in epoch seconds, sorted and half-open.
    """
    today = datetime.fromtimestamp(at, ZoneInfo(zone)).date()
    return [list(span) for span in _spans(zone, today) if span[1] > at]


@lru_cache(maxsize=4096)
def _spans(zone: str, first: date) -> tuple[tuple[int, int], ...]:
    days = (first + timedelta(days=number) for number in range(DAYS + 1))
    return tuple((_instant(day, MORNING, zone), _instant(day, EVENING, zone)) for day in days)


def _instant(day: date, clock: time, zone: str) -> int:
    return int(datetime.combine(day, clock, ZoneInfo(zone)).astimezone(UTC).timestamp())
