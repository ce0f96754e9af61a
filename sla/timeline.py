"""What clocks add to the time line of a lead."""

from collections.abc import Iterable

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from reps.trail import timeline
from reps.trail.timeline import Entry
from routing.models import Lead
from sla import chain
from sla.models import Clock


def clocks(lead: Lead) -> Iterable[Entry]:
    """When each promise was made, and how it ended."""
    for clock in lead.clocks.select_related("policy", "holder__user").order_by("started_at", "pk"):
        due = timezone.localtime(clock.due_at)
        yield Entry(
            clock.started_at,
            "clocks",
            _("Clock started: %(what)s") % {"what": clock.get_metric_display()},
            _("%(policy)s, due %(due)s.")
            % {"policy": clock.policy, "due": f"{date_format(due, 'j M')}, {due:%H:%M:%S}"},
            str(clock.holder) if clock.holder else "",
            "clock",
        )
        if clock.state == Clock.State.RUNNING:
            continue
        late = clock.breached_at is not None
        if clock.state == Clock.State.MET:
            title = _("Promise kept late: %(what)s") if late else _("Promise kept: %(what)s")
        else:
            title = _("Clock stopped: %(what)s")
        yield Entry(
            clock.ended_at,
            "clocks",
            title % {"what": clock.get_metric_display()},
            "",
            "",
            "clock",
            "breach" if late else "ok" if clock.state == Clock.State.MET else "",
        )


def escalations(lead: Lead) -> Iterable[Entry]:
    """What was done when a promise was not kept in time."""
    for one in lead.escalations.select_related("clock").order_by("fired_at", "pk"):
        yield Entry(
            one.fired_at,
            "escalations",
            _("Escalated: %(what)s") % {"what": chain.ACTIONS.get(one.action, one.action)},
            f"{one.effect} · {one.driver}",
            str(_("System")),
            "alert",
            "risk" if one.action == "remind" else "breach",
        )


timeline.register("clocks", clocks, place=60)
timeline.register("escalations", escalations, place=35)
