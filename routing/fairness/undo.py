"""Take an assignment back, and with it everything that it counted."""

from datetime import datetime

from django.db import transaction

from reps.models import User
from routing import ownership
from routing.engine.types import Seat
from routing.fairness import ledger, shares
from routing.fairness.ledger import Posting, Standing
from routing.fairness.settle import shared_out
from routing.models import Assignment, BalanceLine, Lead, Organisation, Outcome, Pool
from routing.models.assignment import Reason


class UndoRefused(ownership.OwnershipRefused):
    """The assignment stays; the message says why."""


@transaction.atomic
def undo(*, lead_id: int, epoch: int, by: User, at: datetime, reason: str, driver: str) -> Lead:
    """
    Take a lead back from its owner as if it had never been given: it is routed anew, and open
    load, limits and the rotation are as they were.

    The lead waits for the next batch. Nothing keeps it from the same rep: undo what was wrong
    first.

    :raises UndoRefused: without a reason, for a lead that nobody owns, or once its owner has
        acknowledged it or worked on it
    :raises routing.ownership.EpochPassed: if it has changed hands since the caller looked
    """
    text = reason.strip()
    if not text:
        raise UndoRefused("Say why.")
    lead = ownership.lock_leads([lead_id]).get(lead_id)
    if lead is None or lead.owner_epoch != epoch:
        raise ownership.EpochPassed("This lead has changed hands since you looked.")
    assignment = _untouched(lead)
    give_charges_back(assignment, by=by, at=at, reason=text)
    _forget(assignment, undone_at=at)
    earlier = (
        lead.assignments.filter(place=Lead.Place.OWNER, epoch__lt=epoch, undone_at__isnull=True)
        .order_by("-epoch")
        .first()
    )
    ownership.change_many(
        [
            ownership.Move(
                lead_id=lead.pk,
                epoch=epoch,
                place=Lead.Place.QUEUE,
                queue_id=Organisation.get().intake_queue_id,
                reason_code=Reason.UNDONE,
                reason=text,
                also={
                    "route_at": at,
                    # It never was theirs: it does not prefer them, nor count as given.
                    "former_owner": lead.former_owner_id,
                    "assigned_at": earlier.started_at if earlier else None,
                },
            )
        ],
        by=by,
        at=at,
        driver=driver,
        leads={lead.pk: lead},
    )
    lead.refresh_from_db()
    return lead


def _untouched(lead: Lead) -> Assignment:
    """Return the live assignment if the owner has not begun to work with it."""
    assignment = lead.assignments.filter(ended_at__isnull=True, rep__isnull=False).first()
    if assignment is None:
        raise UndoRefused("Nobody owns this lead; there is nothing to take back.")
    worked = Outcome.objects.filter(lead=lead, at__gte=assignment.started_at).exists()
    if lead.acknowledged_at is not None or worked:
        raise UndoRefused(
            f"{assignment.rep} works on this lead already; give it to somebody else instead."
        )
    return assignment


def not_a_lead(assignment: Assignment, *, by: User, at: datetime, reason: str) -> None:
    """Give a rep back the turn that a bad lead cost them; it does not count as given."""
    give_charges_back(assignment, by=by, at=at, reason=reason)
    _forget(assignment)


def _forget(assignment: Assignment, **columns: datetime) -> None:
    """Let an assignment count toward no limit any more."""
    Assignment.objects.filter(pk=assignment.pk).update(counts=False, **columns)


def give_charges_back(
    assignment: Assignment, *, by: User | None, at: datetime, reason: str
) -> None:
    """
    Book the opposite of what an assignment charged. The caller holds the lead, and no load.

    The receiver's last turn is as it was before, unless they have had another since. The part
    of somebody who has left the pool falls to the others, by weight.
    """
    moved = assignment.moved
    charges = moved.get("charges")
    if not charges or assignment.pool_id is None:
        return
    pool, lane = Pool.objects.get(pk=assignment.pool_id), moved["lane"]
    ledger.lock_desk(pool)
    weights, before = shares.weights(pool.pk), ledger.standings(pool.pk)
    postings, left_over = [], 0
    for rep, units in charges:
        if rep in weights:
            postings.append(Posting((pool.pk, rep, lane), BalanceLine.Kind.UNDONE, -units))
        else:
            left_over -= units
    if left_over and weights:
        postings += shared_out(pool.pk, lane, left_over, weights)
    seat = (pool.pk, assignment.rep_id, lane)
    ledger.write(
        postings,
        before=before,
        turns=_turn_before(seat, before, moved.get("turn")),
        at=at,
        by=by,
        reason=reason,
    )


def _turn_before(
    seat: Seat, before: dict[Seat, Standing], turn: list[int] | None
) -> dict[Seat, int]:
    if turn is None or before.get(seat, Standing()).turn != turn[1]:
        return {}
    return {seat: turn[0]}
