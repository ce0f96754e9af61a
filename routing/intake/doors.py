"""Where leads come in: commit what was received, then answer (design rule 1)."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from reps.due import doorbell
from reps.models import User
from routing.intake.decode import Problem
from routing.models import LeadForm, Source, Submission

# What is kept of a body that is too large to be one.
KEPT_OF_TOO_LARGE = 64 * 1024


class DoorRefused(Exception):
    """Nothing was taken in; the message says why."""


class SourceClosed(DoorRefused):
    """The source takes no submissions at present."""


class KeyReused(DoorRefused):
    """The same idempotency key came with another body."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a door may now acknowledge. `replayed`: it had been received before."""

    submission: Submission
    replayed: bool


@transaction.atomic
def receive(
    *,
    source: Source,
    raw: bytes,
    content_type: str,
    key: str,
    at: datetime,
    form: LeadForm | None = None,
    mode: str = "",
    context: Mapping[str, Any] | None = None,
    occurred_at: datetime | None = None,
    by: User | None = None,
    problems: list[Problem] | None = None,
) -> Receipt:
    """
    Commit a submission under its key, and wake intake.

    With `problems` the submission is kept for mending instead of being processed: what a
    door refuses is not lost either.

    :raises SourceClosed: if the source is switched off
    :raises KeyReused: if this key already belongs to another body
    """
    if not source.is_active:
        raise SourceClosed(f"{source} takes no submissions at present.")
    submission = Submission(
        source=source,
        form=form,
        mode=mode or source.mode,
        idempotency_key=key,
        fingerprint=fingerprint(raw),
        content_type=content_type[:100],
        raw=raw,
        context=dict(context or {}),
        received_at=at,
        occurred_at=occurred_at,
        submitted_by=by,
        state=Submission.State.QUARANTINED if problems else Submission.State.RECEIVED,
        due_at=None if problems else at,
        errors=[problem.as_json() for problem in problems or []],
    )
    try:
        with transaction.atomic():
            submission.save(force_insert=True)
    except IntegrityError:
        return Receipt(_first_of(submission), replayed=True)
    if not problems:
        doorbell.ring("intake")
    return Receipt(submission, replayed=False)


def fingerprint(raw: bytes) -> str:
    """By what a repeated body is recognised."""
    return hashlib.sha256(raw).hexdigest()


def _first_of(repeated: Submission) -> Submission:
    first = Submission.objects.get(source=repeated.source, idempotency_key=repeated.idempotency_key)
    if first.fingerprint != repeated.fingerprint:
        raise KeyReused(
            "This Idempotency-Key was used for another body; use a new key for a new lead."
        )
    return first


@dataclass(frozen=True, slots=True)
class Incoming:
    """One of many submissions that come at once; as for `receive`."""

    key: str
    raw: bytes
    content_type: str = "application/json"
    context: Mapping[str, Any] = field(default_factory=dict)
    occurred_at: datetime | None = None
    problems: Sequence[Problem] = ()
    # The key under which a body is kept whose own key belongs to another body.
    spare_key: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of many: how many are new, had come before, or go to be mended."""

    new: int = 0
    replayed: int = 0
    broken: int = 0


@transaction.atomic
def receive_many(
    *, source: Source, incoming: Sequence[Incoming], mode: str, at: datetime, by: User | None
) -> Taken:
    """
    Commit many submissions in a constant number of statements, and wake intake.

    One whose key belongs to the same body already is counted as replayed. One whose key
    belongs to another body is kept under its spare key, for a person to decide: nothing
    that was handed in is lost.

    :raises SourceClosed: if the source is switched off
    """
    if not source.is_active:
        raise SourceClosed(f"{source} takes no submissions at present.")
    rows = [_row(one, source=source, mode=mode, at=at, by=by) for one in incoming]
    Submission.objects.bulk_create(rows, ignore_conflicts=True)
    stored = _stored(source, [row.idempotency_key for row in rows])
    new, clashes = [], []
    for one, row in zip(incoming, rows, strict=True):
        public_id, print_ = stored[row.idempotency_key]
        if public_id == row.public_id:
            new.append(row)
        elif print_ != row.fingerprint and one.spare_key:
            clashes.append(_clash(one, source=source, mode=mode, at=at, by=by))
    Submission.objects.bulk_create(clashes, ignore_conflicts=True)
    broken = [row for row in new if row.state == Submission.State.QUARANTINED]
    if len(broken) < len(new):
        doorbell.ring("intake")
    return Taken(
        new=len(new) - len(broken),
        replayed=len(rows) - len(new) - len(clashes),
        broken=len(broken) + len(clashes),
    )


def _row(one: Incoming, *, source: Source, mode: str, at: datetime, by: User | None) -> Submission:
    return Submission(
        source=source,
        mode=mode,
        idempotency_key=one.key,
        fingerprint=fingerprint(one.raw),
        content_type=one.content_type[:100],
        raw=one.raw,
        context=dict(one.context),
        received_at=at,
        occurred_at=one.occurred_at,
        submitted_by=by,
        state=Submission.State.QUARANTINED if one.problems else Submission.State.RECEIVED,
        due_at=None if one.problems else at,
        errors=[problem.as_json() for problem in one.problems],
    )


def _clash(
    one: Incoming, *, source: Source, mode: str, at: datetime, by: User | None
) -> Submission:
    problem = Problem(
        "",
        "key_reused",
        "Its id came before with other content; replay it to take both, or dismiss it.",
    )
    kept = replace(one, key=one.spare_key, problems=[*one.problems, problem])
    return _row(kept, source=source, mode=mode, at=at, by=by)


def _stored(source: Source, keys: Sequence[str]) -> dict[str, tuple[Any, str]]:
    rows = Submission.objects.filter(source=source, idempotency_key__in=keys)
    return {
        key: (public_id, print_)
        for key, public_id, print_ in rows.values_list(
            "idempotency_key", "public_id", "fingerprint"
        )
    }
