"""
The long story of a decision, told on demand.

`explain` runs `decide` itself and reads its trace, so it cannot disagree with what ran; what it
adds is words: which part of a condition failed, how full somebody was, when they are back, and
where each eligible rep stood.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, TypeAlias

from routing.engine import codec
from routing.engine.attempt import Attempt, why_empty
from routing.engine.compile import CompiledRule, CompiledRuleSet
from routing.engine.conditions import Facts, Failure, first_failure
from routing.engine.decide import decide
from routing.engine.eligibility import FLOOR, Detail, floor_detail
from routing.engine.facts import scores_in
from routing.engine.rotation import UNIT, lane_of
from routing.engine.strategies import STRATEGIES, in_force
from routing.engine.types import Counters, Decision, Member, Roster, Rule, Situation, Verdict

# A rule did not match; matched but no longer holds; matched and was tried; or matched after the
# matter was settled.
Status: TypeAlias = Literal["no_match", "expired", "tried", "not_reached"]
Result: TypeAlias = Literal["assigned", "ended", "fell_through", "waits"]

CHOSEN = "chosen"
ELIGIBLE = "eligible"
SET_ASIDE = "set_aside"
NOT_A_CANDIDATE = "not_a_candidate"


@dataclass(frozen=True, slots=True)
class CandidateStory:
    """
    What became of one candidate under one rule.

    `verdict` is "chosen", "eligible" (stood in the order and was not first), "set_aside" (a
    preference, named in `detail`, kept others), or the first check failed. `until` is the
    instant the verdict ends where time alone ends it.
    """

    rep: int
    verdict: Verdict
    detail: str = ""
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where an eligible rep stood when the strategy chose; `place` 1 took the lead.

    `balance` is what the pool's rotation owed before the lead, `standing` after gaining a share
    of it, in units; `balance_leads` and `standing_leads` are the same in leads, rounded. All
    None where no rotation chose. `value` is that of the open leads, `score` the propensity.
    """

    place: int
    rep: int
    open: int
    capacity: int | None
    weight: int
    position: int
    value: int = 0
    performance: int = 100
    score: float | None = None
    balance: int | None = None
    standing: int | None = None
    balance_leads: float | None = None
    standing_leads: float | None = None
    turn: int | None = None


@dataclass(frozen=True, slots=True)
class Relaxed:
    """A filter that was not what it is on the strict path; `options` None: it was dropped."""

    by: str
    options: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class LevelStory:
    """
    One level of relaxation that was tried: who of the candidates was left, and if nobody, why.

    `after` is the seconds of waiting from which it holds, `relaxed` what differs from level 0.
    """

    level: int
    after: int
    relaxed: tuple[Relaxed, ...]
    left: int
    why: str | None = None


