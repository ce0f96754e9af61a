"""Which running clocks go by something that has been edited since: a policy, or a calendar."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet

from reps.models import WorkCalendar
from routing.models import Lead
from sla.hours import Hours
from sla.models import Clock, ClockHours, Policy
from sla.services import recompute

# A clock is started with the holidays of its own year and those around it.
YEARS_BACK = 1


@dataclass(frozen=True, slots=True)
class Running:
    """The running clocks of a policy, and of how many recomputing would move something."""

    clocks: int
    older: int


def running(leads: QuerySet[Lead], *, at: datetime) -> Mapping[int, Running]:
    """
    By policy, of the clocks of these leads. Statements depend on the number of policies that
    were edited, or whose calendars were, not on the number of clocks.
    """
    counted = list(
        Clock.objects.filter(state=Clock.State.RUNNING, lead__in=leads.order_by().values("pk"))
        .values_list("policy", "policy__version", "policy_version", "hours")
        .annotate(n=Count("pk"))
        .order_by()
    )
    edited = _edited({digest for *_, digest, _n in counted if digest}, at=at)
    clocks: Counter[int] = Counter()
    suspects = set()
    for policy, now, then, digest, number in counted:
        clocks[policy] += number
        if then < now or digest in edited:
            suspects.add(policy)
    older = {
        # A new name or place in the list moves nothing, so what would move is asked.
        policy.pk: sum(one.changes for one in recompute.preview(policy, leads=leads, at=at))
        for policy in Policy.objects.filter(pk__in=suspects)
    }
    return {policy: Running(number, older.get(policy, 0)) for policy, number in clocks.items()}


def _edited(digests: set[str], *, at: datetime) -> set[str]:
    """Of these frozen hours, those with a calendar that is not as it was."""
    if not digests:
        return set()
    bodies = ClockHours.objects.in_bulk(digests)
    current = {
        text
        for calendar in WorkCalendar.objects.all()
        for year in range(at.year - YEARS_BACK, at.year + 1)
        for text in Hours.from_json(Hours((calendar.as_json(year=year),)).as_json()).calendars
    }
    return {
        digest
        for digest, hours in bodies.items()
        if not set(Hours.from_json(hours.body).calendars) <= current
    }
