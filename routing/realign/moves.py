"""
Move open leads after a realignment, and back after it was undone.

The due job "realignments", batch by batch: each batch is one transaction that moves its leads
through `routing.ownership`, notes each of them and how far it has come. A crash costs the batch
it was in, which begins anew; two drivers meet at the row. Nobody is given more than their
capacity: who cannot take one leaves it where it is, and that is noted.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.dispatch import receiver

from accounts import signals
from accounts.models import TerritoryPlan
from accounts.services.plans import world as worlds
from reps.due import doorbell
from reps.models import Rep, User
from reps.models.bulk import insert_many, update_many
from reps.models.tracked import bulk_writer
from routing import ownership
from routing.models import Lead, Organisation, RealignedLead, Realignment
from routing.models.assignment import Reason
from routing.realign import sides
from routing.realign.sides import Side

BATCH = 100
# What a lead gets back, beside its owner, when it goes back.
GIVEN_BACK = ("state", "acknowledged_at", "assigned_at", "former_owner")
States = RealignedLead.State


@receiver(signals.plan_took_effect, dispatch_uid="routing.realign.took_effect")
def begin(sender: Any, *, plan: TerritoryPlan, at: datetime, **kwargs: Any) -> None:
    """Let open leads follow, if the plan says so, and wake whoever waits for a taker."""
    if plan.leads != TerritoryPlan.Leads.STAY:
        Realignment.objects.create(plan=plan, due_at=at)
        doorbell.ring("realignments")
    _wake(at)


@receiver(signals.plan_undone, dispatch_uid="routing.realign.undone")
def turn_back(sender: Any, *, plan: TerritoryPlan, at: datetime, **kwargs: Any) -> None:
    """Stop moving leads, and let those that moved go back."""
    rows = list(Realignment.objects.select_for_update(no_key=True).filter(plan=plan))
    for row in rows:
        if row.due_at is not None:
            row.due_at, row.ended_at = None, at
            row.save(update_fields=["due_at", "ended_at"])
    if rows:
        Realignment.objects.create(plan=plan, is_back=True, due_at=at)
        doorbell.ring("realignments")
    _wake(at)


def _wake(at: datetime) -> None:
    """Whoever waits for routing may have a taker under the new territories."""
    waiting = Lead.objects.filter(route_at__gt=at).exclude(waiting=Lead.Waiting.NONE)
    with bulk_writer("realign_wake"):
        # Only the wake-up time moves, which history leaves out.
        waiting.update(route_at=at)
    doorbell.ring("route")


def drain(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """Move the next batch of the oldest realignment; return 1, or 0 if none is due."""
    now = at or due_before
    with transaction.atomic():
        row = (
            Realignment.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
            .select_related("plan__approved_by", "plan__undone_by")
            .filter(due_at__lte=due_before)
            .order_by("due_at", "pk")
            .first()
        )
        if row is None:
            return 0
        step = _back if row.is_back else _forth
        last = step(row, driver=driver, at=now)
        if last is None:
            row.due_at, row.ended_at = None, now
        else:
            row.cursor = last
            doorbell.ring("realignments")
        row.save(update_fields=["due_at", "ended_at", "cursor"])
    return 1


def oldest() -> datetime | None:
    """Since when the oldest unfinished realignment has been due."""
    rows = Realignment.objects.filter(due_at__isnull=False).order_by("due_at")
    return rows.values_list("due_at", flat=True).first()


# --- Forth -------------------------------------------------------------------------------


def _forth(row: Realignment, *, driver: str, at: datetime) -> int | None:
    """Move what follows its territory among the next leads; None when there are no more."""
    plan, live = row.plan, worlds.live()
    new = Side.of(live)
    old = Side.of(worlds.before(plan.changes.all(), live))
    losing = {one.owner_id for one in old.world.values() if one.owner_id is not None}
    rows = Lead.objects.counted().filter(place=Lead.Place.OWNER, owner__in=losing)
    rows = rows.filter(pk__gt=row.cursor, received_at__lte=plan.took_effect_at)
    related = rows.select_related("prospect", "source", "account__parent").order_by("pk")
    leads = list(related[:BATCH])
    if not leads:
        return None
    seen = sides.read(leads, index=new.index, organisation=Organisation.get(), at=at)
    wanted: dict[int, int] = {}
    for one in seen:
        moved = one.moves(old, new)
        is_free = plan.leads == TerritoryPlan.Leads.ALL or one.lead.acknowledged_at is None
        if moved is not None and moved[1] is not None and is_free:
            wanted[one.lead.pk] = moved[1]
    epochs = {lead.pk: lead.owner_epoch for lead in leads}
    held = ownership.lock_leads(sorted(wanted))
    # Whatever changed hands since it was read is no longer where its territory put it.
    same = [lead for pk, lead in held.items() if lead.owner_epoch == epochs[pk]]
    _move_all(
        [(lead, wanted[lead.pk]) for lead in same],
        plan=plan,
        reason=f"Territories realigned: {plan.name}",
        by=plan.approved_by,
        driver=driver,
        at=at,
    )
    return leads[-1].pk


def _move_all(
    moves: Sequence[tuple[Lead, int]],
    *,
    plan: TerritoryPlan,
    reason: str,
    by: User | None,
    driver: str,
    at: datetime,
) -> None:
    noted = []
    for (lead, rep), why in _try(
        [(lead, rep, {}) for lead, rep in moves], reason=reason, by=by, driver=driver, at=at
    ):
        before = {name: getattr(lead, _column(name)) for name in GIVEN_BACK}
        noted.append(
            RealignedLead(
                plan=plan,
                lead=lead,
                from_rep_id=lead.owner_id,
                to_rep_id=rep,
                state=States.KEPT if why else States.MOVED,
                epoch=lead.owner_epoch + (0 if why else 1),
                before=_plain(before),
                why=why[:300],
                at=at,
            )
        )
    insert_many(noted)


def _column(name: str) -> str:
    return Lead._meta.get_field(name).attname


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    # Not by Django's encoder, which cuts times to milliseconds: they are given back as they were.
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }


def _try(
    moves: Sequence[tuple[Lead, int, dict[str, Any]]],
    *,
    reason: str,
    by: User | None,
    driver: str,
    at: datetime,
) -> Iterable[tuple[tuple[Lead, int], str]]:
    """Move leads that are locked: all at once, or else one by one; say why one cannot."""

    def change(some: Sequence[tuple[Lead, int, dict[str, Any]]]) -> None:
        with transaction.atomic():
            ownership.change_many(
                [
                    ownership.Move(
                        lead_id=lead.pk,
                        epoch=lead.owner_epoch,
                        place=Lead.Place.OWNER,
                        rep_id=rep,
                        reason_code=Reason.REALIGNED,
                        reason=reason,
                        also=also,
                    )
                    for lead, rep, also in some
                ],
                by=by,
                at=at,
                driver=driver,
                leads={lead.pk: lead for lead, _, _ in some},
            )

    if not moves:
        return []
    try:
        change(moves)
    except ownership.OwnershipRefused:
        found = []
        for one in moves:
            why = ""
            try:
                change([one])
            except ownership.OwnershipRefused as refused:
                why = str(refused)
            found.append(((one[0], one[1]), why))
        return found
    return [((lead, rep), "") for lead, rep, _ in moves]


# --- Back --------------------------------------------------------------------------------


def _back(row: Realignment, *, driver: str, at: datetime) -> int | None:
    """Give back what nobody has touched since, of the next leads that moved."""
    plan = row.plan
    rows = RealignedLead.objects.filter(plan=plan, state=States.MOVED, lead_id__gt=row.cursor)
    noted = list(rows.order_by("lead_id")[:BATCH])
    if not noted:
        return None
    held = ownership.lock_leads([one.lead_id for one in noted])
    here = set(
        Rep.objects.filter(pk__in={one.from_rep_id for one in noted}, is_active=True).values_list(
            "pk", flat=True
        )
    )
    going: dict[int, tuple[Lead, int, dict[str, Any]]] = {}
    for one in noted:
        lead = held[one.lead_id]
        one.why = _touched(one, lead, here)
        if not one.why:
            going[lead.pk] = (lead, one.from_rep_id, _given_back(one))
    tried = _try(
        list(going.values()),
        reason=f"Realignment undone: {plan.name}",
        by=plan.undone_by,
        driver=driver,
        at=at,
    )
    refused = {lead.pk: why for (lead, _), why in tried}
    for one in noted:
        one.why = one.why or refused.get(one.lead_id, "")
    update_many(
        RealignedLead,
        [
            {
                "pk": one.pk,
                "state": States.STAYED if one.why else States.RETURNED,
                "why": one.why[:300],
            }
            for one in noted
        ],
    )
    return noted[-1].lead_id


def _touched(one: RealignedLead, lead: Lead, here: set[int]) -> str:
    """Why a lead stays with its new holder; "" if nobody has touched it since it moved."""
    if lead.place == Lead.Place.CLOSED:
        return "It has been closed since."
    if lead.owner_epoch != one.epoch:
        return "It has changed hands since."
    if lead.acknowledged_at is not None:
        return "Its new holder has taken it up."
    if one.from_rep_id not in here:
        return "Its former holder has left."
    return ""


def _given_back(one: RealignedLead) -> dict[str, Any]:
    found = {}
    for name in GIVEN_BACK:
        field = Lead._meta.get_field(name)
        found[name] = field.to_python(one.before.get(name))
    return found