@dataclass(frozen=True, slots=True)
class RuleStory:
    """
    What became of the lead at one rule.

    `failed` is the first failing part of a condition that did not match. `result` and what
    follows are told only of rules that were tried; `why` of those that had nobody. `target` is
    that of the path taken: of a rule that splits, the one of its `branch`. `levels` are the
    relaxations tried, the strict path first; `candidates` and `order` tell of the last of them.
    `relaxes_at`: when the next level is reached, if there is one and nobody was left. `credited`
    are those who gained their share of the lead though the company had sent them away.
    """

    id: int
    position: int
    name: str
    fallback: bool
    target: str
    target_id: int | None
    matched: bool
    status: Status
    failed: Failure | None = None
    result: Result | None = None
    why: str | None = None
    strategy: str | None = None
    branch: str = ""
    until: int | None = None
    levels: tuple[LevelStory, ...] = ()
    relaxes_at: int | None = None
    candidates: tuple[CandidateStory, ...] = ()
    order: tuple[Place, ...] = ()
    credited: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """
    Why a rep did or did not get the lead: their verdict at the last rule that considered them.

    "not_a_candidate" if no rule that was tried did.
    """

    rep: int
    verdict: Verdict
    rule: int | None = None
    detail: str = ""
    until: int | None = None
    place: int | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The decision with everything that led to it."""

    at: int
    decision: Decision
    rules: tuple[RuleStory, ...]
    winner: int | None
    runner_up: int | None
    answer: Answer | None = None

    def to_json(self) -> dict[str, Any]:
        """Write as plain JSON data."""
        return {
            "at": self.at,
            "decision": codec.decision_to_json(self.decision),
            "rules": [asdict(rule) for rule in self.rules],
            "winner": self.winner,
            "runner_up": self.runner_up,
            "answer": None if self.answer is None else asdict(self.answer),
        }


def explain(
    ruleset: CompiledRuleSet,
    facts: Facts,
    roster: Roster,
    counters: Counters,
    at: int,
    rep: int | None = None,
) -> Explanation:
    """
    Tell how the decision about a lead comes about, rule by rule.

    With `rep` it answers "why not me?": `answer` is about them, and of the other reps only the
    winner's place remains, since one's colleagues' absences are not one's business.
    """
    trace: list[Attempt] = []
    situation = Situation(facts, roster, counters, at)
    decision = decide(ruleset, facts, roster, counters, at, trace)
    tried: dict[int, list[Attempt]] = {}
    for attempt in trace:
        tried.setdefault(attempt.compiled.rule.id, []).append(attempt)
    rules = tuple(
        _rule_story(compiled, tried.get(compiled.rule.id, ()), decision, situation)
        for compiled in ruleset.rules
    )
    answer = None
    if rep is not None:
        answer = _answer(rep, rules)
        rules = tuple(_only(rep, decision.rep, rule) for rule in rules)
    return Explanation(at, decision, rules, decision.rep, decision.runner_up, answer)


def _rule_story(
    compiled: CompiledRule,
    attempts: Sequence[Attempt],
    decision: Decision,
    situation: Situation,
) -> RuleStory:
    rule, facts = compiled.rule, situation.facts
    way, branch = compiled.way_of(facts)
    matched = compiled.holds(facts)
    story = RuleStory(
        id=rule.id,
        position=rule.position,
        name=rule.name,
        fallback=rule.fallback,
        target=way.path.target.kind,
        target_id=way.path.target.id,
        matched=matched,
        status=_status(rule, matched, situation.at),
        failed=None if matched else first_failure(rule.condition, facts),
        until=rule.until,
    )
    if not attempts:
        return story
    last = attempts[-1]
    decided = decision.rule == rule.id
    ends = way.target.ends is not None
    return replace(
        story,
        status="tried",
        result=_result(decided, decision),
        why=None if ends or last.survivors else why_empty(last),
        strategy=None if ends else _strategy(last, situation),
        branch=branch,
        levels=() if ends else tuple(_level_story(attempt) for attempt in attempts),
        relaxes_at=None if ends or last.survivors else last.next_level(situation),
        candidates=tuple(_candidate_stories(last, decision if decided else None, situation)),
        order=_order(last, situation),
        credited=tuple(member.rep for member in last.credited if last.survivors),
    )


def _status(rule: Rule, matched: bool, at: int) -> Status:
    if not matched:
        return "no_match"
    return "expired" if rule.has_expired(at) else "not_reached"


def _strategy(attempt: Attempt, situation: Situation) -> str:
    return in_force(attempt.way.strategy, attempt.survivors, attempt.question(situation))


def _level_story(attempt: Attempt) -> LevelStory:
    level, left = attempt.level, len(attempt.eligible)
    return LevelStory(
        level=level.number,
        after=level.after,
        relaxed=tuple(Relaxed(by, one.options) for by, one in level.relaxed),
        left=left,
        why=None if left else why_empty(attempt),
    )


def _result(decided: bool, decision: Decision) -> Result:
    if not decided:
        return "fell_through"
    if decision.outcome == "assign":
        return "assigned"
    return "waits" if decision.outcome == "park" else "ended"


def _candidate_stories(
    attempt: Attempt, decision: Decision | None, situation: Situation
) -> Sequence[CandidateStory]:
    dropped, set_aside = dict(attempt.dropped), dict(attempt.set_aside)
    winner = None if decision is None else decision.rep
    stories = []
    for member in attempt.candidates:
        rep = member.rep
        if rep in dropped:
            detail = _detail(dropped[rep], rep, attempt, situation)
            stories.append(CandidateStory(rep, dropped[rep], detail.text, detail.until))
        elif rep in set_aside:
            stories.append(CandidateStory(rep, SET_ASIDE, set_aside[rep]))
        else:
            stories.append(CandidateStory(rep, CHOSEN if rep == winner else ELIGIBLE))
    return stories


def _detail(verdict: Verdict, rep_id: int, attempt: Attempt, situation: Situation) -> Detail:
    rep = situation.roster.reps.get(rep_id)
    if rep is None or verdict in FLOOR:
        return floor_detail(verdict, rep, situation.counters, situation.at, attempt.load)
    # Of several filters with one verdict, the first that the rep fails spoke.
    failed = next(
        one
        for one in attempt.level.filters
        if one.verdict == verdict and not one.bind(situation)(rep)
    )
    return failed.detail(rep, situation)


def _order(attempt: Attempt, situation: Situation) -> tuple[Place, ...]:
    if not attempt.survivors:
        return ()
    asked = attempt.question(situation)
    strategy = STRATEGIES[_strategy(attempt, situation)]
    keys = sorted(strategy.keys(attempt.survivors, asked))
    members = {member.rep: member for member in attempt.survivors}
    total = sum(member.weight for member in (*attempt.survivors, *attempt.credited))
    scores = scores_in(situation.facts, "propensity")
    places = []
    for number, key in enumerate(keys, start=1):
        place = _place(number, members[key[-1]], scores, situation)
        if strategy.rotates and attempt.pool is not None:
            place = _with_balance(place, attempt.pool, total, situation)
        places.append(place)
    return tuple(places)


def _place(number: int, member: Member, scores: Mapping[int, float], situation: Situation) -> Place:
    counters, rep = situation.counters, situation.roster.reps[member.rep]
    return Place(
        place=number,
        rep=member.rep,
        open=counters.open.get(member.rep, 0),
        capacity=rep.capacity,
        weight=member.weight,
        position=member.position,
        value=counters.value.get(member.rep, 0),
        performance=rep.performance,
        score=scores.get(member.rep),
    )


def _with_balance(place: Place, pool: int, total: int, situation: Situation) -> Place:
    counters = situation.counters
    seat = (pool, place.rep, lane_of(situation.roster.pools[pool], situation.tier))
    balance = counters.balance.get(seat, 0)
    standing = balance + UNIT * place.weight // total
    return replace(
        place,
        balance=balance,
        standing=standing,
        balance_leads=round(balance / UNIT, 4),
        standing_leads=round(standing / UNIT, 4),
        turn=counters.turn.get(seat, 0),
    )


# --- Why not me? -------------------------------------------------------------------------


def _answer(rep: int, rules: Sequence[RuleStory]) -> Answer:
    for rule in reversed(rules):
        for story in rule.candidates:
            if story.rep == rep:
                place = next((one.place for one in rule.order if one.rep == rep), None)
                return Answer(rep, story.verdict, rule.id, story.detail, story.until, place)
    return Answer(rep, NOT_A_CANDIDATE)


def _only(rep: int, winner: int | None, rule: RuleStory) -> RuleStory:
    return replace(
        rule,
        candidates=tuple(story for story in rule.candidates if story.rep == rep),
        order=tuple(place for place in rule.order if place.rep in (rep, winner)),
        credited=tuple(one for one in rule.credited if one == rep),
    )
