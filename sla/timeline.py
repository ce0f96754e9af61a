"""What clocks add to the time line of a lead."""

from collections.abc import Iterable

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reps.trail import timeline
from reps.trail.timeline import Entry
from routing.models import Lead
from sla import chain
from sla.models import Clock, Pause


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
            _("Escalated: %(what)s") % {"what": chain.ACTIONS[one.action].words},
            f"{one.effect} · {one.driver}",
            str(_("System")),
            "alert",
            "risk" if one.action == "remind" else "breach",
        )


ENDINGS = {
    Pause.Ended.TIME: gettext_lazy("The clocks run again: the pause was over"),
    Pause.Ended.BY_HAND: gettext_lazy("The clocks run again: resumed by hand"),
    Pause.Ended.MOVED: gettext_lazy("The pause ended: the lead changed hands"),
    Pause.Ended.DONE: gettext_lazy("The pause ended: no clock was left"),
}


def pauses(lead: Lead) -> Iterable[Entry]:
    """When the clocks were let stand still, by whom and why, and what set them going."""
    for one in lead.pauses.select_related("reason", "by", "ended_by").order_by("started_at", "pk"):
        until = timezone.localtime(one.resume_at)
        words = _("%(reason)s, until %(until)s.") % {
            "reason": one.reason,
            "until": f"{date_format(until, 'j M')}, {until:%H:%M}",
        }
        yield Entry(
            one.started_at,
            "pauses",
            str(_("The clocks stand still")),
            " · ".join(filter(None, [words, one.note])),
            one.by.label,
            "pause",
        )
        if one.ended_at is not None:
            ended_by = one.ended_by.label if one.ended_by else str(_("System"))
            yield Entry(
                one.ended_at, "pauses", str(ENDINGS[Pause.Ended(one.ended)]), "", ended_by, "play"
            )


timeline.register("pauses", pauses, place=55)
timeline.register("clocks", clocks, place=60)
timeline.register("escalations", escalations, place=35)
