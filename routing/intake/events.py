"""
Intent events in what a door received: what a person did, and when. Pure.

    "events": [{"name": "pricing_page", "at": "2026-01-05T09:30:00Z"}, {"name": "demo_video"}]

A form field or a column of a file holds the same JSON, or the short form
`pricing_page@2026-01-05T09:30:00Z; demo_video`. A time without a zone is UTC; an event without
one happened when it was handed in. Other keys of an event are not read.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from routing.intake.decode import Problem

MOST_EVENTS = 100
# Clocks of browsers are off; a day is more than that.
AHEAD = timedelta(days=1)
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")


@dataclass(frozen=True, slots=True)
class Event:
    """What was done, by its slug, and when (UTC; None: when it was handed in)."""

    name: str
    at: datetime | None = None


class BadEvents(ValueError):
    """Some events cannot be used; `problems` name each with the way out."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


def read(value: Any, *, received_at: datetime | None = None) -> tuple[Event, ...]:
    """
    Return the events of the field `events`, each once, in the order given.

    With `received_at`, one that lies a little ahead of it happened at that moment.

    :raises BadEvents: naming each part that cannot be used, e.g. `events[1].at`
    """
    items = _items(value)
    if len(items) > MOST_EVENTS:
        raise _bad("events", "too_many", f"More than {MOST_EVENTS} events; send the newest.")
    problems: list[Problem] = []
    found: dict[Event, None] = {}
    for number, item in enumerate(items):
        try:
            found[_event(item, f"events[{number}]", received_at)] = None
        except BadEvents as bad:
            problems += bad.problems
    if problems:
        raise BadEvents(problems)
    return tuple(found)


def _items(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return _written(value.strip())
    if not isinstance(value, list):
        raise _bad("events", "wrong_type", 'Must be a list such as [{"name": "pricing_page"}].')
    return value


def _written(text: str) -> list[Any]:
    if not text.startswith("["):
        return list(_short(text))
    try:
        return list(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise _bad("events", "bad_json", "Is not a list in valid JSON.") from error


def _short(text: str) -> Iterator[dict[str, str]]:
    for part in filter(None, (one.strip() for one in text.split(";"))):
        name, sign, at = part.partition("@")
        yield {"name": name.strip(), **({"at": at.strip()} if sign else {})}


def _event(item: Any, path: str, received_at: datetime | None) -> Event:
    if not isinstance(item, Mapping):
        raise _bad(path, "wrong_type", 'Must look like {"name": "pricing_page", "at": "…"}.')
    name = item.get("name")
    slug = name.strip().lower() if isinstance(name, str) else ""
    if not NAME.fullmatch(slug):
        raise _bad(
            f"{path}.name", "bad_name", "Must be a name of a-z, 0-9, _ and -, e.g. pricing_page."
        )
    return Event(slug, _moment(item.get("at"), f"{path}.at", received_at))


def _moment(value: Any, path: str, received_at: datetime | None) -> datetime | None:
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
        at = (at.replace(tzinfo=UTC) if at.tzinfo is None else at).astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise _bad(path, "bad_date", "Is not a time such as 2026-01-05T09:30:00Z.") from error
    if received_at is None:
        return at
    if at > received_at + AHEAD:
        raise _bad(path, "in_the_future", "Lies in the future; send it once it has happened.")
    return min(at, received_at)


def _bad(field: str, code: str, message: str) -> BadEvents:
    return BadEvents([Problem(field, code, message)])
