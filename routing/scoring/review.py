"""The quarterly look at the score: when it is due, who is reminded, and that it was done."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from reps import trail
from reps.models import Message, User
from reps.post import kinds, outbox
from reps.post.kinds import Text
from routing.models import Organisation, ScoreModel, ScoreReview
from routing.scoring.refusals import ScoreRefused

KIND = "score_review_due"
QUARTER = timedelta(days=91)


def due_at(organisation: Organisation) -> datetime | None:
    """
    When the live score is to be reviewed: a quarter after the last review, and not before a
    quarter of its own; None without one.
    """
    if organisation.live_score_model_id is None:
        return None
    live = ScoreModel.objects.get(pk=organisation.live_score_model_id)
    last = ScoreReview.objects.order_by("-at").values_list("at", flat=True).first()
    since = live.published_at if last is None else max(last, live.published_at)
    return since + QUARTER


@transaction.atomic
def reviewed(*, note: str, by: User, at: datetime) -> ScoreReview:
    """
    Record that somebody looked at the calibration, and what they found.

    :raises ScoreRefused: without a note, or before a score is live
    """
    if not note.strip():
        raise ScoreRefused("Say what you found; it helps whoever looks next.")
    organisation = Organisation.objects.select_for_update(no_key=True).get(pk=1)
    if organisation.live_score_model_id is None:
        raise ScoreRefused("No score is live yet.")
    row = ScoreReview.objects.create(
        score_model_id=organisation.live_score_model_id, at=at, by=by, note=note.strip()[:1000]
    )
    trail.note(
        row,
        kind="reviewed",
        by=by,
        at=at,
        reason_code="reviewed",
        data={"score_model_id": row.score_model_id},
    )
    return row


def remind(at: datetime) -> dict[str, Any]:
    """The routine: tell whoever looks after the score once its review is due, once each time."""
    organisation = Organisation.objects.first()
    due = None if organisation is None else due_at(organisation)
    if organisation is None or due is None or due > at:
        return {"due": due.isoformat() if due else None, "told": 0}
    person = organisation.score_owner_id or organisation.responsible_id
    outbox.put(
        [
            outbox.Draft(
                key=f"{KIND}:{organisation.live_score_model_id}:{due.date()}",
                kind=KIND,
                to=person,
                payload={"score_model": organisation.live_score_model_id, "due": due.isoformat()},
            )
        ],
        at=at,
    )
    return {"due": due.isoformat(), "told": 1}


def _still_due(message: Message) -> bool:
    organisation = Organisation.objects.first()
    due = None if organisation is None else due_at(organisation)
    return due is not None and due.isoformat() == message.payload["due"]


def _text(message: Message) -> Text:
    row = ScoreModel.objects.get(pk=message.payload["score_model"])
    return Text(
        subject="Is the score still right? Its quarterly review is due",
        body=f"{row} has scored since {row.published_at:%d %B %Y}. Look at what became of the "
        "leads in each band, and say what you found.",
        url=settings.BASE_URL + reverse("score_calibration"),
        action="Look at the calibration",
    )


kinds.register(kinds.Kind(KIND, _text, _still_due))
