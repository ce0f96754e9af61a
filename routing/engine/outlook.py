"""
What a parked lead waits for: see `decide`.

A candidate whom time or freed capacity could bring back is one to wait for; one who lacks the
skill is not.
"""

from collections.abc import Sequence

from routing.engine.attempt import Attempt
from routing.engine.eligibility import (
    FULL_OF,
    handed_back,
    is_absent,
    is_away,
    next_chance,
)
from routing.engine.types import Blocked, RepSpec, Roster, Situation, Verdict

_REASONS: tuple[Blocked, ...] = ("capacity", "hours", "away")


def outlook(attempts: Sequence[Attempt], situation: Situation) -> tuple[int | None, Blocked]:
    """Return when time alone gives one of the candidates a chance, and what is in the way."""
    retry_at: int | None = None
    reasons: set[Blocked] = set()
    reps, at = situation.roster.reps, situation.at
    never = handed_back(situation.facts)
    for attempt in attempts:
        until = attempt.compiled.rule.until
        filters = attempt.level.filters
        fixed = [one.bind(situation) for one in filters if not one.passes_with_time]
        passing = [one for one in filters if one.passes_with_time]
        for rep_id, verdict in attempt.dropped:
            rep = reps.get(rep_id)
            if rep is None or not rep.active or rep_id in never:
                continue
            if not all(keeps(rep) for keeps in fixed):
                continue  # neither time nor capacity will help
            works = next_chance(rep, situation, passing)
            reasons.add(_in_the_way(rep, verdict, works, situation))
            chance = next_chance(rep, situation, passing, attempt.load) if rep.limits else works
            if chance is None or chance == at or (until is not None and chance >= until):
                continue
            if retry_at is None or chance < retry_at:
                retry_at = chance
    for reason in _REASONS:
        if reason in reasons:
            return retry_at, reason
    return None, "nobody"


def _in_the_way(rep: RepSpec, verdict: Verdict, works: int | None, situation: Situation) -> Blocked:
    if verdict in FULL_OF and works == situation.at:
        return "capacity"
    out = is_away(rep, situation.counters, situation.at) or is_absent(rep, situation.at)
    return "away" if out else "hours"


def waits_for(attempts: Sequence[Attempt], roster: Roster) -> tuple[int | None, int | None]:
    """Return the pool or else the rep that the first rule with candidates meant."""
    for attempt in attempts:
        known = [member.rep for member in attempt.candidates if member.rep in roster.reps]
        if known:
            return (attempt.pool, None) if attempt.pool is not None else (None, known[0])
    return None, None
