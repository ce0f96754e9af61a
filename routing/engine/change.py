"""
What would have made this rep win: the smallest single change, of a stated list.

`CHANGES` is the list, from what is nearest to what is farthest. A change is one thing about the
rep, one thing about the winner, or one fact of the lead; everything else stays as it was. Of one
kind the smallest amount is named. Where no change of the list makes the rep win, none is named:
that, too, is an answer, and both can be tried (`changed`), since `decide` is the judge of both.

At most `MOST_TRIED` changes are tried, the nearest; a search that ended there says so
(`Search.is_complete`), for then a farther change may have been enough.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeAlias

from routing.engine.compile import CompiledRuleSet
from routing.engine.conditions import All, AnyOf, Check, Condition, Not, holds
from routing.engine.decide import decide
from routing.engine.eligibility import next_chance
from routing.engine.ops import Happening
from routing.engine.spans import Spans
from routing.engine.types import Member, PoolSpec, RepSpec, Rule, Situation

# A shift that somebody is given covers an hour from the moment of the lead.
SHIFT = 3600
HIGHEST_LEVEL = 5
HIGHEST_SENIORITY = 4
TIMES_THE_WEIGHT = (2, 3, 5, 10)
# Facts that are instants of this very lead: a lead that comes later brings them along.
MOVING_FACTS = ("now", "answer_by")
# Facts that cannot be otherwise while it is the same lead at the same moment.
FIXED_FACTS = (*MOVING_FACTS, "lead")
# Each is a decision, and so many take about a second with a thousand rules and 200 reps; a set
# of usual size has some dozens of changes to try.
MOST_TRIED = 5000


@dataclass(frozen=True, slots=True)
class Change:
    """
    One thing that is otherwise. Which of `amount`, `name`, `pool` and `value` are given depends
    on the kind, see `CHANGES`.
    """

    kind: str
    rep: int
    amount: int | None = None
    name: str | None = None
    pool: int | None = None
    value: Any = None


@dataclass(frozen=True, slots=True)
class Question:
    """A lead that somebody else, or nobody, got, and the rep who asks."""

    ruleset: CompiledRuleSet
    situation: Situation
    rep: int
    winner: int | None

    @property
    def spec(self) -> RepSpec:
        return self.situation.roster.reps[self.rep]

    def wins(self, change: Change) -> bool:
        """Say whether the rep gets the lead once this is otherwise."""
        other = changed(self.situation, change)
        answer = decide(self.ruleset, other.facts, other.roster, other.counters, other.at)
        return answer.rep == self.rep


Candidates: TypeAlias = Callable[[Question], Iterator[Change]]


@dataclass(frozen=True, slots=True)
class Search:
    """
    What came of looking for a change. `change` None: none of the `tried` was enough.

    `is_complete`: there was no further one to try.
    """

    change: Change | None = None
    tried: int = 0
    is_complete: bool = True


def search(
    ruleset: CompiledRuleSet, situation: Situation, rep: int, most: int = MOST_TRIED
) -> Search:
    """
    Look for the first change of `CHANGES` that makes the rep win, among the nearest `most`.

    Nothing is tried for a rep who is not in the roster, or who got the lead.
    """
    if rep not in situation.roster.reps:
        return Search()
    answer = decide(ruleset, situation.facts, situation.roster, situation.counters, situation.at)
    if answer.rep == rep:
        return Search()
    question = Question(ruleset, situation, rep, answer.rep)
    changes, tried = all_changes(question), 0
    for tried, change in enumerate(islice(changes, most), start=1):
        if question.wins(change):
            return Search(change, tried)
    return Search(None, tried, next(changes, None) is None)


def smallest_change(ruleset: CompiledRuleSet, situation: Situation, rep: int) -> Change | None:
    """Return the change that `search` finds; None if it finds none."""
    return search(ruleset, situation, rep).change


def all_changes(question: Question) -> Iterator[Change]:
    """Yield every change of the list for this rep and lead, the nearest first."""
    for candidates in CHANGES.values():
        yield from candidates(question)


def changed(situation: Situation, change: Change) -> Situation:
    """Return the situation with this one thing otherwise; nothing given is altered."""
    return _DO[change.kind](situation, change)


# --- The list: which changes there are to try ----------------------------------------------


def _back_at_work(question: Question) -> Iterator[Change]:
    counters, at = question.situation.counters, question.situation.at
    until = counters.away.get(question.rep, 0)
    if question.rep in counters.away and (until is None or at < until):
        yield Change("not_paused", question.rep)


def _present(question: Question) -> Iterator[Change]:
    at = question.situation.at
    if any(start <= at < end for start, end in question.spec.absences):
        yield Change("not_absent", question.rep)


def _on_shift(question: Question) -> Iterator[Change]:
    hours, at = question.spec.hours, question.situation.at
    if hours is not None and not any(start <= at < end for start, end in hours):
        yield Change("on_shift", question.rep)


def _later(question: Question) -> Iterator[Change]:
    """Had the lead come when the rep is next free; only of use where time is in the way."""
    situation = question.situation
    chances = {next_chance(question.spec, situation)}
    if question.spec.hours is not None:
        chances |= {start for start, _ in question.spec.hours if start > situation.at}
    for chance in sorted(one for one in chances if one is not None):
        if chance > situation.at:
            yield Change("later", question.rep, amount=chance - situation.at)


def _fewer_open(question: Question) -> Iterator[Change]:
    most = question.situation.counters.open.get(question.rep, 0)
    yield from _least("fewer_open", question, most)


def _more_capacity(question: Question) -> Iterator[Change]:
    capacity = question.spec.capacity
    if capacity is not None:
        held = question.situation.counters.open.get(question.rep, 0)
        yield from _least("more_capacity", question, max(0, held + 1 - capacity))


def _least(kind: str, question: Question, most: int) -> Iterator[Change]:
    """
    Yield the smallest amount of 1 to `most` that makes the rep win, or `most` if none does.

    More of these never hurts, so the smallest is found by halving.
    """
    if most < 1:
        return
    low, high = 1, most
    if question.wins(Change(kind, question.rep, amount=most)):
        while low < high:
            middle = (low + high) // 2
            if question.wins(Change(kind, question.rep, amount=middle)):
                high = middle
            else:
                low = middle + 1
    yield Change(kind, question.rep, amount=high)


def _without_limit(question: Question) -> Iterator[Change]:
    for place in range(len(question.spec.limits)):
        yield Change("without_limit", question.rep, amount=place)


def _skill(question: Question) -> Iterator[Change]:
    for name in sorted(_skills_asked(question)):
        for level in range(question.spec.skills.get(name, 0) + 1, HIGHEST_LEVEL + 1):
            yield Change("skill", question.rep, name=name, amount=level)


def _seniority(question: Question) -> Iterator[Change]:
    for level in range(question.spec.seniority + 1, HIGHEST_SENIORITY + 1):
        yield Change("seniority", question.rep, amount=level)


def _active(question: Question) -> Iterator[Change]:
    if not question.spec.active:
        yield Change("active", question.rep)


def _member(question: Question) -> Iterator[Change]:
    for pool in sorted(question.situation.roster.pools):
        if question.rep not in question.situation.roster.pools[pool].by_rep:
            yield Change("member", question.rep, pool=pool)


def _weight(question: Question) -> Iterator[Change]:
    pools = question.situation.roster.pools
    for times in TIMES_THE_WEIGHT:
        for pool in sorted(pools):
            if question.rep in pools[pool].by_rep:
                yield Change("weight", question.rep, pool=pool, amount=times)


def _without_winner(question: Question) -> Iterator[Change]:
    if question.winner is not None:
        yield Change("without_winner", question.rep, value=question.winner)


def _fact(question: Question) -> Iterator[Change]:
    """Yield every fact of the lead at a value that some rule asks for, or missing."""
    facts, rep = question.situation.facts, question.rep
    tried: set[tuple[str, str]] = set()
    for name, value in _wanted_values(question):
        mark = (name, repr(value))
        if mark not in tried and name not in FIXED_FACTS and facts.get(name) != value:
            tried.add(mark)
            yield Change("fact", rep, name=name, value=value)


CHANGES: Mapping[str, Candidates] = {
    # The rep is not paused.
    "not_paused": _back_at_work,
    # The rep is not out of office.
    "not_absent": _present,
    # The rep works at this moment.
    "on_shift": _on_shift,
    # The lead comes `amount` seconds later, when the rep next begins.
    "later": _later,
    # The rep holds `amount` open leads fewer.
    "fewer_open": _fewer_open,
    # The rep's capacity is `amount` higher.
    "more_capacity": _more_capacity,
    # The rep has not the limit at place `amount` of their limits.
    "without_limit": _without_limit,
    # The rep has the skill `name` at level `amount`.
    "skill": _skill,
    # The rep's seniority is `amount`.
    "seniority": _seniority,
    # The rep is switched on.
    "active": _active,
    # The rep is a member of `pool`, with the smallest weight and nothing owed.
    "member": _member,
    # The rep's weight in `pool` is `amount` times as high.
    "weight": _weight,
    # Whoever got it (`value`) is paused.
    "without_winner": _without_winner,
    # The lead's fact `name` is `value` (None: is missing).
    "fact": _fact,
}


def _skills_asked(question: Question) -> set[str]:
    """Name the skills that some path asks for by name, or that the lead's facts name."""
    asked: set[str] = set()
    facts = question.situation.facts
    for compiled in question.ruleset.rules:
        path = compiled.rule.path
        for one in (path, path.split.path) if path.split else (path,):
            for stage in one.stages:
                name = stage.options.get("skill")
                if isinstance(name, str):
                    asked.add(name.casefold())
                fact = stage.options.get("skill_fact") or _FACT_OF_STAGE.get(stage.by)
                found = facts.get(fact) if fact else None
                listed = found if isinstance(found, list | tuple) else (found,)
                asked |= {text.casefold() for text in listed if isinstance(text, str) and text}
    return asked


