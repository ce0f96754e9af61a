"""What every step of work on one lead begins and ends with."""

from datetime import datetime
from typing import Any

from reps import trail
from reps.models import Rep, User
from routing import ownership, states, waking
from routing.models import Lead
from routing.privacy.registry import unnamed
from routing.scoring import funnel
from routing.work.refusals import NotYours


def locked(lead_id: int, epoch: int) -> Lead:
    """
    Return the lead, locked, if it is still in the epoch that the caller saw.

    :raises routing.ownership.EpochPassed: if it has changed hands since
    """
    lead = ownership.lock_leads([lead_id]).get(lead_id)
    if lead is None or lead.owner_epoch != epoch:
        raise ownership.EpochPassed("This lead has changed hands since you looked.")
    return lead


def own(lead: Lead, by: User) -> Rep:
    """
    Return the acting rep if the lead is theirs.

    :raises NotYours: if it is not
    """
    rep = Rep.objects.filter(user=by).first()
    if rep is None or lead.owner_id != rep.pk:
        raise NotYours("This lead is not yours.")
    return rep


def move_to(lead: Lead, state: str, *, reason: str = "") -> None:
    """Take a step of the life cycle; staying where it is, is none."""
    if lead.state != state:
        states.check(lead, state)
        lead.state = state
        lead.state_reason = unnamed(reason, lead.prospect)[:200]
        # It weighs less now, or more: told to whoever waits once it is saved.
        lead.weighs_anew = True


def save(
    lead: Lead,
    *,
    kind: str,
    by: User | None,
    at: datetime,
    data: dict[str, Any] | None = None,
) -> None:
    """Save a locked lead with its history and its audit event, and stamp what it became."""
    for name, moment in funnel.stamps(lead, lead.state, at=at).items():
        setattr(lead, name, moment)
    trail.save(lead, by=by, at=at, reason=kind, kind=kind, data=data)
    if getattr(lead, "weighs_anew", False) and lead.owner_id is not None:
        lead.weighs_anew = False
        waking.wake_for_points(lead.owner_id, at=at)
