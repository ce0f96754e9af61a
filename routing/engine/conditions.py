"""
Conditions on the facts of a lead.

A condition is JSON:

    {"all": [c, …]}      every part holds; {"all": []} always holds
    {"any": [c, …]}      at least one part holds; {"any": []} never holds
    {"not": c}           the part does not hold
    {"fact": "employees", "op": "gte", "value": 500}

| op                    | value                          | holds if the fact …                     |
|-----------------------|--------------------------------|-----------------------------------------|
| `eq`, `ne`            | text, number or true/false     | is, is not, that value                  |
| `in`, `not_in`        | list of such, not empty        | is one, is none, of them                |
| `gt` `gte` `lt` `lte` | number                         | is a number beyond it                   |
| `between`             | [lo, hi]                       | is a number from lo to hi, both included|
| `contains`            | text (or number, for lists)    | contains the text; is a list with it    |
| `prefix`              | text or list of texts          | begins with it, or one of them          |
| `matches_domain`      | domain or list of domains      | is that domain or one below it          |
| `empty`, `not_empty`  | none                           | is missing, is there                    |

Text is compared casefolded. Types are strict: the number 1, the text "1" and `true` are three
different values, and a fact of another type than an op expects does not satisfy it (it does
satisfy `ne` and `not_in`: it is there, and it is something else). A missing fact (absent,
`None`, "" or an empty list) satisfies only `empty`, and what `not` makes of the others: so
`ne` asks "known to be different", and `{"not": {… "eq" …}}` asks "not known to be the same".

Adding an op is one entry in `OPS`.
"""

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeGuard

from routing.engine.parts import InvalidPart, join

Facts: TypeAlias = Mapping[str, object]
FactKind: TypeAlias = Literal["text", "number", "boolean", "list", "id"]
Registry: TypeAlias = Mapping[str, FactKind]
Predicate: TypeAlias = Callable[[object], bool]

# Deep enough for any rule a person can read, shallow enough for the interpreter's stack.
MAX_DEPTH = 20


class ConditionError(InvalidPart):
    """A condition cannot be understood; `path` points at the part."""


@dataclass(frozen=True, slots=True)
class Check:
    """One question about one fact. Lists in `value` are kept as tuples."""

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


# --- Comparing ---------------------------------------------------------------------------


class _NoKey:
    """The key of a value that equals nothing a rule can name (a list, or nothing at all)."""


NO_KEY = _NoKey()


def key_of(value: object) -> object:
    """
    Return what stands for this value in comparisons: equal keys mean equal values.

    Text is casefolded; true and false are wrapped, since Python takes `True` for 1.
    """
    if isinstance(value, str):
        return value.casefold()
    if isinstance(value, bool):
        return (value,)
    if isinstance(value, int | float):
        return value
    return NO_KEY


def is_missing(found: object) -> bool:
    """Say whether the lead does not have this fact: `None`, "" and the empty list."""
    return found is None or found == "" or (isinstance(found, list | tuple) and not found)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


# --- Making a predicate of each op -------------------------------------------------------


def _eq(wanted: object) -> Predicate:
    key = key_of(wanted)
    return lambda found: key_of(found) == key


def _ne(wanted: object) -> Predicate:
    key = key_of(wanted)
    return lambda found: not is_missing(found) and key_of(found) != key


def _in(wanted: Iterable[object]) -> Predicate:
    keys = frozenset(map(key_of, wanted))
    return lambda found: key_of(found) in keys


def _not_in(wanted: Iterable[object]) -> Predicate:
    keys = frozenset(map(key_of, wanted))
    return lambda found: not is_missing(found) and key_of(found) not in keys


def _number_that(compare: Callable[[Any, Any], bool]) -> Callable[[float], Predicate]:
    return lambda wanted: lambda found: _is_number(found) and compare(found, wanted)


def _between(wanted: tuple[float, float]) -> Predicate:
    lo, hi = wanted
    return lambda found: _is_number(found) and lo <= found <= hi


def _contains(wanted: object) -> Predicate:
    key = key_of(wanted)

    def test(found: object) -> bool:
        if isinstance(found, str):
            return isinstance(key, str) and key in found.casefold()
        if isinstance(found, list | tuple):
            return any(key_of(item) == key for item in found)
        return False

    return test


def _prefix(wanted: str | tuple[str, ...]) -> Predicate:
    prefixes = tuple(text.casefold() for text in _as_tuple(wanted))
    return lambda found: isinstance(found, str) and found.casefold().startswith(prefixes)


def _matches_domain(wanted: str | tuple[str, ...]) -> Predicate:
    domains = frozenset(_domain(text) for text in _as_tuple(wanted))

    def test(found: object) -> bool:
        if not isinstance(found, str):
            return False
        labels = _domain(found).split(".")
        # "mail.acme.com" is asked as itself, as "acme.com" and as "com": never as "e.com".
        return any(".".join(labels[i:]) in domains for i in range(len(labels)))

    return test


