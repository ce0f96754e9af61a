"""The working time that a clock is promised in, as it is frozen when the clock starts. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from reps.hours import ALWAYS, Calendar, Spans, calendar_for, normalise, union
from reps.hours.calendar import Timeline


@dataclass(frozen=True, slots=True)
class Hours:
    """
    Open while any of the calendars is, but not in `away`. Without a calendar: around the clock.

    Calendars are texts of `reps.hours.Calendar.from_json`, in which public holidays are
    written out; so neither a later edit nor a new release of time zones changes them.
    """

    calendars: tuple[str, ...] = ()
    away: Spans = ()

    @property
    def calendar(self) -> "Calendar | Together":
        """What `reps.hours` counts on; equal hours share one warm instance."""
        if len(self.calendars) > 1:
            return _together(self.calendars)
        return calendar_for(self.calendars[0]) if self.calendars else ALWAYS

    @property
    def is_always(self) -> bool:
        """Whether every second counts."""
        return not self.calendars and not self.away

    def as_json(self) -> dict[str, Any]:
        """
        The form that is kept: `{"calendar": {…} or null, "away": [[start, end], …]}`, with
        `any_of`, a list of calendars, in place of `calendar` where there are several.
        """
        read = [json.loads(text) for text in self.calendars]
        what = {"any_of": read} if len(read) > 1 else {"calendar": read[0] if read else None}
        return {**what, "away": [list(span) for span in self.away]}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "Hours":
        """Read what `as_json` wrote."""
        one = body.get("calendar")
        several = body.get("any_of") or ([one] if one else [])
        return cls(
            calendars=tuple(_text(calendar) for calendar in several),
            away=normalise((start, end) for start, end in body.get("away", ())),
        )

    @property
    def digest(self) -> str:
        """The same for the same content, whoever wrote it down."""
        return hashlib.sha256(_text(self.as_json()).encode()).hexdigest()


ROUND_THE_CLOCK = Hours()


class Together:
    """Several calendars as one: open while at least one of them is."""

    def __init__(self, calendars: tuple[Calendar, ...]) -> None:
        self._calendars = calendars
        self._known: Timeline | None = None

    def timeline(self, start: int, end: int) -> Timeline:
        """What `reps.hours` asks of a calendar: open spans around both instants."""
        known = self._known
        if known is not None and known.start <= start and end < known.end:
            return known
        lines = [calendar.timeline(start, end) for calendar in self._calendars]
        first, last = max(line.start for line in lines), min(line.end for line in lines)
        spans = union(*(line.between(first, last) for line in lines))
        self._known = Timeline(first, last, spans)
        return self._known


@lru_cache(maxsize=256)
def _together(texts: tuple[str, ...]) -> Together:
    return Together(tuple(calendar_for(text) for text in texts))


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
