"""Give a lead to somebody else: by hand, by declining, or because somebody left."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from reps.models import Rep, User
from routing import ownership
from routing.fairness import undo
from routing.models import Lead, Organisation, Queue
from routing.models.assignment import Reason
from routing.work import steps
from routing.work.refusals import WorkRefused, reason_given


@transaction.atomic
def move_by_hand(
    *, lead_id: int, epoch: int, to: Rep, reason: str, by: User, at: datetime, driver: str
) -> Lead:
    """
    Give a lead to a rep because a manager says so, with a reason.

    :raises WorkRefused: without a reason
    :raises routing.ownership.OwnershipRefused: if it has moved, or the rep is full or gone
    """
    return give_to(
        lead_id=lead_id,
        epoch=epoch,
        rep_id=to.pk,
        reason_code=Reason.CORRECTED,
        reason=reason_given(reason),
        by=by,
        at=at,
        driver=driver,
    )


@transaction.atomic
def move_many_by_hand(
    *,
    moves: Sequence[tuple[int, int]],
    to: Rep,
    reason: str,
    by: User,
    at: datetime,
    driver: str,
) -> list[Lead]:
    """
    Give several leads to one rep, all or none; `moves` are (lead id, epoch) as the caller saw.

    Costs the same number of statements for 2 leads and 200.

    :raises WorkRefused: without a reason, without leads, or with a lead that does not exist
    :raises routing.ownership.OwnershipRefused: if one has moved, or the rep is full or gone
    """
    text = reason_given(reason)
    epochs = dict(moves)
    if not epochs:
        raise WorkRefused("Choose at least one lead.")
    leads = ownership.lock_leads(list(epochs))
    if len(leads) != len(epochs):
        raise WorkRefused("One of these leads does not exist any more.")
    placed = ownership.change_many(
        [
            ownership.Move(
                lead_id=pk,
                epoch=epochs[pk],
                place=Lead.Place.OWNER,
                rep_id=to.pk,
                reason_code=Reason.CORRECTED,
                reason=text,
            )
            for pk in leads
        ],
        by=by,
        at=at,
        driver=driver,
        leads=leads,
    )
    return [one.lead for one in placed]


def give_to(
    *,
    lead_id: int,
    epoch: int,
    rep_id: int,
    reason_code: str,
    reason: str,
    by: User | None,
    at: datetime,
    driver: str,
) -> Lead:
    """Make a rep the owner; the one way in for everything that names the new owner."""
    (placed,) = ownership.change_many(
        [
            ownership.Move(
                lead_id=lead_id,
                epoch=epoch,
                place=Lead.Place.OWNER,
                rep_id=rep_id,
                reason_code=reason_code,
                reason=reason,
            )
        ],
        by=by,
        at=at,
        driver=driver,
    )
    placed.lead.refresh_from_db()
    return placed.lead


def put_in_queue(
    *,
    leads: Sequence[Lead],
    reason_code: str,
    reason: str,
    by: User | None,
    at: datetime,
    driver: str,
    queue: Queue | None = None,
) -> None:
    """Take locked leads from their owners: into a queue, or (none) back to be routed anew."""
    target = queue or Organisation.get().intake_queue
    ownership.change_many(
        [
            ownership.Move(
                lead_id=lead.pk,
                epoch=lead.owner_epoch,
                place=Lead.Place.QUEUE,
                queue_id=target.pk,
                reason_code=reason_code,
                reason=reason,
                also={"route_at": None if queue else at},
            )
            for lead in leads
        ],
        by=by,
        at=at,
        driver=driver,
        leads={lead.pk: lead for lead in leads},
    )


@transaction.atomic
def decline(
    *,
    lead_id: int,
    epoch: int,
    reason: str,
    by: User,
    at: datetime,
    driver: str,
    not_a_lead: bool = False,
) -> Lead:
    """
    Hand an own lead back with a reason; it is routed anew, never to this rep again.

    `not_a_lead`: spam, a test, somebody who wants no contact. The turn that it cost is given
    back, and it does not count as a new lead of theirs.

    :raises NotYours: for anybody but the owner
    :raises WorkRefused: without a reason
    """
    text = reason_given(reason)
    lead = steps.locked(lead_id, epoch)
    steps.own(lead, by)
    if not_a_lead:
        held = lead.assignments.get(ended_at__isnull=True)
        undo.not_a_lead(held, by=by, at=at, reason=text)
    put_in_queue(
        leads=[lead], reason_code=Reason.DECLINED, reason=text, by=by, at=at, driver=driver
    )
    lead.refresh_from_db()
    return lead


def re_place(*, rep: Rep, reason: str, by: User | None, at: datetime, driver: str) -> int:
    """
    Route anew everything that a rep holds, because they have left; return how many leads.
    """
    ids = list(Lead.objects.filter(owner=rep).order_by("pk").values_list("pk", flat=True))
    with transaction.atomic():
        leads = [lead for lead in ownership.lock_leads(ids).values() if lead.owner_id == rep.pk]
        if leads:
            put_in_queue(
                leads=leads,
                reason_code=Reason.LEAVER,
                reason=reason,
                by=by,
                at=at,
                driver=driver,
            )
    return len(leads)
