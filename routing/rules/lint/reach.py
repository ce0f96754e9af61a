"""
Which rules ever get a lead: conditions that never hold, and rules behind other rules.

An earlier rule *keeps* its leads if none of them ever goes on: a queue, nurture, or waiting
without end, on both sides of a split. A rule behind such rules that together take all its leads
is unreachable. An earlier rule that gives its leads to a rep or a pool and lets them go on only
when nobody is free shadows a later rule that asks for *more* than it does: the special case
stands behind the general one. The same condition twice with another target is no mistake, that
is how one pool stands in for another.

Rules that expire cover nothing: one day the rules behind them are reached.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from routing.engine import TARGETS, Check, Condition, Facts, Path
from routing.engine.conditions import All, Not
from routing.rules.lint.finding import Finding, warning
from routing.rules.lint.logic import Space, Term, Variable, holds_at
from routing.rules.lint.world import Entry, World

# An alternative with more values than this on every fact is looked at for every rule.
_NARROW: Final = 64
NO_TERRITORY: Final = Check("territory", "empty")
# Kinds of target with somebody to give to, whoever the lead is.
_PEOPLE: Final = frozenset({"rep", "pool", "territory_pool"})


def keeps(entry: Entry) -> bool:
    """Say whether no lead that the rule matches ever goes on to a later rule."""
    return entry.rule.until is None and all(map(_keeps, entry.paths))


def _keeps(path: Path) -> bool:
    kind = TARGETS[path.target.kind]
    waits = path.on_empty == "wait" and path.wait_at_most is None
    return bool(kind.ends) or (waits and path.target.kind != "agent")


def expired(entry: Entry, world: World) -> bool:
    """Say whether the rule is skipped because its time is over."""
    return entry.rule.until is not None and entry.rule.until <= world.at


class Reach:
    """
    The rules in the order of trying, and what their conditions have to do with each other.

    `tests` counts how often two conditions were compared.
    """

    def __init__(self, rules: Sequence[Entry], world: World) -> None:
        self.world = world
        self.order = tuple(sorted(rules, key=lambda entry: entry.rule.rank))
        self.tests = 0
        conditions = [entry.rule.condition for entry in self.order]
        conditions += [promise.condition for promise in world.promises]
        self.space = Space([*conditions, world.hot, NO_TERRITORY], world.kinds)

    def findings(self) -> Iterator[Finding]:
        """Find the rules that no lead can reach, each named once, by its plainest mistake."""
        index = _Index()
        for entry in self.live:
            found = self._about(entry, index)
            if found is not None:
                yield found
            if entry.rule.until is None:
                index.add(entry, self.space.terms(entry.rule.condition) or ())

    @property
    def live(self) -> list[Entry]:
        """The rules that are tried today, without the fallback."""
        return [
            entry
            for entry in self.order
            if not entry.rule.fallback and not expired(entry, self.world)
        ]

    def could_meet(self, entry: Entry, condition: Condition) -> bool:
        """Say whether a rule may match a lead of this condition; True unless it surely cannot."""
        self.tests += 1
        return not self.space.disjoint(entry.rule.condition, condition)

    def example(self, entry: Entry, condition: Condition) -> Facts | None:
        """Make up a lead of this condition that the rule gets, whatever comes before it."""
        kept = [
            Not(one.rule.condition)
            for one in self.live
            if one.rule.rank < entry.rule.rank and keeps(one)
        ]
        self.tests += 1 + len(kept)
        return self.space.witness(All((entry.rule.condition, condition, *kept)))

    def _about(self, entry: Entry, index: "_Index") -> Finding | None:
        rule = entry.rule
        terms = self.space.terms(rule.condition)
        if terms is None:
            return None
        if not terms:
            return warning(
                "never_matches",
                f"“{rule.name}” never holds: its conditions exclude each other. "
                "Change the condition or take the rule out.",
                rule.id,
            )
        earlier = index.around(self.space.point(terms[0]))
        for other in earlier:
            if other.rule.path == rule.path and self._same(other, entry):
                return warning(
                    "duplicate",
                    f"“{rule.name}” asks the same and does the same as “{other.rule.name}” "
                    "before it. Take one of them out.",
                    rule.id,
                )
        if takers := self._takers(terms, index):
            names = " and ".join(f"“{one.rule.name}”" for one in takers[:3])
            takes = "takes" if len(takers) == 1 else "together take"
            more = f" and {len(takers) - 3} others" if len(takers) > 3 else ""
            return warning(
                "unreachable",
                f"“{rule.name}” is never reached: {names}{more} {takes} all its leads before it. "
                "Move it up or take it out.",
                rule.id,
            )
        for other in earlier:
            if shadows(other) and self._implies(entry, other) and not self._implies(other, entry):
                return warning(
                    "shadowed",
                    f"“{rule.name}” gets a lead only when “{other.rule.name}” has nobody free: "
                    "that one stands before it and matches all its leads. "
                    "Move the special case before the general one.",
                    rule.id,
                )
        return None

    def _implies(self, a: Entry, b: Entry) -> bool:
        self.tests += 1
        return self.space.implies(a.rule.condition, b.rule.condition)

    def _same(self, a: Entry, b: Entry) -> bool:
        return self._implies(a, b) and self._implies(b, a)

    def _takers(self, terms: tuple[Term, ...], index: "_Index") -> list[Entry]:
        """
        Return earlier rules that keep every lead of these alternatives; none if one gets past.

        A lead that is left is made up, and a rule sought that takes it: most rules are seen to
        be reached at the first lead.
        """
        left: tuple[Term, ...] | None = terms
        used: list[Entry] = []
        while left:
            here = index.around(self.space.point(left[0]))
            taker = next((one for one in here if keeps(one) and one not in used), None)
            if taker is None:
                return []
            used.append(taker)
            self.tests += 1
            left = self.space.minus(left, taker.rule.condition)
        return used if left is not None else []


def shadows(entry: Entry) -> bool:
    """Say whether the rule gives its leads to reps, and lets only go on whom nobody can take."""
    return not keeps(entry) and all(path.target.kind in _PEOPLE for path in entry.paths)


class _Index:
    """
    Rules to be found by a lead: each alternative is filed under the values of its narrowest
    fact, so that a rule is compared only with rules that could match one of its leads.
    """

    def __init__(self) -> None:
        self._narrow: dict[Variable, dict[int, list[tuple[Term, Entry]]]] = {}
        self._wide: list[tuple[Term, Entry]] = []

    def add(self, entry: Entry, terms: Sequence[Term]) -> None:
        for term in terms:
            variable = min(term, key=lambda one: term[one].bit_count(), default=None)
            if variable is None or term[variable].bit_count() > _NARROW:
                self._wide.append((term, entry))
                continue
            files = self._narrow.setdefault(variable, {})
            mask = term[variable]
            while mask:
                bit = mask & -mask
                files.setdefault(bit, []).append((term, entry))
                mask ^= bit

    def around(self, point: Term) -> list[Entry]:
        """Return the rules that match this lead, in order."""
        found = list(self._wide)
        for variable, files in self._narrow.items():
            found += files.get(point[variable], ())
        matching = {entry.rule.id: entry for term, entry in found if holds_at(term, point)}
        return sorted(matching.values(), key=lambda entry: entry.rule.rank)
