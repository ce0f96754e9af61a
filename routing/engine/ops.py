"""
What can be asked of one fact: a table of ops.

| op                            | value                          | holds if the fact …             |
|-------------------------------|--------------------------------|---------------------------------|
| `eq`, `ne`                    | text, number or true/false     | is, is not, that value          |
| `in`, `not_in`                | list of such, not empty        | is one, is none, of them        |
| `gt` `gte` `lt` `lte`         | number                         | is a number beyond it           |
| `between`                     | [lo, hi]                       | is a number from lo to hi, both |
| `contains`                    | text (or number, for lists)    | contains the text; lists it     |
| `has_any`, `has_none`         | list of texts or numbers       | lists one, lists none, of them  |
| `prefix`                      | text or list of texts          | begins with it, or one of them; |
|                               |                                | has such an item                |
| `matches_domain`              | domain or list of domains      | is that domain or one below it  |
| `happened`, `not_happened`    | `Happening`                    | has so many such events, or not |
| `within_km`                   | `Circle`                       | is a point in the circle        |
| `in_hours`, `not_in_hours`    | `weekly.Week`                  | is a time within, outside them  |
| `empty`, `not_empty`          | none                           | is missing, is there            |

Text is compared casefolded. Types are strict: the number 1, the text "1" and `true` are three
different values, and a fact of another type than an op expects does not satisfy it (it does
satisfy `ne`, `not_in` and `has_none`: it is there, and it is something else). A missing fact
(absent, `None`, "" or an empty list) satisfies only `empty` and `not_happened`, for nothing is
what happened to whoever has no events.

Adding an op is one entry in `OPS`.
"""

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeGuard, cast

from routing.engine.earth import km_between, point_of
from routing.engine.parts import InvalidPart, ObjectReader
from routing.engine.weekly import Week, read_week

FactKind: TypeAlias = Literal["text", "number", "boolean", "list", "id", "time", "events", "point"]
Predicate: TypeAlias = Callable[[object], bool]

# Half the way round the earth: nothing is farther.
FARTHEST_KM = 20_038
MOST_TIMES = 1000
LONGEST_LABEL = 80
_EVENT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")


@dataclass(frozen=True, slots=True)
class Happening:
    """An event that happened at least so often, in the last `within` seconds (None: ever)."""

    name: str
    at_least: int = 1
    within: int | None = None

    def to_json(self) -> dict[str, object]:
        """Write as JSON, defaults included."""
        return {"name": self.name, "at_least": self.at_least, "within": self.within}


@dataclass(frozen=True, slots=True)
class Circle:
    """The places at most `km` from a point in degrees; `of` is what people call the point."""

    lat: float
    lon: float
    km: float
    of: str = ""

    def to_json(self) -> dict[str, object]:
        """Write as JSON, the label included."""
        return {"lat": self.lat, "lon": self.lon, "km": self.km, "of": self.of}


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


def _has_any(wanted: Iterable[object]) -> Predicate:
    keys = frozenset(map(key_of, wanted))
    return lambda found: (
        isinstance(found, list | tuple) and any(key_of(item) in keys for item in found)
    )


def _has_none(wanted: Iterable[object]) -> Predicate:
    has_any = _has_any(wanted)
    return lambda found: not is_missing(found) and not has_any(found)


def _prefix(wanted: str | tuple[str, ...]) -> Predicate:
    prefixes = tuple(text.casefold() for text in _as_tuple(wanted))

    def test(found: object) -> bool:
        items = found if isinstance(found, list | tuple) else (found,)
        return any(isinstance(i, str) and i.casefold().startswith(prefixes) for i in items)

    return test


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


def _happened(wanted: Happening) -> Predicate:
    name, within = wanted.name.casefold(), wanted.within

    def counts(event: object) -> bool:
        if not isinstance(event, list | tuple) or len(event) != 2:
            return False
        what, ago = event
        if not isinstance(what, str) or what.casefold() != name or not _is_number(ago):
            return False
        return within is None or ago <= within

    def test(found: object) -> bool:
        return isinstance(found, list | tuple) and sum(map(counts, found)) >= wanted.at_least

    return test


def _not_happened(wanted: Happening) -> Predicate:
    happened = _happened(wanted)
    return lambda found: not happened(found)


def _within_km(wanted: Circle) -> Predicate:
    def test(found: object) -> bool:
        point = point_of(found)
        return point is not None and km_between(wanted.lat, wanted.lon, *point) <= wanted.km

    return test


