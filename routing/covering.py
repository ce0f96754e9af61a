"""
Move leads to whoever stands in and back: what the cover of an absence, of an account and of a
territory have in common.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction

from reps.models import Rep, User
from routing import ownership
from routing.models import Assignment, Lead
from routing.models.assignment import Reason

# A lead that has known nothing else since it left is still in cover.
IN_COVER = (Reason.COVERED, Reason.RETURNED)


def still_in_cover(first: Mapping[int, int], rep_id: int) -> dict[int, int]:
    """
    Of leads that left a rep in these epochs (id → epoch), those that have been nowhere but in
    cover since and are not back: id → epoch as it is now.
    """
    live: dict[int, int] = {}
    holders: dict[int, set[int]] = {}
    gone = set()
    rows = Assignment.objects.filter(lead__in=first).order_by("epoch")
    for lead, epoch, code, rep in rows.values_list("lead_id", "epoch", "reason_code", "rep_id"):
        if epoch < first[lead]:
            continue
        stood_in = holders.setdefault(lead, {rep_id})
        if code not in IN_COVER or (code == Reason.RETURNED and rep not in stood_in):
            # Moved otherwise, or home to somebody for whom this rep only stood in.
            gone.add(lead)
        stood_in.add(rep)
        if rep == rep_id:
            live.pop(lead, None)
        else:
            live[lead] = epoch
    return {lead: epoch for lead, epoch in live.items() if lead not in gone}


def give(
    leads: Iterable[Lead],
    *,
    to: Rep | None,
    code: str,
    reason: str,
    at: datetime,
    driver: str,
    by: User | None = None,
) -> int:
    """Move as many of these locked leads as there is room for, the most urgent first."""
    if to is None:
        return 0
    load = ownership.lock_loads([to.pk])[to.pk]
    ordered = sorted(
        leads, key=lambda lead: (lead.due_at is None, lead.due_at, lead.received_at, lead.pk)
    )
    fitting = ordered[: max(0, to.capacity - load.open)]
    give = {"to": to, "code": code, "reason": reason, "by": by, "at": at, "driver": driver}
    try:
        with transaction.atomic():
            return _change(fitting, **give)
    except ownership.OwnershipRefused:
        # One of them cannot move; the others need not stay for its sake.
        return sum(_give_one(lead, **give) for lead in fitting)


def _give_one(lead: Lead, **give) -> int:
    try:
        with transaction.atomic():
            return _change([lead], **give)
    except ownership.OwnershipRefused:
        return 0


def _change(
    leads: Sequence[Lead],
    *,
    to: Rep,
    code: str,
    reason: str,
    by: User | None,
    at: datetime,
    driver: str,
) -> int:
    placed = ownership.change_many(
        [
            ownership.Move(
                lead_id=lead.pk,
                epoch=lead.owner_epoch,
                place=Lead.Place.OWNER,
                rep_id=to.pk,
                reason_code=code,
                reason=reason,
            )
            for lead in leads
        ],
        by=by,
        at=at,
        driver=driver,
        leads={lead.pk: lead for lead in leads},
    )
    return len(placed)
