"""Claim a lead from a shared queue: one winner."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from reps.models import Rep, User
from routing import ownership
from routing.models import Lead, Queue
from routing.models.assignment import Reason
from routing.work.refusals import WorkRefused


class ClaimRefused(WorkRefused):
    """The lead cannot be claimed by this rep now."""


def queues_of(rep: Rep) -> QuerySet[Queue]:
    """The queues from which a rep may claim."""
    return Queue.objects.filter(pool__members__rep=rep).distinct()


def claimable(rep: Rep) -> QuerySet[Lead]:
    """The leads a rep may claim, hot ones first, then in the order in which they came."""
    return (
        Lead.objects.of_people()
        .filter(place=Lead.Place.QUEUE, queue__in=queues_of(rep))
        .select_related("prospect", "queue", "account", "source")
        .order_by("-priority", "-score", "received_at", "pk")
    )


@transaction.atomic
def claim(*, lead_id: int, epoch: int, by: User, at: datetime, driver: str) -> Lead:
    """
    Make the acting rep the owner of a lead that waits in one of their queues.

    :raises ClaimRefused: if it is not in such a queue, they are paused or away, or hold as
        many unworked claims as the queue allows
    :raises routing.ownership.OwnershipRefused: if somebody was quicker, or the cap is reached
    """
    rep = Rep.objects.select_related("user").filter(user=by).first()
    if rep is None:
        raise ClaimRefused("Only reps can claim leads.")
    leads = ownership.lock_leads([lead_id])
    lead = leads.get(lead_id)
    if lead is None or lead.place != Lead.Place.QUEUE or lead.owner_epoch != epoch:
        raise ownership.EpochPassed("Somebody was quicker: this lead is no longer in the queue.")
    queue = queues_of(rep).filter(pk=lead.queue_id).first()
    if queue is None:
        raise ClaimRefused("This queue is not one you may claim from.")
    # The load is the lock under which a rep's own claims queue up, so that two of them at
    # once cannot both find room under the limit.
    ownership.lock_loads([rep.pk])
    rep.refresh_from_db()
    if rep.is_paused(at):
        raise ClaimRefused("You are set away. Switch to “Taking leads” to claim one.")
    unworked = Lead.objects.filter(owner=rep, state=Lead.State.NEW, place=Lead.Place.OWNER).filter(
        assignments__ended_at__isnull=True, assignments__reason_code=Reason.CLAIMED
    )
    if queue.max_unworked and unworked.count() >= queue.max_unworked:
        raise ClaimRefused(
            f"You hold {queue.max_unworked} claimed leads that you have not acknowledged yet. "
            "Acknowledge or hand one back first."
        )
    ownership.change_many(
        [
            ownership.Move(
                lead_id=lead.pk,
                epoch=epoch,
                place=Lead.Place.OWNER,
                rep_id=rep.pk,
                # Whoever claims takes it as a member of the pool that the queue is for.
                pool_id=queue.pool_id,
                reason_code=Reason.CLAIMED,
                reason=f"Claimed from {queue}",
            )
        ],
        by=by,
        at=at,
        driver=driver,
        leads=leads,
    )
    lead.refresh_from_db()
    return lead
