"""Letting a lead's clocks stand still, as something that people do with a lead."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from reps.models import User
from routing import verbs
from routing.forms import ActForm
from routing.models import Lead
from routing.verbs import Verb
from routing.why import clock_time
from sla.pause_forms import PauseForm
from sla.services import pauses


def _pause_form(lead: Lead, data: Any) -> PauseForm:
    return PauseForm(data, verb="pause", initial={"epoch": lead.owner_epoch})


def _resume_form(lead: Lead, data: Any) -> ActForm:
    return ActForm(data, verb="resume", initial={"epoch": lead.owner_epoch})


def _pause(lead: int, user: User, at: datetime, data: Mapping[str, Any]) -> str:
    done = pauses.pause(
        lead_id=lead,
        epoch=data["epoch"],
        reason=data["reason"],
        until=data["until"],
        note=data["note"],
        by=user,
        at=at,
    )
    return _("The clocks stand still until %(until)s.") % {"until": clock_time(done.resume_at)}


def _resume(lead: int, user: User, at: datetime, data: Mapping[str, Any]) -> str:
    pauses.resume(lead_id=lead, epoch=data["epoch"], by=user, at=at)
    return _("The clocks run again, with the time they had left.")


verbs.register("pause", Verb(_pause_form, pauses.may_pause, _pause))
verbs.register("resume", Verb(_resume_form, pauses.may_pause, _resume))
