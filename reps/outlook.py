"""The next days of one rep at a glance: hours, meetings, time out and holidays, day by day."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from django.utils.translation import gettext as _

from reps.availability import absences, calendar_of, meetings
from reps.hours import ALWAYS, Spans, clip, intersect, length, normalise, subtract
from reps.models import Rep

DAYS = 7
# The width of a day in the drawing.
WIDTH = 1440


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a day as it is drawn: `on` working, `busy` in a meeting, `away` out."""

    kind: str
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the strip, and the same in words. `now` is where the present moment lies."""

    day: date
    blocks: tuple[Block, ...]
    words: str
    open_seconds: int
    now: int | None = None


def week(rep: Rep, *, at: datetime, zone: tzinfo) -> list[Day]:
    """The days from today on, in the reader's zone."""
    today = at.astimezone(zone).date()
    edges = [_midnight(today + timedelta(days=number), zone) for number in range(DAYS + 1)]
    start, end = edges[0], edges[-1]
    calendar = calendar_of(rep, year=at.year)
    hours = ((start, end),) if calendar == ALWAYS else calendar.open_spans(start, end)
    since = datetime.fromtimestamp(start, tz=zone)
    busy = meetings([rep.pk], since=since).get(rep.pk, ())
    away = normalise([*absences([rep.pk], since=since).get(rep.pk, ()), *_pause(rep, at, end)])
    found = []
    for number in range(DAYS):
        begins, ends = edges[number], edges[number + 1]
        here = clip(hours, begins, ends)
        out = clip(away, begins, ends)
        taken = subtract(intersect(here, clip(busy, begins, ends)), out)
        left = subtract(subtract(here, out), taken)
        day = today + timedelta(days=number)
        holiday = not here and day in calendar.holidays
        found.append(
            Day(
                day=day,
                blocks=tuple(
                    _block(kind, span, begins, ends)
                    for kind, spans in (("on", left), ("busy", taken), ("away", out))
                    for span in spans
                ),
                words=_words(left, taken, out, whole=(begins, ends), holiday=holiday, zone=zone),
                open_seconds=length(left),
                now=_x(int(at.timestamp()), begins, ends) if number == 0 else None,
            )
        )
    return found


def _midnight(day: date, zone: tzinfo) -> int:
    return int(datetime.combine(day, time(), tzinfo=zone).timestamp())


def _pause(rep: Rep, at: datetime, end: int) -> Spans:
    if not rep.is_paused(at):
        return ()
    until = int(rep.paused_until.timestamp()) if rep.paused_until else end
    return normalise([(int(rep.paused_at.timestamp()), until)])


def _x(instant: int, begins: int, ends: int) -> int:
    return round((instant - begins) / (ends - begins) * WIDTH)


def _block(kind: str, span: tuple[int, int], begins: int, ends: int) -> Block:
    x = _x(span[0], begins, ends)
    return Block(kind, x, max(1, _x(span[1], begins, ends) - x))


def _words(
    left: Spans,
    taken: Spans,
    out: Spans,
    *,
    whole: tuple[int, int],
    holiday: bool,
    zone: tzinfo,
) -> str:
    if holiday:
        return _("public holiday")
    parts = []
    if left:
        parts.append(_("open %(times)s") % {"times": _times(left, whole, zone)})
    if taken:
        parts.append(_("meeting %(times)s") % {"times": _times(taken, whole, zone)})
    if out:
        parts.append(_("away %(times)s") % {"times": _times(out, whole, zone)})
    return "; ".join(parts) or _("closed")


def _times(spans: Spans, whole: tuple[int, int], zone: tzinfo) -> str:
    if spans == (whole,):
        return _("all day")

    def clock(instant: int) -> str:
        if instant == whole[1]:
            return "24:00"
        return f"{datetime.fromtimestamp(instant, tz=zone):%H:%M}"

    return ", ".join(f"{clock(start)}–{clock(end)}" for start, end in spans)