def _domain(text: str) -> str:
    return text.strip().strip(".").casefold()


def _as_tuple(wanted: str | tuple[str, ...]) -> tuple[str, ...]:
    return (wanted,) if isinstance(wanted, str) else wanted


def _empty(wanted: None) -> Predicate:
    return is_missing


def _not_empty(wanted: None) -> Predicate:
    return lambda found: not is_missing(found)


# --- Reading the value of each op --------------------------------------------------------
# A reader gets the JSON value and the kind of the fact (None if unknown) and returns the value
# as kept in a Check; it raises ValueError with a message, to which `parse` adds the path.


def _scalar(value: object, kind: FactKind | None) -> object:
    if isinstance(value, str) and not value:
        raise ValueError("must not be empty; ask with the op 'empty'")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a finite number")
    fits = {
        "text": isinstance(value, str),
        "number": _is_number(value),
        "boolean": isinstance(value, bool),
        "id": isinstance(value, int) and not isinstance(value, bool),
        "list": isinstance(value, str) or _is_number(value),
        None: isinstance(value, str | int | float),
    }
    if not fits[kind]:
        raise ValueError(_MUST_BE[kind])
    return value


_MUST_BE: Mapping[FactKind | None, str] = {
    "text": "must be a text",
    "number": "must be a number",
    "boolean": "must be true or false",
    "id": "must be the id of a record, a whole number",
    "list": "must be a text or a number",
    None: "must be a text, a number or true/false",
}


def _scalars(value: object, kind: FactKind | None) -> object:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("must be a list of at least one value")
    return tuple(_scalar(item, kind) for item in value)


def _number(value: object, kind: FactKind | None) -> object:
    return _scalar(value, "number")


def _range(value: object, kind: FactKind | None) -> object:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError("must be two numbers, [lowest, highest]")
    lo, hi = (_scalar(item, "number") for item in value)
    if lo > hi:  # type: ignore[operator]
        raise ValueError("the lowest number must come first")
    return (lo, hi)


def _contained(value: object, kind: FactKind | None) -> object:
    return _scalar(value, "text" if kind == "text" else "list")


def _texts(value: object, kind: FactKind | None) -> object:
    if isinstance(value, str):
        return _scalar(value, "text")
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("must be a text or a list of at least one text")
    return tuple(_scalar(item, "text") for item in value)


def _domains(value: object, kind: FactKind | None) -> object:
    texts = _texts(value, kind)
    if not all(_domain(text) for text in _as_tuple(texts)):  # type: ignore[arg-type]
        raise ValueError("must be a domain such as acme.com")
    return texts


def _nothing(value: object, kind: FactKind | None) -> object:
    if value is not None:
        raise ValueError("takes no value")
    return None


@dataclass(frozen=True, slots=True)
class Op:
    """What one op asks of its value, of which kinds of fact it may be asked, and how it tests."""

    kinds: frozenset[FactKind]
    read: Callable[[object, FactKind | None], object]
    make: Callable[[Any], Predicate]


_SCALAR: frozenset[FactKind] = frozenset({"text", "number", "boolean", "id"})
_NUMBER: frozenset[FactKind] = frozenset({"number"})
_TEXT: frozenset[FactKind] = frozenset({"text"})
_ANY: frozenset[FactKind] = _SCALAR | {"list"}

OPS: Mapping[str, Op] = {
    "eq": Op(_SCALAR, _scalar, _eq),
    "ne": Op(_SCALAR, _scalar, _ne),
    "in": Op(_SCALAR, _scalars, _in),
    "not_in": Op(_SCALAR, _scalars, _not_in),
    "gt": Op(_NUMBER, _number, _number_that(operator.gt)),
    "gte": Op(_NUMBER, _number, _number_that(operator.ge)),
    "lt": Op(_NUMBER, _number, _number_that(operator.lt)),
    "lte": Op(_NUMBER, _number, _number_that(operator.le)),
    "between": Op(_NUMBER, _range, _between),
    "contains": Op(frozenset({"text", "list"}), _contained, _contains),
    "prefix": Op(_TEXT, _texts, _prefix),
    "matches_domain": Op(_TEXT, _domains, _matches_domain),
    "empty": Op(_ANY, _nothing, _empty),
    "not_empty": Op(_ANY, _nothing, _not_empty),
}


def ops_for(kind: FactKind) -> tuple[str, ...]:
    """Name the ops that may be asked of a fact of this kind, for forms and for the linter."""
    return tuple(name for name, op in OPS.items() if kind in op.kinds)


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
