"""Undo a merge: what moved goes back, and leads that gave way take up where they were."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.dateparse import parse_datetime

from reps import trail
from reps.models import User
from routing import ownership
from routing.dedupe import family
from routing.dedupe.merging import MergeRefused, PersonErased, decide_pair, write_leads
from routing.intake.identify import COLUMNS
from routing.models import (
    DuplicatePair,
    Lead,
    Merge,
    Organisation,
    Prospect,
    ProspectKey,
    Touch,
)
from routing.models.assignment import Reason
from routing.privacy.marks import masked
from routing.privacy.registry import Person


class NotMerged(MergeRefused):
    """The merge was undone before."""


class MergedOn(MergeRefused):
    """The winner has been merged into somebody else since; that comes first."""


class LaterMergeFirst(MergeRefused):
    """A later merge has closed a lead of this one; that comes first."""


class LeadInTheWay(MergeRefused):
    """A lead cannot be opened again, because there is another open one by now."""


@transaction.atomic
def unmerge(
    *, merge_id: int, by: User | None, at: datetime, driver: str, reason: str = ""
) -> Merge:
    """
    Undo a merge. Keys, leads and touches that moved go back, and fields are again what they
    were, except where somebody has written something else since. A lead that gave way is with
    its owner, in its queue or its rest again, at the state where it was; its promises begin
    anew. An owner who has left or has no room is not given it: it is routed anew. What came in
    after the merge stays with whom it came to. The two are remembered as kept apart.

    :raises NotMerged: if it was undone before
    :raises MergedOn: if the winner was merged into somebody else since
    :raises LaterMergeFirst: if a later merge into the winner closed one of these leads
    :raises LeadInTheWay: if a lead would be a person's second open one
    :raises PersonErased: if they have been erased
    """
    found = Merge.objects.filter(pk=merge_id).values_list("winner_id", "loser_id").first()
    if found is None:
        raise MergeRefused("There is no such merge.")
    rows = family.locked(found)
    row = Merge.objects.select_for_update(no_key=True).get(pk=merge_id)
    winner, loser = rows[row.winner_id], rows[row.loser_id]
    _check(row, winner, loser)
    for one in (winner, loser):
        reason = masked(reason.strip(), Person.read(one).marks)
    leads = _leads(row, winner)
    opened = [_Opened(leads[one["lead"]], one, row) for one in row.closed]
    _check_leads(row, leads, opened)
    _give_back_leads(row, leads, by=by, at=at)
    for one in opened:
        _open(one, row, by=by, at=at, driver=driver)
    for model, ids in ((ProspectKey, row.moved["keys"]), (Touch, row.moved["touches"])):
        model.objects.filter(pk__in=ids, prospect=winner).update(prospect=loser)
    ProspectKey.objects.filter(prospect=loser, origin=loser).update(origin=None)
    _give_back_fields(row, winner)
    winner.compare_at = loser.compare_at = at
    winner.save(update_fields=[*COLUMNS, "compare_at"])
    loser.merged_into = None
    loser.save(update_fields=["merged_into", "compare_at"])
    row.undone_at, row.undone_by, row.undone_reason = at, by, reason[:200]
    row.save(update_fields=["undone_at", "undone_by", "undone_reason"])
    apart = DuplicatePair.State.APART
    decide_pair(winner.pk, loser.pk, state=apart, by=by, at=at, reason=row.undone_reason)
    for one, other in ((loser, winner), (winner, loser)):
        trail.note(
            one,
            kind="unmerged",
            by=by,
            at=at,
            reason_code="unmerged",
            reason=row.undone_reason,
            data={
                "merge_id": row.pk,
                "person_id": other.pk,
                "leads": row.moved["leads"],
                "opened": [lead.lead.pk for lead in opened],
                "driver": driver,
            },
        )
    return row


class _Opened:
    """A lead that takes up where it was, and whose it is then."""

    def __init__(self, lead: Lead, was: Mapping[str, Any], row: Merge) -> None:
        self.lead, self.was = lead, was
        self.prospect = row.loser_id if lead.pk in row.moved["leads"] else lead.prospect_id


def _check(row: Merge, winner: Prospect, loser: Prospect) -> None:
    if row.undone_at is not None:
        raise NotMerged("This merge was undone before.")
    if winner.erased_at is not None or loser.erased_at is not None:
        raise PersonErased("The person has been erased; there is nothing left to take apart.")
    if winner.merged_into_id is not None:
        later = winner.merges_away.get(undone_at__isnull=True)
        raise MergedOn(
            f"Person {winner.pk} was merged into person {later.winner_id} since. "
            f"Undo merge {later.pk} first."
        )


def _leads(row: Merge, winner: Prospect) -> dict[int, Lead]:
    ids = Lead.objects.filter(prospect=winner).values_list("pk", flat=True)
    return ownership.lock_leads([*ids, *(one["lead"] for one in row.closed)])


def _check_leads(row: Merge, leads: Mapping[int, Lead], opened: Sequence[_Opened]) -> None:
    """Refuse where what has happened since leaves no room for a lead."""
    later = row.winner.merges_in.filter(undone_at__isnull=True).exclude(pk=row.pk)
    moved = set(row.moved["leads"])
    for other in later.order_by("pk"):
        if moved & {one["lead"] for one in other.closed} and other.pk > row.pk:
            raise LaterMergeFirst(
                f"Merge {other.pk} closed a lead of this one. Undo merge {other.pk} first."
            )
    again = {one.lead.pk for one in opened}
    places = {
        (row.loser_id if lead.pk in moved else lead.prospect_id, lead.mode): lead.pk
        for lead in leads.values()
        if lead.is_open and lead.pk not in again
    }
    for one in opened:
        if one.lead.is_open or one.lead.owner_epoch != one.was["epoch"]:
            raise LeadInTheWay(f"Lead {one.lead.pk} has been opened again since the merge.")
        if (other := places.get((one.prospect, one.lead.mode))) is not None:
            raise LeadInTheWay(
                f"Lead {one.lead.pk} would be opened again, but lead {other} of the same person "
                "is open. Close that one first."
            )


def _give_back_leads(
    row: Merge, leads: Mapping[int, Lead], *, by: User | None, at: datetime
) -> None:
    raised = {one["kept"]: one for one in row.closed if one["raised"]}
    changed = [
        {
            "pk": lead.pk,
            "prospect": row.loser_id if lead.pk in row.moved["leads"] else lead.prospect_id,
            "is_hand_raise": lead.is_hand_raise and lead.pk not in raised,
            "priority": raised[lead.pk]["priority"] if lead.pk in raised else lead.priority,
        }
        for lead in leads.values()
        if lead.pk in row.moved["leads"] or lead.pk in raised
    ]
    if not changed:
        return
    write_leads(
        changed,
        kind="unmerged",
        data={one["pk"]: {"merge_id": row.pk, "prospect_id": one["prospect"]} for one in changed},
        by=by,
        at=at,
    )


def _open(one: _Opened, row: Merge, *, by: User | None, at: datetime, driver: str) -> None:
    """Back to where it was; to be routed anew if its owner cannot have it."""
    lead, was = one.lead, one.was
    # What it weighs is read from here.
    lead.state = was["state"]
    also = {
        "state": was["state"],
        "state_reason": was["state_reason"],
        "former_owner": was["former_owner_id"],
        "assigned_at": _moment(was["assigned_at"]),
        "acknowledged_at": _moment(was["acknowledged_at"]),
        "route_at": _route_at(was, at=at),
    }
    asked = {
        "lead_id": lead.pk,
        "epoch": lead.owner_epoch,
        "reason_code": Reason.UNMERGED,
        "reason": f"Merge {row.pk} undone",
        "data": {"merge_id": row.pk},
        "reopens": True,
    }
    act = {"by": by, "at": at, "driver": driver, "leads": {lead.pk: lead}}
    back = ownership.Move(
        place=was["place"], rep_id=was["owner_id"], queue_id=was["queue_id"], also=also, **asked
    )
    try:
        with transaction.atomic():
            ownership.change_many([back], **act)
    except (ownership.CapReached, ownership.RepUnavailable):
        anew = {**also, "former_owner": was["owner_id"], "acknowledged_at": None, "route_at": at}
        queue = Organisation.get().intake_queue_id
        waits = ownership.Move(place=Lead.Place.QUEUE, queue_id=queue, also=anew, **asked)
        ownership.change_many([waits], **act)


def _route_at(was: Mapping[str, Any], *, at: datetime) -> datetime | None:
    """A lead at rest keeps its date; one that waits for the router is looked at now."""
    if was["place"] == Lead.Place.NURTURE:
        return _moment(was["route_at"])
    return at if was["place"] == Lead.Place.QUEUE and was["route_at"] else None


def _moment(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None


def _give_back_fields(row: Merge, winner: Prospect) -> None:
    """
    Put back what was written over, as if this merge had never been: where a later merge wrote
    over it once more, that one's former value is ours.
    """
    later = list(
        winner.merges_in.filter(undone_at__isnull=True, pk__gt=row.pk)
        .select_for_update(no_key=True)
        .order_by("pk")
    )
    for name, (before, after) in row.fields.items():
        over = next((one for one in later if name in one.fields), None)
        if over is not None and over.fields[name][0] == after:
            over.fields[name][0] = before
            over.save(update_fields=["fields"])
        elif over is None and getattr(winner, name) == after:
            setattr(winner, name, before)
