"""
How often a submission has been tried, counted before the work where that may have died.

In a batch that goes well nothing is counted. One that was late is counted by its first
submission; whatever has been counted and is due again is tried by itself, and after five attempts
waits in quarantine for a person.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from routing.intake.decode import Problem
from routing.models import Submission

MOST = 5
RETRY = timedelta(seconds=10)
# A submission is processed within a second. One that has waited for longer may have been in a
# batch that died.
STALE = timedelta(seconds=5)


def due(due_before: datetime) -> Any:
    """The submissions to be processed, locked, without those that another process has."""
    return (
        Submission.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related("source", "form")
        .filter(state=Submission.State.RECEIVED, due_at__lte=due_before)
        .order_by("due_at", "pk")
    )


def has_suspects(due_before: datetime) -> bool:
    """
    Whether a submission that was tried before is due, and nobody is at work at it.

    If its process died, whatever killed it is among those due now, so none risks another's turn.
    """
    rows = Submission.objects.filter(
        state=Submission.State.RECEIVED, due_at__lte=due_before, attempts__gt=0
    )
    if not rows.exists():
        return False
    with transaction.atomic():
        return bool(due(due_before).filter(attempts__gt=0).values_list("pk", flat=True)[:1])


@transaction.atomic
def count_head(due_before: datetime, *, since: datetime | None, at: datetime) -> int | None:
    """Count an attempt of the first of a batch that is late: the last one may have died."""
    if since is None or at - since <= STALE:
        return None
    head = due(due_before).values_list("pk", flat=True).first()
    if head is not None:
        Submission.objects.filter(pk=head).update(attempts=F("attempts") + 1)
    return head


def take_back(pk: int | None) -> None:
    """An attempt that says nothing about the submission is not held against it."""
    Submission.objects.filter(pk=pk, attempts__gt=0).update(attempts=F("attempts") - 1)


@transaction.atomic
def count(pk: int, *, at: datetime) -> bool:
    """Count an attempt before it is made; False if there have been enough, or others are at it."""
    rows = Submission.objects.select_for_update(skip_locked=True, no_key=True)
    submission = rows.filter(pk=pk, state=Submission.State.RECEIVED).first()
    if submission is None:
        return False
    if submission.attempts >= MOST:
        _give_up(submission, "its process died each time")
        return False
    submission.attempts += 1
    submission.save(update_fields=["attempts"])
    return True


@transaction.atomic
def put_off(pk: int, why: str, *, at: datetime) -> None:
    submission = Submission.objects.select_for_update(no_key=True).get(pk=pk)
    if submission.state != Submission.State.RECEIVED:
        return
    if submission.attempts >= MOST:
        _give_up(submission, why)
    else:
        submission.due_at = at + RETRY * submission.attempts
        submission.save(update_fields=["due_at"])


def _give_up(submission: Submission, why: str) -> None:
    problem = Problem("", "failed", f"It failed {MOST} times ({why}); replay it.")
    submission.state, submission.due_at = Submission.State.QUARANTINED, None
    submission.errors = [problem.as_json()]
    submission.save(update_fields=["state", "due_at", "errors"])
