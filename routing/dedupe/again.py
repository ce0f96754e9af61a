"""
What becomes of somebody who is known already (requirement DUP-2), as the policy has it.

Open lead: a touch of it; its owner keeps it and its clocks run on. Whoever asks to be contacted
again is announced, their owner told and a contact promised anew; while the owner is away the
lead moves to whoever stands in. Closed lead: a new one, the closed one again, or a note on it.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Protocol

from django.db import transaction

from reps.availability import delegates
from routing import ownership, signals
from routing.models import DuplicatePolicy, Lead, Organisation, Prospect, Submission
from routing.models.assignment import Reason
from routing.models.source import Mode

DRIVER = "intake"
DAY = 86_400
TOLD = (Mode.LIVE, Mode.TEST)


class Item(Protocol):
    """A submission on its way through intake."""

    submission: Submission
    prospect: Prospect
    lead: Lead | None
    is_new: bool
    hand_raise: bool


def come_back(items: Sequence[Any], *, policy: DuplicatePolicy, at: datetime) -> list[Any]:
    """
    Bring back, or only note, those whose newest lead is closed, where the policy says so.

    Returns the items that are noted on a closed lead and go no further. A lead that is opened
    again is open from here on, so that what follows finds it like any other. Without such a
    policy it costs nothing; with one, the same statements for 2 and 200.
    """
    if not policy.returns:
        return []
    people = {item.prospect.pk for item in items}
    newest: dict[tuple[int, str], Lead] = {}
    rows = Lead.objects.select_for_update(no_key=True, of=("self",))
    for lead in (
        rows.select_related("prospect", "source").filter(prospect__in=people).order_by("pk")
    ):
        place = (lead.prospect_id, lead.mode)
        # An open one is always their newest.
        if place not in newest or lead.is_open or not newest[place].is_open:
            newest[place] = lead
    noted, again = [], {}
    for item in items:
        lead = newest.get((item.prospect.pk, item.submission.mode))
        if lead is None or lead.is_open or lead.pk in again:
            continue
        days = (at - lead.closed_at).total_seconds() / DAY
        do = policy.return_of(lead, days=days, raised=item.hand_raise)
        if do == policy.Return.IGNORE:
            item.lead = lead
            noted.append(item)
        elif do == policy.Return.REOPEN:
            again[lead.pk] = lead
    # Somebody who comes twice in one batch, and is brought back by the second, is back.
    noted = [item for item in noted if item.lead.pk not in again]
    for lead in again.values():
        _open_again(lead, at=at)
    return noted


def _open_again(lead: Lead, *, at: datetime) -> None:
    """With its former owner; where they have left or have no room, the rules find somebody."""
    former = lead.former_owner_id
    asked = {
        "lead_id": lead.pk,
        "epoch": lead.owner_epoch,
        "reason_code": Reason.REOPENED,
        "reason": "The person came back",
        "reopens": True,
    }
    also = {"state": Lead.State.NEW, "state_reason": "", "former_owner": former}
    lead.state = Lead.State.NEW
    act = {"by": None, "at": at, "driver": DRIVER, "leads": {lead.pk: lead}}
    if former is not None:
        back = ownership.Move(place=Lead.Place.OWNER, rep_id=former, also=also, **asked)
        try:
            with transaction.atomic():
                ownership.change_many([back], **act)
            return
        except (ownership.CapReached, ownership.RepUnavailable):
            pass
    queue = Organisation.get().intake_queue_id
    waits = ownership.Move(
        place=Lead.Place.QUEUE, queue_id=queue, also={**also, "route_at": at}, **asked
    )
    ownership.change_many([waits], **act)


def announce(
    items: Sequence[Any], before: Collection[int], *, policy: DuplicatePolicy, at: datetime
) -> None:
    """Tell of owned leads whose person came again, and of those who asked to be contacted."""
    known = [
        item
        for item in items
        if not item.is_new
        and item.lead.pk in before
        and item.lead.place == Lead.Place.OWNER
        and item.lead.mode in TOLD
    ]
    raised = {item.lead.pk: item.lead for item in known if item.hand_raise}
    told = {
        policy.Told.EVERY: {item.lead.pk: item.lead for item in known},
        policy.Told.HAND_RAISE: raised,
        policy.Told.NEVER: {},
    }[policy.Told(policy.tells)]
    if not raised and not told:
        return
    away = delegates({lead.owner_id for lead in {**raised, **told}.values()}, at)
    if policy.when_away == policy.Away.MOVE:
        for lead in raised.values():
            if lead.owner_id in away:
                _to_stand_in(lead, away[lead.owner_id], at=at)
    signals.leads_raised_again.send(
        sender=Lead,
        leads=list(raised.values()) if policy.new_contact_clock else [],
        told=list(told.values()),
        also={} if policy.when_away == policy.Away.STAY else away,
        at=at,
    )


def _to_stand_in(lead: Lead, rep_id: int, *, at: datetime) -> None:
    """While the owner is away somebody who is there contacts the person; full, it stays."""
    move = ownership.Move(
        lead_id=lead.pk,
        epoch=lead.owner_epoch,
        place=Lead.Place.OWNER,
        rep_id=rep_id,
        reason_code=Reason.COVERED,
        reason="Asked to be contacted again while the owner is away",
    )
    try:
        with transaction.atomic():
            ownership.change_many([move], by=None, at=at, driver=DRIVER, leads={lead.pk: lead})
    except (ownership.CapReached, ownership.RepUnavailable):
        return
    lead.refresh_from_db()
