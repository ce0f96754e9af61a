"""
Values of conditions as people type them. Pure: what is printed reads back to the same value.

| value     | typed                                              |
|-----------|----------------------------------------------------|
| a while   | `15 minutes`, `2 days`, `1 day 6 hours`            |
| an event  | `pricing_page 3 times within 2 days`               |
| a circle  | `25 km of 94105`, `40 km of 48.86, 2.35 (Paris)`   |
| hours     | `mon-fri 09:00-12:00 13:00-17:00, sat 10:00-14:00 America/New_York` |

A postal code in a circle is a ZIP code of the United States; elsewhere latitude and longitude
are written out.
"""

import re
from collections.abc import Sequence
from typing import Any

from accounts import places
from routing.engine.ops import Circle, Happening
from routing.engine.weekly import WEEKDAYS, Week, Window, clock

UNITS = {"week": 604_800, "day": 86_400, "hour": 3600, "minute": 60, "second": 1}
# What a length is written in: weeks are read, but days are plainer.
WRITTEN = ("day", "hour", "minute", "second")
KM_PER_MILE = 1.609344
_AMOUNT = re.compile(r"(\d{1,9})\s*([a-z]+)")
_HAPPENING = re.compile(
    r"(?P<name>\S+?)(?:\s+(?P<times>once|twice|\d{1,6}\s*(?:times?|x)))?"
    r"(?:\s+(?:with)?in\s+(?:the last\s+)?(?P<within>.+))?",
    re.IGNORECASE,
)
_CIRCLE = re.compile(
    r"(?P<far>\S+?)\s*(?P<unit>km|kilomet(?:er|re)s?|mi|miles?)\s+(?:of|from|around)\s+(?P<where>.+)",
    re.IGNORECASE | re.DOTALL,
)
_POINT = re.compile(r"(?P<lat>[^\s,]+)\s*,\s*(?P<lon>[^\s,()]+)(?:\s*\((?P<of>.*)\))?", re.DOTALL)
_ZIP = re.compile(r"(?:US[-\s]*)?(\d{5})(?:-\d{4})?", re.IGNORECASE)
_TIMES = re.compile(r"(\d{1,2})(?::(\d{2}))?-(\d{1,2})(?::(\d{2}))?")


class NotUnderstood(ValueError):
    """What was typed cannot be read; the message says how to write it."""


# --- A while -----------------------------------------------------------------------------


def while_words(seconds: int) -> str:
    """Write a length of time in the largest unit that holds it exactly: "90 minutes"."""
    unit = next(unit for unit in WRITTEN if seconds % UNITS[unit] == 0)
    number = seconds // UNITS[unit]
    return f"{number} {unit}{'' if number == 1 else 's'}"


def read_while(text: str) -> int:
    """
    Read a length of time in seconds; a bare number is seconds.

    :raises NotUnderstood: for anything else
    """
    plain = text.strip().casefold()
    if plain.isdecimal() and len(plain) < 10:
        return int(plain)
    parts = _AMOUNT.findall(plain)
    rest = _AMOUNT.sub("", plain).replace("and", "").replace(",", "").strip()
    if not parts or rest:
        raise NotUnderstood("Write a length of time, such as “15 minutes” or “2 days”.")
    return sum(int(number) * _unit(word) for number, word in parts)


def _unit(word: str) -> int:
    found = [unit for unit in UNITS if unit == word.rstrip("s") or unit[: len(word)] == word]
    short = {"s": "second", "sec": "second", "m": "minute", "min": "minute", "mins": "minute"}
    name = short.get(word) or (found[0] if found else "")
    if not name:
        raise NotUnderstood(f"“{word}” is no unit of time: days, hours, minutes or seconds.")
    return UNITS[name]


# --- An event ----------------------------------------------------------------------------


def happening_words(value: Happening) -> str:
    """Write how often an event is to have happened, and within how long."""
    times = "" if value.at_least == 1 else f" {value.at_least} times"
    within = "" if value.within is None else f" within {while_words(value.within)}"
    return f"{value.name}{times}{within}"


def read_happening(text: str) -> dict[str, Any]:
    """
    Read an event as the JSON of a condition; `routing.engine` judges the name.

    :raises NotUnderstood: if it is not written as above
    """
    found = _HAPPENING.fullmatch(text.strip())
    if found is None:
        raise NotUnderstood("Write e.g. “pricing_page 3 times within 2 days”.")
    times = (found["times"] or "once").casefold()
    numbers = {"once": 1, "twice": 2}
    at_least = numbers.get(times) or int(re.sub(r"\D", "", times))
    within = None if found["within"] is None else read_while(found["within"])
    return {"name": found["name"].lower(), "at_least": at_least, "within": within}


# --- A circle ----------------------------------------------------------------------------


