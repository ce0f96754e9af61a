"""Trying one rule on one lead: who could take it, at which level of relaxation."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from routing.engine.compile import CompiledPath, CompiledRule, Level
from routing.engine.eligibility import AWAY, FLOOR, floor, handed_back
from routing.engine.facts import seconds_waited
from routing.engine.limits import Load, load_of
from routing.engine.strategies import Question
from routing.engine.types import Member, PoolSpec, Situation, Verdict

NO_CANDIDATES = "no_candidates"


@dataclass(slots=True)
class Attempt:
    """
    What one level of one matching rule made of the lead; `explain` reads it.

    `way` is the path taken, `branch` the side of the experiment if the rule splits. `dropped`
    failed a check; `eligible` passed all; `survivors` are the eligible whom the preferences
    kept, and `set_aside` says by which preference the others were not. `credited` are the
    members of the pool who would be among the survivors had the company not sent them away.
    """

    compiled: CompiledRule
    way: CompiledPath
    branch: str
    level: Level
    candidates: tuple[Member, ...]
    pool: int | None
    load: Load
    dropped: list[tuple[int, Verdict]]
    eligible: list[Member]
    survivors: Sequence[Member]
    set_aside: list[tuple[int, str]]
    credited: Sequence[Member] = ()

    def next_level(self, situation: Situation) -> int | None:
        """
        Return the instant of the next relaxation; None if no more is to come.

        Relaxing helps only who is there: a target that means nobody has nothing to wait for.
        """
        levels, number = self.way.levels, self.level.number + 1
        if number == len(levels) or not self.candidates:
            return None
        return situation.at + levels[number].after - seconds_waited(situation.facts)

    def question(self, situation: Situation) -> Question:
        """Return what the strategy is asked about the survivors."""
        return Question(
            situation,
            self.compiled.rule.name,
            self.way.target.default_strategy,
            None if self.pool is None else situation.roster.pools[self.pool],
            self.credited,
        )


def attempts_at(compiled: CompiledRule, situation: Situation) -> Iterator[Attempt]:
    """
    Try a rule: the strict path, then each relaxation that the lead has waited for.

    Stops after the first level that leaves somebody.
    """
    facts = situation.facts
    way, branch = compiled.way_of(facts)
    found = way.target.resolve(way.path.target, facts, situation.roster)
    load = load_of(situation, found.pool)
    waited = seconds_waited(facts) if len(way.levels) > 1 else 0
    for level in way.levels:
        if level.after > waited:
            return
        attempt = Attempt(
            compiled, way, branch, level, found.members, found.pool, load, [], [], (), []
        )
        _narrow(attempt, situation)
        yield attempt
        if attempt.survivors:
            return


def _narrow(attempt: Attempt, situation: Situation) -> None:
    dropped, eligible, load = attempt.dropped, attempt.eligible, attempt.load
    reps, counters, at = situation.roster.reps, situation.counters, situation.at
    tests = [(one.verdict, one.bind(situation)) for one in attempt.level.filters]
    never = handed_back(situation.facts)
    for member in attempt.candidates:
        rep = reps.get(member.rep)
        verdict = floor(rep, counters, at, never, load)
        if verdict is None and rep is not None:
            for failed, keeps in tests:
                if not keeps(rep):
                    verdict = failed
                    break
        if verdict is None:
            eligible.append(member)
        else:
            dropped.append((member.rep, verdict))
    if counters.credited and attempt.pool is not None and eligible:
        attempt.credited = _credited(attempt, situation)
    _prefer(attempt, situation)


def _credited(attempt: Attempt, situation: Situation) -> Sequence[Member]:
    """
    Members who miss this lead only because the company sent them away.

    Hours do not matter to those who are away; what the lead requires of a person does.
    """
    roster, credited = situation.roster, situation.counters.credited
    pool: PoolSpec = roster.pools[attempt.pool or 0]
    tests = [one.bind(situation) for one in attempt.level.filters if not one.passes_with_time]
    return [
        pool.by_rep[rep]
        for rep, verdict in attempt.dropped
        if verdict == AWAY and rep in credited and all(keeps(roster.reps[rep]) for keeps in tests)
    ]


def _prefer(attempt: Attempt, situation: Situation) -> None:
    survivors: Sequence[Member] = attempt.eligible
    credited = attempt.credited
    for name, preference in attempt.way.preferences:
        best = preference.best(survivors, situation)
        if best and len(best) < len(survivors):
            kept = {member.rep for member in best}
            attempt.set_aside += [(m.rep, name) for m in survivors if m.rep not in kept]
            credited = [one for one in credited if one in preference.best([*best, one], situation)]
            survivors = best
    attempt.survivors, attempt.credited = survivors, credited


def why_empty(attempt: Attempt) -> str:
    """Say in one code why the rule had nobody: see `Decision.passed_over`."""
    if not attempt.candidates:
        return NO_CANDIDATES
    counts = Counter(verdict for _, verdict in attempt.dropped)
    checks = [*FLOOR, *(one.verdict for one in attempt.level.filters)]
    return min(counts, key=lambda verdict: (-counts[verdict], checks.index(verdict)))
