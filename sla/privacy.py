"""What promises hold about a person: the words of whoever paused a lead's clocks."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from routing.privacy.registry import Holding, Person, register
from sla.models import Pause


def _pauses(person: Person) -> QuerySet[Pause]:
    return Pause.objects.filter(lead__in=person.leads).exclude(note="").order_by("pk")


def _show(person: Person) -> list[dict[str, Any]]:
    return [{"at": row.started_at.isoformat(), "note": row.note} for row in _pauses(person)]


def _erase(person: Person, at: datetime) -> int:
    return _pauses(person).update(note="")


register(Holding("pauses", _("Notes of pauses"), _show, _erase), place=55)
