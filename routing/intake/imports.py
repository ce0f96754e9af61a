"""
Files of leads: look first, then take them in row by row, and never a row twice.

PREVIEW shows what would happen and takes nothing in. Once RUNNING, `drain` hands up to 500
rows at a time to the door, in one transaction with the place it has reached, so that an
import which was killed goes on where it was. Intake does the rest, as for any door.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, QuerySet

from reps import tables
from reps.due import doorbell, strikes
from reps.mapping import BadMapping
from reps.models import User
from reps.tables import Row
from routing.intake import doors, mapping
from routing.intake.decode import Undecodable, decode
from routing.intake.normalise import Refused, normalise
from routing.models import ImportJob, Source, Submission
from routing.models.source import Mode

JOB = "imports"
AT_ONCE, JOBS_AT_ONCE = 500, 5
LOOKED_AT = 200
SAMPLES = 5
CLOSED_AGAIN = timedelta(minutes=5)


class ImportRefused(Exception):
    """The import is not where this step starts; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one row: its number in the file, the field, and the way out."""

    row: int
    field: str
    message: str


@dataclass(slots=True)
class Preview:
    """What an import would do, as far as the first rows show it."""

    rows: int
    looked_at: int = 0
    ready: int = 0
    skipped: int = 0
    faults: list[Fault] = field(default_factory=list)
    samples: list[tuple[Row, Mapping[str, Any]]] = field(default_factory=list)

    @property
    def broken(self) -> int:
        return len({fault.row for fault in self.faults})


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is. Every row that was looked at is counted once."""

    rows: int
    looked_at: int
    skipped: int
    repeated: int
    waiting: int
    processed: int
    quarantined: int
    dismissed: int

    @property
    def percent(self) -> int:
        """Of the rows, those whose fate is settled."""
        return 100 if not self.rows else (self.looked_at - self.waiting) * 100 // self.rows

    @property
    def is_settled(self) -> bool:
        return self.looked_at >= self.rows and not self.waiting


@transaction.atomic
def preview(
    *,
    source: Source,
    file_name: str,
    content: bytes,
    data: Mapping[str, Any] | None,
    mode: str,
    by: User | None,
    at: datetime,
) -> ImportJob:
    """
    Keep a file, ready to be looked at and started. Nothing is taken in yet.

    Without a mapping the columns are guessed by their names.

    :raises reps.tables.BadFile: if the file cannot be read
    :raises reps.mapping.BadMapping: if the given mapping does not fit it
    """
    table = tables.read(file_name, content)
    packed, rows = tables.pack(table)
    if data is not None:
        checked(data, table.columns, mode=mode)
    return ImportJob.objects.create(
        source=source,
        file_name=file_name[:200],
        content=packed,
        mapping=dict(data if data is not None else mapping.guess(table.columns)),
        mode=mode,
        rows=rows,
        created_at=at,
        created_by=by,
    )


def checked(data: Mapping[str, Any], columns: tuple[str, ...], *, mode: str) -> mapping.LeadMapping:
    """
    Return a mapping that fits these columns and this mode.

    :raises reps.mapping.BadMapping: naming the key
    """
    found = mapping.read(data)
    found.check(columns)
    if found.owner and mode != Mode.BACKFILL:
        raise BadMapping(
            "owner", "is for backfill only; otherwise the rules decide who gets a lead."
        )
    return found


@transaction.atomic
def remap(*, job: ImportJob, data: Mapping[str, Any], mode: str) -> ImportJob:
    """
    Give an import that has not started another mapping.

    :raises ImportRefused: if it has started
    :raises reps.mapping.BadMapping: if the mapping does not fit
    """
    row = _locked(job, ImportJob.State.PREVIEW)
    checked(data, tables.columns_of(bytes(row.content)), mode=mode)
    row.mapping, row.mode = dict(data), mode
    row.save(update_fields=["mapping", "mode"])
    return row


def look(job: ImportJob, *, most: int = LOOKED_AT) -> Preview:
    """
    Say what the first rows of an import would become; nothing is written.

    :raises reps.mapping.BadMapping: if the mapping does not fit the file
    """
    content = bytes(job.content)
    how = checked(job.mapping, tables.columns_of(content), mode=job.mode)
    seen = Preview(rows=job.rows)
    for row in tables.unpack(content, most=most):
        seen.looked_at += 1
        one = _incoming(job, how, row)
        if one is None:
            seen.skipped += 1
            continue
        faults = list(_faults(row, one))
        seen.faults += faults
        seen.ready += not faults
        if len(seen.samples) < SAMPLES:
            seen.samples.append((row, decode(one.raw, one.content_type)))
    return seen


def _incoming(job: ImportJob, how: mapping.LeadMapping, row: Row) -> doors.Incoming | None:
    return how.incoming(row, job=job.pk, source=job.source.slug, backfill=job.mode == Mode.BACKFILL)


def _faults(row: Row, one: doors.Incoming) -> Iterator[Fault]:
    """What the door and intake would find wrong with a row."""
    for problem in one.problems:
        yield Fault(row.number, problem.field, problem.message)
    try:
        normalise(decode(one.raw, one.content_type), external_id=one.context.get("person_key", ""))
    except Undecodable as error:
        yield Fault(row.number, error.problem.field, error.problem.message)
    except Refused as error:
        for problem in error.problems:
            yield Fault(row.number, problem.field, problem.message)


