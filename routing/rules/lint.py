"""What is wrong with a rule set, before it does harm."""

from collections.abc import Iterator
from dataclasses import dataclass

from reps.models import Rep
from routing import engine
from routing.engine import InvalidPart
from routing.models import Pool, Queue, Rule, RuleSet
from routing.qualify.facts import KINDS


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend. Errors keep a rule set from being published, warnings do not."""

    code: str
    message: str
    rule_id: int | None = None
    is_error: bool = True


def lint(ruleset: RuleSet) -> list[Finding]:
    """Return everything that is wrong, errors first."""
    rules = list(ruleset.rules.order_by("is_fallback", "position", "pk"))
    found = [*_unreadable(rules)]
    if not found:
        found += [*_fallback(rules), *_targets(rules), *_unreachable(rules)]
    return sorted(found, key=lambda finding: not finding.is_error)


def check_rule(rule: Rule) -> None:
    """
    Refuse a rule that the engine could not read.

    :raises routing.engine.InvalidPart: pointing at the part
    """
    engine.parse(rule.condition, KINDS)
    engine.parse_path(rule.path)


def _unreadable(rules: list[Rule]) -> Iterator[Finding]:
    for rule in rules:
        try:
            check_rule(rule)
        except InvalidPart as error:
            yield Finding("unreadable", f"Rule “{rule.name}”: {error}.", rule.pk)


def _fallback(rules: list[Rule]) -> Iterator[Finding]:
    fallbacks = [rule for rule in rules if rule.is_fallback]
    if not fallbacks:
        yield Finding(
            "no_fallback",
            "There is no fallback rule: a lead that no rule takes would have no place. "
            "Mark the last rule as fallback.",
        )
    for rule in fallbacks[1:]:
        yield Finding("two_fallbacks", f"“{rule.name}” is a second fallback.", rule.pk)
    for rule in fallbacks:
        if rule.condition != {"all": []}:
            yield Finding(
                "conditional_fallback",
                f"The fallback “{rule.name}” must take every lead, without a condition.",
                rule.pk,
            )


def _targets(rules: list[Rule]) -> Iterator[Finding]:
    pools = {pool.pk: pool for pool in Pool.objects.prefetch_related("members__rep")}
    queues = set(Queue.objects.values_list("pk", flat=True))
    reps = dict(Rep.objects.values_list("pk", "is_active"))
    for rule in rules:
        target = rule.path["target"]
        kind, pk = target["kind"], target.get("id")
        if kind == "pool" and pk not in pools:
            yield Finding("unknown_pool", f"“{rule.name}” names a pool that is gone.", rule.pk)
        elif kind == "pool" and not any(m.rep.is_active for m in pools[pk].members.all()):
            yield Finding(
                "empty_pool",
                f"“{rule.name}” goes to the pool {pools[pk]}, which has no active rep.",
                rule.pk,
                is_error=rule.is_fallback,
            )
        elif kind == "queue" and pk not in queues:
            yield Finding("unknown_queue", f"“{rule.name}” names a queue that is gone.", rule.pk)
        elif kind == "rep" and not reps.get(pk, False):
            yield Finding(
                "stale_owner", f"“{rule.name}” goes to a rep who has left.", rule.pk, is_error=False
            )


def _unreachable(rules: list[Rule]) -> Iterator[Finding]:
    """Rules behind one that takes every lead and never lets one through."""
    blocker: Rule | None = None
    for rule in rules:
        if blocker is not None and not rule.is_fallback:
            yield Finding(
                "unreachable",
                f"“{rule.name}” is never reached: “{blocker.name}” takes every lead before it.",
                rule.pk,
                is_error=False,
            )
        ends = rule.path["target"]["kind"] in ("queue", "nurture")
        waits = rule.path.get("on_empty", "next") == "wait"
        if rule.condition == {"all": []} and (ends or waits) and not rule.is_fallback:
            blocker = blocker or rule
