"""Try one lead: what a draft would do with it now, told at length, and what is live does."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from routing import engine
from routing.dispatch import gather, snapshot
from routing.engine import CompiledRuleSet
from routing.models import Lead, Organisation, RuleSet
from routing.rules import golden, present
from routing.rules.sentences import Names


@dataclass(frozen=True, slots=True)
class Trial:
    """What a version does with the lead: its explanation, and the answer in words after "it"."""

    ruleset: RuleSet
    told: engine.Explanation
    words: str


@dataclass(frozen=True, slots=True)
class Tried:
    """
    A lead under a draft and under what is live (None before anything was), with the facts.

    `differs`: whether it would end up elsewhere.
    """

    facts: Mapping[str, Any]
    draft: Trial
    live: Trial | None
    differs: bool


def facts_of(lead: Lead, *, at: datetime) -> dict[str, Any]:
    """What is known about a lead now; read with prospect, source and account."""
    shot = snapshot.current(at=at)
    return gather.facts_of([lead], areas=shot.areas, organisation=Organisation.get(), at=at)[
        lead.pk
    ]


def run(ruleset: RuleSet, known: Mapping[str, Any], *, at: datetime) -> Tried:
    """
    Decide a lead of these facts now, by a draft and by what is live; nothing is stored.

    Counters are as they stand. A territory that was not named is found from the place.

    :raises routing.engine.InvalidPart: if the draft cannot be read
    """
    shot = snapshot.current(at=at)
    values = golden.facts_at(known, at=at, areas=shot.areas)
    counters, names, moment = present.counters(at=at), Names.read(), int(at.timestamp())

    def trial(version: RuleSet, rules: CompiledRuleSet) -> Trial:
        told = engine.explain(rules, values, shot.roster, counters, moment)
        called = {rule.id: rule.name for rule in rules.ruleset.rules}
        return Trial(version, told, golden.in_words(told.decision, called, names))

    draft = trial(ruleset, snapshot.read_rules(ruleset))
    present_version = Organisation.get().live_ruleset
    live = (
        trial(present_version, snapshot.live_rules(present_version.pk)) if present_version else None
    )
    return Tried(
        facts=values,
        draft=draft,
        live=live,
        differs=live is not None and _place(live) != _place(draft),
    )


def _place(one: Trial) -> tuple[str, int | None, int | None]:
    answer = one.told.decision
    return answer.outcome, answer.rep, answer.queue
