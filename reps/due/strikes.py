"""
Poison control: failures are counted in the database, under the id of the row that fails.

A row that fails three times is given up, so that it stops neither the others nor its driver,
whichever that is and however often it dies. What giving up means is the job's own affair; it
must leave the row where a person sees it.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F

from reps.models import Strike

log = logging.getLogger(__name__)

MOST = 3
PAUSE = timedelta(seconds=10)
DIED = "the process died at it"


class GivenUp(Exception):
    """The row has had all its attempts."""


def strike(job: str, row_id: int, *, error: str, at: datetime) -> bool:
    """
    Count a failure of a row, in a transaction of its own; return whether it is now given up.

    Call it outside of the transaction that failed, which takes its own writes back.
    """
    with transaction.atomic():
        row, _ = Strike.objects.get_or_create(job=job, row_id=row_id, defaults={"last_at": at})
        Strike.objects.filter(pk=row.pk).update(
            failures=F("failures") + 1, last_error=error[:300], last_at=at
        )
        row.refresh_from_db()
        if row.failures >= MOST and row.given_up_at is None:
            Strike.objects.filter(pk=row.pk).update(given_up_at=at)
    return row.failures >= MOST


def begin(job: str, row_id: int, *, at: datetime) -> bool:
    """
    Count an attempt before it is made, so that one which kills its process counts as well.

    False: it has had all its attempts, and is given up now. Follow it by `forgive` or `failed`.
    """
    with transaction.atomic():
        row, _ = Strike.objects.get_or_create(job=job, row_id=row_id, defaults={"last_at": at})
        row = Strike.objects.select_for_update(no_key=True).get(pk=row.pk)
        may_try = row.failures < MOST and row.given_up_at is None
        if may_try:
            row.failures, row.last_error = row.failures + 1, DIED
        elif row.given_up_at is None:
            row.given_up_at = at
        row.last_at = at
        row.save()
    return may_try


def failed(job: str, row_id: int, *, error: str, at: datetime) -> bool:
    """Say how an attempt that had been counted failed; return whether the row is given up now."""
    with transaction.atomic():
        rows = Strike.objects.select_for_update(no_key=True).filter(job=job, row_id=row_id)
        row = rows.first() or Strike(job=job, row_id=row_id, failures=1)
        row.last_error, row.last_at = error[:300], at
        if row.failures >= MOST and row.given_up_at is None:
            row.given_up_at = at
        row.save()
    return row.given_up_at is not None


def take_back(job: str, row_id: int) -> None:
    """Take back an attempt that was counted and says nothing about the row."""
    with transaction.atomic():
        rows = Strike.objects.select_for_update(no_key=True).filter(job=job, row_id=row_id)
        row = rows.first()
        if row is not None and row.failures > 1:
            row.failures -= 1
            row.save(update_fields=["failures"])
        elif row is not None:
            row.delete()


def failures(job: str, row_id: int) -> int:
    """How many attempts of a row are held against it."""
    rows = Strike.objects.filter(job=job, row_id=row_id).values_list("failures", flat=True)
    return rows.first() or 0


def at_work(job: str, row_id: int) -> None:
    """Show, until the caller's transaction ends, that somebody is at the counted attempt."""
    list(Strike.objects.select_for_update(no_key=True).filter(job=job, row_id=row_id))


def left_behind(job: str) -> dict[int, bool]:
    """
    The failed rows of a job that nobody is at work at; True: its last attempt never ended.

    On SQLite, with its one writer, whoever asks has waited for the work to end.
    """
    rows = Strike.objects.filter(job=job, given_up_at__isnull=True)
    if not rows.exists():
        return {}
    with transaction.atomic():
        free = rows.select_for_update(skip_locked=True, no_key=True)
        return {row.row_id: row.last_error == DIED for row in free}


def given_up(job: str) -> set[int]:
    """The rows of a job that have been given up and wait for a person."""
    rows = Strike.objects.filter(job=job, given_up_at__isnull=False)
    return set(rows.values_list("row_id", flat=True))


def forgive(job: str, row_id: int) -> None:
    """Forget the failures of a row, because it went well or a person has mended it."""
    Strike.objects.filter(job=job, row_id=row_id).delete()


def each(job: str, ids: Iterable[int], do: Callable[[int], int], *, at: datetime) -> int:
    """
    Do something with each row, and return how much was done in all.

    A row that fails is struck, stops none after it, and comes again a little later each time;
    what is given up is left out. Trouble of the database is no row's fault and goes on to the
    driver.
    """
    standing = {row.row_id: row for row in Strike.objects.filter(job=job)}
    done = 0
    for pk in ids:
        row = standing.get(pk)
        if row is not None and (row.given_up_at or at - row.last_at < PAUSE * row.failures):
            continue
        try:
            done += do(pk)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            log.exception("%s %s failed", job, pk)
            # The kind only: its text may quote a person.
            strike(job, pk, error=type(error).__name__, at=at)
        else:
            if row is not None:
                forgive(job, pk)
    return done
