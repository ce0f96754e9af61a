"""A version as people read it: each rule in sentences, with who looks after it and until when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from routing.models import PoolMember, Queue, Rule, RuleSet
from routing.rules import digest, sentences
from routing.rules.lint import Finding
from routing.rules.sentences import Names
from routing.rules.traffic import Count


@dataclass(slots=True)
class Line:
    """
    One rule: its sentences, the members it may go to, and the moment it ends, if it does.

    `ends_in` is None for a rule without an end, zero or less for one that has ended.
    """

    rule: Rule
    when: str
    then: str
    members: str = ""
    ends_in: timedelta | None = None
    review_due: bool = False
    findings: list[Finding] = field(default_factory=list)
    # What last month's leads would have met; None where nobody counted.
    count: Count | None = None

    @property
    def has_ended(self) -> bool:
        return self.ends_in is not None and self.ends_in <= timedelta(0)


def lines(ruleset: RuleSet, names: Names, *, at: datetime) -> list[Line]:
    """The rules of a version in the order in which they are asked: four statements."""
    rules = digest.in_order(ruleset)
    pools = _pools(rules)
    members = _members(set(pools.values()))
    return [
        Line(
            rule=rule,
            when=sentences.when(rule, names),
            then=sentences.then(rule, names),
            members=members.get(pools.get(rule.pk, 0), ""),
            ends_in=None if rule.expires_at is None else rule.expires_at - at,
            review_due=rule.review_on is not None and rule.review_on <= at.date(),
        )
        for rule in rules
    ]


def _pools(rules: list[Rule]) -> Mapping[int, int]:
    """Rule → the pool whose members it means, by itself or by its queue."""
    found, queues = {}, {}
    for rule in rules:
        target = rule.path.get("target") if isinstance(rule.path, dict) else None
        kind, pk = (target or {}).get("kind"), (target or {}).get("id")
        if kind == "pool" and pk:
            found[rule.pk] = pk
        elif kind == "queue" and pk:
            queues[rule.pk] = pk
    of_queue = dict(
        Queue.objects.filter(pk__in=queues.values(), pool__isnull=False).values_list(
            "pk", "pool_id"
        )
    )
    found.update({rule: of_queue[queue] for rule, queue in queues.items() if queue in of_queue})
    return found


def _members(pools: set[int]) -> Mapping[int, str]:
    """The active members of these pools in a line, with weights other than one."""
    rows = (
        PoolMember.objects.filter(pool__in=pools, rep__is_active=True)
        .select_related("rep__user")
        .order_by("pool_id", "position", "pk")
    )
    names: dict[int, list[str]] = {}
    for row in rows:
        weight = f" (weight {row.weight})" if row.weight != 1 else ""
        names.setdefault(row.pool_id, []).append(f"{row.rep}{weight}")
    return {pool: ", ".join(some) for pool, some in names.items()}
