"""On a lead's page: what was added, from where, how old, to be confirmed or corrected."""

from datetime import datetime

from django.http import HttpRequest

from reps import access
from reps.models import User
from routing import panels
from routing.enrich import fields, shown
from routing.models import Enquiry, Enrichment, Lead


def draw(request: HttpRequest, lead: Lead | None, at: datetime) -> panels.Drawn | None:
    """Everything known about the lead beyond what its person said."""
    if lead is None:
        return None
    row = Enrichment.objects.filter(pk=lead.pk).first()
    waiting = Enquiry.objects.filter(lead=lead, state=Enquiry.State.WAITING)
    findings = list(lead.late_findings.select_related("lead")[:3])
    rows = shown.of_lead(row, names=shown.labels(), at=at)
    known = {one.field.name for one in rows}
    return panels.Drawn(
        "routing/_lead_enrichment.html",
        {
            "rows": rows,
            "waiting": list(waiting.select_related("provider").order_by("due_at")),
            "late": shown.late(findings),
            "may_check": may_check(request.user, lead),
            "missing": [one for one in fields.ALL if one.outside and one.name not in known],
            "kept": request.session.pop(kept_key(lead.pk), None),
        },
    )


def may_check(user: User, lead: Lead) -> bool:
    """Whoever holds the lead says what is right, and those who set routing up."""
    rep = access.rep_of(user)
    is_theirs = rep is not None and lead.owner_id == rep.pk
    return lead.prospect.erased_at is None and (is_theirs or access.may_set_up(user))


def kept_key(pk: int) -> str:
    """Where a refused correction waits to be shown again as it was typed."""
    return f"enrichment-typed-{pk}"


panels.register(panels.LEAD, "enrichment", draw, position=20)
