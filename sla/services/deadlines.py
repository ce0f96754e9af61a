"""By when a lead that nobody holds yet would have to be answered, for rules that ask."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from reps.availability import calendar_of, horizon
from reps.hours import ALWAYS, Calendar, Spans, union
from reps.models import Rep
from routing.models import Lead
from sla import clockwork
from sla.models import Clock, Policy
from sla.services import policies

# What an owner owes first, in this order.
FIRST_ANSWERS = (Policy.Metric.ACKNOWLEDGE, Policy.Metric.CONTACT)


def answer_by(
    leads: Sequence[Lead], facts: Mapping[int, Mapping[str, Any]], at: datetime
) -> dict[int, int]:
    """
    Return lead id → the instant by which its first answer would be due, were it assigned now.

    That is the limit of the first policy on acknowledging (else on first contact) that holds
    for the lead's facts, or such a promise that runs already, whichever ends first. A promise
    that counts the rep's or the team's hours is counted in the hours in which anybody works, for
    the rep is not chosen yet. What has passed is no deadline any more. Three statements at most.
    """
    promises = policies.active()
    hours = _Hours(at)
    now = int(at.timestamp())
    running = _running(leads, at=at)
    found: dict[int, int] = {}
    for lead in leads:
        instants = []
        if lead.pk in running:
            instants.append(int(running[lead.pk].timestamp()))
        promise = _first_answer(promises, facts[lead.pk])
        if promise is not None:
            instants.append(hours.due(promise.policy, now))
        if instants:
            found[lead.pk] = min(instants)
    return found


def _running(leads: Sequence[Lead], *, at: datetime) -> dict[int, datetime]:
    """The next deadline of each lead by which its owner, whoever that is, must have answered."""
    found, hidden = {}, []
    for lead in leads:
        if lead.due_at is None:
            continue
        if lead.due_what in FIRST_ANSWERS and lead.due_at > at:
            found[lead.pk] = lead.due_at
        else:
            # The lead shows another promise, such as to find it an owner.
            hidden.append(lead.pk)
    if hidden:
        clocks = Clock.objects.filter(
            lead__in=hidden,
            metric__in=FIRST_ANSWERS,
            state=Clock.State.RUNNING,
            paused_at__isnull=True,
            due_at__gt=at,
        )
        found.update(clocks.order_by("-due_at").values_list("lead_id", "due_at"))
    return found


def _first_answer(
    promises: Sequence[policies.Promise], values: Mapping[str, Any]
) -> policies.Promise | None:
    holding = policies.first_per_promise(promises, values)
    for metric in FIRST_ANSWERS:
        of_metric = [one for place, one in holding.items() if place[0] == metric]
        if of_metric:
            # Clocks of both scopes run; the tighter one is the deadline.
            return min(of_metric, key=lambda one: one.policy.budget)
    return None


class _Hours:
    """The hours in which anybody works, read once for a batch and only if a policy asks."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.spans: Spans | None = None

    def due(self, policy: Policy, now: int) -> int:
        if policy.hours != Policy.Hours.ALWAYS:
            if self.spans is None:
                self.spans = self._read()
            due = clockwork.due_within(self.spans, start=now, budget=policy.budget)
            if due is not None:
                return due
        return now + policy.budget

    def _read(self) -> Spans:
        # Agents never sleep; a promise in working hours is about people.
        reps = Rep.objects.active().exclude(role=Rep.Role.AI_AGENT)
        reps = reps.select_related("calendar", "team__calendar")
        calendars: set[Calendar] = {calendar_of(rep, year=self.at.year) for rep in reps}
        start, end = horizon(self.at)
        if not calendars or ALWAYS in calendars:
            return ((start, end),)
        return union(*(calendar.open_spans(start, end) for calendar in calendars))