_FACT_OF_STAGE: Mapping[str, str] = {"language": "language", "segment": "segment"}


def _wanted_values(question: Question) -> Iterator[tuple[str, Any]]:
    """
    Yield (fact, value) that would turn a check of some rule round: a value that satisfies one
    that fails, missing for one that holds; and the rep as the owner that a rule asks for.
    """
    facts = question.situation.facts
    for compiled in question.ruleset.rules:
        rule: Rule = compiled.rule
        for check in _checks(rule.condition):
            if holds(check, facts):
                undone = _happening(check.value) if check.op == "not_happened" else None
                yield check.fact, undone
            else:
                yield from ((check.fact, value) for value in _satisfying(check))
        ways = [way for way in (compiled.own, compiled.other) if way is not None]
        owners = [name for way in ways for name in way.target.facts if "owner" in name]
        yield from ((name, question.rep) for name in owners)
    yield "former_owner", question.rep


def _checks(condition: Condition) -> Iterator[Check]:
    match condition:
        case Check():
            yield condition
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from _checks(part)
        case Not(part):
            yield from _checks(part)


def _satisfying(check: Check) -> Iterator[Any]:
    """Yield values that satisfy a check, the plainest first; none where none is plain."""
    value = check.value
    match check.op:
        case "eq" | "gte" | "lte":
            yield value
        case "contains":
            yield value
            yield [value]
        case "in":
            yield from value
        case "has_any":
            yield [value[0]]
        case "happened":
            yield _happening(value)
        case "within_km":
            yield [value.lat, value.lon]
        case "gt":
            yield value + 1
        case "lt":
            yield value - 1
        case "between":
            yield value[0]
        case "prefix" | "matches_domain":
            yield value if isinstance(value, str) else value[0]
        case "empty" | "not_happened":
            yield None


