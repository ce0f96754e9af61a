"""
The only writer of a lead's owner, place and epoch (design rule 6).

Claim, route, reassign, escalate, close and leaver hand-over all come through
`change_many`: in one transaction it checks the epoch each caller saw, keeps the cap,
moves the loads, ends and opens custody, changes the leads, and records history and audit.

Lock order: leads → desk → rep loads by id → clocks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max, QuerySet

from reps import trail
from reps.due import doorbell
from reps.models import Rep, User
from reps.models.bulk import insert_many, update_many
from reps.models.tracked import bulk_writer
from routing import signals
from routing.models import Assignment, Lead, Organisation, Queue, RepLoad

# How many parked leads beyond the free room are looked at when capacity frees.
SPARE_WAKES = 20


class OwnershipRefused(Exception):
    """The lead stays where it is; the message says why, fit for a person."""


class EpochPassed(OwnershipRefused):
    """The lead has changed hands since the caller looked."""


class CapReached(OwnershipRefused):
    """The rep holds as many open leads as their capacity allows."""


class RepUnavailable(OwnershipRefused):
    """The rep has left."""


class NothingToMove(OwnershipRefused):
    """The lead is already there, or is closed."""


@dataclass(frozen=True, slots=True)
class Move:
    """
    Put a lead somewhere, if it is still in the epoch that the caller saw.

    `also` sets further columns of the lead in the same statement; every move of one call
    names the same ones.
    """

    lead_id: int
    epoch: int
    place: str
    reason_code: str
    reason: str = ""
    rep_id: int | None = None
    queue_id: int | None = None
    decision_id: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    also: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Placed:
    """A move that was made: the lead as it was before, and the custody that began."""

    lead: Lead
    move: Move
    assignment: Assignment
    rep: Rep | None


def lock_leads(ids: Sequence[int]) -> dict[int, Lead]:
    """Lock leads in the order everybody locks them, and return them by id."""
    rows = (
        Lead.objects.select_for_update(no_key=True, of=("self",))
        .select_related("prospect", "source")
        .filter(pk__in=ids)
        .order_by("pk")
    )
    return {lead.pk: lead for lead in rows}


@transaction.atomic
def change_many(
    moves: Sequence[Move],
    *,
    by: User | None,
    at: datetime,
    driver: str,
    leads: Mapping[int, Lead] | None = None,
) -> list[Placed]:
    """
    Make all these moves, or none.

    `leads` are the leads if the caller holds them locked already. Statements per call are
    constant, receivers included.

    :raises EpochPassed: if a lead changed hands since its move was thought of
    :raises CapReached: if a rep would hold more than their capacity
    :raises RepUnavailable: if a rep has left
    :raises NothingToMove: if a lead is already where it should go, or is closed
    """
    if not moves:
        return []
    leads = leads or lock_leads([move.lead_id for move in moves])
    for move in moves:
        _check(move, leads[move.lead_id])
    at = _not_before_custody(moves, leads, at=at)
    organisation = Organisation.get()
    ledger = _Ledger([leads[m.lead_id].owner_id for m in moves] + [m.rep_id for m in moves])
    queues = _queues(moves)
    placed = [
        _place(
            move,
            leads[move.lead_id],
            ledger=ledger,
            queues=queues,
            organisation=organisation,
            by=by,
            at=at,
            driver=driver,
        )
        for move in moves
    ]
    _write(placed, ledger=ledger, organisation=organisation, queues=queues, by=by, at=at)
    ledger.write()
    _wake_waiting(ledger.freed(), at=at)
    signals.leads_placed.send(sender=Assignment, moves=placed, by=by, at=at, driver=driver)
    return placed


class _Ledger:
    """The loads of the reps concerned, locked, and what these moves do to them."""

    def __init__(self, rep_ids: Sequence[int | None]) -> None:
        wanted = sorted({rep for rep in rep_ids if rep is not None})
        self.loads = lock_loads(wanted)
        # Read after the lock: whoever leaves or is resized locks the load first.
        self.reps = {
            rep.pk: rep for rep in Rep.objects.select_related("user", "team").filter(pk__in=wanted)
        }
        self._before = {rep: load.open for rep, load in self.loads.items()}

    def close(self, rep_id: int) -> int:
        load = self.loads[rep_id]
        load.open -= 1
        load.seq += 1
        return load.seq

    def open(self, rep_id: int) -> tuple[int, int, int]:
        rep, load = self.reps[rep_id], self.loads[rep_id]
        if not rep.is_active:
            raise RepUnavailable(f"{rep} has left and takes no leads.")
        if load.open >= rep.capacity:
            raise CapReached(
                f"{rep} holds {load.open} open leads of {rep.capacity}; "
                "close one, raise the capacity, or choose somebody else."
            )
        load.open += 1
        load.seq += 1
        return load.seq, load.open, rep.capacity

    def freed(self) -> list[int]:
        """Reps who hold fewer leads than before and could take more."""
        return [
            rep
            for rep, load in self.loads.items()
            if load.open < self._before[rep] and load.open < self.reps[rep].capacity
        ]

    def write(self) -> None:
        update_many(
            RepLoad,
            [
                {"pk": rep, "open": load.open, "seq": load.seq}
                for rep, load in sorted(self.loads.items())
            ],
        )


def lock_loads(rep_ids: Sequence[int]) -> dict[int, RepLoad]:
    """Lock the loads of reps in the order everybody locks them, making what is missing."""
    found = _loads(rep_ids)
    missing = [rep for rep in rep_ids if rep not in found]
    if missing:
        RepLoad.objects.bulk_create([RepLoad(rep_id=rep) for rep in missing], ignore_conflicts=True)
        found = _loads(rep_ids)
    return found


def _loads(rep_ids: Sequence[int]) -> dict[int, RepLoad]:
    rows = RepLoad.objects.select_for_update(no_key=True).filter(rep__in=rep_ids)
    return {load.rep_id: load for load in rows.order_by("rep_id")}


def _check(move: Move, lead: Lead) -> None:
    if lead.owner_epoch != move.epoch:
        raise EpochPassed("Somebody was quicker: this lead has changed hands since you looked.")
    if lead.place == Lead.Place.CLOSED:
        raise NothingToMove("This lead is closed.")
    if (lead.place, lead.owner_id, lead.queue_id) == (move.place, move.rep_id, move.queue_id):
        raise NothingToMove("The lead is already there.")


def _not_before_custody(
    moves: Sequence[Move], leads: Mapping[int, Lead], *, at: datetime
) -> datetime:
    """
    The moment of these moves: `at`, unless a lead has come to its place since.

    Moments are read before locks are waited for, and the sweep acts as of two seconds ago;
    custody must still touch in time.
    """
    moved = [move.lead_id for move in moves if leads[move.lead_id].owner_epoch]
    if not moved:
        return at
    live = Assignment.objects.filter(lead__in=moved, ended_at__isnull=True)
    latest = live.aggregate(latest=Max("started_at"))["latest"]
    return max(at, latest) if latest else at


def _queues(moves: Sequence[Move]) -> dict[int, Queue]:
    wanted = {move.queue_id for move in moves if move.queue_id}
    return {queue.pk: queue for queue in Queue.objects.filter(pk__in=wanted)} if wanted else {}


def _place(
    move: Move,
    lead: Lead,
    *,
    ledger: _Ledger,
    queues: Mapping[int, Queue],
    organisation: Organisation,
    by: User | None,
    at: datetime,
    driver: str,
) -> Placed:
    assignment = Assignment(
        lead=lead,
        epoch=lead.owner_epoch + 1,
        place=move.place,
        rep_id=move.rep_id,
        queue_id=move.queue_id,
        from_rep_id=lead.owner_id,
        from_place=lead.place,
        started_at=at,
        reason_code=move.reason_code,
        reason=move.reason[:300],
        by=by,
        driver=driver,
        decision_id=move.decision_id,
    )
    if lead.owner_id is not None:
        # The number with which the former custody ends, kept until it is written.
        assignment.ends_with_seq = ledger.close(lead.owner_id)
    if move.rep_id is not None:
        assignment.opened_seq, assignment.load_after, assignment.cap = ledger.open(move.rep_id)
    return Placed(lead=lead, move=move, assignment=assignment, rep=ledger.reps.get(move.rep_id))


def _write(
    placed: Sequence[Placed],
    *,
    ledger: _Ledger,
    organisation: Organisation,
    queues: Mapping[int, Queue],
    by: User | None,
    at: datetime,
) -> None:
    update_many(
        Assignment,
        [
            {
                "lead": one.lead.pk,
                "ended_at": at,
                "closed_seq": getattr(one.assignment, "ends_with_seq", None),
            }
            for one in placed
        ],
        key="lead",
        only_where="ended_at IS NULL",
    )
    insert_many([one.assignment for one in placed])
    with bulk_writer("ownership"):
        update_many(
            Lead,
            [_lead_row(one, organisation=organisation, queues=queues, at=at) for one in placed],
        )
    trail.record(
        Lead,
        [
            trail.Change(
                id=one.lead.pk,
                kind="placed",
                reason_code=one.move.reason_code,
                reason=one.move.reason,
                data={
                    "owner_epoch": one.assignment.epoch,
                    "place": one.move.place,
                    "owner_id": one.move.rep_id,
                    "queue_id": one.move.queue_id,
                    "from_owner_id": one.lead.owner_id,
                    "from_place": one.lead.place,
                    "decision_id": one.move.decision_id,
                    "driver": one.assignment.driver,
                    **one.move.data,
                },
            )
            for one in placed
        ],
        by=by,
        at=at,
    )


def _lead_row(
    one: Placed, *, organisation: Organisation, queues: Mapping[int, Queue], at: datetime
) -> dict[str, Any]:
    """The columns that change with the place; the same ones for every lead of a batch."""
    lead, move = one.lead, one.move
    owned = move.place == Lead.Place.OWNER
    if owned:
        responsible = one.rep.user_id
    elif move.queue_id:
        responsible = queues[move.queue_id].responsible_id
    else:
        responsible = organisation.responsible_id
    # A new holder has neither seen nor worked it; what was reached with the person stays.
    fresh = lead.state in (Lead.State.WORKING, Lead.State.RECYCLED)
    row = {
        "pk": lead.pk,
        "place": move.place,
        "owner": move.rep_id,
        "queue": move.queue_id,
        "owner_epoch": one.assignment.epoch,
        "responsible": responsible,
        "former_owner": lead.owner_id or lead.former_owner_id,
        "assigned_at": at if owned else lead.assigned_at,
        "acknowledged_at": None if owned else lead.acknowledged_at,
        "state": Lead.State.NEW if fresh else lead.state,
        "state_reason": lead.state_reason,
        "closed_at": at if move.place == Lead.Place.CLOSED else None,
        "route_at": None,
        "waiting": Lead.Waiting.NONE,
        "wait_pool": None,
        "wait_rep": None,
    }
    return {**row, **move.also}


def _wake_waiting(rep_ids: Sequence[int], *, at: datetime) -> None:
    """
    Make the leads due that wait for capacity of these reps: of the oldest as many as there
    is room for, and some more.
    """
    if not rep_ids:
        return
    room = {
        load.rep_id: load.rep.capacity - load.open
        for load in RepLoad.objects.select_related("rep").filter(rep__in=rep_ids)
    }
    waiting = (
        Lead.objects.filter(waiting=Lead.Waiting.CAPACITY)
        .filter(wait_pool__members__rep__in=rep_ids)
        .order_by("-priority", "received_at", "pk")
        .values_list("pk", flat=True)
        .distinct()
    )
    own = (
        Lead.objects.filter(waiting=Lead.Waiting.CAPACITY, wait_rep__in=rep_ids)
        .order_by("-priority", "received_at", "pk")
        .values_list("pk", flat=True)
    )
    # Some more than there is room for: the oldest may want a skill that these reps lack.
    most = sum(max(0, places) for places in room.values()) + SPARE_WAKES
    wake([*own[:most], *waiting[:most]], at=at)


def wake(lead_ids: Sequence[int], *, at: datetime) -> None:
    """
    Make parked leads due at once; the caller holds loads, so it must not wait for leads.

    One that somebody else holds meanwhile is made due after the commit, one at a time, when
    there is nothing left to wait in a circle with. One that is no longer parked stays as
    it is.
    """
    if not lead_ids:
        return
    free = list(
        _parked()
        .select_for_update(skip_locked=True, no_key=True)
        .filter(pk__in=lead_ids)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    with bulk_writer("wake"):
        # Only the wake-up time moves, which history leaves out.
        Lead.objects.filter(pk__in=free).update(route_at=at)

    if held := sorted(set(lead_ids) - set(free)):
        transaction.on_commit(lambda: _wake_one_by_one(held, at=at), robust=True)
    doorbell.ring("route")


def _wake_one_by_one(lead_ids: Sequence[int], *, at: datetime) -> None:
    with bulk_writer("wake"):
        # Only the wake-up time moves, which history leaves out.
        for pk in lead_ids:
            _parked().filter(pk=pk).update(route_at=at)


def _parked() -> QuerySet[Lead]:
    return Lead.objects.exclude(waiting=Lead.Waiting.NONE).filter(route_at__isnull=False)


def custody(lead: Lead) -> list[Assignment]:
    """Who and what held a lead, in order; each ends the moment the next begins."""
    return list(
        lead.assignments.select_related("rep__user", "queue", "from_rep__user", "by").order_by(
            "epoch"
        )
    )
