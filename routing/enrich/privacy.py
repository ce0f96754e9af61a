"""What enrichment holds about a person: every added value, and answers kept for later."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from routing.models import Enquiry, Enrichment, ProviderAnswer
from routing.privacy.registry import Holding, Person, register


def _show(person: Person) -> list[dict[str, Any]]:
    rows = Enrichment.objects.filter(lead__in=person.leads).order_by("pk")
    return [{"lead": row.pk, "values": row.values} for row in rows if row.values]


def _erase(person: Person, at: datetime) -> int:
    ProviderAnswer.objects.filter(prospect=person.prospect).delete()
    of_theirs = Enquiry.objects.filter(lead__in=person.leads)
    of_theirs.update(error="")
    of_theirs.filter(state=Enquiry.State.WAITING).update(
        state=Enquiry.State.FAILED, due_at=None, blocks=False, ended_at=at
    )
    rows = Enrichment.objects.filter(lead__in=person.leads)
    return rows.update(values=[], asked=[], recheck_at=None)


register(Holding("enrichment", _("What was added about them"), _show, _erase), place=45)
