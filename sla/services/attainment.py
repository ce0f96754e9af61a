"""How many promises were kept, by policy, rep, team, rule or channel, and how sure that is."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db.models import (
    Avg,
    Case,
    Count,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)

from reps.models import Rep, Team
from routing.insight import measures
from routing.models import Assignment, Decision, Lead, Rule
from routing.models.source import Mode, Source
from sla.models import Clock, Policy

By = Literal["policy", "rep", "team", "rule", "channel"]
COUNTED = (Mode.LIVE, Mode.BACKFILL)
KEPT = Q(state=Clock.State.MET, breached_at__isnull=True)
LATE = Q(breached_at__isnull=False)


@dataclass(frozen=True, slots=True)
class Row:
    """
    Promises of one policy, rep, team, rule or channel: how many were kept and how many not.

    `low` and `high` bound the true share 95 times of 100 (Wilson). `target` is that of the
    policy; of several, their mean weighted by these promises. `key` None: nobody, no rule.
    """

    key: Any
    label: str
    kept: int
    late: int
    share: float
    low: float
    high: float
    target: float


def attainment(
    leads: QuerySet[Lead], since: datetime, until: datetime, by: By = "policy"
) -> list[Row]:
    """
    The share of promises about these leads that were kept, of all that were kept or broken in
    the period `[since, until)`; the lowest share first. Two statements.

    Kept is what was done before its deadline passed, and counts when it was done. Broken is
    what was not, done since or not, and counts when that was noted. A clock that was stopped in
    time says nothing, nor do tests and shadows. A rep answers for what they held when the
    promise was kept or its deadline passed; a rule for the leads that it placed.
    """
    decided = counted(leads, since, until, by=by)
    rows = list(
        decided.order_by()
        .values("key")
        .annotate(
            kept=Count("pk", filter=KEPT),
            late=Count("pk", filter=LATE),
            target=Avg("policy__target_percent"),
        )
    )
    labels = LABELS[by]({row["key"] for row in rows if row["key"] is not None})
    found = [_row(row, labels.get(row["key"], _nobody(by))) for row in rows]
    return sorted(found, key=lambda row: (row.share, row.label, str(row.key)))


def counted(leads: QuerySet[Lead], since: datetime, until: datetime, *, by: By) -> QuerySet[Clock]:
    """The clocks that `attainment` counts, each with the `key` of the row it counts in."""
    clocks = Clock.objects.filter(
        (KEPT & Q(ended_at__gte=since, ended_at__lt=until))
        | (LATE & Q(breached_at__gte=since, breached_at__lt=until)),
        lead__in=leads.filter(mode__in=COUNTED).order_by().values("pk"),
    )
    return clocks.annotate(**_keys(by))


def _keys(by: By) -> dict[str, Any]:
    if by == "policy":
        return {"key": F("policy_id")}
    if by == "channel":
        return {"key": F("lead__channel")}
    if by == "rule":
        decided = Decision.objects.filter(
            assignment__lead=OuterRef("lead_id"), assignment__epoch=OuterRef("epoch")
        )
        return {"key": Subquery(decided.values("rule_id")[:1])}
    column = "rep_id" if by == "rep" else "rep__team_id"
    custody = Assignment.objects.filter(lead=OuterRef("lead_id")).order_by("-epoch")
    # A step that is taken at the deadline may give the lead away at that very moment: whoever
    # held it until then answers.
    when_due = custody.filter(started_at__lt=OuterRef("due_at"))
    when_kept = custody.filter(started_at__lte=OuterRef("ended_at"))
    return {
        "key": Case(
            When(LATE, then=Subquery(when_due.values(column)[:1])),
            default=Subquery(when_kept.values(column)[:1]),
            output_field=IntegerField(),
        )
    }


def _row(row: dict[str, Any], label: str) -> Row:
    share = measures.share(row["kept"], row["kept"] + row["late"])
    return Row(
        key=row["key"],
        label=label,
        kept=row["kept"],
        late=row["late"],
        share=share.value,
        low=share.low,
        high=share.high,
        target=float(row["target"]),
    )


def _nobody(by: By) -> str:
    return {"rep": "Nobody", "team": "Nobody", "rule": "No rule"}.get(by, "—")


def _labels(rows: QuerySet) -> dict[Any, str]:
    return {row.pk: str(row) for row in rows}


LABELS: dict[str, Callable[[Collection[Any]], dict[Any, str]]] = {
    "policy": lambda keys: _labels(Policy.objects.filter(pk__in=keys)),
    "rep": lambda keys: _labels(Rep.objects.select_related("user").filter(pk__in=keys)),
    "team": lambda keys: _labels(Team.objects.filter(pk__in=keys)),
    # A rule is copied into every version; each copy answers for what it placed.
    "rule": lambda keys: {
        rule.pk: f"{rule}, {rule.ruleset}"
        for rule in Rule.objects.select_related("ruleset").filter(pk__in=keys)
    },
    "channel": lambda keys: {key: str(Source.Channel(key).label) for key in keys},
}
