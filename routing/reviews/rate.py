"""
The match rate (requirement MAT-4): of the leads that are not net new, how many have an account.

Net new is what the matcher found no account for, or what a person said is none. Counted are
leads of people and of imported history (LIVE and BACKFILL), without tests and shadows.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import TruncWeek

from reps.models import User
from routing.insight.measures import Interval, share
from routing.models import Lead, MatchReview
from routing.visibility import visible_leads

TARGET = 0.85
WEEKS = 8
State = MatchReview.State


@dataclass(frozen=True, slots=True)
class Rate:
    """
    How many leads came to an account: `sure` by the matcher, `decided` by a person; `waiting`
    for one; and apart from the rate those that are net new.
    """

    sure: int = 0
    decided: int = 0
    waiting: int = 0
    net_new: int = 0

    @property
    def matched(self) -> int:
        return self.sure + self.decided

    @property
    def n(self) -> int:
        """The leads that the rate is of."""
        return self.matched + self.waiting

    @property
    def share(self) -> Interval | None:
        return share(self.matched, self.n)

    @property
    def percent(self) -> float | None:
        return round(100 * self.matched / self.n, 1) if self.n else None

    @property
    def is_kept(self) -> bool:
        return self.n == 0 or self.matched >= TARGET * self.n

    def __add__(self, other: "Rate") -> "Rate":
        return Rate(
            self.sure + other.sure,
            self.decided + other.decided,
            self.waiting + other.waiting,
            self.net_new + other.net_new,
        )


@dataclass(frozen=True, slots=True)
class Rates:
    """The rate of a period, by week (Monday, UTC, oldest first) and by source."""

    since: date
    total: Rate = field(default_factory=Rate)
    weeks: tuple[tuple[date, Rate], ...] = ()
    sources: tuple[tuple[str, Rate], ...] = ()


def read(user: User, *, at: datetime, weeks: int = WEEKS) -> Rates:
    """Count the leads that a person sees of the last weeks, the running one included."""
    today = at.astimezone(UTC).date()
    monday = today - timedelta(days=today.weekday())
    since = monday - timedelta(weeks=weeks - 1)
    start = datetime(since.year, since.month, since.day, tzinfo=UTC)
    leads = visible_leads(user).counted().filter(received_at__gte=start, received_at__lte=at)
    by_week: dict[date, Rate] = {}
    by_source: dict[str, Rate] = {}
    for week, source, rate in _counted(leads):
        by_week[week] = by_week.get(week, Rate()) + rate
        by_source[source] = by_source.get(source, Rate()) + rate
    every = [since + timedelta(weeks=number) for number in range(weeks)]
    return Rates(
        since=since,
        total=_sum(by_week.values()),
        weeks=tuple((week, by_week.get(week, Rate())) for week in every),
        sources=tuple(sorted(by_source.items(), key=lambda one: (-one[1].n, one[0]))),
    )


def _counted(leads: QuerySet[Lead]) -> Iterable[tuple[date, str, Rate]]:
    reviews = MatchReview.objects.filter(lead=OuterRef("pk"))
    rows: QuerySet[Lead, dict[str, Any]] = (
        leads.order_by()
        .annotate(
            week=TruncWeek("received_at", tzinfo=UTC),
            waits=Exists(reviews.filter(state=State.PENDING)),
            ruled=Exists(reviews.filter(state=State.MATCHED)),
        )
        .values("week", "source__name")
        .annotate(
            sure=Count("pk", filter=Q(account__isnull=False, ruled=False)),
            decided=Count("pk", filter=Q(account__isnull=False, ruled=True)),
            waiting=Count("pk", filter=Q(account__isnull=True, waits=True)),
            net_new=Count("pk", filter=Q(account__isnull=True, waits=False)),
        )
    )
    for row in rows:
        yield (
            row["week"].date(),
            row["source__name"],
            Rate(row["sure"], row["decided"], row["waiting"], row["net_new"]),
        )


def _sum(rates: Iterable[Rate]) -> Rate:
    total = Rate()
    for rate in rates:
        total += rate
    return total
