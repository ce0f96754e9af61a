"""
One lead, one decision.

For each matching rule in order: a queue or nurture target ends the matter; otherwise the
target's candidates go through the floor, the filters, the preferences, and the strategy takes
one of those who are left. If none is left, `on_empty` either goes on to the next rule or parks
the lead there. If the rules end without a taker the lead is parked too: it is never dropped.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from routing.engine import rotation
from routing.engine.compile import CompiledRule, CompiledRuleSet
from routing.engine.conditions import Facts
from routing.engine.eligibility import (
    FLOOR,
    FULL,
    floor,
    handed_back,
    is_absent,
    is_away,
    next_chance,
)
from routing.engine.strategies import choose
from routing.engine.types import (
    ENGINE_VERSION,
    MAIN,
    Blocked,
    Counters,
    Decision,
    Member,
    RepSpec,
    Roster,
    Situation,
    Verdict,
)

NO_CANDIDATES = "no_candidates"


@dataclass(slots=True)
class Attempt:
    """
    What one matching rule made of the lead; `explain` reads it.

    `dropped` failed a check; `eligible` passed all; `survivors` are the eligible whom the
    preferences kept, and `set_aside` says by which preference the others were not.
    """

    compiled: CompiledRule
    candidates: tuple[Member, ...]
    pool: int | None
    dropped: list[tuple[int, Verdict]]
    eligible: list[Member]
    survivors: Sequence[Member]
    set_aside: list[tuple[int, str]]


def decide(
    ruleset: CompiledRuleSet,
    facts: Facts,
    roster: Roster,
    counters: Counters,
    at: int,
    trace: list[Attempt] | None = None,
) -> Decision:
    """
    Decide about one lead at one moment; nothing is changed, `apply` books the result.

    The same arguments always give the same decision. Each rule tried is appended to `trace`
    if one is given, which is how `explain` tells what happened without deciding anew.

    A parked lead knows:
    - `retry_at`: the earliest instant after `at` when time alone gives one of the candidates
      met a chance; None if time alone cannot help.
    - `blocked`: "capacity" if a candidate was held back by nothing but capacity; else "hours"
      if one only has to begin work; else "away" if one only has to come back; else "nobody".
    - `wait_pool` or `wait_rep`: whom the first rule that had candidates meant. Of an owner and
      a backup, the first who is in the roster.
    """
    situation = Situation(facts, roster, counters, at)
    attempts: list[Attempt] = []
    for compiled in ruleset.matching(facts):
        attempt = attempt_rule(compiled, situation)
        attempts.append(attempt)
        if trace is not None:
            trace.append(attempt)
        if compiled.target.ends is not None:
            return _ended(attempts)
        if attempt.survivors:
            return _assigned(attempts, situation)
        if compiled.rule.path.on_empty == "wait":
            return _parked(attempts, situation, attempt)
    return _parked(attempts, situation, None)


def attempt_rule(compiled: CompiledRule, situation: Situation) -> Attempt:
    """Find out who could take the lead under this rule."""
    found = compiled.target.resolve(compiled.rule.path.target, situation.facts, situation.roster)
    dropped: list[tuple[int, Verdict]] = []
    eligible: list[Member] = []
    reps, counters, at = situation.roster.reps, situation.counters, situation.at
    tests = [(one.verdict, one.bind(situation)) for one in compiled.filters]
    never = handed_back(situation.facts)
    for member in found.members:
        rep = reps.get(member.rep)
        verdict = floor(rep, counters, at, never)
        if verdict is None and rep is not None:
            for failed, keeps in tests:
                if not keeps(rep):
                    verdict = failed
                    break
        if verdict is None:
            eligible.append(member)
        else:
            dropped.append((member.rep, verdict))
    survivors, set_aside = _preferred(compiled, eligible, situation)
    return Attempt(compiled, found.members, found.pool, dropped, eligible, survivors, set_aside)


def _preferred(
    compiled: CompiledRule, eligible: list[Member], situation: Situation
) -> tuple[Sequence[Member], list[tuple[int, str]]]:
    survivors: Sequence[Member] = eligible
    set_aside: list[tuple[int, str]] = []
    for name, preference in compiled.preferences:
        best = preference.best(survivors, situation)
        if best and len(best) < len(survivors):
            kept = {member.rep for member in best}
            set_aside += [(m.rep, name) for m in survivors if m.rep not in kept]
            survivors = best
    return survivors, set_aside


# --- Writing the decision ----------------------------------------------------------------


def _assigned(attempts: list[Attempt], situation: Situation) -> Decision:
    attempt = attempts[-1]
    compiled, survivors = attempt.compiled, attempt.survivors
    rep, runner_up = choose(compiled.strategy_name, survivors, attempt.pool, situation)
    tier = situation.tier
    lane, charges = MAIN, ()
    if compiled.strategy.rotates and attempt.pool is not None:
        pool = situation.roster.pools[attempt.pool]
        lane = rotation.lane_of(pool, tier)
        charges = rotation.charges(pool, lane, survivors, rep, situation.counters)
    return Decision(
        engine=ENGINE_VERSION,
        outcome="assign",
        rule=compiled.rule.id,
        rule_position=compiled.rule.position,
        target=compiled.rule.path.target.kind,
        strategy=compiled.strategy_name,
        rep=rep,
        at=situation.at,
        tier=tier,
        pool=attempt.pool,
        lane=lane,
        charges=charges,
        runner_up=runner_up,
        drops=_drops(attempts),
        passed_over=_passed_over(attempts[:-1]),
    )


def _ended(attempts: list[Attempt]) -> Decision:
    compiled = attempts[-1].compiled
    ends, target = compiled.target.ends, compiled.rule.path.target
    return Decision(
        engine=ENGINE_VERSION,
        outcome="queue" if ends == "queue" else "nurture",
        rule=compiled.rule.id,
        rule_position=compiled.rule.position,
        target=target.kind,
        queue=target.id if ends == "queue" else None,
        drops=_drops(attempts),
        passed_over=_passed_over(attempts[:-1]),
    )


def _parked(attempts: list[Attempt], situation: Situation, waits: Attempt | None) -> Decision:
    rule = None if waits is None else waits.compiled.rule
    retry_at, blocked = _outlook(attempts, situation)
    wait_pool, wait_rep = _waits_for(attempts, situation.roster)
    return Decision(
        engine=ENGINE_VERSION,
        outcome="park",
        rule=None if rule is None else rule.id,
        rule_position=None if rule is None else rule.position,
        target=None if rule is None else rule.path.target.kind,
        drops=_drops(attempts),
        passed_over=_passed_over(attempts if waits is None else attempts[:-1]),
        retry_at=retry_at,
        blocked=blocked,
        wait_pool=wait_pool,
        wait_rep=wait_rep,
    )


def _drops(attempts: list[Attempt]) -> tuple[tuple[Verdict, int], ...]:
    counts = Counter([verdict for attempt in attempts for _, verdict in attempt.dropped])
    return tuple(sorted(counts.items()))


def _passed_over(attempts: list[Attempt]) -> tuple[tuple[int, str], ...]:
    return tuple((attempt.compiled.rule.id, why_empty(attempt)) for attempt in attempts)


def why_empty(attempt: Attempt) -> str:
    """Say in one code why the rule had nobody: see `Decision.passed_over`."""
    if not attempt.candidates:
        return NO_CANDIDATES
    counts = Counter(verdict for _, verdict in attempt.dropped)
    checks = [*FLOOR, *(one.verdict for one in attempt.compiled.filters)]
    return min(counts, key=lambda verdict: (-counts[verdict], checks.index(verdict)))


# --- What a parked lead waits for --------------------------------------------------------


def _outlook(attempts: list[Attempt], situation: Situation) -> tuple[int | None, Blocked]:
    """Return when to try again, and what is in the way: see `decide`."""
    retry_at: int | None = None
    reasons: set[Blocked] = set()
    reps, at = situation.roster.reps, situation.at
    never = handed_back(situation.facts)
    for attempt in attempts:
        filters = attempt.compiled.filters
        fixed = [one.bind(situation) for one in filters if not one.passes_with_time]
        passing = [one for one in filters if one.passes_with_time]
        for rep_id, verdict in attempt.dropped:
            rep = reps.get(rep_id)
            if rep is None or not rep.active or rep_id in never:
                continue
            if not all(keeps(rep) for keeps in fixed):
                continue  # neither time nor capacity will help
            chance = next_chance(rep, situation, passing)
            reasons.add(_in_the_way(rep, verdict, chance, situation))
            if chance is not None and chance > at and (retry_at is None or chance < retry_at):
                retry_at = chance
    for reason in _REASONS:
        if reason in reasons:
            return retry_at, reason
    return None, "nobody"


_REASONS: tuple[Blocked, ...] = ("capacity", "hours", "away")


def _in_the_way(
    rep: RepSpec, verdict: Verdict, chance: int | None, situation: Situation
) -> Blocked:
    if verdict == FULL and chance == situation.at:
        return "capacity"
    out = is_away(rep, situation.counters, situation.at) or is_absent(rep, situation.at)
    return "away" if out else "hours"


def _waits_for(attempts: list[Attempt], roster: Roster) -> tuple[int | None, int | None]:
    for attempt in attempts:
        known = [member.rep for member in attempt.candidates if member.rep in roster.reps]
        if known:
            return (attempt.pool, None) if attempt.pool is not None else (None, known[0])
    return None, None
