"""What could not be read waits for a person: mend and replay it, replay it, or dismiss it."""

import json
from datetime import datetime

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from reps import trail
from reps.due import doorbell
from reps.models import User
from routing.intake import process
from routing.intake.decode import Problem, Undecodable, decode
from routing.intake.normalise import Refused
from routing.models import Submission

# Of a raw body, what a page shows.
SHOWN = 20 * 1024
LONGEST_CORRECTION = 256 * 1024


class DismissReason(models.TextChoices):
    """Why a submission will never be a lead. Codes only: no personal data in the trail."""

    SPAM = "SPAM", _("Spam")
    DUPLICATE = "DUPLICATE", _("Came another way as well")
    TEST = "TEST", _("Somebody's test")
    UNREADABLE = "UNREADABLE", _("Nothing in it can be used")
    OTHER = "OTHER", _("Something else")


class QuarantineRefused(Exception):
    """The submission stays where it is; the message says why."""


class NotInQuarantine(QuarantineRefused):
    """Somebody has dealt with it already."""


class StillBroken(QuarantineRefused):
    """It cannot be read yet; `problems` name each field with the way out."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(" ".join(in_words(problem.as_json()) for problem in problems))
        self.problems = problems


@transaction.atomic
def mend_and_replay(*, submission_id: int, corrected: str, by: User, at: datetime) -> Submission:
    """
    Take a person's correction (a JSON object) instead of the raw body, and process it.

    The raw body stays as it came.

    :raises NotInQuarantine: if somebody was quicker
    :raises StillBroken: if the correction cannot be read or used either
    """
    submission = _locked(submission_id)
    if len(corrected) > LONGEST_CORRECTION:
        raise StillBroken([Problem("", "too_large", "The correction is too long.")])
    try:
        # A lone surrogate cannot be written as UTF-8; decoding names it as what it is.
        fields = decode(corrected.encode("utf-8", "surrogatepass"), "application/json")
    except Undecodable as error:
        raise StillBroken([error.problem]) from error
    submission.corrected = json.dumps(fields, ensure_ascii=False)
    _receive_again(submission, kind="mended", by=by, at=at)
    return submission


@transaction.atomic
def replay(*, submission_id: int, by: User, at: datetime) -> Submission:
    """
    Process a submission again as it came, e.g. after its form was changed, or because a
    person vouches that it is no spam.

    :raises NotInQuarantine: if somebody was quicker
    :raises StillBroken: if it cannot be read or used as it is
    """
    submission = _locked(submission_id)
    if submission.context.get("looks_like_spam") and not submission.corrected:
        try:
            fields = decode(bytes(submission.raw), submission.content_type)
        except Undecodable as error:
            raise StillBroken([error.problem]) from error
        # What a person has looked at counts as corrected and is not held back again.
        submission.corrected = json.dumps(fields, ensure_ascii=False)
    _receive_again(submission, kind="replayed", by=by, at=at)
    return submission


@transaction.atomic
def dismiss(*, submission_id: int, reason: str, by: User, at: datetime) -> Submission:
    """
    Say that a submission will never be a lead. It is kept, with who said so and why.

    :raises NotInQuarantine: if somebody was quicker
    :raises QuarantineRefused: for a reason that is none of `DismissReason`
    """
    if reason not in DismissReason.values:
        raise QuarantineRefused("Choose why it is dismissed.")
    submission = _locked(submission_id)
    submission.state, submission.due_at = Submission.State.DISMISSED, None
    submission.processed_at = at
    submission.save(update_fields=["state", "due_at", "processed_at"])
    trail.note(submission, kind="dismissed", by=by, at=at, reason_code=reason)
    return submission


def prefilled(submission: Submission) -> str:
    """What the correction starts from: the last one, the fields as decoded, or `{}`."""
    if submission.corrected:
        return submission.corrected
    try:
        fields = decode(bytes(submission.raw), submission.content_type)
    except Undecodable:
        return "{}"
    return json.dumps(fields, ensure_ascii=False, indent=2)


def shown(submission: Submission) -> tuple[str, bool]:
    """
    The raw body as text that a page can show, and whether it was cut.

    Bytes that are no UTF-8, NUL and other control characters become the replacement sign.
    """
    raw = bytes(submission.raw)
    text = raw[:SHOWN].decode("utf-8", "replace")
    plain = "".join(
        c if c.isprintable() or c in "\n\t " else "\N{REPLACEMENT CHARACTER}" for c in text
    )
    return plain, len(raw) > SHOWN


def in_words(problem: dict) -> str:
    """One line of `Submission.errors` as a sentence; an old or odd entry is still shown."""
    if not isinstance(problem, dict):
        return str(problem)
    field, message = str(problem.get("field") or ""), str(problem.get("message") or "")
    message = message or str(problem.get("code") or "Something is wrong with it.")
    return f"{field.replace('_', ' ')}: {message}" if field else message


def _locked(submission_id: int) -> Submission:
    submission = (
        Submission.objects.select_for_update(no_key=True, of=("self",))
        .select_related("source", "form")
        .get(pk=submission_id)
    )
    if submission.state != Submission.State.QUARANTINED:
        raise NotInQuarantine("Somebody has dealt with this submission already.")
    return submission


def _receive_again(submission: Submission, *, kind: str, by: User, at: datetime) -> None:
    """Put a submission that can be read back in line for intake."""
    try:
        process.read(submission)
    except Undecodable as error:
        raise StillBroken([error.problem]) from error
    except Refused as error:
        raise StillBroken(error.problems) from error
    submission.state, submission.due_at = Submission.State.RECEIVED, at
    submission.attempts, submission.errors = 0, []
    submission.save(update_fields=["state", "due_at", "attempts", "errors", "corrected"])
    trail.note(submission, kind=kind, by=by, at=at, reason_code=kind)
    doorbell.ring("intake")
