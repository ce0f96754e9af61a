"""Run a decision again, from what was stored with it (design rule 5)."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from routing import engine
from routing.dispatch import inputs, snapshot
from routing.engine import Counters, InvalidPart, Roster, codec
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
    return _situation(decision, _facts(decision))


def _situation(decision: Decision, facts: dict[str, Any]) -> Situation:
    batch = Batch.objects.select_related("roster", "ruleset").get(pk=decision.batch_id)
    roster = codec.decode_roster(batch.roster.body.encode())
    counters = codec.decode_counters(batch.counters.encode())
    earlier = batch.decisions.filter(place__lt=decision.place, applied=True).order_by("place")
    for body in earlier.values_list("body", flat=True):
        engine.apply(counters, codec.decode_decision(body.encode()), roster)
    return Situation(
        rules=snapshot.rules_of(batch),
        facts=facts,
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
    facts, apart = _stored_facts(decision)
    if apart is not None and codec.digest(codec.canonical(apart)) != decision.personal_digest:
        raise FactsAltered("The stored facts differ from those that the decision used.")
    return facts


def _stored_facts(decision: Decision) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """All facts as they are stored now, and the personal ones of them."""
    if not decision.personal_digest:
        return decision.facts, None
    apart = PersonalFacts.objects.filter(decision=decision).first()
    if apart is None:
        raise FactsErased("The personal data behind this decision were erased.")
    return {**decision.facts, **apart.facts}, apart.facts


# --- Is it still what it was? ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """A part of the answer that came out otherwise: as it was stored, and as it is now."""

    field: str
    then: Any
    now: Any


@dataclass(frozen=True, slots=True)
class Check:
    """
    What came of looking at a decision again.

    `altered` names the inputs that are not what they were (see `inputs`). `agrees`: the same
    bytes by the same version of the engine, the same answer by another; None where it could not
    be run again, because facts were erased (`erased`) or something stored cannot be read.
    `sealed`: a digest of all its inputs was kept with it; before there was one, only alterations
    of the roster and of personal facts show.
    """

    same_engine: bool
    agrees: bool | None
    altered: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    sealed: bool = True
    erased: bool = False

    def to_json(self) -> dict[str, Any]:
        """Write as plain JSON data."""
        return asdict(self)


def check(decision: Decision, *, seen: Situation | None = None) -> Check:
    """
    Hold the stored inputs of a decision against their digests, and run it again from them.

    `seen` is its situation if the caller has read it already.
    """
    (altered,) = inputs.altered([decision]).values()
    sealed = bool(decision.inputs_digest)
    try:
        then = json.loads(decision.body)
        same_engine = then["engine"] == engine.ENGINE_VERSION
        seen = seen or _situation(decision, _stored_facts(decision)[0])
        answer = engine.decide(seen.rules, seen.facts, seen.roster, seen.counters, seen.at)
    except FactsErased:
        return Check(same_engine, None, altered, sealed=sealed, erased=True)
    except (InvalidPart, ValueError, LookupError, TypeError):
        return Check(_is_of_this_engine(decision), None, altered, sealed=sealed)
    now = json.loads(codec.encode_decision(answer))
    differences = _differences(then, now, same_engine=same_engine)
    same = codec.encode_decision(answer).decode() == decision.body
    agrees = same if same_engine else not differences
    return Check(same_engine, agrees, altered, differences, sealed)


def _is_of_this_engine(decision: Decision) -> bool:
    return decision.batch.engine == engine.ENGINE_VERSION


def _differences(
    then: dict[str, Any], now: dict[str, Any], *, same_engine: bool
) -> tuple[Difference, ...]:
    """
    What differs, by the name of the part.

    Between versions only what both of them tell is compared, for a part that one of them does
    not have is no other answer; that the version differs is known.
    """
    names = [*now, *(name for name in then if name not in now)]
    if not same_engine:
        names = [name for name in now if name in then and name != "engine"]
    return tuple(
        Difference(name, then.get(name), now.get(name))
        for name in sorted(names)
        if then.get(name) != now.get(name)
    )
