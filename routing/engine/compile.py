"""
Rule sets made quick: a closure for each condition, and an index on what rules require.

With a thousand rules most cannot match a given lead for a simple reason: they are for another
country, another product. Each rule is filed under its most selective top-level `eq` or `in`
check, so that a lead only looks at the rules filed under its own values and at those that
require nothing. The result equals trying every rule in order.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from routing.engine.conditions import (
    OPS,
    All,
    AnyOf,
    Check,
    Condition,
    Facts,
    Not,
    key_of,
    required_equalities,
)
from routing.engine.paths import SELECT
from routing.engine.stages import STAGES, Filter, Preference
from routing.engine.strategies import STRATEGIES, Strategy
from routing.engine.targets import TARGETS, TargetKind
from routing.engine.types import Rule, RuleSet

Holds: TypeAlias = Callable[[Facts], bool]


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule with its condition as a closure and its stages as objects."""

    rule: Rule
    holds: Holds
    target: TargetKind
    filters: tuple[Filter, ...]
    preferences: tuple[tuple[str, Preference], ...]
    strategy_name: str
    strategy: Strategy


class CompiledRuleSet:
    """A rule set ready for leads; immutable, safe to keep and share for as long as it is in use."""

    __slots__ = ("_always", "_index", "rules", "ruleset")

    def __init__(self, ruleset: RuleSet) -> None:
        self.ruleset = ruleset
        ranked = sorted(ruleset.rules, key=lambda rule: rule.rank)
        # In the order of trying, whatever the order given.
        self.rules = tuple(compile_rule(rule) for rule in ranked)
        self._always, self._index = _file(ranked)

    def matching(self, facts: Facts) -> Iterator[CompiledRule]:
        """Yield the rules whose condition holds, in the order of trying."""
        hits = list(self._always)
        for fact, drawers in self._index:
            drawer = drawers.get(key_of(facts.get(fact)))
            if drawer is not None:
                hits += drawer
        hits.sort()
        rules = self.rules
        for place in hits:
            rule = rules[place]
            if rule.holds(facts):
                yield rule


def compile_ruleset(ruleset: RuleSet) -> CompiledRuleSet:
    """Prepare a rule set for deciding. Costs milliseconds: do it once per version, not per lead."""
    return CompiledRuleSet(ruleset)


def compile_rule(rule: Rule) -> CompiledRule:
    """Prepare one rule."""
    target = TARGETS[rule.path.target.kind]
    filters: list[Filter] = []
    preferences: list[tuple[str, Preference]] = []
    strategy = target.default_strategy
    for stage in rule.path.stages:
        if stage.do == SELECT:
            strategy = stage.by
            continue
        made = STAGES[stage.do, stage.by].make(stage.options)
        if isinstance(made, Filter):
            filters.append(made)
        else:
            preferences.append((stage.by, made))
    return CompiledRule(
        rule=rule,
        holds=compile_condition(rule.condition),
        target=target,
        filters=tuple(filters),
        preferences=tuple(preferences),
        strategy_name=strategy,
        strategy=STRATEGIES[strategy],
    )


def compile_condition(condition: Condition) -> Holds:
    """Return a function that says the same as `conditions.holds`, quicker."""
    match condition:
        case Check(fact, op, value):
            return _check(fact, op, value)
        case Not(part):
            inner = compile_condition(part)
            return lambda facts: not inner(facts)
        case All(parts):
            return _all([compile_condition(part) for part in parts])
        case AnyOf(parts):
            return _any([compile_condition(part) for part in parts])


def _check(fact: str, op: str, value: object) -> Holds:
    test = OPS[op].make(value)
    return lambda facts: test(facts.get(fact))


def _all(parts: list[Holds]) -> Holds:
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:
        one, two = parts
        return lambda facts: one(facts) and two(facts)
    if len(parts) == 3:
        first, second, third = parts
        return lambda facts: first(facts) and second(facts) and third(facts)

    def holds(facts: Facts) -> bool:
        for part in parts:  # noqa: SIM110 - a generator costs more than the checks
            if not part(facts):
                return False
        return True

    return holds


def _any(parts: list[Holds]) -> Holds:
    def holds(facts: Facts) -> bool:
        for part in parts:  # noqa: SIM110 - as above
            if part(facts):
                return True
        return False

    return holds


_Drawers: TypeAlias = dict[object, list[int]]


def _file(ranked: list[Rule]) -> tuple[list[int], list[tuple[str, Mapping[object, list[int]]]]]:
    """File each rule under the check that shares its drawers with the fewest other rules."""
    required = [required_equalities(rule.condition) for rule in ranked]
    crowd = Counter((fact, key) for checks in required for fact, keys in checks for key in keys)
    always: list[int] = []
    index: dict[str, _Drawers] = {}
    for place, checks in enumerate(required):
        if not checks:
            always.append(place)
            continue
        fact, keys = min(checks, key=lambda check: sum(crowd[check[0], key] for key in check[1]))
        drawers = index.setdefault(fact, {})
        for key in keys:
            drawers.setdefault(key, []).append(place)
    return always, sorted(index.items())
