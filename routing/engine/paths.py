"""
Paths and rule sets as JSON.

    {"target": {"kind": "pool", "id": 3},
     "stages": [{"do": "filter", "by": "skill", "skill_fact": "language", "at_least": 4,
                 "relax": [{"after": 30, "at_least": 3}, {"after": 60, "drop": true}]},
                {"do": "filter", "by": "on_shift", "within": 900},
                {"do": "prefer", "by": "former_owner"},
                {"do": "select", "by": "round_robin"}],
     "on_empty": "wait",
     "wait_at_most": 900,
     "split": {"name": "exp-1", "percent": 20, "path": {…}}}

Filters come first, then preferences, then at most one select: what is required is settled
before what is wished for. Without a select, pools rotate and everybody else is taken in order.
`on_empty`: "next" tries the rules that follow, "wait" parks the lead here, until it has waited
`wait_at_most` seconds for routing. Relaxations come first: while one is to come, it waits.

`relax` says what becomes of a filter once the lead has waited `after` seconds for routing (in
all, not since the step before; 0 means at once, if the stricter path has nobody): it is dropped,
or the options named take the place of its own, while those not named stay. A filter without
`relax` is the floor of its path.

`split` sends so many percent of the leads along another path, which may not split again.
"""

from collections.abc import Mapping
from typing import Any, cast

from routing.engine import conditions
from routing.engine.conditions import ConditionError, Registry
from routing.engine.parts import InvalidPart, ObjectReader
from routing.engine.stages import STAGES
from routing.engine.strategies import STRATEGIES
from routing.engine.targets import TARGETS
from routing.engine.types import (
    OnEmpty,
    Path,
    Relaxation,
    Rule,
    RuleSet,
    Split,
    Stage,
    Target,
)

FILTER, PREFER, SELECT = "filter", "prefer", "select"
_ORDER = (FILTER, PREFER, SELECT)
# Fits where decisions keep the branch, ":a" or ":b" included.
MAX_SPLIT_NAME = 60


class PathError(InvalidPart):
    """A path cannot be understood; `path` points at the part."""


class RuleSetError(InvalidPart):
    """A rule set cannot be understood; `path` points at the part."""


def parse_path(data: object) -> Path:
    """
    Read a path, with the defaults of its stages filled in.

    :raises PathError: at the first part that cannot be understood
    """
    return _parse_path(data, "")


def _parse_path(data: object, path: str, *, may_split: bool = True) -> Path:
    part = ObjectReader(data, path, PathError)
    target = _parse_target(part.raw("target"), part.at("target"))
    stages = _parse_stages(part, target)
    on_empty = part.choice("on_empty", ("next", "wait"), "next")
    wait_at_most = _parse_wait(part, on_empty)
    split = None
    if part.says("split"):
        if not may_split:
            part.refuse("split", "a path inside a split cannot split again")
        split = _parse_split(part.raw("split"), part.at("split"))
    part.finish()
    return Path(target, stages, cast(OnEmpty, on_empty), wait_at_most, split)


def _parse_wait(part: ObjectReader, on_empty: str) -> int | None:
    if not part.says("wait_at_most"):
        return None
    if on_empty != "wait":
        part.refuse("wait_at_most", "only a path whose 'on_empty' is \"wait\" waits")
    return part.integer("wait_at_most", least=1)


def _parse_split(data: object, path: str) -> Split:
    part = ObjectReader(data, path, PathError)
    name = part.filled_text("name")
    if len(name) > MAX_SPLIT_NAME:
        part.refuse("name", f"must have at most {MAX_SPLIT_NAME} characters")
    percent = part.integer("percent", least=0, most=100)
    other = _parse_path(part.raw("path"), part.at("path"), may_split=False)
    part.finish()
    return Split(name, percent, other)


def _parse_target(data: object, path: str) -> Target:
    part = ObjectReader(data, path, PathError)
    kind = part.choice("kind", tuple(TARGETS))
    record = part.integer("id") if TARGETS[kind].wants_id else None
    part.finish()
    return Target(kind, record)


