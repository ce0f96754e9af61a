"""When reps can work, as open UTC spans: calendars, holidays and absences worked out."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from reps.hours import ALWAYS, Calendar, Spans, calendar_for, normalise
from reps.models import Absence, Rep, WorkCalendar

# How far ahead spans are written out. Long enough for every retry and every deadline that
# a decision looks at; the roster snapshot is made anew each day.
HORIZON_DAYS = 28
DAY = 86_400


def calendar_of(rep: Rep, *, year: int) -> Calendar:
    """The calendar that applies to a rep: their own, else the team's, else always open."""
    row = rep.calendar or rep.team.calendar
    return ALWAYS if row is None else compiled(row, year=year)


def compiled(row: WorkCalendar, *, year: int) -> Calendar:
    """A calendar row in its pure form; equal content shares one warm instance."""
    return calendar_for(row.as_json(year=year))


def horizon(at: datetime) -> tuple[int, int]:
    """The day of `at` (UTC) and the weeks after it, as a half-open span of epoch seconds."""
    start = int(at.timestamp()) // DAY * DAY
    return start, start + HORIZON_DAYS * DAY


def open_hours(rep: Rep, *, at: datetime) -> Spans | None:
    """The rep's planned working time in the horizon; None: around the clock."""
    calendar = calendar_of(rep, year=at.year)
    return None if calendar == ALWAYS else calendar.open_spans(*horizon(at))


def absences(rep_ids: Iterable[int], *, since: datetime) -> Mapping[int, Spans]:
    """Each rep's time out of office that has not ended yet."""
    found: dict[int, list[tuple[int, int]]] = {}
    rows = Absence.objects.filter(rep_id__in=list(rep_ids), ends_at__gt=since)
    for rep, start, end in rows.values_list("rep_id", "starts_at", "ends_at"):
        found.setdefault(rep, []).append((int(start.timestamp()), int(end.timestamp())))
    return {rep: normalise(spans) for rep, spans in found.items()}


def moment(epoch: int) -> datetime:
    """Epoch seconds as an aware UTC datetime."""
    return datetime.fromtimestamp(epoch, tz=UTC)
