"""Which rule last month's leads would have met: counted from the facts they were decided by."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef

from routing.engine import CompiledRuleSet
from routing.models import Decision
from routing.models.source import Mode

PERIOD = timedelta(days=30)
# Somebody waits for the count; of more leads the newest stand for all.
MOST = 5000


@dataclass(frozen=True, slots=True)
class Count:
    """How many leads a rule's condition fits, and for how many it is the first that does."""

    matches: int = 0
    takes: int = 0


@dataclass(frozen=True, slots=True)
class Traffic:
    """
    Counts by rule id over `looked_at` leads. `is_sample`: there were more, and these are the
    newest. `lost` are leads that no rule fits.
    """

    looked_at: int = 0
    is_sample: bool = False
    lost: int = 0
    by_rule: Mapping[int, Count] = field(default_factory=dict)

    def of(self, rule: int) -> Count:
        """The counts of one rule; zeros for one that met nobody."""
        return self.by_rule.get(rule, Count())


def traffic(
    rules: CompiledRuleSet, *, since: datetime, until: datetime, most: int = MOST
) -> Traffic:
    """
    Count, by rule, the leads first decided from `since` to before `until`: one statement.

    A lead is judged by the facts of its first decision, those that were not erased since. A rule
    takes a lead if no rule before it fits; whether its path would have found somebody is not
    asked. Rules that have expired at `until` take nothing.
    """
    at = int(until.timestamp())
    matches: Counter[int] = Counter()
    takes: Counter[int] = Counter()
    looked_at = lost = 0
    is_sample = False
    for facts in _facts(since, until, most + 1):
        if looked_at == most:
            is_sample = True
            break
        looked_at += 1
        fitting = [one.rule.id for one in rules.matching(facts, at)]
        matches.update(fitting)
        if fitting:
            takes[fitting[0]] += 1
        else:
            lost += 1
    counts = {rule: Count(number, takes[rule]) for rule, number in matches.items()}
    return Traffic(looked_at, is_sample, lost, counts)


def last_month(rules: CompiledRuleSet, *, at: datetime) -> Traffic:
    """The traffic of the thirty days before `at`."""
    return traffic(rules, since=at - PERIOD, until=at)


def _facts(since: datetime, until: datetime, most: int) -> Iterator[dict[str, Any]]:
    """The facts of each lead's first decision, newest first."""
    earlier = Decision.objects.filter(lead=OuterRef("lead"), pk__lt=OuterRef("pk"))
    rows = (
        Decision.objects.filter(
            ~Exists(earlier),
            decided_at__gte=since,
            decided_at__lt=until,
            lead__mode__in=[Mode.LIVE, Mode.BACKFILL],
        )
        .order_by("-pk")
        .values_list("facts", "personal__facts")[:most]
    )
    for kept, apart in rows:
        yield {**kept, **(apart or {})}
