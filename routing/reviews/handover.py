"""From the temporary owner to the rightful one, once a match is decided; and back."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from reps.models import User
from routing import ownership
from routing.models import Lead, Organisation
from routing.models.assignment import Reason
from routing.models.desk import ReviewHandover
from routing.owners import claims


def place_of(lead: Lead) -> dict[str, int | str | bool | None]:
    """Where a lead is, and whether it waits there to be routed, as `back` reads it."""
    return {
        "place": lead.place,
        "owner": lead.owner_id,
        "queue": lead.queue_id,
        "waits": lead.route_at is not None,
    }


def to_rightful(lead: Lead, *, by: User, at: datetime, driver: str) -> tuple[str, int | None]:
    """
    Hand a locked lead to whom the owner order names, by the organisation's policy. Return what
    became of it in words, and the epoch that began, None if it stays where it is.
    """
    if not lead.is_open:
        return _("The lead is closed; nothing moves."), None
    if lead.place not in (Lead.Place.OWNER, Lead.Place.QUEUE):
        return _("It rests, and is not given to anybody."), None
    told = claims.of_lead(lead, at=at)
    right = told.rep
    holder = str(lead.owner) if lead.owner else str(lead.queue)
    if right is None:
        return _("%(holder)s keeps it: nobody in particular owns it, %(why)s.") % {
            "holder": holder,
            "why": told.headline,
        }, None
    if lead.owner_id == right.pk:
        return _("%(holder)s keeps it, rightly: %(why)s.") % {
            "holder": holder,
            "why": told.headline,
        }, None
    if kept := _kept(lead, holder):
        return kept, None
    try:
        (placed,) = ownership.change_many(
            [
                ownership.Move(
                    lead_id=lead.pk,
                    epoch=lead.owner_epoch,
                    place=Lead.Place.OWNER,
                    rep_id=right.pk,
                    reason_code=Reason.MATCHED,
                    reason=told.headline,
                )
            ],
            by=by,
            at=at,
            driver=driver,
            leads={lead.pk: lead},
        )
    except ownership.OwnershipRefused as refused:
        return _("%(holder)s keeps it for now: %(why)s") % {
            "holder": holder,
            "why": refused,
        }, None
    return _("Handed from %(holder)s to %(who)s.") % {
        "holder": holder,
        "who": told.headline,
    }, placed.assignment.epoch


def _kept(lead: Lead, holder: str) -> str:
    """Why the policy leaves it with the temporary owner; empty if it does not."""
    policy = Organisation.get().review_handover
    if lead.place == Lead.Place.QUEUE or policy == ReviewHandover.ALWAYS:
        return ""
    if policy == ReviewHandover.NEVER:
        return _("%(holder)s keeps it: by policy a temporary owner does.") % {"holder": holder}
    if lead.contacted_at is not None:
        return _("%(holder)s keeps it: the person has been contacted already.") % {"holder": holder}
    return ""


def back(
    lead: Lead,
    before: dict[str, Any],
    *,
    epoch: int,
    by: User,
    at: datetime,
    driver: str,
) -> str:
    """Put a locked lead back where it was, if nothing came in between; say what became of it."""
    if lead.owner_epoch != epoch or not lead.is_open:
        return _("The lead has moved on since and stays where it is.")
    if lead.contacted_at is not None:
        return _("%(owner)s has contacted the person since and keeps it.") % {"owner": lead.owner}
    try:
        ownership.change_many(
            [
                ownership.Move(
                    lead_id=lead.pk,
                    epoch=lead.owner_epoch,
                    place=before["place"],
                    rep_id=before["owner"],
                    queue_id=before["queue"],
                    reason_code=Reason.MATCHED,
                    reason=_("The decision about the account was taken back"),
                    also={"route_at": at} if before["waits"] else {},
                )
            ],
            by=by,
            at=at,
            driver=driver,
            leads={lead.pk: lead},
        )
    except ownership.OwnershipRefused as refused:
        return _("%(owner)s keeps it: %(why)s") % {"owner": lead.owner, "why": refused}
    return _("Back where it was.")
