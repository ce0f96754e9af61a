"""
When reps can work, as open UTC spans: calendars, holidays, absences and calendar feeds.

A meeting of a feed is taken out of the open hours; "out of office" of a feed counts like an
absence that somebody entered here.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime

from django.db.models import Max, Min, Q

from reps.hours import ALWAYS, Calendar, Spans, calendar_for, clip, normalise, subtract
from reps.models import Absence, BusyTime, Rep, WorkCalendar

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


def open_hours(rep: Rep, *, at: datetime, taken: Spans | None = None) -> Spans | None:
    """
    The rep's planned working time in the horizon without their meetings; None: around the
    clock.

    `taken` are the meetings where the caller has read those of many reps (`meetings`);
    without it they are looked up.
    """
    start, end = horizon(at)
    if taken is None:
        taken = meetings([rep.pk], since=moment(start)).get(rep.pk, ())
    taken = clip(taken, start, end)
    calendar = calendar_of(rep, year=at.year)
    if calendar == ALWAYS:
        return subtract(((start, end),), taken) if taken else None
    return subtract(calendar.open_spans(start, end), taken)


def meetings(rep_ids: Iterable[int], *, since: datetime) -> Mapping[int, Spans]:
    """Each rep's meetings that have not ended yet, as their calendar feeds tell."""
    return _spans(_busy(rep_ids, BusyTime.Kind.MEETING, since=since))


def absences(rep_ids: Iterable[int], *, since: datetime) -> Mapping[int, Spans]:
    """Each rep's time out of office that has not ended yet, entered here or by their feed."""
    ids = list(rep_ids)
    entered = Absence.objects.filter(rep_id__in=ids, ends_at__gt=since)
    return _spans(
        [
            *entered.values_list("rep_id", "starts_at", "ends_at"),
            *_busy(ids, BusyTime.Kind.OUT, since=since),
        ]
    )


Stretch = tuple[int, datetime, datetime]


def _busy(rep_ids: Iterable[int], kind: str, *, since: datetime) -> list[Stretch]:
    rows = BusyTime.objects.filter(
        feed__rep_id__in=list(rep_ids), feed__is_active=True, kind=kind, ends_at__gt=since
    )
    return list(rows.order_by("pk").values_list("feed__rep_id", "starts_at", "ends_at"))


def _spans(rows: Iterable[Stretch]) -> Mapping[int, Spans]:
    found: dict[int, list[tuple[int, int]]] = {}
    for rep, start, end in rows:
        found.setdefault(rep, []).append((int(start.timestamp()), int(end.timestamp())))
    return {rep: normalise(spans) for rep, spans in found.items()}


# --- Who stands in -----------------------------------------------------------------------


def delegates(rep_ids: Iterable[int], at: datetime) -> dict[int, int]:
    """
    Who stands in at this moment for each rep whose running absence names a delegate.

    A delegate who is away too passes it on: to the delegate of their own absence, else to
    their backup, and so on, nobody twice. A rep is missing where that ends with nobody.
    """
    named = _named(at)
    wanted = [rep for rep in rep_ids if named.get(rep)]
    return _walk(wanted, named, at=at) if wanted else {}


def stand_in(rep_id: int, at: datetime) -> int | None:
    """Who takes over from a rep who is away: their delegate, else their backup, as above."""
    return _walk([rep_id], _named(at), at=at).get(rep_id)


def next_change(at: datetime) -> datetime | None:
    """
    The first moment after `at` at which `delegates` may answer otherwise; None while no
    absence that is running or planned names a delegate.
    """
    to_come = Absence.objects.filter(ends_at__gt=at)
    if not to_come.filter(delegate__isnull=False).exists():
        return None
    out = BusyTime.objects.filter(kind=BusyTime.Kind.OUT, feed__is_active=True, ends_at__gt=at)
    # Somebody's absence may also end or begin what they do as a delegate.
    edges = [
        edge
        for rows in (to_come, out)
        for edge in rows.aggregate(
            starts=Min("starts_at", filter=Q(starts_at__gt=at)), ends=Min("ends_at")
        ).values()
        if edge is not None
    ]
    return min(edges)


def last_change(at: datetime, *, since: datetime) -> datetime | None:
    """
    The last moment from `since` to `at` at which `delegates` may have begun to answer as it
    does now; None if there was none.
    """
    touching = Q(starts_at__lte=at, ends_at__gte=since)
    absent = Absence.objects.filter(touching)
    if not absent.filter(delegate__isnull=False).exists():
        return None
    out = BusyTime.objects.filter(touching, kind=BusyTime.Kind.OUT, feed__is_active=True)
    edges = [
        edge
        for rows in (absent, out)
        for edge in rows.aggregate(
            starts=Max("starts_at", filter=Q(starts_at__gte=since)),
            ends=Max("ends_at", filter=Q(ends_at__lte=at)),
        ).values()
        if edge is not None
    ]
    return max(edges, default=None)


def _named(at: datetime) -> dict[int, int | None]:
    """
    Each rep who is away by an absence entered here, and the delegate it names: of several
    absences at once, the one that names any and began first.
    """
    rows = Absence.objects.filter(starts_at__lte=at, ends_at__gt=at).order_by("starts_at", "pk")
    named: dict[int, int | None] = {}
    for rep, delegate in rows.values_list("rep_id", "delegate_id"):
        named[rep] = named.get(rep) or delegate
    return named


def _walk(
    rep_ids: Collection[int], named: Mapping[int, int | None], *, at: datetime
) -> dict[int, int]:
    out = BusyTime.objects.filter(
        kind=BusyTime.Kind.OUT, feed__is_active=True, starts_at__lte=at, ends_at__gt=at
    )
    away = {*named, *out.values_list("feed__rep_id", flat=True)}
    backups: dict[int, int | None] = {}
    active = set()
    for rep, backup, is_active in Rep.objects.values_list("pk", "backup_id", "is_active"):
        backups[rep] = backup
        if is_active:
            active.add(rep)
    found = {}
    for rep in rep_ids:
        seen, here = {rep}, named.get(rep) or backups.get(rep)
        while here is not None and here not in seen:
            if here in active and here not in away:
                found[rep] = here
                break
            seen.add(here)
            here = named.get(here) or backups.get(here)
    return found


def moment(epoch: int) -> datetime:
    """Epoch seconds as an aware UTC datetime."""
    return datetime.fromtimestamp(epoch, tz=UTC)
