"""Acknowledge a lead, and log that the person was contacted."""

from datetime import datetime

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from reps.models import User
from routing import signals
from routing.models import Lead, Touch
from routing.work import steps
from routing.work.refusals import AlreadyDone, WorkRefused


class Way(models.TextChoices):
    """How a person was contacted."""

    CALL = "CALL", _("Call")
    EMAIL = "EMAIL", _("E-mail")
    LINKEDIN = "LINKEDIN", _("LinkedIn")
    WHATSAPP = "WHATSAPP", _("WhatsApp")
    MEETING = "MEETING", _("Meeting")


@transaction.atomic
def acknowledge(*, lead_id: int, epoch: int, by: User, at: datetime, driver: str = "") -> Lead:
    """
    Note that the owner has seen the lead and works on it; stops the acknowledge clocks.

    `driver` is named in the trail if it was not a page: a link in a message, a button.

    :raises NotYours: for anybody but the owner
    :raises AlreadyDone: if it was acknowledged before
    :raises routing.ownership.EpochPassed: if the lead has changed hands
    """
    lead = steps.locked(lead_id, epoch)
    steps.own(lead, by)
    if lead.acknowledged_at is not None:
        raise AlreadyDone("You have acknowledged this lead already.")
    lead.acknowledged_at = at
    if lead.state == Lead.State.NEW:
        steps.move_to(lead, Lead.State.WORKING)
    steps.save(lead, kind="acknowledged", by=by, at=at, data={"driver": driver} if driver else None)
    signals.leads_acknowledged.send(sender=Lead, leads=[lead], by=by, at=at)
    return lead


@transaction.atomic
def log_contact(
    *, lead_id: int, epoch: int, way: str, reached: bool, note: str, by: User, at: datetime
) -> Lead:
    """
    Log that the owner contacted, or tried to contact, the person.

    Whoever contacts has seen the lead, so this acknowledges it too. Reached for the first
    time, the lead is CONTACTED and its contact clocks stop; an attempt only is on record.

    :raises NotYours: for anybody but the owner
    :raises WorkRefused: for an unknown way
    """
    if way not in Way.values:
        raise WorkRefused("Say how you contacted them: " + ", ".join(map(str, Way.labels)) + ".")
    lead = steps.locked(lead_id, epoch)
    steps.own(lead, by)
    first_seen = lead.acknowledged_at is None
    if first_seen:
        lead.acknowledged_at = at
    if lead.state == Lead.State.NEW:
        steps.move_to(lead, Lead.State.WORKING)
    if reached:
        if lead.state == Lead.State.WORKING:
            steps.move_to(lead, Lead.State.CONTACTED)
        lead.contacted_at = lead.contacted_at or at
    Touch.objects.create(
        lead=lead,
        prospect_id=lead.prospect_id,
        kind=Touch.Kind.CONTACT,
        at=at,
        by=by,
        text=note,
        answers={"way": way, "reached": reached},
    )
    steps.save(
        lead,
        kind="contacted" if reached else "contact_tried",
        by=by,
        at=at,
        data={"way": way, "reached": reached},
    )
    if first_seen:
        signals.leads_acknowledged.send(sender=Lead, leads=[lead], by=by, at=at)
    if reached:
        signals.leads_contacted.send(sender=Lead, leads=[lead], by=by, at=at)
    return lead
