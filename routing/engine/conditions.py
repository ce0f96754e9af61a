"""
Conditions on the facts of a lead.

A condition is JSON:

    {"all": [c, …]}      every part holds; {"all": []} always holds
    {"any": [c, …]}      at least one part holds; {"any": []} never holds
    {"not": c}           the part does not hold
    {"fact": "employees", "op": "gte", "value": 500}

What each op asks is in the table of `routing.engine.ops`. A missing fact satisfies only `empty`
and `not_happened`, and what `not` makes of the others: so `ne` asks "known to be different", and
`{"not": {… "eq" …}}` asks "not known to be the same".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from routing.engine.ops import OPS, Circle, FactKind, Happening, key_of, ops_for
from routing.engine.parts import InvalidPart, join
from routing.engine.weekly import Week

__all__ = [
    "ALWAYS",
    "MAX_DEPTH",
    "OPS",
    "All",
    "AnyOf",
    "Check",
    "Condition",
    "ConditionError",
    "FactKind",
    "Facts",
    "Failure",
    "Not",
    "Registry",
    "condition_to_json",
    "facts_used",
    "first_failure",
    "holds",
    "key_of",
    "ops_for",
    "parse",
    "required_equalities",
]

Facts: TypeAlias = Mapping[str, object]
Registry: TypeAlias = Mapping[str, FactKind]

# Deep enough for any rule a person can read, shallow enough for the interpreter's stack.
MAX_DEPTH = 20


class ConditionError(InvalidPart):
    """A condition cannot be understood; `path` points at the part."""


@dataclass(frozen=True, slots=True)
class Check:
    """One question about one fact. Lists in `value` are kept as tuples, objects as values."""

    fact: str
    op: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class All:
    """Holds if every part holds; without parts, always."""

    parts: "tuple[Condition, ...]" = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds if one part holds; without parts, never."""

    parts: "tuple[Condition, ...]" = ()


@dataclass(frozen=True, slots=True)
class Not:
    """Holds if its part does not."""

    part: "Condition"


Condition: TypeAlias = Check | All | AnyOf | Not
ALWAYS = All()


@dataclass(frozen=True, slots=True)
class Failure:
    """
    Why a condition does not hold: the first part that made it fail.

    `inverted` means that the part under `path` holds and should not have (it stands in a `not`).
    `fact` and `op` are None where a whole group is to blame rather than one check.
    """

    path: str
    fact: str | None
    op: str | None
    wanted: Any
    found: Any
    inverted: bool = False


# --- From JSON and back ------------------------------------------------------------------


def parse(condition: object, registry: Registry | None = None) -> Condition:
    """
    Read a condition, and check it against the known facts where a registry is given.

    :raises ConditionError: at the first part that cannot be understood
    """
    return _parse(condition, registry, "", 0)


def _parse(data: object, registry: Registry | None, path: str, depth: int) -> Condition:
    if depth > MAX_DEPTH:
        raise ConditionError(path, f"is nested more than {MAX_DEPTH} deep")
    if not isinstance(data, Mapping):
        raise ConditionError(path, "must be an object")
    if "fact" in data or "op" in data:
        return _parse_check(data, registry, path)
    if len(data) != 1 or (kind := next(iter(data))) not in ("all", "any", "not"):
        raise ConditionError(path, "must have one of 'all', 'any', 'not', or a 'fact' and an 'op'")
    here = join(path, kind)
    if kind == "not":
        return Not(_parse(data["not"], registry, here, depth + 1))
    parts = data[kind]
    if not isinstance(parts, list | tuple):
        raise ConditionError(here, "must be a list of conditions")
    parsed = tuple(
        _parse(part, registry, f"{here}[{i}]", depth + 1) for i, part in enumerate(parts)
    )
    return All(parsed) if kind == "all" else AnyOf(parsed)


