"""
What conditions imply. Pure, and never wrong where it claims something.

A `Space` is made of all the conditions that are to be compared. For every fact it keeps values
such that no check of these conditions can tell any value that a lead may have from one of them:
each value that is named, one between any two neighbouring numbers, a text for every combination
of prefix, domain and contained text, "not known". So a check is the set of those values that
pass it, found by asking the engine's own test; a conjunction of checks is one set per fact; and
"if a then b" is whether something of a is left when b is taken away.

What cannot be listed (an op of another kind, too many combinations) is opaque: each such check
counts as an unknown of its own. Then less is claimed, but nothing false. The same holds for the
bound on the size of what is compared.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, combinations
from typing import Any, Final, TypeAlias, TypeGuard

from routing.engine.conditions import All, AnyOf, Check, Condition, Facts, Not, holds
from routing.engine.ops import OPS, key_of

# A fact, or a check that stands for itself.
Variable: TypeAlias = str | tuple[Any, ...]
# A conjunction: per variable, a bit for each value allowed. What it does not name is free.
Term: TypeAlias = Mapping[Variable, int]
Terms: TypeAlias = tuple[Term, ...]

# Beyond so many alternatives, and so many values of a fact, nothing is claimed.
MOST_TERMS: Final = 512
MOST_VALUES: Final = 4096
# A character that no rule contains: text with it equals nothing that is named.
_OTHER: Final = "\ue000"

_NUMBERS: Final = frozenset({"gt", "gte", "lt", "lte"})
_ONE: Final = frozenset({"eq", "ne"})
_MANY: Final = frozenset({"in", "not_in"})
_TEXTS: Final = frozenset({"prefix", "matches_domain"})
_PRESENCE: Final = frozenset({"empty", "not_empty"})
_ITEMS: Final = frozenset({"has_any", "has_none"})
_OPPOSITE: Final = {"not_happened": "happened"}
_LISTABLE: Final = _NUMBERS | _ONE | _MANY | _TEXTS | _PRESENCE | _ITEMS | {"between", "contains"}
# Which sorts of value a fact of a kind can have; a kind that is not here is opaque.
_SORTS: Final[Mapping[str | None, frozenset[str]]] = {
    "text": frozenset({"text"}),
    "number": frozenset({"number"}),
    "id": frozenset({"number"}),
    "boolean": frozenset({"boolean"}),
    "list": frozenset({"list"}),
    None: frozenset({"text", "number", "boolean", "list", "other"}),
}


def checks_in(condition: Condition) -> Iterator[Check]:
    """Walk through every check of a condition."""
    match condition:
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from checks_in(part)
        case Not(part):
            yield from checks_in(part)
        case Check():
            yield condition


class Space:
    """
    The values that a set of conditions can tell apart.

    `kinds` names the kinds of the facts, where known: a fact without one may hold anything.
    Only conditions that the space was made of may be asked about.
    """

    def __init__(
        self, conditions: Iterable[Condition], kinds: Mapping[str, str] | None = None
    ) -> None:
        by_fact: dict[str, dict[tuple[str, Any], Check]] = {}
        for condition in conditions:
            for check in checks_in(condition):
                atoms = by_fact.setdefault(check.fact, {})
                atoms.setdefault((check.op, _stable(check.value)), check)
        kinds = kinds or {}
        self.values: dict[str, Sequence[object]] = {}
        self._masks: dict[tuple[str, str, Any], tuple[Variable, int]] = {}
        self._full: dict[Variable, int] = {}
        self._marks: dict[str, frozenset[float]] = {}
        self._terms: dict[int, tuple[Condition, Terms | None]] = {}
        for fact, atoms in by_fact.items():
            values = _values(list(atoms.values()), kinds.get(fact))
            if values is None:
                for op, value in atoms:
                    # Of two ops that are each other's opposite one is the other's "no".
                    variable = (fact, _OPPOSITE.get(op, op), value)
                    self._masks[fact, op, value] = (variable, 0b10 if op in _OPPOSITE else 0b01)
                    self._full[variable] = 0b11
                continue
            self.values[fact] = values
            self._marks[fact] = frozenset(filter(_is_number, _named(atoms.values())))
            self._full[fact] = (1 << len(values)) - 1
            for (op, value), check in atoms.items():
                passes = OPS[op].make(check.value)
                mask = sum(1 << i for i, found in enumerate(values) if passes(found))
                self._masks[fact, op, value] = (fact, mask)

    # --- Disjunctive form ---

    def terms(self, condition: Condition) -> Terms | None:
        """Return the alternatives of a condition, none empty; None if there are too many."""
        known = self._terms.get(id(condition))
        if known is None or known[0] is not condition:
            known = self._terms[id(condition)] = (condition, self._alternatives(condition, True))
        return known[1]

    def _alternatives(self, condition: Condition, wanted: bool) -> Terms | None:
        match condition:
            case Not(part):
                return self._alternatives(part, not wanted)
            case Check(fact, op, value):
                variable, mask = self._masks[fact, op, _stable(value)]
                full = self._full[variable]
                mask = mask if wanted else full & ~mask
                return () if not mask else ({},) if mask == full else ({variable: mask},)
            case All(parts) | AnyOf(parts):
                together = isinstance(condition, All) is wanted
                found: Terms | None = ({},) if together else ()
                for part in parts:
                    terms = self._alternatives(part, wanted)
                    if terms is None or found is None:
                        return None
                    found = _both(found, terms) if together else _either(found, terms)
                return found

    # --- Questions ---

    def satisfiable(self, condition: Condition) -> bool | None:
        """
        Say whether some lead meets the condition; None if that is not certain.

        True means that a lead was made up that meets it, False that there can be none.
        """
        terms = self.terms(condition)
        if terms is not None and not terms:
            return False
        return None if self.witness(condition) is None else True

    def witness(self, condition: Condition) -> Facts | None:
        """Make up a lead that meets the condition; None if none was found."""
        if any(check.op not in OPS for check in checks_in(condition)):
            return None
        for term in self.terms(condition) or ():
            facts = {
                variable: self.values[variable][_lowest(mask)]
                for variable, mask in term.items()
                if isinstance(variable, str)
            }
            if holds(condition, facts):
                return facts
        return None

    def implies(self, a: Condition, b: Condition) -> bool:
        """Say whether every lead that meets `a` meets `b`. False also if it is not certain."""
        return self.union_covers((b,), a)

    def union_covers(self, bs: Sequence[Condition], a: Condition) -> bool:
        """Say whether every lead that meets `a` meets one of `bs`; False if not certain."""
        left = self.terms(a)
        for b in bs:
            if left is None or not left:
                break
            terms = self.terms(b)
            left = left if terms is None else without(left, terms, self._full)
        return left is not None and not left

    def disjoint(self, a: Condition, b: Condition) -> bool:
        """Say whether no lead can meet both; False also if it is not certain."""
        one, other = self.terms(a), self.terms(b)
        if one is None or other is None:
            return one == () or other == ()
        return not any(_meet(x, y) is not None for x in one for y in other)

    def point(self, term: Term) -> Term:
        """
        Return one lead of an alternative: a single value for every fact.

        What the alternative leaves open is not known of this lead, as fewest rules ask for that.
        """
        return {
            variable: mask & -mask if (mask := term.get(variable)) else (full + 1) >> 1
            for variable, full in self._full.items()
        }

    def minus(self, left: Terms, b: Condition) -> Terms | None:
        """Take the leads of `b` away from alternatives; None if that becomes too large."""
        terms = self.terms(b)
        return None if terms is None else without(left, terms, self._full)

    def whole_range(self, term: Term, fact: str) -> tuple[int | None, int | None] | None:
        """
        Return the least and the greatest whole number of a fact in an alternative.

        None for an end that is open; None alone if the fact may be missing, or no number.
        """
        allowed = self.allowed(term, fact)
        known = [one for one in self.values.get(fact, ()) if _is_number(one)]
        numbers = [one for one in allowed or () if _is_number(one)]
        if allowed is None or len(numbers) < len(allowed) or not numbers:
            return None
        low, high = min(numbers), max(numbers)
        above = min((one for one in known if one > high), default=None)
        if high not in self._marks[fact] and above is not None:
            # It stands for everything up to the next number that is named.
            high = math.ceil(above) - 1
        return (
            None if low == min(known) else math.ceil(low),
            None if above is None else math.floor(high),
        )

    def beginnings(self, term: Term, fact: str) -> list[str] | None:
        """List how the texts of a fact begin in an alternative; None if that is not known."""
        allowed = self.allowed(term, fact)
        if allowed is None or not all(isinstance(one, str) for one in allowed):
            return None
        heads = [str(one).partition(_OTHER)[0] for one in allowed]
        return list(dict.fromkeys(heads)) if all(heads) else None

    @staticmethod
    def is_made_up(value: str) -> bool:
        """Say whether a text stands for others that no condition names whole."""
        return _OTHER in value

    def allowed(self, term: Term, fact: str) -> list[object] | None:
        """List the values of a fact that an alternative allows; None if it is free or opaque."""
        mask = term.get(fact)
        if mask is None:
            return None
        return [value for i, value in enumerate(self.values[fact]) if mask >> i & 1]


def satisfiable(condition: Condition) -> bool | None:
    """The same as `Space.satisfiable`, for one condition whose facts may hold anything."""
    return Space([condition]).satisfiable(condition)


def implies(a: Condition, b: Condition) -> bool:
    """The same as `Space.implies`, for facts that may hold anything."""
    return Space([a, b]).implies(a, b)


def union_covers(bs: Sequence[Condition], a: Condition) -> bool:
    """The same as `Space.union_covers`, for facts that may hold anything."""
    return Space([*bs, a]).union_covers(bs, a)


def disjoint(a: Condition, b: Condition) -> bool:
    """The same as `Space.disjoint`, for facts that may hold anything."""
    return Space([a, b]).disjoint(a, b)


# --- Sets of values ----------------------------------------------------------------------


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def holds_at(term: Term, point: Term) -> bool:
    """Say whether an alternative holds for a lead of `Space.point`."""
    return all(point[variable] & mask for variable, mask in term.items())


def _meet(one: Term, other: Term) -> Term | None:
    """Return what meets both; None if nothing can."""
    found = dict(one)
    for variable, mask in other.items():
        both = found.get(variable, mask) & mask
        if not both:
            return None
        found[variable] = both
    return found


def _both(one: Terms, other: Terms) -> Terms | None:
    found = [term for x in one for y in other if (term := _meet(x, y)) is not None]
    return _tidy(found) if len(found) <= MOST_TERMS else None


def _either(one: Terms, other: Terms) -> Terms | None:
    return _tidy([*one, *other]) if len(one) + len(other) <= MOST_TERMS else None


def _tidy(terms: Sequence[Term]) -> Terms:
    """Leave out repetitions, and add up alternatives about one and the same variable."""
    alone: dict[Variable, int] = {}
    others: list[Term] = []
    for term in terms:
        if not term:
            return ({},)
        if len(term) == 1:
            ((variable, mask),) = term.items()
            alone[variable] = alone.get(variable, 0) | mask
        elif term not in others:
            others.append(term)
    return (*({variable: mask} for variable, mask in alone.items()), *others)


def without(left: Terms, taken: Terms, full: Mapping[Variable, int]) -> Terms | None:
    """Take alternatives away from alternatives; None if what is left becomes too large."""
    for term in taken:
        rest: list[Term] = []
        for one in left:
            rest += _cut(one, term, full)
        if len(rest) > MOST_TERMS:
            return None
        left = tuple(rest)
    return left


def _cut(one: Term, taken: Term, full: Mapping[Variable, int]) -> Iterator[Term]:
    """Give the parts of an alternative outside of another, none overlapping."""
    if _meet(one, taken) is None:
        yield one
        return
    inside = dict(one)
    for variable, mask in taken.items():
        had = inside.get(variable, full[variable])
        if outside := had & ~mask:
            yield {**inside, variable: outside}
        inside[variable] = had & mask


# --- The values that checks can tell apart -----------------------------------------------


def _stable(value: object) -> object:
    """Return a key for the value of a check: equal values of different types stay apart."""
    if isinstance(value, list | tuple):
        return tuple(map(_stable, value))
    if isinstance(value, Mapping):
        return tuple(sorted((str(key), _stable(item)) for key, item in value.items()))
    return (type(value).__name__, value)


def _values(checks: Sequence[Check], kind: str | None) -> Sequence[object] | None:
    """Return values of one fact that stand for all; None if they cannot be listed."""
    if kind not in _SORTS or any(check.op not in _LISTABLE for check in checks):
        return None
    sorts = _SORTS[kind]
    makers: tuple[tuple[str, Callable[[Sequence[Check]], list[Any] | None]], ...] = (
        ("text", _texts),
        ("number", _numbers if kind != "id" else _ids),
        ("boolean", lambda _: [True, False]),
        ("list", _lists),
        ("other", lambda _: [{"": ""}]),
    )
    found: list[object] = []
    for sort, make in makers:
        if sort in sorts:
            values = make(checks)
            if values is None:
                return None
            found += values
    # Last, so that examples rather show a value than none.
    found.append(None)
    return found if len(found) <= MOST_VALUES else None


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _named(checks: Iterable[Check]) -> Iterator[object]:
    """Give the values that checks compare whole."""
    for check in checks:
        if check.op in _ONE or check.op in _NUMBERS:
            yield check.value
        elif check.op in _MANY or check.op == "between":
            yield from check.value


def _numbers(checks: Sequence[Check]) -> list[float]:
    marks = sorted(set(filter(_is_number, _named(checks))))
    if not marks:
        return [0]
    found: list[float] = [math.floor(marks[0]) - 1]
    for low, high in zip(marks, [*marks[1:], None], strict=True):
        found.append(low)
        if high is None:
            found.append(math.floor(low) + 1)
        elif low < (middle := _between(low, high)) < high:
            found.append(middle)
    return found


def _between(low: float, high: float) -> float:
    """Return a number in between, a whole one if there is one."""
    whole = math.floor(low) + 1
    return whole if whole < high else low + (high - low) / 2


def _ids(checks: Sequence[Check]) -> list[int]:
    named = {int(number) for number in filter(_is_number, _named(checks))}
    return [*sorted(named), max(named, default=0) + 1]


def _texts(checks: Sequence[Check]) -> list[str] | None:
    whole = {text.casefold() for text in _named(checks) if isinstance(text, str)}
    prefixes, domains, parts = set[str](), set[str](), set[str]()
    for check in checks:
        if check.op in _TEXTS:
            wanted = (check.value,) if isinstance(check.value, str) else check.value
            if check.op == "prefix":
                prefixes |= {text.casefold() for text in wanted}
            else:
                domains |= {text.strip().strip(".").casefold() for text in wanted}
        elif check.op == "contains" and isinstance(check.value, str):
            parts.add(check.value.casefold())
    if (len(prefixes) + 1) * (2 * len(domains) + 1) << len(parts) > MOST_VALUES:
        return None
    found = dict.fromkeys(sorted(whole))
    for prefix in ["", *sorted(prefixes)]:
        for some in _subsets(parts):
            beginning = prefix + _OTHER + _OTHER.join([*some, ""])
            for domain in sorted(domains):
                found[f"{beginning}.{domain}"] = None
            found[beginning] = None
    for domain in sorted(domains):
        found[domain] = None
        # Blanks and dots around a domain do not count, so it may begin or end with others.
        found |= dict.fromkeys(f"{prefix}.{domain}" for prefix in sorted(prefixes))
    return list(found)


def _lists(checks: Sequence[Check]) -> list[list[object]] | None:
    """Give a list for every choice of the items that checks can tell apart."""
    items: dict[object, object] = {}
    for check in checks:
        if check.op == "contains":
            items[key_of(check.value)] = check.value
        elif check.op in _ITEMS:
            items |= {key_of(item): item for item in check.value}
        elif check.op == "prefix":
            wanted = (check.value,) if isinstance(check.value, str) else check.value
            items |= {text.casefold() + _OTHER: text.casefold() + _OTHER for text in wanted}
    if len(items) >= MOST_VALUES.bit_length():
        return None
    return [[*some, _OTHER] for some in _subsets(items.values())]


def _subsets(items: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    listed = sorted(items, key=repr)
    return chain.from_iterable(combinations(listed, n) for n in range(len(listed) + 1))
