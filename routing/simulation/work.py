"""
Ask for a simulation, carry it on, cancel it.

A driver leases a simulation, computes one chunk without holding a lock, and writes rows and
progress in one short transaction, if nobody else has meanwhile. Killed at any point it goes on
from the last chunk written, when the lease is over; no chunk is ever written twice.
"""

import logging
from datetime import datetime, timedelta
from time import perf_counter

from django.db import DataError, Error, IntegrityError, transaction
from django.db.models import QuerySet

from reps import access
from reps.due import doorbell
from reps.models import User
from reps.models.bulk import insert_many, update_many
from routing import engine
from routing.models import Organisation, RuleSet, SimulatedLead, Simulation
from routing.simulation import figures, frozen, period, steps
from routing.simulation.uploads import Upload

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
# Later than the moment up to which the present round looks, so that other work has its turn.
NEXT = timedelta(milliseconds=1)
UNENDED = (Simulation.State.WAITING, Simulation.State.RUNNING)
LONGEST = timedelta(days=732)
AT_ONCE = 500
COLUMNS = [
    field.name
    for field in SimulatedLead._meta.concrete_fields
    if field.name not in ("id", "simulation", "place", "lead", "label")
]


class SimulationRefused(Exception):
    """The simulation cannot be started or stopped; the message says why."""


def visible_simulations(user: User) -> QuerySet[Simulation]:
    """
    Simulations of the past are for everybody who sets up; an uploaded file, which may hold
    people of any team, is for RevOps and for whoever uploaded it.
    """
    rows = Simulation.objects.select_related("draft", "live", "asked_by")
    if not access.may_set_up(user):
        return rows.none()
    if access.is_revops(user):
        return rows
    return rows.filter(upload__isnull=True) | rows.filter(asked_by=user)


@transaction.atomic
def start(
    *,
    ruleset: RuleSet,
    since: datetime | None = None,
    until: datetime | None = None,
    upload: Upload | None = None,
    by: User | None,
    at: datetime,
) -> Simulation:
    """
    Compare a version with the live one over a half-open period, or over an uploaded file.

    The rules of the version are frozen now; `until` is now at the latest.

    :raises SimulationRefused: without live rules, a sensible period or any usable row, or with
        rules that cannot be read
    """
    live = Organisation.get().live_ruleset
    if live is None:
        raise SimulationRefused("No rules are live yet, so there is nothing to compare with.")
    rules, digest = frozen.freeze(ruleset)
    try:
        frozen.thaw(ruleset, rules)
    except engine.InvalidPart as error:
        raise SimulationRefused(f"{ruleset} cannot be read yet: {error}") from error
    total = 0
    if upload is not None:
        since = until = None
        total = len(upload.rows)
        if not total:
            raise SimulationRefused("No row of the file can be used; mend it and upload it again.")
    else:
        until = at if until is None else min(until, at)
        if since is None or since >= until:
            raise SimulationRefused("The period must begin before it ends, and before now.")
        if until - since > LONGEST:
            raise SimulationRefused("Choose a period of two years at most.")
    made = Simulation.objects.create(
        draft=ruleset,
        draft_rules=rules,
        draft_digest=digest,
        live=live,
        since=since,
        until=until,
        upload=None if upload is None else upload.as_json(),
        due_at=at,
        total=total,
        asked_by=by,
        asked_at=at,
    )
    doorbell.ring("simulations")
    return made


@transaction.atomic
def cancel(*, simulation: Simulation, at: datetime) -> Simulation:
    """
    Stop a simulation. What it has found so far stays to be seen; it has no result.

    :raises SimulationRefused: if it has ended
    """
    row = Simulation.objects.select_for_update(no_key=True, of=("self",)).get(pk=simulation.pk)
    if row.state not in UNENDED:
        raise SimulationRefused(f"This simulation is {row.get_state_display().lower()} already.")
    _end(row, Simulation.State.CANCELLED, at=at)
    return row


