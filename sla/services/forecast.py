"""What is late and what will be: the running clocks at risk, before they are broken."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from reps.availability import absences, calendar_of, moment
from reps.hours import HoursError, Spans, next_open
from reps.models import Rep
from routing.models import Lead
from sla.models import Clock

LATE, REST = "late", "rest"
# Each holds what is due after the one before it and until its own span is over.
BUCKETS = (
    ("15min", timedelta(minutes=15)),
    ("1h", timedelta(hours=1)),
    ("4h", timedelta(hours=4)),
)


@dataclass(frozen=True, slots=True)
class AtRisk:
    """
    A running clock that is late or soon due. The lead's owner answers, while there is one.

    `holder_opens_at` is when the owner works again, None if they do now (or nobody owns it).
    """

    lead: Lead
    clock: Clock
    seconds_left: int
    holder: Rep | None
    holder_opens_at: datetime | None
    next_do: str | None
    next_at: datetime | None

    @property
    def works_in_time(self) -> bool:
        """Whether whoever holds it works at some moment before the deadline."""
        if self.holder is None or self.seconds_left <= 0:
            return False
        return self.holder_opens_at is None or self.holder_opens_at < self.clock.due_at


@dataclass(frozen=True, slots=True)
class Forecast:
    """
    The clocks at risk, the least time left first; how many per bucket (late, 15min, 1h, 4h,
    rest), which add up to all of them; and how many come due in each hour from now on.
    """

    rows: list[AtRisk]
    buckets: dict[str, int]
    by_hour: list[tuple[datetime, int]]


def at_risk(leads: QuerySet[Lead], at: datetime, hours: int = 8, *, metric: str = "") -> Forecast:
    """
    Every running clock of these leads that is late, or due within so many hours; of one kind of
    promise only, if `metric` names it.

    One that stands still is not at risk. Statements do not depend on how many there are.
    """
    running = Clock.objects.filter(
        lead__in=leads.order_by().values("pk"),
        state=Clock.State.RUNNING,
        paused_at__isnull=True,
        due_at__lte=at + timedelta(hours=hours),
    )
    if metric:
        running = running.filter(metric=metric)
    clocks = list(
        running.select_related(
            "policy",
            "lead__prospect",
            "lead__account",
            "lead__source",
            "lead__queue",
            "lead__responsible",
            "lead__owner__user",
            "lead__owner__calendar",
            "lead__owner__team__calendar",
        ).order_by("due_at", "pk")
    )
    opens = _opens({clock.lead.owner for clock in clocks if clock.lead.owner}, at=at)
    return Forecast(
        rows=[_row(clock, opens, at=at) for clock in clocks],
        buckets=_buckets(clocks, at=at),
        by_hour=_by_hour(clocks, at=at, hours=hours),
    )


def _row(clock: Clock, opens: Mapping[int, datetime], *, at: datetime) -> AtRisk:
    coming = clock.steps[clock.next_step :] if clock.next_at else []
    return AtRisk(
        lead=clock.lead,
        clock=clock,
        seconds_left=int((clock.due_at - at).total_seconds()),
        holder=clock.lead.owner,
        holder_opens_at=opens.get(clock.lead.owner_id),
        next_do=coming[0]["do"] if coming else None,
        next_at=clock.next_at,
    )


def _opens(holders: set[Rep], *, at: datetime) -> dict[int, datetime]:
    """When each holder who does not work now works again."""
    away = absences({rep.pk for rep in holders}, since=at) if holders else {}
    now = int(at.timestamp())
    found = {}
    for rep in holders:
        opening = _opening(rep, away.get(rep.pk, ()), now, year=at.year)
        if opening is not None and opening > now:
            found[rep.pk] = moment(opening)
    return found


def _opening(rep: Rep, away: Spans, now: int, *, year: int) -> int | None:
    """The next second at which a rep works; None if their hours never come again."""
    calendar = calendar_of(rep, year=year)
    try:
        opening = next_open(calendar, now)
        for left, returned in away:
            if left <= opening < returned:
                opening = next_open(calendar, returned)
    except HoursError:
        return None
    return opening


def _buckets(clocks: Sequence[Clock], *, at: datetime) -> dict[str, int]:
    counted = Counter(_bucket(clock.due_at - at) for clock in clocks)
    return {name: counted[name] for name in (LATE, *(name for name, _ in BUCKETS), REST)}


def _bucket(left: timedelta) -> str:
    if left <= timedelta(0):
        return LATE
    return next((name for name, most in BUCKETS if left <= most), REST)


def _by_hour(clocks: Sequence[Clock], *, at: datetime, hours: int) -> list[tuple[datetime, int]]:
    """Per hour of the horizon, from its first moment until before its end, how many come due."""
    hour = timedelta(hours=1)
    # What is due at the very end of the horizon belongs to its last hour.
    due = Counter(
        min((clock.due_at - at) // hour, hours - 1) for clock in clocks if clock.due_at > at
    )
    return [(at + number * hour, due[number]) for number in range(hours)]
