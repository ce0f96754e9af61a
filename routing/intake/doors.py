"""Where leads come in: commit what was received, then answer (design rule 1)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
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