def drain(
    *, driver: str, due_before: datetime, at: datetime | None = None, only: int | None = None
) -> int:
    """Carry the oldest due simulation on by one chunk; return how many leads it handled."""
    now = at or due_before
    row = _lease(due_before, now, only)
    if row is None:
        return 0
    started = perf_counter()
    try:
        work = steps.Work.open(row, at=now)
        step = steps.next_step(work)
    except Error:
        raise
    except Exception as error:
        log.exception("Simulation %s failed", row.pk)
        _fail(row, f"{type(error).__name__}: {error}", at=now)
        return 1
    step.progress["seconds"] = round(step.progress["seconds"] + perf_counter() - started, 3)
    try:
        return _write(row, step, work, at=now)
    except (IntegrityError, DataError) as error:
        # What cannot be stored now cannot be stored in a minute: a rep or a lead is gone.
        log.exception("Simulation %s cannot be stored", row.pk)
        why = "A rep or a lead of the period was deleted meanwhile; ask again."
        _fail(row, f"{why} ({type(error).__name__})", at=now)
        return 1


def oldest() -> datetime | None:
    """Since when the oldest unended simulation has been due."""
    return (
        Simulation.objects.filter(due_at__isnull=False)
        .order_by("due_at")
        .values_list("due_at", flat=True)
        .first()
    )


@transaction.atomic
def _lease(due_before: datetime, at: datetime, only: int | None) -> Simulation | None:
    """Take a due simulation, so that no other driver computes the same chunk for a while."""
    rows = (
        Simulation.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related("draft")
        .filter(state__in=UNENDED, due_at__lte=due_before)
        .order_by("due_at", "pk")
    )
    row = (rows if only is None else rows.filter(pk=only)).first()
    if row is None:
        return None
    if row.state == Simulation.State.WAITING:
        row.state = Simulation.State.RUNNING
        if row.upload is None:
            row.total = period.count_leads(row.since, row.until)
    row.due_at = at + LEASE
    row.save(update_fields=["state", "due_at", "total"])
    return row


@transaction.atomic
def _write(row: Simulation, step: steps.Step, work: steps.Work, *, at: datetime) -> int:
    """Store a chunk, unless it was cancelled or somebody else has stored this chunk."""
    now = Simulation.objects.select_for_update(no_key=True, of=("self",)).get(pk=row.pk)
    same = now.progress.get("step", 0) == step.progress["step"] - 1
    if now.state != Simulation.State.RUNNING or not same:
        return 1
    insert_many(step.new)
    for first in range(0, len(step.changed), AT_ONCE):
        some = step.changed[first : first + AT_ONCE]
        update_many(
            SimulatedLead,
            [{"pk": one.pk, **{name: _value(one, name) for name in COLUMNS}} for one in some],
        )
    now.progress, now.done = step.progress, step.progress["places"]
    if step.done:
        now.result = figures.result(now, work, at=at)
        _end(now, Simulation.State.DONE, at=at)
    else:
        now.due_at = at + NEXT
        now.save(update_fields=["progress", "done", "due_at"])
        doorbell.ring("simulations")
    return max(1, len(step.new))


def _value(row: SimulatedLead, name: str) -> object:
    return getattr(row, SimulatedLead._meta.get_field(name).attname)


def _end(row: Simulation, state: str, *, at: datetime) -> None:
    """The ledgers and the people of a file are needed no more."""
    row.state, row.due_at, row.ended_at = state, None, at
    row.progress = {name: value for name, value in row.progress.items() if name not in steps.SIDES}
    if row.upload is not None:
        row.upload = {**row.upload, "rows": []}
    row.save()


@transaction.atomic
def _fail(row: Simulation, why: str, *, at: datetime) -> None:
    now = Simulation.objects.select_for_update(no_key=True, of=("self",)).get(pk=row.pk)
    if now.state in UNENDED:
        now.error = why[:500]
        _end(now, Simulation.State.FAILED, at=at)
