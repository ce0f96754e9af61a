"""What promises have to say on the pages of routing: a lead's, the team board, a rep's home."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.utils.translation import gettext as _

from reps.availability import moment
from routing import panels
from routing.models import Lead
from routing.panels import Drawn
from routing.visibility import visible_leads
from routing.why import clock_time
from sla import chain, outlook
from sla.models import Clock, Pause, PauseReason, Policy
from sla.services import forecast

# Of the clocks that have ended, how many a lead's page lists.
MOST_ENDED = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One clock of a lead: in whose time it counts, and what comes of it."""

    clock: Clock
    due: datetime | None
    until: datetime | None
    hours: str
    steps: tuple[str, ...]


def promises(request: HttpRequest, lead: Lead | None, at: datetime) -> Drawn | None:
    """Every clock of a lead, and letting them stand still."""
    if lead is None:
        return None
    clocks = list(
        lead.clocks.select_related("policy", "holder__user", "holder__team").order_by(
            "due_at", "pk"
        )
    )
    pause = (
        Pause.objects.filter(lead=lead, ended_at__isnull=True)
        .select_related("reason", "by")
        .first()
    )
    running = [clock for clock in clocks if clock.state == Clock.State.RUNNING]
    ended = [clock for clock in clocks if clock.state != Clock.State.RUNNING]
    return Drawn(
        "sla/_lead_promises.html",
        {
            "lines": [_line(clock, pause, at=at) for clock in running],
            "ended": sorted(ended, key=lambda clock: clock.ended_at, reverse=True)[:MOST_ENDED],
            "pause": pause,
            "may_stand": any(clock.policy.pausable and not clock.paused_at for clock in running),
            "has_reasons": PauseReason.objects.filter(is_active=True).exists(),
        },
    )


def _line(clock: Clock, pause: Pause | None, *, at: datetime) -> Line:
    stands = clock.paused_at is not None and pause is not None
    return Line(
        clock=clock,
        due=None if stands else clock.due_at,
        until=pause.resume_at if stands else None,
        hours=whose_hours(clock),
        steps=() if stands else tuple(_coming(clock, at=at)),
    )


def whose_hours(clock: Clock) -> str:
    """In whose time a clock counts, in words."""
    if clock.policy.hours == Policy.Hours.ALWAYS or clock.holder is None:
        return _("counts around the clock")
    if clock.policy.hours == Policy.Hours.TEAM:
        return _("counts in the hours of %(team)s") % {"team": clock.holder.team}
    return _("counts in the hours of %(rep)s") % {"rep": clock.holder}


def _coming(clock: Clock, *, at: datetime) -> Iterator[str]:
    """The next two steps and when each is taken."""
    for step in clock.steps[clock.next_step : clock.next_step + 2]:
        due = moment(step["at"])
        when = _("any moment now") if due <= at else clock_time(due)
        yield f"{when}: {chain.ACTIONS[step['do']].words}"


def risk_on_board(request: HttpRequest, lead: Lead | None, at: datetime) -> Drawn | None:
    """What falls due in the next hours, of all that one may see."""
    found = forecast.at_risk(visible_leads(request.user), at)
    unreachable = sum(
        one.holder is not None and one.seconds_left > 0 and not one.works_in_time
        for one in found.rows
    )
    return Drawn(
        "sla/_board_risk.html",
        {"counters": outlook.counters(found), "unreachable": unreachable},
        stamp=f"{found.buckets} {unreachable}",
    )


def risk_at_home(request: HttpRequest, lead: Lead | None, at: datetime) -> Drawn | None:
    """A rep's own promises that fall due, if there are any."""
    mine = visible_leads(request.user).filter(owner__user=request.user)
    found = forecast.at_risk(mine, at)
    if not found.rows:
        return None
    return Drawn(
        "sla/_home_risk.html",
        {"counters": [one for one in outlook.counters(found) if one[1]]},
    )


panels.register(panels.LEAD, "promises", promises, position=10)
panels.register(panels.BOARD, "risk", risk_on_board, position=10)
panels.register(panels.HOME, "risk", risk_at_home, position=10)
