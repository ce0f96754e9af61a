"""
Production's decisions recomputed where they were made.

A batch is folded once: its stored counters, then decision after decision, each recomputed from
its facts, the batch's roster and the batch's own rules, and compared with the stored answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from routing import engine
from routing.engine import CompiledRuleSet, Counters, Roster, codec
from routing.models import Batch, Decision

Verdict = Literal["agrees", "differs", "erased", "altered"]


@dataclass(frozen=True, slots=True)
class Recomputed:
    """
    A stored decision, its answer as stored, its facts (None if some were erased or altered), and
    what came of recomputing it. `exact`: compared byte for byte; by another version of the
    engine only who got it, by which rule, is compared.
    """

    row: Decision
    answer: engine.Decision
    facts: dict[str, Any] | None
    verdict: Verdict
    exact: bool


def recompute(
    batch: Batch, decisions: Sequence[Decision], rules: CompiledRuleSet, roster: Roster
) -> tuple[list[Recomputed], Counters]:
    """
    Return the applied decisions of a batch, in order, and the counters that it started from.

    The decisions come with `personal` read, sorted by place, none left out.
    """
    start = codec.decode_counters(batch.counters.encode())
    counters, at = start.copy(), int(batch.at.timestamp())
    exact = batch.engine == engine.ENGINE_VERSION
    found = []
    for row in decisions:
        # A shadow lead took nobody's place and nobody's turn.
        if not row.applied:
            continue
        answer = codec.decode_decision(row.body.encode())
        facts, fault = _facts(row)
        verdict = fault or "differs"
        if facts is not None:
            again = engine.decide(rules, facts, roster, counters, at)
            same = (
                codec.encode_decision(again) == row.body.encode()
                if exact
                else _gist(again) == _gist(answer)
            )
            verdict = "agrees" if same else "differs"
        found.append(Recomputed(row, answer, facts, verdict, exact))
        engine.apply(counters, answer, roster)
    return found, start


def _gist(answer: engine.Decision) -> tuple[Any, ...]:
    return answer.outcome, answer.rule, answer.rep, answer.queue


def _facts(row: Decision) -> tuple[dict[str, Any] | None, Verdict | None]:
    if not row.personal_digest:
        return row.facts, None
    apart = getattr(row, "personal", None)
    if apart is None:
        return None, "erased"
    if codec.digest(codec.canonical(apart.facts)) != row.personal_digest:
        return None, "altered"
    return {**row.facts, **apart.facts}, None


def facts_of(row: Decision) -> dict[str, Any]:
    """The facts of a decision as far as they are still there."""
    return _facts(row)[0] or row.facts