def _happening(wanted: Happening) -> list[list[Any]]:
    """It has just happened, as often as is asked, and nothing else."""
    return [[wanted.name, 0] for _ in range(wanted.at_least)]


# --- What a change does --------------------------------------------------------------------


def _with_rep(situation: Situation, rep: int, **values: Any) -> Situation:
    reps = {**situation.roster.reps, rep: replace(situation.roster.reps[rep], **values)}
    return replace(situation, roster=replace(situation.roster, reps=reps))


def _do_not_paused(situation: Situation, change: Change) -> Situation:
    counters = situation.counters.copy()
    counters.away.pop(change.rep, None)
    return replace(situation, counters=counters)


def _without(spans: Spans, at: int) -> Spans:
    return tuple(span for span in spans if not span[0] <= at < span[1])


def _do_not_absent(situation: Situation, change: Change) -> Situation:
    spec = situation.roster.reps[change.rep]
    return _with_rep(situation, change.rep, absences=_without(spec.absences, situation.at))


def _do_on_shift(situation: Situation, change: Change) -> Situation:
    spec, at = situation.roster.reps[change.rep], situation.at
    hours = spec.hours or ()
    following = [start for start, _ in hours if start > at]
    end = min([at + SHIFT, *following])
    return _with_rep(situation, change.rep, hours=tuple(sorted([*hours, (at, end)])))