def _in_hours(wanted: Week) -> Predicate:
    return lambda found: _is_moment(found) and wanted.is_open(int(found))


def _not_in_hours(wanted: Week) -> Predicate:
    return lambda found: _is_moment(found) and not wanted.is_open(int(found))


def _is_moment(found: object) -> TypeGuard[float]:
    # A number from outside may be NaN or infinite, which is at no time.
    return _is_number(found) and math.isfinite(found)


def _empty(wanted: None) -> Predicate:
    return is_missing


def _not_empty(wanted: None) -> Predicate:
    return lambda found: not is_missing(found)


# --- Reading the value of each op --------------------------------------------------------
# A reader gets the JSON value and the kind of the fact (None if unknown) and returns the value
# as kept in a Check; it raises ValueError with a message, or InvalidPart for a part of the
# value, to which `parse` adds the path.


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
        # No op takes a plain value of these.
        "time": False,
        "events": False,
        "point": False,
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
    "time": "must be hours of the week",
    "events": "must name an event",
    "point": "must be a circle",
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
    lo, hi = (cast(float, _scalar(item, "number")) for item in value)
    if lo > hi:
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
    if not all(_domain(text) for text in _as_tuple(cast("str | tuple[str, ...]", texts))):
        raise ValueError("must be a domain such as acme.com")
    return texts


def _items(value: object, kind: FactKind | None) -> object:
    return _scalars(value, "list")


def _happening(value: object, kind: FactKind | None) -> object:
    part = ObjectReader(value, "", InvalidPart)
    name = part.text("name")
    if not _EVENT_NAME.fullmatch(name):
        part.refuse("name", "must be the name of an event such as pricing_page")
    at_least = part.integer("at_least", 1, least=1)
    if at_least > MOST_TIMES:
        part.refuse("at_least", f"must be at most {MOST_TIMES}")
    within = None
    if part.raw("within", None) is not None:
        within = part.integer("within", least=1)
    part.finish()
    return Happening(name, at_least, within)


def _circle(value: object, kind: FactKind | None) -> object:
    part = ObjectReader(value, "", InvalidPart)
    lat, lon = (_degrees(part, *each) for each in (("lat", 90), ("lon", 180)))
    km = part.raw("km")
    if not _is_number(km) or not 0 < km <= FARTHEST_KM:
        part.refuse("km", f"must be a number of kilometres up to {FARTHEST_KM}")
    label = part.text("of", "")
    if len(label) > LONGEST_LABEL:
        part.refuse("of", f"is longer than {LONGEST_LABEL} characters")
    part.finish()
    return Circle(lat, lon, km, label)


def _degrees(part: ObjectReader, key: str, most: int) -> float:
    value = part.raw(key)
    if not _is_number(value) or not -most <= value <= most:
        part.refuse(key, f"must be degrees from -{most} to {most}")
    return value


def _week(value: object, kind: FactKind | None) -> object:
    return read_week(value)


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
_LIST: frozenset[FactKind] = frozenset({"list"})
_TIME: frozenset[FactKind] = frozenset({"time"})
_EVENTS: frozenset[FactKind] = frozenset({"events"})
_POINT: frozenset[FactKind] = frozenset({"point"})
_ANY: frozenset[FactKind] = _SCALAR | _LIST | _TIME | _EVENTS | _POINT

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
    "contains": Op(_TEXT | _LIST, _contained, _contains),
    "has_any": Op(_LIST, _items, _has_any),
    "has_none": Op(_LIST, _items, _has_none),
    "prefix": Op(_TEXT | _LIST, _texts, _prefix),
    "matches_domain": Op(_TEXT, _domains, _matches_domain),
    "happened": Op(_EVENTS, _happening, _happened),
    "not_happened": Op(_EVENTS, _happening, _not_happened),
    "within_km": Op(_POINT, _circle, _within_km),
    "in_hours": Op(_TIME, _week, _in_hours),
    "not_in_hours": Op(_TIME, _week, _not_in_hours),
    "empty": Op(_ANY, _nothing, _empty),
    "not_empty": Op(_ANY, _nothing, _not_empty),
}


def ops_for(kind: FactKind) -> tuple[str, ...]:
    """Name the ops that may be asked of a fact of this kind, for forms and for the linter."""
    return tuple(name for name, op in OPS.items() if kind in op.kinds)
