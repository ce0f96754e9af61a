"""
Hours of the week in a zone, for conditions on the time.

    {"zone": "America/New_York",
     "weekly": {"mon": [["09:00", "17:00"]], "fri": [["22:00", "06:00"]]}}

The question is what a clock on the wall there reads: a window holds from its first minute until
before its last, on that weekday. So it is exact across changes of the clocks: an hour that comes
twice lies in its window twice, one that is left out never does. A window that ends at or before
its start runs past midnight into the next day and belongs to the day on which it starts.
"24:00" is the end of a day.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TypeAlias
from zoneinfo import ZoneInfo

from routing.engine.parts import InvalidPart, ObjectReader

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MIDNIGHT = 24 * 60
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|(24):(00)")

# Minutes of the day: from, until before. An end at or before the start lies on the next day.
Window: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Week:
    """Windows by weekday (0 is Monday), in the local time of a zone."""

    zone: str
    days: tuple[tuple[Window, ...], ...]

    def is_open(self, instant: int) -> bool:
        """Say whether the wall clock of the zone reads a time in a window at this instant."""
        try:
            local = datetime.fromtimestamp(instant, _zone(self.zone))
        except (OverflowError, OSError, ValueError):
            return False
        today = local.weekday()
        minute = local.hour * 60 + local.minute
        return any(
            start <= minute and (minute < end or end <= start) for start, end in self.days[today]
        ) or any(
            end <= start and minute < end for start, end in self.days[(today - 1) % len(WEEKDAYS)]
        )

    def to_json(self) -> dict[str, object]:
        """Write as the JSON that `read_week` reads back to an equal one."""
        weekly = {
            name: [[clock(start), clock(end)] for start, end in windows]
            for name, windows in zip(WEEKDAYS, self.days, strict=True)
            if windows
        }
        return {"zone": self.zone, "weekly": weekly}


def clock(minute: int) -> str:
    """Write a minute of the day as "09:00"."""
    return f"{minute // 60:02}:{minute % 60:02}"


def minute_of(text: object) -> int | None:
    """Read "09:00" as a minute of the day, "24:00" included; None for anything else."""
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    hours, minutes = (part for part in found.groups() if part is not None)
    return int(hours) * 60 + int(minutes)


def is_zone(name: str) -> bool:
    """Say whether there is a time zone of this name, e.g. "Europe/Berlin"."""
    try:
        _zone(name)
    except (LookupError, OSError, ValueError):
        return False
    return True


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def read_week(value: object) -> Week:
    """
    Read hours of the week.

    :raises InvalidPart: pointing at the part, e.g. `weekly.mon[0]`
    """
    part = ObjectReader(value, "", InvalidPart)
    zone = part.text("zone")
    if not is_zone(zone):
        part.refuse("zone", "is no time zone; write e.g. Europe/Berlin")
    weekly = part.raw("weekly")
    part.finish()
    if not isinstance(weekly, Mapping) or not weekly:
        raise InvalidPart("weekly", 'must say the hours by weekday, e.g. {"mon": [["09:00", …]]}')
    for name in weekly:
        if name not in WEEKDAYS:
            raise InvalidPart(f"weekly.{name}", f"is no weekday; one of {', '.join(WEEKDAYS)}")
    return Week(
        zone,
        tuple(
            _windows(weekly[name], f"weekly.{name}") if name in weekly else () for name in WEEKDAYS
        ),
    )


def _windows(value: object, path: str) -> tuple[Window, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise InvalidPart(path, "must be a list of at least one window")
    return tuple(_window(window, f"{path}[{i}]") for i, window in enumerate(value))


def _window(value: object, path: str) -> Window:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise InvalidPart(path, 'must be two times, e.g. ["09:00", "17:00"]')
    start, end = (minute_of(text) for text in value)
    if start is None or end is None or start == MIDNIGHT:
        raise InvalidPart(path, 'must be two times of day from "00:00" to "24:00"')
    if start == end:
        raise InvalidPart(path, 'is empty; a whole day is ["00:00", "24:00"]')
    return (start, end)
