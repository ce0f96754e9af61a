"""Merges in a lead's past: that it stayed or gave way, and that it was undone."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from reps.models import AuditEvent
from reps.trail import timeline
from reps.trail.timeline import Entry
from routing.models import Lead

KINDS = ("merged", "unmerged")


def merges(lead: Lead) -> Iterable[Entry]:
    """From the trail, which keeps them whatever becomes of the person's row."""
    rows = AuditEvent.objects.filter(subject="routing.lead", subject_id=lead.pk, kind__in=KINDS)
    for one in rows.order_by("pk"):
        yield Entry(
            one.at,
            "merges",
            _words(one),
            _("Merge %(n)s") % {"n": one.data.get("merge_id", "")},
            one.actor_label,
            "link" if one.kind == "merged" else "back",
        )


def _words(one: AuditEvent) -> str:
    if one.kind == "unmerged":
        return _("Merge undone: it belongs to person %(n)s") % {"n": one.data.get("prospect_id")}
    if closed := one.data.get("closed_lead_id"):
        return _("Goes on for lead %(n)s, too: one person") % {"n": closed}
    return _("Belongs to person %(n)s now, by a merge") % {"n": one.data.get("prospect_id")}


timeline.register("merges", merges, place=60)
