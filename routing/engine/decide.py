"""
One lead, one decision.

For each matching rule in order: a queue or nurture target ends the matter; otherwise the
target's candidates go through the floor, the filters, the preferences, and the strategy takes
one of those who are left. If none is left, the relaxations of the filters that the lead has
waited for are tried, level by level; while one is still to come the lead is parked there. After
the last, `on_empty` either goes on to the next rule or parks the lead there, for as long as
`wait_at_most` allows. If the rules end without a taker the lead is parked too: it is never
dropped.
"""

from collections import Counter

from routing.engine import facts as known
from routing.engine import rotation
from routing.engine.attempt import Attempt, attempts_at, why_empty
from routing.engine.compile import CompiledRuleSet
from routing.engine.conditions import Facts
from routing.engine.outlook import outlook, waits_for
from routing.engine.strategies import STRATEGIES, choose, in_force
from routing.engine.types import (
    ENGINE_VERSION,
    MAIN,
    Counters,
    Decision,
    Roster,
    Situation,
    Verdict,
)


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

    The same arguments always give the same decision. Each level of each rule tried is appended
    to `trace` if one is given, which is how `explain` tells what happened without deciding anew.

    A parked lead knows:
    - `retry_at`: the earliest instant after `at` when time alone gives one of the candidates
      met a chance, or when the rule it waits at relaxes, stops waiting or expires; None if time
      alone cannot help.
    - `blocked`: "capacity" if a candidate was held back by nothing but how much they have
      (an hour's leads as well: that one ends, and `retry_at` says when); else "hours" if one
      only has to begin work; else "away" if one only has to come back; else "nobody".
    - `wait_pool` or `wait_rep`: whom the first rule that had candidates meant. Of an owner and
      a backup, the first who is in the roster.
    """
    situation = Situation(facts, roster, counters, at)
    # The last level tried of each rule, in order.
    attempts: list[Attempt] = []
    for compiled in ruleset.matching(facts, at):
        for attempt in attempts_at(compiled, situation):
            if trace is not None:
                trace.append(attempt)
        attempts.append(attempt)
        if attempt.way.target.ends is not None:
            return _ended(attempts, situation)
        if attempt.survivors:
            return _assigned(attempts, situation)
        waits, changes_at = _waits(attempt, situation)
        if waits:
            return _parked(attempts, situation, attempt, changes_at)
    return _parked(attempts, situation)


def _waits(attempt: Attempt, situation: Situation) -> tuple[bool, int | None]:
    """Return whether the lead waits at this rule, and when the rule itself changes that."""
    relaxes_at = attempt.next_level(situation)
    if relaxes_at is not None:
        return True, relaxes_at
    path = attempt.way.path
    if path.on_empty != "wait" or path.wait_at_most is None:
        return path.on_empty == "wait", None
    left = path.wait_at_most - known.seconds_waited(situation.facts)
    return left > 0, situation.at + left


# --- Writing the decision ----------------------------------------------------------------


def _assigned(attempts: list[Attempt], situation: Situation) -> Decision:
    attempt = attempts[-1]
    compiled, survivors, load = attempt.compiled, attempt.survivors, attempt.load
    asked = attempt.question(situation)
    strategy = in_force(attempt.way.strategy, survivors, asked)
    rep, runner_up = choose(strategy, survivors, asked)
    pool, lane = asked.pool, MAIN
    charges: rotation.Charges = ()
    if pool is not None and STRATEGIES[strategy].rotates:
        lane = rotation.lane_of(pool, load.tier)
        charges = rotation.charges(pool, lane, survivors, rep, situation.counters, attempt.credited)
    return Decision(
        engine=ENGINE_VERSION,
        outcome="assign",
        at=situation.at,
        rule=compiled.rule.id,
        rule_position=compiled.rule.position,
        target=attempt.way.path.target.kind,
        strategy=strategy,
        rep=rep,
        pool=attempt.pool,
        lane=lane,
        charges=charges,
        runner_up=runner_up,
        drops=_drops(attempts),
        passed_over=_passed_over(attempts[:-1]),
        relaxed=attempt.level.number,
        branch=attempt.branch,
        points=load.points,
        value=load.value,
        tier=load.tier,
    )


def _ended(attempts: list[Attempt], situation: Situation) -> Decision:
    attempt = attempts[-1]
    rule, target = attempt.compiled.rule, attempt.way.path.target
    queued = attempt.way.target.ends == "queue"
    return Decision(
        engine=ENGINE_VERSION,
        outcome="queue" if queued else "nurture",
        at=situation.at,
        rule=rule.id,
        rule_position=rule.position,
        target=target.kind,
        queue=target.id if queued else None,
        drops=_drops(attempts),
        passed_over=_passed_over(attempts[:-1]),
        branch=attempt.branch,
    )


def _parked(
    attempts: list[Attempt],
    situation: Situation,
    waits: Attempt | None = None,
    changes_at: int | None = None,
) -> Decision:
    retry_at, blocked = outlook(attempts, situation)
    wait_pool, wait_rep = waits_for(attempts, situation.roster)
    rule = None if waits is None else waits.compiled.rule
    if rule is not None:
        instants = [retry_at, changes_at, rule.until]
        retry_at = min([one for one in instants if one is not None], default=None)
    return Decision(
        engine=ENGINE_VERSION,
        outcome="park",
        at=situation.at,
        rule=None if rule is None else rule.id,
        rule_position=None if rule is None else rule.position,
        target=None if waits is None else waits.way.path.target.kind,
        drops=_drops(attempts),
        passed_over=_passed_over(attempts if waits is None else attempts[:-1]),
        relaxed=0 if waits is None else waits.level.number,
        branch="" if waits is None else waits.branch,
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
