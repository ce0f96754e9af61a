"""
Score open leads again when time, or a new version, has changed what they score.

Each lead knows when that may be (`rescore_at`), so that a drain looks at those that are due and
at no others, so many at a time. A lead in nurture whose score has risen is routed at once: the
rules decide whether it has crossed their threshold. One that a person put to rest until a date
sleeps on.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction

from reps import trail
from reps.due import doorbell
from reps.models.bulk import update_many
from reps.models.tracked import bulk_writer
from routing.models import Lead, Organisation
from routing.models.lead import LeadQuerySet
from routing.models.source import Mode
from routing.qualify import facts
from routing.scoring import apply, live

log = logging.getLogger(__name__)

BATCH = 100
# A lead that could not be scored is tried again after this.
AGAIN_AFTER = timedelta(days=1)


def drain(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """Score one batch of due leads; return how many were looked at. Statements are constant."""
    organisation = Organisation.objects.first()
    if organisation is None:
        return 0
    at = at or due_before
    try:
        return _score_batch(organisation, due_before=due_before, at=at)
    except (OperationalError, InterfaceError):
        # The database's trouble is no lead's fault.
        raise
    except Exception:
        log.exception("A batch of leads could not be scored; trying them one by one")
        return _one_by_one(organisation, due_before=due_before, at=at)


def oldest() -> datetime | None:
    """Since when the lead that waits longest has been due."""
    return _waiting().order_by("rescore_at").values_list("rescore_at", flat=True).first()


def all_open(*, at: datetime) -> int:
    """
    Have every open lead scored again, soon; return how many. For a new version of the score.
    """
    rows = Lead.objects.open().exclude(mode=Mode.SHADOW)
    with bulk_writer("rescore"):
        # Only the time of the next look moves, which history leaves out.
        found = rows.update(rescore_at=at)
    doorbell.ring("scores")
    return found


def one(lead: Lead, *, at: datetime, reason_code: str) -> bool:
    """Score a locked lead at once, for news about it; return whether its score rose."""
    organisation = Organisation.get()
    before, score = apply.columns(lead), lead.score
    story = apply.stories([lead], at=at)[lead.pk]
    apply.put_on(
        lead, story, live=live.read(organisation), terms=facts.Terms.of(organisation), at=at
    )
    has_risen = lead.score > score
    if apply.columns(lead) != before:
        _write([lead], risen=[lead] if has_risen else [], at=at, reason_code=reason_code)
    _plan([lead])
    return has_risen


def _waiting() -> LeadQuerySet:
    return Lead.objects.filter(rescore_at__isnull=False).exclude(place=Lead.Place.CLOSED)


def _one_by_one(organisation: Organisation, *, due_before: datetime, at: datetime) -> int:
    """So that a lead that cannot be scored keeps no other waiting: it is tried again later."""
    due = _waiting().filter(rescore_at__lte=due_before).order_by("rescore_at", "pk")
    ids = list(due.values_list("pk", flat=True)[:BATCH])
    for pk in ids:
        try:
            _score_batch(organisation, due_before=due_before, at=at, only=pk)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("Lead %s could not be scored", pk)
            with bulk_writer("rescore"):
                # Only the time of the next look moves, which history leaves out.
                Lead.objects.filter(pk=pk).update(rescore_at=at + AGAIN_AFTER)
    return len(ids)


@transaction.atomic
def _score_batch(
    organisation: Organisation, *, due_before: datetime, at: datetime, only: int | None = None
) -> int:
    rows = _waiting() if only is None else _waiting().filter(pk=only)
    leads = list(
        rows.select_related("prospect", "source", "account__parent")
        .select_for_update(skip_locked=True, no_key=True, of=("self",))
        .filter(rescore_at__lte=due_before)
        .order_by("rescore_at", "pk")[:BATCH]
    )
    if not leads:
        return 0
    scores, terms = live.read(organisation), facts.Terms.of(organisation)
    stories = apply.stories(leads, at=at)
    before = {lead.pk: (apply.columns(lead), lead.score) for lead in leads}
    for lead in leads:
        apply.put_on(lead, stories[lead.pk], live=scores, terms=terms, at=at)
    changed = [lead for lead in leads if apply.columns(lead) != before[lead.pk][0]]
    _write(changed, risen=[lead for lead in changed if lead.score > before[lead.pk][1]], at=at)
    _plan(leads)
    return len(leads)


def _write(
    changed: Sequence[Lead],
    *,
    risen: Sequence[Lead],
    at: datetime,
    reason_code: str = "rescored",
) -> None:
    if not changed:
        return
    for lead in risen:
        if lead.place == Lead.Place.NURTURE and lead.state != Lead.State.RECYCLED:
            lead.route_at = at
    with bulk_writer("rescore"):
        update_many(
            Lead,
            [{"pk": one.pk, **apply.columns(one), "route_at": one.route_at} for one in changed],
        )
    trail.record(Lead, [apply.change(one, reason_code) for one in changed], by=None, at=at)
    if risen:
        doorbell.ring("route")


def _plan(leads: Sequence[Lead]) -> None:
    with bulk_writer("rescore"):
        # Only the time of the next look moves, which history leaves out.
        update_many(Lead, [{"pk": lead.pk, "rescore_at": lead.rescore_at} for lead in leads])
