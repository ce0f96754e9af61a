"""
The only writer of a lead's owner, place and epoch (design rule 6).

Claim, route, reassign, escalate, close and leaver hand-over all come through
`change_many`: in one transaction it checks the epoch each caller saw, keeps the cap and the
limits, moves the loads, ends and opens custody, changes the leads, and records history and audit.

Lock order: leads → desk → rep loads by id → clocks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from reps import trail
from reps.models import Rep, User
from reps.models.bulk import insert_many, update_many
from reps.models.tracked import bulk_writer
from routing import signals, waking
from routing.engine.types import MAIN
from routing.fairness import limits
from routing.fairness.room import Room, Weight, weigh
from routing.models import Assignment, Lead, Organisation, Queue, RepLoad
from routing.privacy.registry import unnamed


class OwnershipRefused(Exception):
    """The lead stays where it is; the message says why, fit for a person."""


class EpochPassed(OwnershipRefused):
    """The lead has changed hands since the caller looked."""


class CapReached(OwnershipRefused):
    """The rep holds as many open leads as their capacity allows."""


class LimitReached(CapReached):
    """A limit of the rep leaves no room for this lead."""


class RepUnavailable(OwnershipRefused):
    """The rep has left."""


class NothingToMove(OwnershipRefused):
    """The lead is already there, or is closed."""


@dataclass(frozen=True, slots=True)
class Move:
    """
    Put a lead somewhere, if it is still in the epoch that the caller saw.

    `pool_id` is the pool as whose member the rep takes it. `moved` says which counters the
    move changes where a rotation chose (see `Assignment.moved`); else they follow from the lead.
    `also` sets further columns of the lead in the same statement; every move of one call
    names the same ones. `reopens`: the lead is closed, and this opens it again.
    """

    lead_id: int
    epoch: int
    place: str
    reason_code: str
    reason: str = ""
    rep_id: int | None = None
    queue_id: int | None = None
    decision_id: int | None = None
    pool_id: int | None = None
    moved: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    also: Mapping[str, Any] = field(default_factory=dict)
    reopens: bool = False


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
    room: Room | None = None,
) -> list[Placed]:
    """
    Make all these moves, or none.

    `leads` are the leads if the caller holds them locked already; `room` is what the limits of
    the reps leave, if the caller has counted it under the lock of their loads. Statements per
    call are constant, receivers included.

    :raises EpochPassed: if a lead changed hands since its move was thought of
    :raises CapReached: if a rep would hold more than their capacity
    :raises LimitReached: if another limit of a rep leaves no room
    :raises RepUnavailable: if a rep has left
    :raises NothingToMove: if a lead is already where it should go, or is closed
    """
    if not moves:
        return []
    leads = leads or lock_leads([move.lead_id for move in moves])
    for move in moves:
        _check(move, leads[move.lead_id])
    if by is not None:
        moves = [_without_personal_data(move, leads[move.lead_id]) for move in moves]
    at = _not_before_custody(moves, leads, at=at)
    organisation = Organisation.get()
    ledger = _Ledger(
        [leads[m.lead_id].owner_id for m in moves] + [m.rep_id for m in moves],
        organisation=organisation,
        at=at,
        room=room,
    )
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
    waking.wake_for_room(ledger.freed(), at=at)
    signals.leads_placed.send(sender=Assignment, moves=placed, by=by, at=at, driver=driver)
    return placed


class _Ledger:
    """The loads of the reps concerned, locked, and what these moves do to them."""

    def __init__(
        self,
        rep_ids: Sequence[int | None],
        *,
        organisation: Organisation,
        at: datetime,
        room: Room | None,
    ) -> None:
        wanted = sorted({rep for rep in rep_ids if rep is not None})
        self.loads = lock_loads(wanted)
        # Read after the lock: whoever leaves or is resized locks the load first.
        self.reps = {
            rep.pk: rep
            for rep in Rep.objects.select_related("user", "calendar", "team__calendar").filter(
                pk__in=wanted
            )
        }
        self._points = organisation.stage_points
        self._at = at
        self._room = room or Room.read(self.reps.values(), at=at, stage_points=self._points)
        # Open leads, points and value that these moves free (below zero) or take.
        self._change: dict[int, tuple[int, int, int]] = {}

    def close(self, lead: Lead) -> int:
        """Take a lead from its owner; return the number of this change of their load."""
        rep = lead.owner_id
        points, value = limits.points_of(lead, self._points), limits.value_of(lead)
        self._room.give_back(rep, points=points, value=value)
        self._add(rep, -1, -points, -value)
        load = self.loads[rep]
        load.open -= 1
        load.seq += 1
        return load.seq

    def open(self, rep_id: int, weight: Weight) -> tuple[int, int, int]:
        """Give a rep a lead; return the number of this change, the load after it, and the cap."""
        rep, load = self.reps[rep_id], self.loads[rep_id]
        if not rep.is_active:
            raise RepUnavailable(f"{rep} has left and takes no leads.")
        if load.open >= rep.capacity:
            raise CapReached(
                f"{rep} holds {load.open} open leads of {rep.capacity}; "
                "close one, raise the capacity, or choose somebody else."
            )
        if refusal := self._room.refusal(rep, weight, at=self._at):
            raise LimitReached(refusal)
        self._room.take(rep_id, weight, at=self._at)
        self._add(rep_id, 1, weight.points, weight.value)
        load.open += 1
        load.seq += 1
        return load.seq, load.open, rep.capacity

    def weigh(self, move: Move, lead: Lead) -> Weight:
        """What the lead adds to the counters of its new owner."""
        weight = weigh(lead, self._points, reason_code=move.reason_code, pool_id=move.pool_id)
        decided = {name: move.moved[name] for name in ("points", "value") if name in move.moved}
        return replace(weight, **decided)

    def _add(self, rep: int, *changes: int) -> None:
        before = self._change.get(rep, (0, 0, 0))
        self._change[rep] = tuple(old + new for old, new in zip(before, changes, strict=True))

    def freed(self) -> list[int]:
        """Reps who carry less than before, in leads, points or value, and could take more."""
        return [
            rep
            for rep, change in self._change.items()
            if min(change) < 0 and self.loads[rep].open < self.reps[rep].capacity
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
    if lead.place == Lead.Place.CLOSED and not move.reopens:
        raise NothingToMove("This lead is closed.")
    if (lead.place, lead.owner_id, lead.queue_id) == (move.place, move.rep_id, move.queue_id):
        raise NothingToMove("The lead is already there.")


def _without_personal_data(move: Move, lead: Lead) -> Move:
    """What a person typed goes on record for good: the prospect's name and address do not."""
    typed = move.also.get("state_reason")
    if not move.reason and not typed:
        return move
    also = {**move.also, "state_reason": unnamed(typed, lead.prospect)} if typed else move.also
    return replace(move, reason=unnamed(move.reason, lead.prospect), also=also)


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
        tier=lead.tier,
        counts=False,
    )
    if lead.owner_id is not None:
        # The number with which the former custody ends, kept until it is written.
        assignment.ends_with_seq = ledger.close(lead)
    if move.rep_id is not None:
        weight = ledger.weigh(move, lead)
        assignment.opened_seq, assignment.load_after, assignment.cap = ledger.open(
            move.rep_id, weight
        )
        assignment.pool_id, assignment.counts = weight.pool, weight.counts
        assignment.moved = {
            "points": weight.points,
            "value": weight.value,
            "pool": weight.pool,
            "lane": MAIN,
            "charges": [],
            **move.moved,
        }
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
        # A new holder has neither seen nor worked it; what was reached with the person stays.
        "state": limits.state_once_placed(lead),
        "state_reason": lead.state_reason,
        "closed_at": at if move.place == Lead.Place.CLOSED else None,
        "route_at": None,
        "waiting": Lead.Waiting.NONE,
        "wait_pool": None,
        "wait_rep": None,
        "wait_ruleset": None,
    }
    return {**row, **move.also}


def custody(lead: Lead) -> list[Assignment]:
    """Who and what held a lead, in order; each ends the moment the next begins."""
    return list(
        lead.assignments.select_related("rep__user", "queue", "from_rep__user", "by").order_by(
            "epoch"
        )
    )
