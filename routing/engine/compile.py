"""
Rule sets made quick: a closure for each condition, and an index on what rules require.

With a thousand rules most cannot match a given lead for a simple reason: they are for another
country, another product. Each rule is filed under its most selective top-level `eq` or `in`
check, so that a lead only looks at the rules filed under its own values and at those that
require nothing. The result equals trying every rule in order.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

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
from routing.engine.filters import Filter
from routing.engine.paths import FILTER, PREFER, SELECT
from routing.engine.preferences import Preference
from routing.engine.stages import STAGES
from routing.engine.targets import TARGETS, TargetKind
from routing.engine.types import Path, Relaxation, Rule, RuleSet, Stage

Holds: TypeAlias = Callable[[Facts], bool]


@dataclass(frozen=True, slots=True)
class Level:
    """
    The filters of a path from `after` seconds of waiting on.

    Level 0 is the strict path, the others follow in order. `relaxed` are the filters that are
    not what they were, each with the relaxation in force.
    """

    number: int
    after: int
    filters: tuple[Filter, ...]
    relaxed: tuple[tuple[str, Relaxation], ...] = ()


@dataclass(frozen=True, slots=True)
class CompiledPath:
    """A path with its stages as objects; `strategy` names the select or the target's default."""

    path: Path
    target: TargetKind
    levels: tuple[Level, ...]
    preferences: tuple[tuple[str, Preference], ...]
    strategy: str


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule with its condition as a closure and its paths, own and other, compiled."""

    rule: Rule
    holds: Holds
    own: CompiledPath
    other: CompiledPath | None = None

    @property
    def target(self) -> TargetKind:
        """The kind of the target of the rule's own path."""
        return self.own.target

    def way_of(self, facts: Facts) -> tuple[CompiledPath, str]:
        """
        Return the path for this lead, and the branch taken if the rule splits.

        A lead without the fact `lead` cannot be told from others and takes the rule's own path.
        """
        split = self.rule.path.split
        if split is None or self.other is None:
            return self.own, ""
        lead = facts.get("lead")
        if lead is not None and draw(f"{split.name}:{lead}") < split.percent:
            return self.other, f"{split.name}:b"
        return self.own, f"{split.name}:a"


def draw(lot: str) -> int:
    """Return a number from 0 to 99, always the same for the same lot, all equally likely."""
    return int.from_bytes(hashlib.blake2b(lot.encode(), digest_size=8).digest(), "big") % 100


class CompiledRuleSet:
    """A rule set ready for leads; immutable, safe to keep and share for as long as it is in use."""

    __slots__ = ("_always", "_index", "rules", "ruleset")

    def __init__(self, ruleset: RuleSet) -> None:
        self.ruleset = ruleset
        ranked = sorted(ruleset.rules, key=lambda rule: rule.rank)
        # In the order of trying, whatever the order given.
        self.rules = tuple(compile_rule(rule) for rule in ranked)
        self._always, self._index = _file(ranked)

    def matching(self, facts: Facts, at: int) -> Iterator[CompiledRule]:
        """Yield the rules whose condition holds and that have not expired, in order of trying."""
        hits = list(self._always)
        for fact, drawers in self._index:
            drawer = drawers.get(key_of(facts.get(fact)))
            if drawer is not None:
                hits += drawer
        hits.sort()
        rules = self.rules
        for place in hits:
            rule = rules[place]
            if rule.holds(facts) and not rule.rule.has_expired(at):
                yield rule


def compile_ruleset(ruleset: RuleSet) -> CompiledRuleSet:
    """Prepare a rule set for deciding. Costs milliseconds: do it once per version, not per lead."""
    return CompiledRuleSet(ruleset)


def compile_rule(rule: Rule) -> CompiledRule:
    """Prepare one rule."""
    split = rule.path.split
    return CompiledRule(
        rule=rule,
        holds=compile_condition(rule.condition),
        own=compile_path(rule.path),
        other=None if split is None else compile_path(split.path),
    )


def compile_path(path: Path) -> CompiledPath:
    """Prepare one path, each level of its relaxations by itself."""
    target = TARGETS[path.target.kind]
    preferences: list[tuple[str, Preference]] = []
    strategy = target.default_strategy
    for stage in path.stages:
        if stage.do == SELECT:
            strategy = stage.by
        elif stage.do == PREFER:
            preferences.append((stage.by, cast(Preference, _make(stage, stage.options))))
    return CompiledPath(path, target, _levels(path.stages), tuple(preferences), strategy)


def _levels(stages: Sequence[Stage]) -> tuple[Level, ...]:
    filters = [
        (stage, cast(Filter, _make(stage, stage.options))) for stage in stages if stage.do == FILTER
    ]
    levels = [Level(0, 0, tuple(made for _, made in filters))]
    afters = sorted({one.after for stage, _ in filters for one in stage.relax})
    for number, after in enumerate(afters, start=1):
        kept: list[Filter] = []
        relaxed: list[tuple[str, Relaxation]] = []
        for stage, strict in filters:
            reached = [one for one in stage.relax if one.after <= after]
            if not reached:
                kept.append(strict)
                continue
            now = max(reached, key=lambda one: one.after)
            relaxed.append((stage.by, now))
            if now.options is not None:
                kept.append(cast(Filter, _make(stage, now.options)))
        levels.append(Level(number, after, tuple(kept), tuple(relaxed)))
    return tuple(levels)


def _make(stage: Stage, options: Mapping[str, Any]) -> Filter | Preference:
    return STAGES[stage.do, stage.by].make(options)


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
