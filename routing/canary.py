"""
The routine "canary": a lead of our own that goes the whole way, so that health is what arrives.

Every half minute a submission of one and the same made-up person goes through the function that
every door calls, in mode SHADOW: it is parsed and decided as any other and nothing is done, so it
takes no capacity, no turn and no place in any list or figure. Decided within 30 seconds it is a
sign of life; otherwise there is none, and /readyz turns red. There is one lead, ever; what its
submissions leave behind is cleaned away.
"""

import json
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from reps import trail
from reps.due import alarms, heartbeats, routines
from routing.intake import doors
from routing.models import Batch, Decision, Organisation, Source, Submission, Touch
from routing.models.source import Mode

MAX_AGE = 60
LONGEST = timedelta(seconds=30)
# A cycle: sent, looked after until it is decided, and some rest.
LOOK_AGAIN, REST = 5, 25
ALARM = "canary/late"
# For so long a monitor may still ask what became of one.
KEPT = timedelta(minutes=10)
AT_ONCE = 100

PERSON = {"email": "canary@example.com", "first_name": "Canary", "last_name": "Health check"}


def run(at: datetime) -> dict[str, Any]:
    """Look after the canary under way, or send the next one; says how long it took."""
    organisation = Organisation.objects.first()
    if organisation is None:
        heartbeats.beat("canary", max_age=MAX_AGE, detail={"why": "no organisation yet"})
        return {}
    under_way = routines.last("canary").get("under_way")
    if under_way is None:
        return _send(at)
    sent_at = datetime.fromisoformat(under_way["sent_at"])
    waited = at - sent_at
    if not _is_through(under_way["submission"], organisation=organisation):
        if waited <= LONGEST:
            return {"under_way": under_way, routines.AGAIN_IN: LOOK_AGAIN}
        alarms.raise_(
            ALARM, f"A test lead was not decided within {LONGEST.total_seconds():.0f} s.", at=at
        )
        return _send(at)
    heartbeats.beat("canary", max_age=MAX_AGE, detail={"seconds": int(waited.total_seconds())})
    alarms.clear(ALARM, at=at)
    return {"seconds": int(waited.total_seconds()), "tidied": tidy(at=at)}


def source(*, at: datetime) -> Source:
    """The canary's door, made when first needed; monitors outside use its key."""
    row = Source.objects.filter(slug=Source.CANARY).first()
    if row is None:
        row = Source(
            slug=Source.CANARY,
            name="Canary (health check)",
            channel=Source.Channel.API,
            mode=Mode.SHADOW,
        )
        trail.save(row, by=None, at=at, reason="made by the health check")
    return row


def _send(at: datetime) -> dict[str, Any]:
    receipt = doors.receive(
        source=source(at=at),
        raw=json.dumps(PERSON).encode(),
        content_type="application/json",
        key=f"canary-{at.timestamp():.3f}",
        at=at,
        mode=Mode.SHADOW,
    )
    under_way = {"submission": receipt.submission.pk, "sent_at": at.isoformat()}
    return {"under_way": under_way, routines.AGAIN_IN: LOOK_AGAIN}


def _is_through(pk: int, *, organisation: Organisation) -> bool:
    """Whether a canary was taken in, and decided, where anything is decided at present."""
    submission = Submission.objects.select_related("lead").filter(pk=pk).first()
    if submission is None or submission.state != Submission.State.PROCESSED:
        return False
    if organisation.routing_paused_at is not None or organisation.live_ruleset_id is None:
        return True
    return decided_at(submission) is not None


def decided_at(submission: Submission) -> datetime | None:
    """When the lead of a submission was decided after that came in; None if it was not yet."""
    if submission.lead is None or submission.lead.route_at is not None:
        return None
    decisions = submission.lead.decisions.filter(decided_at__gte=submission.processed_at)
    return decisions.order_by("decided_at").values_list("decided_at", flat=True).first()


@transaction.atomic
def tidy(*, at: datetime) -> int:
    """
    Delete what earlier canaries left, but for the newest: they are nobody's leads.

    A decision goes only if it was the last of its batch, since the seals of those after it
    cover it; shadows are decided last, the canary last of all.
    """
    before = at - KEPT
    mine = Submission.objects.filter(source__slug=Source.CANARY, mode=Mode.SHADOW)
    newest = mine.filter(state=Submission.State.PROCESSED).order_by("-received_at").first()
    if newest is None or newest.lead_id is None:
        return 0
    old = list(
        mine.filter(received_at__lt=before)
        .exclude(pk=newest.pk)
        .order_by("received_at")
        .values_list("pk", flat=True)[:AT_ONCE]
    )
    Touch.objects.filter(submission__in=old).delete()
    Submission.objects.filter(pk__in=old).delete()
    after = Decision.objects.filter(batch=OuterRef("batch"), place__gt=OuterRef("place"))
    decisions = Decision.objects.filter(
        ~Exists(after), lead=newest.lead_id, applied=False, decided_at__lt=before
    )
    found = list(decisions.order_by("pk").values_list("pk", "batch")[:AT_ONCE])
    Decision.objects.filter(pk__in=[pk for pk, _batch in found]).delete()
    Batch.objects.filter(
        pk__in=[batch for _pk, batch in found], decisions__isnull=True, lines__isnull=True
    ).delete()
    return len(old)
