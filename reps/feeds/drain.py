"""
The due work "feeds": read the calendars whose turn it is.

A turn is taken before anything is read, by setting the next one, so that a process which
dies costs one reading. The network is asked outside of any transaction, several calendars at
once; then each is written in a transaction of its own.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from reps import signals
from reps.availability import DAY, moment
from reps.due import strikes
from reps.feeds import fetch, reader
from reps.feeds.busy import Busy, Unreadable
from reps.feeds.times import next_reading
from reps.models import BusyTime, CalendarFeed, Rep, RosterStamp
from reps.models.tracked import bulk_writer

log = logging.getLogger(__name__)

JOB = "feeds"
HORIZON_DAYS = 21
BATCH = 8
# The sweep does everything else too, so a server that hangs holds it up for a moment only.
SWEEP_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One reading: what is asked, and the days it is asked about."""

    feed: CalendarFeed
    zone: str
    start: int
    end: int

    @property
    def known(self) -> fetch.Known:
        """Nothing on the first reading of a day: an unchanged calendar has a new last day."""
        read = self.feed.fetched_at
        if read is None or read.timestamp() < self.start or self.feed.failures:
            return fetch.Known()
        return fetch.Known(etag=self.feed.etag, modified=self.feed.modified)


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of a turn: time taken (None: the same as before), or what went wrong."""

    known: fetch.Known
    busy: Busy | None = None
    error: str = ""


def drain(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """Read one batch of due calendars; return how many were handled."""
    at = at or due_before
    alone = driver == "sweep"
    turns = [_turn(feed, at=at) for feed in _claim(1 if alone else BATCH, due_before, at=at)]
    if not turns:
        return 0
    seconds = SWEEP_SECONDS if alone else fetch.TOTAL_SECONDS
    with ThreadPoolExecutor(max_workers=len(turns), thread_name_prefix="feeds") as pool:
        readings = list(pool.map(lambda turn: _read(turn, seconds=seconds), turns))
    read = {turn.feed.pk: (turn, reading) for turn, reading in zip(turns, readings, strict=True)}
    # Its next turn is set already, so one that cannot be written comes again by itself.
    strikes.each(JOB, read, lambda pk: _write_one(*read[pk], at=at), at=at)
    # One a round for the sweep, whatever else is waiting.
    return 0 if alone else len(turns)


def oldest() -> datetime | None:
    """The due time of the calendar that has waited longest."""
    rows = CalendarFeed.objects.filter(is_active=True, next_fetch_at__isnull=False)
    return rows.order_by("next_fetch_at").values_list("next_fetch_at", flat=True).first()


@transaction.atomic
def _claim(most: int, due_before: datetime, *, at: datetime) -> list[CalendarFeed]:
    rows = list(
        CalendarFeed.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related("rep__calendar", "rep__team__calendar", "rep__user")
        .filter(is_active=True, next_fetch_at__lte=due_before)
        .order_by("next_fetch_at", "pk")[:most]
    )
    with bulk_writer("feeds"):
        # Only the turn moves, which history leaves out.
        for feed in rows:
            later = next_reading(feed.pk, at=at, failures=feed.failures)
            CalendarFeed.objects.filter(pk=feed.pk).update(next_fetch_at=later)
    return rows


def _turn(feed: CalendarFeed, *, at: datetime) -> Turn:
    hours = feed.rep.calendar or feed.rep.team.calendar
    # From midnight to midnight, so that the same calendar gives the same spans all day.
    start = int(at.timestamp()) // DAY * DAY
    return Turn(
        feed=feed,
        zone=hours.time_zone if hours else feed.rep.user.time_zone,
        start=start,
        end=start + HORIZON_DAYS * DAY,
    )


def _read(turn: Turn, *, seconds: float) -> Reading:
    try:
        found = fetch.fetch(
            turn.feed.url,
            known=turn.known,
            inside=tuple(settings.FEED_HOSTS_INSIDE),
            seconds=seconds,
        )
        if found.body is None:
            return Reading(found.known)
        taken = reader.read(
            found.body, zone=turn.zone, start=turn.start, end=turn.end, seconds=seconds
        )
        return Reading(found.known, busy=taken)
    except (fetch.FetchFailed, Unreadable) as failed:
        return Reading(fetch.Known(), error=str(failed))
    except Exception as error:
        # The kind only: its text may quote the address.
        log.error("Calendar feed %s: %s", turn.feed.pk, type(error).__name__)
        return Reading(fetch.Known(), error="The calendar could not be read.")


def _write_one(turn: Turn, reading: Reading, *, at: datetime) -> int:
    _write(turn, reading, at=at)
    return 1


@transaction.atomic
def _write(turn: Turn, reading: Reading, *, at: datetime) -> None:
    """Keep what was read, unless the feed was changed or taken off meanwhile."""
    rep = turn.feed.rep
    signals.rep_changing.send(sender=Rep, rep=rep)
    feed = (
        CalendarFeed.objects.select_for_update(no_key=True, of=("self",))
        .filter(pk=turn.feed.pk, url=turn.feed.url, is_active=True)
        .first()
    )
    if feed is None:
        return
    if reading.error:
        failures = min(feed.failures + 1, 99)
        log.warning("Calendar feed %s: %s", feed.pk, reading.error)
        _note(
            feed,
            failures=failures,
            error=reading.error[:300],
            next_fetch_at=next_reading(feed.pk, at=at, failures=failures),
        )
        return
    _note(
        feed,
        failures=0,
        error="",
        fetched_at=at,
        etag=reading.known.etag,
        modified=reading.known.modified,
    )
    if reading.busy is not None and _replace(feed, reading.busy, since=moment(turn.start)):
        RosterStamp.bump()
        signals.rep_available.send(sender=Rep, rep=rep, by=None, at=at)


def _note(feed: CalendarFeed, **columns: object) -> None:
    with bulk_writer("feeds"):
        # Only how the reading went, which history leaves out.
        CalendarFeed.objects.filter(pk=feed.pk).update(**columns)


def _replace(feed: CalendarFeed, taken: Busy, *, since: datetime) -> bool:
    """Store the time taken; return whether it differs from what was known of these days."""
    new = {
        *((BusyTime.Kind.MEETING, moment(a), moment(b)) for a, b in taken.meetings),
        *((BusyTime.Kind.OUT, moment(a), moment(b)) for a, b in taken.out),
    }
    rows = feed.busy.filter(ends_at__gt=since)
    old = {
        (kind, max(starts_at, since), ends_at)
        for kind, starts_at, ends_at in rows.values_list("kind", "starts_at", "ends_at")
    }
    if new == old:
        return False
    feed.busy.all().delete()
    BusyTime.objects.bulk_create(
        BusyTime(feed=feed, kind=kind, starts_at=starts_at, ends_at=ends_at)
        for kind, starts_at, ends_at in sorted(new)
    )
    return True