def _parse_stages(whole: ObjectReader, target: Target) -> tuple[Stage, ...]:
    items = whole.items("stages", ())
    if items and TARGETS[target.kind].ends:
        whole.refuse("stages", f"a path to {target.kind} has no candidates to choose from")
    stages: list[Stage] = []
    for i, item in enumerate(items):
        path = whole.at(f"stages[{i}]")
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
    options: dict[str, Any] = {}
    relax: tuple[Relaxation, ...] = ()
    if do == SELECT:
        by = part.choice("by", tuple(STRATEGIES))
        if STRATEGIES[by].rotates and not TARGETS[target.kind].is_pool:
            part.refuse("by", f"only a pool can rotate, and {target.kind} is none")
    else:
        by = part.choice("by", tuple(name for kind, name in STAGES if kind == do))
        options = STAGES[do, by].read(part)
    if part.says("relax"):
        if do != FILTER:
            part.refuse("relax", "only a filter can be relaxed")
        relax = _parse_relaxations(part, by, options)
    part.finish()
    return Stage(do, by, options, relax)


def _parse_relaxations(
    stage: ObjectReader, by: str, options: Mapping[str, Any]
) -> tuple[Relaxation, ...]:
    found: list[Relaxation] = []
    for i, item in enumerate(stage.items("relax")):
        path = stage.at(f"relax[{i}]")
        relaxation = _parse_relaxation(item, path, by, options)
        if found and found[-1].options is None:
            raise PathError(path, "nothing can follow a drop")
        if found and relaxation.after <= found[-1].after:
            raise PathError(f"{path}.after", "must be later than the relaxation before it")
        found.append(relaxation)
    return tuple(found)


def _parse_relaxation(data: object, path: str, by: str, options: Mapping[str, Any]) -> Relaxation:
    part = ObjectReader(data, path, PathError)
    after = part.integer("after", least=0)
    named = {key: part.raw(key) for key in part.names() if key not in ("after", "drop")}
    if part.boolean("drop", False):
        if named:
            part.refuse("drop", "a filter is dropped or given other options, not both")
        return Relaxation(after)
    # Read by the stage itself, so that what it refuses is refused here too.
    merged = ObjectReader({**options, **named}, path, PathError)
    changed = STAGES[FILTER, by].read(merged)
    merged.finish()
    if changed == options:
        raise PathError(path, "changes nothing: give 'drop' or another option")
    return Relaxation(after, changed)


def path_to_json(path: Path) -> dict[str, Any]:
    """Write a path as the JSON that `parse_path` reads back to an equal one."""
    target: dict[str, Any] = {"kind": path.target.kind}
    if path.target.id is not None:
        target["id"] = path.target.id
    data: dict[str, Any] = {
        "target": target,
        "stages": [_stage_to_json(stage) for stage in path.stages],
        "on_empty": path.on_empty,
    }
    if path.wait_at_most is not None:
        data["wait_at_most"] = path.wait_at_most
    if path.split is not None:
        data["split"] = {
            "name": path.split.name,
            "percent": path.split.percent,
            "path": path_to_json(path.split.path),
        }
    return data


def _stage_to_json(stage: Stage) -> dict[str, Any]:
    data = {"do": stage.do, "by": stage.by, **stage.options}
    if stage.relax:
        data["relax"] = [_relaxation_to_json(one, stage.options) for one in stage.relax]
    return data


def _relaxation_to_json(one: Relaxation, options: Mapping[str, Any]) -> dict[str, Any]:
    if one.options is None:
        return {"after": one.after, "drop": True}
    changed = {key: value for key, value in one.options.items() if options.get(key) != value}
    gone = dict.fromkeys(key for key in options if key not in one.options)
    return {"after": one.after, **gone, **changed}


def parse_ruleset(data: object, registry: Registry | None = None) -> RuleSet:
    """
    Read a rule set: `{"id", "version", "rules": [{"id", "position", "name", "condition", "path",
    "fallback", "until"}]}`; `fallback` and `until` (epoch seconds) may be left out.

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
        until=part.integer("until") if part.says("until") else None,
    )
    part.finish()
    return rule


def ruleset_to_json(ruleset: RuleSet) -> dict[str, Any]:
    """Write a rule set as the JSON that `parse_ruleset` reads back to an equal one."""
    return {
        "id": ruleset.id,
        "version": ruleset.version,
        "rules": [_rule_to_json(rule) for rule in ruleset.rules],
    }


def _rule_to_json(rule: Rule) -> dict[str, Any]:
    data = {
        "id": rule.id,
        "position": rule.position,
        "name": rule.name,
        "condition": conditions.condition_to_json(rule.condition),
        "path": path_to_json(rule.path),
        "fallback": rule.fallback,
    }
    return data if rule.until is None else {**data, "until": rule.until}