def _do_later(situation: Situation, change: Change) -> Situation:
    wait = change.amount or 0
    facts = dict(situation.facts)
    for name in MOVING_FACTS:
        moment = facts.get(name)
        if isinstance(moment, int):
            facts[name] = moment + wait
    return replace(situation, at=situation.at + wait, facts=facts)


def _do_fewer_open(situation: Situation, change: Change) -> Situation:
    counters = situation.counters.copy()
    counters.open[change.rep] = counters.open.get(change.rep, 0) - (change.amount or 0)
    return replace(situation, counters=counters)


def _do_more_capacity(situation: Situation, change: Change) -> Situation:
    capacity = situation.roster.reps[change.rep].capacity
    raised = None if capacity is None else capacity + (change.amount or 0)
    return _with_rep(situation, change.rep, capacity=raised)


def _do_without_limit(situation: Situation, change: Change) -> Situation:
    limits = situation.roster.reps[change.rep].limits
    left = tuple(limit for place, limit in enumerate(limits) if place != change.amount)
    return _with_rep(situation, change.rep, limits=left)


def _do_skill(situation: Situation, change: Change) -> Situation:
    skills = {**situation.roster.reps[change.rep].skills, str(change.name): change.amount or 0}
    return _with_rep(situation, change.rep, skills=skills)


def _do_seniority(situation: Situation, change: Change) -> Situation:
    return _with_rep(situation, change.rep, seniority=change.amount or 0)


def _do_active(situation: Situation, change: Change) -> Situation:
    return _with_rep(situation, change.rep, active=True)


def _with_pool(situation: Situation, pool: PoolSpec) -> Situation:
    pools = {**situation.roster.pools, pool.id: pool}
    return replace(situation, roster=replace(situation.roster, pools=pools))


def _do_member(situation: Situation, change: Change) -> Situation:
    pool = situation.roster.pools[change.pool or 0]
    weight = min([one.weight for one in pool.members], default=1)
    last = max([one.position for one in pool.members], default=0)
    members = (*pool.members, Member(change.rep, weight, last + 1))
    return _with_pool(situation, replace(pool, members=members))


def _do_weight(situation: Situation, change: Change) -> Situation:
    pool, times = situation.roster.pools[change.pool or 0], change.amount or 1
    members = tuple(
        replace(one, weight=one.weight * times) if one.rep == change.rep else one
        for one in pool.members
    )
    return _with_pool(situation, replace(pool, members=members))


def _do_without_winner(situation: Situation, change: Change) -> Situation:
    counters = situation.counters.copy()
    counters.away[change.value] = None
    counters.credited.discard(change.value)
    return replace(situation, counters=counters)


def _do_fact(situation: Situation, change: Change) -> Situation:
    facts = {**situation.facts, str(change.name): change.value}
    return replace(situation, facts=facts)


_DO: Mapping[str, Callable[[Situation, Change], Situation]] = {
    "not_paused": _do_not_paused,
    "not_absent": _do_not_absent,
    "on_shift": _do_on_shift,
    "later": _do_later,
    "fewer_open": _do_fewer_open,
    "more_capacity": _do_more_capacity,
    "without_limit": _do_without_limit,
    "skill": _do_skill,
    "seniority": _do_seniority,
    "active": _do_active,
    "member": _do_member,
    "weight": _do_weight,
    "without_winner": _do_without_winner,
    "fact": _do_fact,
}
