"""Merge two people who are one: link and move, never delete, so that it can be undone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models.functions import Coalesce

from reps import trail
from reps.models import User
from reps.models.bulk import update_many
from reps.models.tracked import bulk_writer
from reps.post import outbox
from routing import ownership
from routing.dedupe import family
from routing.intake.identify import COLUMNS
from routing.models import (
    DuplicatePair,
    DuplicatePolicy,
    Lead,
    Merge,
    Prospect,
    ProspectKey,
    ProspectTrait,
    Touch,
)
from routing.models.assignment import Reason
from routing.models.source import Mode
from routing.privacy.marks import masked
from routing.privacy.registry import Person

# How far along a lead is, where two are compared.
FURTHEST = ("NEW", "RECYCLED", "WORKING", "CONTACTED", "MEETING", "QUALIFIED")
# Of what a lead was before it gave way, what it gets back if the merge is undone.
KEPT = ("place", "owner_id", "queue_id", "state", "state_reason", "former_owner_id")
MOMENTS = ("assigned_at", "acknowledged_at", "route_at")
WAITS = {Lead.Place.QUEUE, Lead.Place.NURTURE}
TOLD = (Mode.LIVE, Mode.TEST)


class MergeRefused(Exception):
    """Nobody is merged; the message says why, fit for a person."""


class SamePerson(MergeRefused):
    """Both are the same row."""


class AlreadyMerged(MergeRefused):
    """One of them stands for nobody any more, because it was merged before."""


class PersonErased(MergeRefused):
    """One of them has been erased."""


@dataclass(frozen=True, slots=True)
class Clash:
    """Two open leads of one kind: which stays, and which gives way to it."""

    kept: Lead
    closed: Lead


@transaction.atomic
def merge(
    *,
    winner_id: int,
    loser_id: int,
    by: User | None,
    at: datetime,
    driver: str,
    reason: str = "",
    take: Collection[str] | None = None,
    keep: Collection[int] = (),
) -> Merge:
    """
    Make one person of two: the loser's row points to the winner's, and their keys, leads and
    touches move there. Nothing is deleted.

    `take` names the fields in which the loser's value goes onto the winner's row; without it
    only what the winner's row does not say is taken. Of two open leads the policy says which one
    stays, with its owner and its clocks, unless `keep` names one of them; the other is closed as
    merged, its clocks stop and its owner is told.

    :raises SamePerson: if both are the same
    :raises AlreadyMerged: if one of them was merged before
    :raises PersonErased: if one of them was erased
    :raises MergeRefused: if there is no such person or field
    """
    if winner_id == loser_id:
        raise SamePerson("These are one and the same already.")
    if unknown := set(take or ()) - set(COLUMNS):
        raise MergeRefused(f"There is no field {', '.join(sorted(unknown))}.")
    rows = family.locked([winner_id, loser_id])
    if len(rows) < 2:
        raise MergeRefused("There is no such person.")
    winner, loser = rows[winner_id], rows[loser_id]
    for row in (winner, loser):
        if row.erased_at is not None:
            raise PersonErased("One of them has been erased; there is nothing left to merge.")
        if row.merged_into_id is not None:
            raise AlreadyMerged(
                f"Person {row.pk} was merged into person {row.merged_into_id} before. "
                "Merge with that one, or undo the merge first."
            )
    policy = DuplicatePolicy.get()
    marks = Person.read(winner).marks, Person.read(loser).marks
    for one in marks:
        reason = masked(reason.strip(), one)
    row = Merge(
        winner=winner,
        loser=loser,
        at=at,
        by=by,
        reason=reason[:200],
        policy_version=policy.version,
    )
    leads = _leads_of(winner, loser)
    clashes = clashing(leads.values(), policy=policy, keep=keep)
    row.closed = [_as_it_was(clash) for clash in clashes]
    row.fields = _write_fields(winner, loser, take=take, at=at)
    row.moved = {"keys": _move_keys(loser, winner), "touches": _move_touches(loser, winner)}
    row.moved["leads"] = [lead.pk for lead in leads.values() if lead.prospect_id == loser.pk]
    row.save()
    _close(clashes, row, leads=leads, by=by, at=at, driver=driver)
    _move_leads(clashes, row, leads=leads, by=by, at=at)
    loser.merged_into, loser.compare_at = winner, None
    loser.save(update_fields=["merged_into", "compare_at"])
    ProspectTrait.objects.filter(prospect=loser).delete()
    decide_pair(winner.pk, loser.pk, state=DuplicatePair.State.MERGED, by=by, at=at)
    for one, other, kind in ((loser, winner, "merged_into"), (winner, loser, "merged_from")):
        trail.note(
            one,
            kind=kind,
            by=by,
            at=at,
            reason_code="merged",
            reason=row.reason,
            data={
                "merge_id": row.pk,
                "person_id": other.pk,
                "policy_version": policy.version,
                "leads": row.moved["leads"],
                "closed": [clash.closed.pk for clash in clashes],
                "fields": sorted(row.fields),
                "driver": driver,
            },
        )
    _tell(clashes, row, by=by, at=at)
    return row


def clashing(
    leads: Collection[Lead], *, policy: DuplicatePolicy, keep: Collection[int] = ()
) -> list[Clash]:
    """Of the open leads of two people, those that cannot both stay open, by their mode."""
    by_mode: dict[str, list[Lead]] = {}
    for lead in leads:
        if lead.is_open:
            by_mode.setdefault(lead.mode, []).append(lead)
    found = []
    for of_mode in by_mode.values():
        if len(of_mode) > 1:
            first, second = sorted(of_mode, key=lambda lead: _stays_before(lead, policy, keep))
            found.append(Clash(kept=first, closed=second))
    return found


def _stays_before(lead: Lead, policy: DuplicatePolicy, keep: Collection[int]) -> tuple[Any, ...]:
    keeps = DuplicatePolicy.Keeps
    age = lead.received_at.timestamp()
    if policy.keeps == keeps.NEWEST:
        order: tuple[Any, ...] = (-age, -lead.pk)
    elif policy.keeps == keeps.OLDEST:
        order = (age, lead.pk)
    else:
        far = FURTHEST.index(lead.state) if lead.state in FURTHEST else 0
        order = (lead.owner_id is None, -far, age, lead.pk)
    return (lead.pk not in keep, *order)


def _leads_of(*people: Prospect) -> dict[int, Lead]:
    # Nobody gives them another lead while their rows are locked.
    ids = Lead.objects.filter(prospect__in=people).values_list("pk", flat=True)
    return ownership.lock_leads(list(ids))


def _as_it_was(clash: Clash) -> dict[str, Any]:
    """What the lead was that gives way; its state's reason is free of personal data already."""
    lead = clash.closed
    return {
        "lead": lead.pk,
        "kept": clash.kept.pk,
        "epoch": lead.owner_epoch + 1,
        # The one that stays is as urgent as the one that gave way.
        "raised": lead.is_hand_raise and not clash.kept.is_hand_raise,
        "priority": clash.kept.priority,
        **{name: getattr(lead, name) for name in KEPT},
        **{name: _iso(getattr(lead, name)) for name in MOMENTS},
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _write_fields(
    winner: Prospect, loser: Prospect, *, take: Collection[str] | None, at: datetime
) -> dict[str, list[str]]:
    if take is None:
        take = [name for name in COLUMNS if getattr(loser, name) and not getattr(winner, name)]
    # What was chosen is noted where it makes no difference, too: a merge that is undone before
    # this one leaves it standing.
    changed = {
        name: [getattr(winner, name), getattr(loser, name)] for name in COLUMNS if name in take
    }
    for name, (_before, after) in changed.items():
        setattr(winner, name, after)
    winner.compare_at = at
    winner.save(update_fields=[*changed, "compare_at"])
    return changed


def _move_keys(loser: Prospect, winner: Prospect) -> list[int]:
    rows = ProspectKey.objects.filter(prospect=loser)
    ids = list(rows.order_by("pk").values_list("pk", flat=True))
    rows.update(prospect=winner, origin=Coalesce("origin", "prospect"))
    return ids


def _move_touches(loser: Prospect, winner: Prospect) -> list[int]:
    rows = Touch.objects.filter(prospect=loser)
    ids = list(rows.order_by("pk").values_list("pk", flat=True))
    rows.update(prospect=winner)
    return ids


def _close(
    clashes: Sequence[Clash],
    row: Merge,
    *,
    leads: Mapping[int, Lead],
    by: User | None,
    at: datetime,
    driver: str,
) -> None:
    ownership.change_many(
        [
            ownership.Move(
                lead_id=clash.closed.pk,
                epoch=clash.closed.owner_epoch,
                place=Lead.Place.CLOSED,
                reason_code=Reason.MERGED,
                reason=f"Goes on as lead {clash.kept.pk}",
                data={"merge_id": row.pk, "kept_lead_id": clash.kept.pk},
                also={
                    "state": Lead.State.MERGED,
                    "state_reason": f"goes on as lead {clash.kept.pk}",
                },
            )
            for clash in clashes
        ],
        by=by,
        at=at,
        driver=driver,
        leads=leads,
    )


def _move_leads(
    clashes: Sequence[Clash],
    row: Merge,
    *,
    leads: Mapping[int, Lead],
    by: User | None,
    at: datetime,
) -> None:
    """The loser's leads are the winner's now; one that stays takes over that somebody asked."""
    kept = {clash.kept.pk: clash for clash in clashes}
    changed = []
    for lead in leads.values():
        clash = kept.get(lead.pk)
        raised = clash is not None and clash.closed.is_hand_raise and not clash.kept.is_hand_raise
        if lead.prospect_id == row.loser_id or clash is not None:
            changed.append(
                {
                    "pk": lead.pk,
                    "prospect": row.winner_id,
                    "is_hand_raise": lead.is_hand_raise or raised,
                    "priority": max(lead.priority, clash.closed.priority)
                    if raised
                    else lead.priority,
                }
            )
    write_leads(
        changed,
        kind="merged",
        data={
            lead["pk"]: {
                "merge_id": row.pk,
                "prospect_id": row.winner_id,
                **({"closed_lead_id": kept[lead["pk"]].closed.pk} if lead["pk"] in kept else {}),
            }
            for lead in changed
        },
        by=by,
        at=at,
    )


def write_leads(
    rows: Sequence[Mapping[str, Any]],
    *,
    kind: str,
    data: Mapping[int, Mapping[str, Any]],
    by: User | None,
    at: datetime,
) -> None:
    """Write whose locked leads are, with history and trail."""
    with bulk_writer("merge"):
        update_many(Lead, rows)
    trail.record(
        Lead,
        [
            trail.Change(id=lead["pk"], kind=kind, reason_code=kind, data=data[lead["pk"]])
            for lead in rows
        ],
        by=by,
        at=at,
    )


def decide_pair(
    one: int, other: int, *, state: str, by: User | None, at: datetime, reason: str = ""
) -> DuplicatePair:
    """Remember what was decided about two people, whether they were suggested or not."""
    first, second = sorted((one, other))
    pair, _made = DuplicatePair.objects.get_or_create(
        first_id=first, second_id=second, defaults={"confidence": 100, "found_at": at}
    )
    pair.state, pair.decided_at, pair.decided_by, pair.reason = state, at, by, reason[:200]
    pair.save(update_fields=["state", "decided_at", "decided_by", "reason"])
    return pair


def _tell(clashes: Sequence[Clash], row: Merge, *, by: User | None, at: datetime) -> None:
    """Whoever held a lead that gave way hears where it goes on."""
    outbox.put(
        [
            outbox.Draft(
                key=f"merged-{row.pk}-{clash.closed.pk}",
                kind="lead_merged",
                to=clash.closed.owner.user_id,
                payload={"lead": clash.closed.pk, "kept": clash.kept.pk},
                about=f"routing.lead:{clash.closed.pk}",
            )
            for clash in clashes
            if clash.closed.owner is not None
            and clash.closed.mode in TOLD
            and (by is None or clash.closed.owner.user_id != by.pk)
        ],
        at=at,
    )
