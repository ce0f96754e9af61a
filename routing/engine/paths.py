"""
Paths and rule sets as JSON.

    {"target": {"kind": "pool", "id": 3},
     "stages": [{"do": "filter", "by": "skill", "skill_fact": "language", "at_least": 3},
                {"do": "filter", "by": "on_shift", "within": 900},
                {"do": "prefer", "by": "former_owner"},
                {"do": "select", "by": "round_robin"}],
     "on_empty": "next"}

Filters come first, then preferences, then at most one select: what is required is settled
before what is wished for. Without a select, pools rotate and everybody else is taken in order.
`on_empty`: "next" tries the rules that follow, "wait" parks the lead here.
"""

from collections.abc import Sequence
from typing import Any, cast

from routing.engine import conditions
from routing.engine.conditions import ConditionError, Registry
from routing.engine.parts import InvalidPart, ObjectReader
from routing.engine.stages import STAGES
from routing.engine.strategies import STRATEGIES
from routing.engine.targets import TARGETS
from routing.engine.types import OnEmpty, Path, Rule, RuleSet, Stage, Target

SELECT = "select"
_ORDER = ("filter", "prefer", SELECT)


class PathError(InvalidPart):
    """A path cannot be understood; `path` points at the part."""


class RuleSetError(InvalidPart):
    """A rule set cannot be understood; `path` points at the part."""


def parse_path(data: object) -> Path:
    """
    Read a path, with the defaults of its stages filled in.

    :raises PathError: at the first part that cannot be understood
    """
    part = ObjectReader(data, "", PathError)
    target = _parse_target(part.raw("target"), part.at("target"))
    stages = _parse_stages(part.items("stages", ()), target)
    on_empty = part.choice("on_empty", ("next", "wait"), "next")
    part.finish()
    return Path(target, stages, cast(OnEmpty, on_empty))


def _parse_target(data: object, path: str) -> Target:
    part = ObjectReader(data, path, PathError)
    kind = part.choice("kind", tuple(TARGETS))
    record = part.integer("id") if TARGETS[kind].wants_id else None
    part.finish()
    return Target(kind, record)


def _parse_stages(items: Sequence[object], target: Target) -> tuple[Stage, ...]:
    if items and TARGETS[target.kind].ends:
        raise PathError("stages", f"a path to {target.kind} has no candidates to choose from")
    stages: list[Stage] = []
    for i, item in enumerate(items):
        path = f"stages[{i}]"
        stage = _parse_stage(item, path, target)
        if stages and stages[-1].do == SELECT:
            raise PathError(path, "nothing can follow a select")
        if stages and _ORDER.index(stage.do) < _ORDER.index(stages[-1].do):
            raise PathError(path, "filters come before preferences")
        stages.append(stage)
    return tuple(stages)


def _parse_stage(data: object, path: str, target: Target) -> Stage:
    part = ObjectReader(data, path, PathError)
    do = part.choice("do", _ORDER)
    if do == SELECT:
        by = part.choice("by", tuple(STRATEGIES))
        if STRATEGIES[by].rotates and not TARGETS[target.kind].is_pool:
            part.refuse("by", f"only a pool can rotate, and {target.kind} is none")
        options: dict[str, Any] = {}
    else:
        by = part.choice("by", tuple(name for kind, name in STAGES if kind == do))
        options = STAGES[do, by].read(part)
    part.finish()
    return Stage(do, by, options)


def path_to_json(path: Path) -> dict[str, Any]:
    """Write a path as the JSON that `parse_path` reads back to an equal one."""
    target: dict[str, Any] = {"kind": path.target.kind}
    if path.target.id is not None:
        target["id"] = path.target.id
    return {
        "target": target,
        "stages": [{"do": s.do, "by": s.by, **s.options} for s in path.stages],
        "on_empty": path.on_empty,
    }


def parse_ruleset(data: object, registry: Registry | None = None) -> RuleSet:
    """
    Read a rule set: `{"id", "version", "rules": [{"id", "position", "name", "condition", "path",
    "fallback"}]}`; `fallback` may be left out.

    :raises RuleSetError: at the first part that cannot be understood
    :raises ConditionError: the same, inside a condition (`rules[3].condition.all[1].op`)
    :raises PathError: the same, inside a path
    """
    part = ObjectReader(data, "", RuleSetError)
    identity, version = part.integer("id"), part.integer("version")
    rules: list[Rule] = []
    seen: set[int] = set()
    for i, item in enumerate(part.items("rules")):
        rule = _parse_rule(item, f"rules[{i}]", registry)
        if rule.id in seen:
            raise RuleSetError(f"rules[{i}].id", f"rule {rule.id} is already there")
        seen.add(rule.id)
        rules.append(rule)
    part.finish()
    return RuleSet(identity, version, tuple(rules))


def _parse_rule(data: object, path: str, registry: Registry | None) -> Rule:
    part = ObjectReader(data, path, RuleSetError)
    try:
        condition = conditions.parse(part.raw("condition"), registry)
    except ConditionError as error:
        raise error.under(part.at("condition")) from None
    try:
        way = parse_path(part.raw("path"))
    except PathError as error:
        raise error.under(part.at("path")) from None
    rule = Rule(
        id=part.integer("id"),
        position=part.integer("position"),
        name=part.text("name", ""),
        condition=condition,
        path=way,
        fallback=part.boolean("fallback", False),
    )
    part.finish()
    return rule


def ruleset_to_json(ruleset: RuleSet) -> dict[str, Any]:
    """Write a rule set as the JSON that `parse_ruleset` reads back to an equal one."""
    return {
        "id": ruleset.id,
        "version": ruleset.version,
        "rules": [
            {
                "id": rule.id,
                "position": rule.position,
                "name": rule.name,
                "condition": conditions.condition_to_json(rule.condition),
                "path": path_to_json(rule.path),
                "fallback": rule.fallback,
            }
            for rule in ruleset.rules
        ],
    }