def circle_words(value: Circle) -> str:
    """Write a circle by its ZIP code, where that is what it was drawn around."""
    far = f"{_number(value.km)} km of"
    if _ZIP.fullmatch(value.of) and places.locate("US", value.of) == (value.lat, value.lon):
        return f"{far} {value.of}"
    label = f" ({value.of})" if value.of else ""
    return f"{far} {_number(value.lat)}, {_number(value.lon)}{label}"


def read_circle(text: str) -> dict[str, Any]:
    """
    Read a circle as the JSON of a condition, with the point that a ZIP code stands for.

    :raises NotUnderstood: if it is not written as above, or the ZIP code is unknown
    """
    found = _CIRCLE.fullmatch(text.strip())
    if found is None:
        raise NotUnderstood("Write e.g. “25 km of 94105” or “25 km of 48.86, 2.35 (Paris)”.")
    km = _decimal(found["far"])
    if found["unit"].casefold().startswith("mi"):
        km = round(km * KM_PER_MILE, 3)
    where = found["where"].strip()
    code = _ZIP.fullmatch(where)
    if code is not None:
        point = places.locate("US", code[1])
        if point is None:
            raise NotUnderstood(
                f"“{code[1]}” is no ZIP code that is known. Check it, or write latitude and "
                "longitude, such as “25 km of 37.79, -122.39”."
            )
        return {"lat": point[0], "lon": point[1], "km": km, "of": code[1]}
    spot = _POINT.fullmatch(where)
    if spot is None:
        raise NotUnderstood(
            f"“{where}” is no ZIP code of the United States. Elsewhere write latitude and "
            "longitude, such as “25 km of 48.86, 2.35 (Paris)”."
        )
    lat, lon = _decimal(spot["lat"]), _decimal(spot["lon"])
    return {"lat": lat, "lon": lon, "km": km, "of": spot["of"] or ""}


def _decimal(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise NotUnderstood(f"“{text}” is no number.") from error
    return int(value) if value.is_integer() else value


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


# --- Hours -------------------------------------------------------------------------------


def week_words(value: Week) -> str:
    """Write the hours of a week, days with the same hours together, and the zone."""
    groups: list[tuple[int, int, Sequence[Window]]] = []
    for day, windows in enumerate(value.days):
        if not windows:
            continue
        if groups and groups[-1][1] == day - 1 and groups[-1][2] == windows:
            groups[-1] = (groups[-1][0], day, windows)
        else:
            groups.append((day, day, windows))
    return f"{', '.join(_group_words(*group) for group in groups)} {value.zone}"


def _group_words(first: int, last: int, windows: Sequence[Window]) -> str:
    days = WEEKDAYS[first] if first == last else f"{WEEKDAYS[first]}-{WEEKDAYS[last]}"
    times = " ".join(f"{clock(start)}-{clock(end)}" for start, end in windows)
    return f"{days} {times}"


def read_week(text: str) -> dict[str, Any]:
    """
    Read hours as the JSON of a condition; `routing.engine` judges the zone and the times.

    :raises NotUnderstood: if they are not written as above
    """
    hours, _, zone = text.strip().rpartition(" ")
    if not hours or _TIMES.fullmatch(zone):
        raise NotUnderstood("Write days, hours and zone: “mon-fri 09:00-17:00 America/New_York”.")
    weekly: dict[str, list[list[str]]] = {}
    for group in hours.split(","):
        days, *times = group.split() or [""]
        if not times:
            raise NotUnderstood(f"Say which hours: “{days or 'mon'} 09:00-17:00”.")
        for day in _days(days):
            weekly.setdefault(day, []).extend(_window(one) for one in times)
    return {"zone": zone, "weekly": weekly}


def _days(text: str) -> list[str]:
    if text.casefold() == "daily":
        return list(WEEKDAYS)
    ends = [_day(part) for part in text.split("-")]
    if len(ends) > 2:
        raise NotUnderstood("Write days as “mon” or “mon-fri”.")
    first, last = ends[0], ends[-1]
    return [WEEKDAYS[day % 7] for day in range(first, first + (last - first) % 7 + 1)]


def _day(text: str) -> int:
    short = text.casefold()[:3]
    if short not in WEEKDAYS:
        raise NotUnderstood(f"“{text}” is no day; write mon, tue, wed, thu, fri, sat or sun.")
    return WEEKDAYS.index(short)


def _window(text: str) -> list[str]:
    found = _TIMES.fullmatch(text)
    if found is None:
        raise NotUnderstood(f"“{text}” are no hours; write e.g. 09:00-17:00.")
    opens, opens_minute, closes, closes_minute = found.groups()
    return [
        f"{int(opens):02}:{opens_minute or '00'}",
        f"{int(closes):02}:{closes_minute or '00'}",
    ]
