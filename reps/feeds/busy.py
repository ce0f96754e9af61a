"""
Turn an ICS calendar into the time that it says is taken. Pure; no Django, no clock.

Repeating events are worked out with their exceptions, in their own zones and in that of the
whole calendar (X-WR-TIMEZONE). Times without any zone, and whole days, are meant in the zone
of the rep.

| the event                                                   | counts as     |
|-------------------------------------------------------------|---------------|
| cancelled, transparent, or shown as free or elsewhere       | nothing       |
| shown as out of office (X-MICROSOFT-CDO-BUSYSTATUS: OOF)    | out of office |
| 24 hours or longer                                          | out of office |
| its title holds one of `WORDS`                              | out of office |
| anything else                                               | a meeting     |
"""

import re
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from reps.hours import Span, Spans, clip, normalise, subtract

MOST_OCCURRENCES = 5_000
# Of the process that works it out, in bytes.
MOST_MEMORY = 512 * 1024 * 1024
# What titles are searched for: whole words, large or small.
WORDS = (
    "out of office",
    "ooo",
    "vacation",
    "holiday",
    "holidays",
    "annual leave",
    "on leave",
    "parental leave",
    "pto",
    "day off",
    "sick",
    "urlaub",
    "abwesend",
    "krank",
    "congé",
    "congés",
    "vacances",
    "vacaciones",
)
DAY = timedelta(days=1)
NOT_BUSY = {"FREE", "WORKINGELSEWHERE"}

_WORDS = re.compile(rf"\b(?:{'|'.join(map(re.escape, WORDS))})\b", re.IGNORECASE)


class Unreadable(ValueError):
    """The calendar cannot be used; the message says why, and nothing of what it holds."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Time taken, by what it is taken by; what is out of office is no meeting too."""

    meetings: Spans = ()
    out: Spans = ()


def busy(body: bytes, *, zone: ZoneInfo, start: int, end: int) -> Busy:
    """
    Return the time taken within `[start, end)`, epoch seconds UTC.

    :raises Unreadable: if this is no calendar, or holds too many events
    """
    meetings: list[Span] = []
    out: list[Span] = []
    events = _events(body, zone=zone, start=start, end=end)
    if len(events) > MOST_OCCURRENCES:
        raise Unreadable(
            f"The calendar holds more than {MOST_OCCURRENCES} events in the weeks to come."
        )
    for event in events:
        if _is_free(event):
            continue
        span = _span(event, zone)
        (out if _is_out(event, span) else meetings).append(span)
    away = clip(normalise(out), start, end)
    return Busy(meetings=subtract(clip(normalise(meetings), start, end), away), out=away)


def _events(body: bytes, *, zone: ZoneInfo, start: int, end: int) -> list[icalendar.Event]:
    try:
        calendar = icalendar.Calendar.from_ical(body)
        query = recurring_ical_events.of(calendar, skip_bad_series=True)
        # A day more at both ends: whole days have no zone when they are compared.
        first = datetime.fromtimestamp(start, zone) - DAY
        last = datetime.fromtimestamp(end, zone) + DAY
        return query.between(first, last)
    except Exception as error:
        # The library raises whatever the text made it stumble over.
        raise Unreadable(
            "This is not a calendar in iCal format, or it cannot be understood."
        ) from error


def _is_free(event: icalendar.Event) -> bool:
    return (
        _word(event, "STATUS") == "CANCELLED"
        or _word(event, "TRANSP") == "TRANSPARENT"
        or _word(event, "X-MICROSOFT-CDO-BUSYSTATUS") in NOT_BUSY
    )


def _is_out(event: icalendar.Event, span: Span) -> bool:
    return (
        _word(event, "X-MICROSOFT-CDO-BUSYSTATUS") == "OOF"
        or span[1] - span[0] >= DAY.total_seconds()
        or _is_whole_days(event)
        or _WORDS.search(str(event.get("SUMMARY", ""))) is not None
    )


def _is_whole_days(event: icalendar.Event) -> bool:
    # On the day the clocks go forward, a whole day is shorter than 24 hours.
    return not isinstance(event["DTSTART"].dt, datetime)


def _word(event: icalendar.Event, name: str) -> str:
    return str(event.get(name, "")).strip().upper()


def _span(event: icalendar.Event, zone: ZoneInfo) -> Span:
    return _instant(event["DTSTART"].dt, zone), _instant(event["DTEND"].dt, zone)


def _instant(moment: date, zone: ZoneInfo) -> int:
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return int(moment.astimezone(UTC).timestamp())


def main(zone: str, start: str, end: str) -> int:
    """Read a calendar from standard input; write its spans, or why there are none, as JSON."""
    import json
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    try:
        found = busy(sys.stdin.buffer.read(), zone=ZoneInfo(zone), start=int(start), end=int(end))
    except Unreadable as error:
        answer: dict[str, object] = {"error": str(error)}
    else:
        answer = {"meetings": found.meetings, "out": found.out}
    sys.stdout.write(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