def _parse_check(data: Mapping[Any, object], registry: Registry | None, path: str) -> Check:
    for key in data:
        if key not in ("fact", "op", "value"):
            raise ConditionError(join(path, str(key)), "is not known here")
    fact, name = data.get("fact"), data.get("op")
    if not isinstance(fact, str) or not fact:
        raise ConditionError(join(path, "fact"), "must be the name of a fact")
    kind = None if registry is None else registry.get(fact)
    if registry is not None and kind is None:
        raise ConditionError(join(path, "fact"), f"unknown fact {fact!r}")
    op = OPS.get(name) if isinstance(name, str) else None
    if op is None or not isinstance(name, str):
        raise ConditionError(join(path, "op"), f"unknown op {name!r}; one of {', '.join(OPS)}")
    if kind is not None and kind not in op.kinds:
        raise ConditionError(
            join(path, "op"), f"cannot be asked of {fact!r}, a fact of kind {kind}"
        )
    try:
        value = op.read(data.get("value"), kind)
    except InvalidPart as error:
        here = join(path, "value")
        raise ConditionError(join(here, error.path), error.message) from None
    except ValueError as error:
        raise ConditionError(join(path, "value"), str(error)) from None
    return Check(fact, name, value)


def condition_to_json(condition: Condition) -> dict[str, Any]:
    """Write a condition as the JSON that `parse` reads back to an equal one."""
    match condition:
        case All(parts):
            return {"all": [condition_to_json(part) for part in parts]}
        case AnyOf(parts):
            return {"any": [condition_to_json(part) for part in parts]}
        case Not(part):
            return {"not": condition_to_json(part)}
        case Check(fact, op, value):
            if value is None:
                return {"fact": fact, "op": op}
            return {"fact": fact, "op": op, "value": _json_value(value)}


def _json_value(value: object) -> object:
    if isinstance(value, Happening | Circle | Week):
        return value.to_json()
    return list(value) if isinstance(value, tuple) else value


# --- Asking ------------------------------------------------------------------------------


def holds(condition: Condition, facts: Facts) -> bool:
    """Say whether the condition holds: the plain reading that compiled rules must equal."""
    match condition:
        case All(parts):
            return all(holds(part, facts) for part in parts)
        case AnyOf(parts):
            return any(holds(part, facts) for part in parts)
        case Not(part):
            return not holds(part, facts)
        case Check(fact, op, value):
            return OPS[op].make(value)(facts.get(fact))


def first_failure(condition: Condition, facts: Facts, path: str = "") -> Failure | None:
    """
    Name the first part that keeps the condition from holding; None if it holds.

    Of an `any`, where every alternative fails, the first alternative speaks for all.
    """
    match condition:
        case All(parts):
            here = join(path, "all")
            failures = (first_failure(part, facts, f"{here}[{i}]") for i, part in enumerate(parts))
            return next((failure for failure in failures if failure is not None), None)
        case AnyOf(parts):
            here = join(path, "any")
            first: Failure | None = None
            for i, part in enumerate(parts):
                failure = first_failure(part, facts, f"{here}[{i}]")
                if failure is None:
                    return None
                first = first or failure
            return first or Failure(here, None, None, None, None)
        case Not(part):
            if not holds(part, facts):
                return None
            here = join(path, "not")
            if isinstance(part, Check):
                found = _json_value(facts.get(part.fact))
                return Failure(here, part.fact, part.op, _json_value(part.value), found, True)
            return Failure(here, None, None, None, None, True)
        case Check(fact, op, value):
            if holds(condition, facts):
                return None
            return Failure(path, fact, op, _json_value(value), _json_value(facts.get(fact)))


def facts_used(condition: Condition) -> frozenset[str]:
    """Name the facts the condition asks for."""
    match condition:
        case All(parts) | AnyOf(parts):
            return frozenset().union(*(facts_used(part) for part in parts))
        case Not(part):
            return facts_used(part)
        case Check(fact):
            return frozenset({fact})


def required_equalities(condition: Condition) -> Sequence[tuple[str, frozenset[object]]]:
    """
    List the (fact, keys) of which the condition certainly needs one.

    These are the `eq` and `in` checks at the top level: where such a fact has another key,
    the condition cannot hold. Rules are indexed by them.
    """
    match condition:
        case All(parts):
            return [pair for part in parts for pair in required_equalities(part)]
        case Check(fact, "eq", value):
            return [(fact, frozenset({key_of(value)}))]
        case Check(fact, "in", value):
            return [(fact, frozenset(map(key_of, value)))]
        case _:
            return []
