"""Outcomes: what became of a lead, and ending it."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from reps.models import User
from routing import ownership, signals, states
from routing.models import Lead, Outcome
from routing.models.assignment import Reason
from routing.scoring import funnel
from routing.work import steps
from routing.work.refusals import WorkRefused

# What each outcome makes of the lead.
STATE_AFTER = {
    Outcome.Kind.MEETING: Lead.State.MEETING,
    Outcome.Kind.SHOW: Lead.State.MEETING,
    Outcome.Kind.NO_SHOW: None,
    Outcome.Kind.OPPORTUNITY: Lead.State.QUALIFIED,
    Outcome.Kind.WON: Lead.State.CONVERTED,
    Outcome.Kind.LOST: Lead.State.DISQUALIFIED,
}


@transaction.atomic
def record_outcome(
    *,
    lead_id: int,
    epoch: int,
    kind: str,
    by: User | None,
    at: datetime,
    driver: str,
    value: Decimal | None = None,
    reason: str = "",
    owner_only: bool = True,
    happened_at: datetime | None = None,
) -> Lead:
    """
    Record what became of a lead. WON and LOST end it and release capacity and clocks.

    `happened_at` dates the outcome itself, where it is told of later, e.g. by a CRM.

    :raises NotYours: for anybody but the owner, unless `owner_only` is off (imports, CRM)
    :raises WorkRefused: for an unknown outcome, or LOST without a reason
    :raises routing.states.WrongState: if the lead cannot go there from where it is
    """
    if kind not in Outcome.Kind.values:
        raise WorkRefused("Choose an outcome: " + ", ".join(map(str, Outcome.Kind.labels)) + ".")
    if kind == Outcome.Kind.LOST and not reason.strip():
        raise WorkRefused("Say why it was lost.")
    lead = steps.locked(lead_id, epoch)
    if owner_only:
        steps.own(lead, by)
    state = STATE_AFTER[Outcome.Kind(kind)]
    Outcome.objects.create(lead=lead, kind=kind, value=value, at=happened_at or at, by=by)
    if state in states.TERMINAL:
        stamps = funnel.stamps(lead, state, at=happened_at or at)
        _end(lead, state, reason=reason, value=value, stamps=stamps, by=by, at=at, driver=driver)
    else:
        if state is not None:
            steps.move_to(lead, state, reason=reason)
        steps.save(lead, kind="outcome", by=by, at=at, data={"outcome": kind})
        signals.outcomes_recorded.send(sender=Lead, leads=[lead], kind=kind, by=by, at=at)
    return lead


@transaction.atomic
def recycle(
    *, lead_id: int, epoch: int, until: datetime, reason: str, by: User, at: datetime, driver: str
) -> Lead:
    """
    Let a lead rest in nurture until its date; then it is routed again.

    :raises NotYours: for anybody but the owner
    :raises WorkRefused: without a reason, or with a date that has passed
    """
    if not reason.strip():
        raise WorkRefused("Say why it should rest.")
    if until <= at:
        raise WorkRefused("Choose a date in the future.")
    lead = steps.locked(lead_id, epoch)
    steps.own(lead, by)
    states.check(lead, Lead.State.RECYCLED)
    _leave(
        lead,
        place=Lead.Place.NURTURE,
        reason_code=Reason.RECYCLED,
        reason=reason,
        by=by,
        at=at,
        driver=driver,
        also={"state": Lead.State.RECYCLED, "state_reason": reason[:200], "route_at": until},
    )
    return lead


def _end(
    lead: Lead,
    state: str,
    *,
    reason: str,
    value: Decimal | None,
    stamps: dict[str, Any],
    by: User | None,
    at: datetime,
    driver: str,
) -> None:
    states.check(lead, state)
    _leave(
        lead,
        place=Lead.Place.CLOSED,
        reason_code=Reason.CLOSED,
        reason=reason or Lead.State(state).label,
        by=by,
        at=at,
        driver=driver,
        also={
            "state": state,
            "state_reason": reason[:200],
            "value": value,
            **stamps,
        },
    )


def _leave(lead: Lead, *, place: str, also: dict, by, at, driver, reason_code, reason) -> None:
    ownership.change_many(
        [
            ownership.Move(
                lead_id=lead.pk,
                epoch=lead.owner_epoch,
                place=place,
                reason_code=reason_code,
                reason=reason,
                also=also,
            )
        ],
        by=by,
        at=at,
        driver=driver,
        leads={lead.pk: lead},
    )
    lead.refresh_from_db()
