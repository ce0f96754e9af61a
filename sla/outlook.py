"""The forecast in words and pictures: what is at risk, why, and what comes next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from routing.why import clock_time
from sla import chain
from sla.models import Policy
from sla.services.forecast import AtRisk, Forecast

# Each bucket of the forecast: its words, and the colour of its figure while it is not empty.
BUCKETS = {
    "late": (gettext_lazy("Late now"), "breach"),
    "15min": (gettext_lazy("Next 15 minutes"), "risk"),
    "1h": (gettext_lazy("15 min to 1 h"), "risk"),
    "4h": (gettext_lazy("1 to 4 h"), ""),
    "rest": (gettext_lazy("4 to 8 h"), ""),
}
# What is not done yet, per promise.
UNDONE = {
    Policy.Metric.ACKNOWLEDGE: gettext_lazy("not acknowledged yet"),
    Policy.Metric.CONTACT: gettext_lazy("not reached yet"),
    Policy.Metric.FOLLOW_UP: gettext_lazy("not followed up yet"),
    Policy.Metric.CLAIM: gettext_lazy("not claimed yet"),
    Policy.Metric.ASSIGN: gettext_lazy("without an owner"),
}
COLUMN, GAP, HEIGHT = 10.0, 2.0, 40.0


@dataclass(frozen=True, slots=True)
class Line:
    """One clock at risk: why it is, and what is done about it when."""

    found: AtRisk
    why: str
    next_step: str

    @property
    def stamp(self) -> tuple:
        found = self.found
        return (found.clock.pk, found.lead.owner_epoch, found.clock.due_at, self.why, found.next_at)


def lines(found: Sequence[AtRisk], *, at: datetime) -> list[Line]:
    """The clocks at risk in words."""
    return [Line(one, why(one), next_step(one, at=at)) for one in found]


def why(one: AtRisk) -> str:
    """Why this one is at risk, the graver cause first."""
    if one.holder is None:
        return _("Nobody owns it")
    if one.holder_opens_at is not None:
        words = {"rep": one.holder, "at": clock_time(one.holder_opens_at)}
        if one.seconds_left > 0 and not one.works_in_time:
            return _("%(rep)s is not at work until %(at)s, after it is due") % words
        return _("%(rep)s is not at work until %(at)s") % words
    undone = UNDONE[Policy.Metric(one.clock.metric)]
    return _("%(rep)s is at work; %(undone)s") % {"rep": one.holder, "undone": undone}


def next_step(one: AtRisk, *, at: datetime) -> str:
    """What the escalation does next, and when; "" if nothing more."""
    if one.next_do is None or one.next_at is None:
        return ""
    when = _("any moment now") if one.next_at <= at else clock_time(one.next_at)
    return f"{when}: {chain.ACTIONS[one.next_do].words}"


def counters(found: Forecast) -> list[tuple[str, int, str]]:
    """Each bucket: words, how many, and its colour if there are any."""
    return [
        (str(words), found.buckets[name], colour if found.buckets[name] else "")
        for name, (words, colour) in BUCKETS.items()
    ]


def chart(found: Forecast) -> SafeString:
    """
    A column per hour, as high as many clocks come due in it.

    The figures stand under it in the page, so the picture itself only has a name.
    """
    most = max((number for _hour, number in found.by_hour), default=0)
    width = COLUMN * len(found.by_hour)
    columns = format_html_join(
        "",
        '<rect class="col{}" x="{}" y="{}" width="{}" height="{}" rx="1"/>',
        (
            (
                " now" if place == 0 else "",
                f"{place * COLUMN + GAP:g}",
                f"{HEIGHT - HEIGHT * number / most:.2f}",
                f"{COLUMN - 2 * GAP:g}",
                f"{HEIGHT * number / most:.2f}",
            )
            for place, (_hour, number) in enumerate(found.by_hour)
            if number
        ),
    )
    return format_html(
        '<svg viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}'
        '<path class="base" d="M0 {}H{}"/></svg>',
        f"{width:g}",
        f"{HEIGHT:g}",
        _("How many come due in each of the next hours"),
        columns,
        f"{HEIGHT:g}",
        f"{width:g}",
    )