@transaction.atomic
def start(*, job: ImportJob, at: datetime) -> ImportJob:
    """
    Let an import run; workers and the sweep take it from here.

    :raises ImportRefused: if it has started already, or its source is closed
    :raises reps.mapping.BadMapping: if the mapping does not fit the file
    """
    row = _locked(job, ImportJob.State.PREVIEW)
    if not row.source.is_active:
        raise ImportRefused(f"{row.source} is closed; open it in the set-up or choose another.")
    checked(row.mapping, tables.columns_of(bytes(row.content)), mode=row.mode)
    row.state, row.due_at = ImportJob.State.RUNNING, at
    row.save(update_fields=["state", "due_at"])
    doorbell.ring("imports")
    return row


@transaction.atomic
def cancel(*, job: ImportJob, at: datetime) -> ImportJob:
    """
    Stop an import. What it has taken in stays; the rest of the file is not taken.

    :raises ImportRefused: if it has ended
    """
    row = _locked(job, ImportJob.State.PREVIEW, ImportJob.State.RUNNING)
    row.state, row.due_at, row.finished_at = ImportJob.State.CANCELLED, None, at
    row.save(update_fields=["state", "due_at", "finished_at"])
    return row


def _locked(job: ImportJob, *states: str) -> ImportJob:
    row = (
        ImportJob.objects.select_for_update(no_key=True, of=("self",))
        .select_related("source")
        .get(pk=job.pk)
    )
    if row.state not in states:
        raise ImportRefused(f"This import is {row.get_state_display().lower()}.")
    return row


def drain(
    *, driver: str, due_before: datetime, at: datetime | None = None, only: int | None = None
) -> int:
    """
    Hand the next rows of the running imports to the door, the oldest first; return how many.

    An import that fails three times is given up and stops none of the others; with `only` the
    caller hears of it instead.
    """
    if only is not None:
        return _take(only, due_before=due_before)
    due = ImportJob.objects.filter(state=ImportJob.State.RUNNING, due_at__lte=due_before)
    ids = list(due.order_by("due_at", "pk").values_list("pk", flat=True)[:JOBS_AT_ONCE])
    return strikes.each(JOB, ids, lambda pk: _take(pk, due_before=due_before), at=at or due_before)


@transaction.atomic
def _take(pk: int, *, due_before: datetime) -> int:
    job = (
        ImportJob.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related("source", "created_by")
        .filter(pk=pk, state=ImportJob.State.RUNNING, due_at__lte=due_before)
        .first()
    )
    if job is None:
        return 0
    how = mapping.read(job.mapping)
    rows = list(tables.unpack(bytes(job.content), start=job.next_row, most=AT_ONCE))
    incoming = [one for row in rows if (one := _incoming(job, how, row)) is not None]
    try:
        doors.receive_many(
            source=job.source,
            incoming=incoming,
            mode=job.mode,
            at=due_before,
            by=job.created_by,
        )
    except doors.SourceClosed:
        # Somebody closed the source half-way; it goes on when it is opened again.
        job.due_at = due_before + CLOSED_AGAIN
        job.save(update_fields=["due_at"])
        return 0
    job.next_row += len(rows)
    if job.next_row >= job.rows:
        job.state, job.due_at, job.finished_at = ImportJob.State.DONE, None, due_before
    else:
        doorbell.ring("imports")
    job.save(update_fields=["next_row", "state", "due_at", "finished_at"])
    # An empty file has been handled, too.
    return max(1, len(rows))


def oldest() -> datetime | None:
    """Since when the oldest running import has been due."""
    return (
        ImportJob.objects.filter(state=ImportJob.State.RUNNING)
        .order_by("due_at")
        .values_list("due_at", flat=True)
        .first()
    )


def submissions(job: ImportJob) -> QuerySet[Submission]:
    """What an import has handed in."""
    return Submission.objects.filter(source=job.source_id, context__import__job=job.pk)


def progress(job: ImportJob) -> Progress:
    """How far an import is."""
    states = dict(submissions(job).order_by().values_list("state").annotate(number=Count("pk")))
    how = mapping.read(job.mapping) if job.next_row else None
    skipped = 0
    if how is not None and how.skip_if_empty:
        rows = tables.unpack(bytes(job.content), most=job.next_row)
        skipped = sum(how.skips(row.cells) for row in rows)
    return Progress(
        rows=job.rows,
        looked_at=job.next_row,
        skipped=skipped,
        # Never below zero, though a worker may have read on since `job` was loaded.
        repeated=max(0, job.next_row - skipped - sum(states.values())),
        waiting=states.get(Submission.State.RECEIVED, 0),
        processed=states.get(Submission.State.PROCESSED, 0),
        quarantined=states.get(Submission.State.QUARANTINED, 0),
        dismissed=states.get(Submission.State.DISMISSED, 0),
    )


def in_quarantine(job: ImportJob, *, most: int = 100) -> list[tuple[Submission, int, list[str]]]:
    """The rows that wait to be mended: submission, row number, what is wrong."""
    rows = submissions(job).filter(state=Submission.State.QUARANTINED).order_by("pk")[:most]
    return [
        (
            row,
            row.context["import"]["row"],
            [f"{e['field']}: {e['message']}" if e["field"] else e["message"] for e in row.errors],
        )
        for row in rows
    ]
