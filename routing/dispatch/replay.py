"""Run a decision again, from what was stored with it (design rule 5)."""

from dataclasses import dataclass
from typing import Any

from routing import engine
from routing.dispatch import snapshot
from routing.engine import Counters, Roster, codec
from routing.models import Batch, Decision, PersonalFacts


class FactsErased(LookupError):
    """The personal facts of this decision were erased; its skeleton remains."""


class FactsAltered(ValueError):
    """The stored facts are not those that the decision was made from."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything the engine looked at when it decided."""

    rules: engine.CompiledRuleSet
    facts: dict[str, Any]
    roster: Roster
    counters: Counters
    at: int


def situation(decision: Decision) -> Situation:
    """
    Return the situation of a decision: its batch's start, folded up to its place.

    :raises FactsErased: if personal facts it used are gone
    :raises FactsAltered: if they are not the ones it used
    """
    batch = Batch.objects.select_related("roster", "ruleset").get(pk=decision.batch_id)
    roster = codec.decode_roster(batch.roster.body.encode())
    counters = codec.decode_counters(batch.counters.encode())
    earlier = batch.decisions.filter(place__lt=decision.place, applied=True).order_by("place")
    for body in earlier.values_list("body", flat=True):
        engine.apply(counters, codec.decode_decision(body.encode()), roster)
    return Situation(
        rules=snapshot.read_rules(batch.ruleset),
        facts=_facts(decision),
        roster=roster,
        counters=counters,
        at=int(batch.at.timestamp()),
    )


def run_again(decision: Decision) -> bytes:
    """
    Return the engine's answer to the stored situation, as bytes to compare with `body`.

    :raises FactsErased: if personal facts it used are gone
    :raises FactsAltered: if they are not the ones it used
    """
    seen = situation(decision)
    answer = engine.decide(seen.rules, seen.facts, seen.roster, seen.counters, seen.at)
    return codec.encode_decision(answer)


def explain(decision: Decision, *, rep_id: int | None = None) -> engine.Explanation:
    """
    Return the long story of a decision, recomputed; with `rep_id` that rep's part in it.

    :raises FactsErased: if personal facts it used are gone
    """
    seen = situation(decision)
    return engine.explain(seen.rules, seen.facts, seen.roster, seen.counters, seen.at, rep=rep_id)


def _facts(decision: Decision) -> dict[str, Any]:
    if not decision.personal_digest:
        return decision.facts
    apart = PersonalFacts.objects.filter(decision=decision).first()
    if apart is None:
        raise FactsErased("The personal data behind this decision were erased.")
    if codec.digest(codec.canonical(apart.facts)) != decision.personal_digest:
        raise FactsAltered("The stored facts differ from those that the decision used.")
    return {**decision.facts, **apart.facts}
