"""A rule while it is written: its sentence, and how many of last month's leads it would take."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from routing.dispatch.snapshot import rule_json
from routing.engine import CompiledRuleSet, InvalidPart, compile_ruleset, parse_ruleset
from routing.models import Rule, RuleSet
from routing.qualify.facts import KINDS
from routing.rules import digest, sentences, traffic
from routing.rules.sentences import Names
from routing.rules.traffic import Count, Traffic

# Of a rule that has no row yet: no stored one has it.
NEW = 0
# Stands for a path that is not finished: counting asks conditions only.
ANY_PATH: dict[str, Any] = {"target": {"kind": "nurture"}}


@dataclass(frozen=True, slots=True)
class Preview:
    """
    A rule in words, "" for a part that is not finished. `count` is None while its condition is
    not; `traffic` says of how many leads. `alone`: other rules of the draft cannot be read, so
    only who fits is known, not who would be taken.
    """

    when: str = ""
    then: str = ""
    count: Count | None = None
    traffic: Traffic | None = None
    alone: bool = False


def preview(
    draft: RuleSet, rule: Rule, *, has_path: bool, has_condition: bool, names: Names, at: datetime
) -> Preview:
    """
    Tell what a rule of a draft says as it stands in the form, saved or not.

    `has_path` and `has_condition` say which of its parts are finished. Two statements.
    """
    when = sentences.when(rule, names) if has_condition else ""
    then = sentences.then(rule, names) if has_path else ""
    if not has_condition:
        return Preview(when, then)
    shown = Rule(
        pk=rule.pk or NEW,
        position=rule.position,
        name=rule.name,
        condition=rule.condition,
        path=ANY_PATH,
        is_fallback=rule.is_fallback,
        expires_at=rule.expires_at,
    )
    others = [one for one in digest.in_order(draft) if one.pk != rule.pk]
    if shown.position is None:
        # A new rule is asked after the others, before the fallback.
        shown.position = max([one.position for one in others], default=0) + 1
    rules, alone = _compiled(draft, [*others, shown]), False
    if rules is None:
        rules, alone = _compiled(draft, [shown]), True
    if rules is None:
        return Preview(when, then)
    found = traffic.last_month(rules, at=at)
    return Preview(when, then, found.of(shown.pk), found, alone)


def _compiled(draft: RuleSet, rows: list[Rule]) -> CompiledRuleSet | None:
    """The rules ready to match; None if one cannot be read."""
    try:
        return compile_ruleset(
            parse_ruleset(
                {
                    "id": draft.pk,
                    "version": draft.version,
                    "rules": [rule_json(row) for row in rows],
                },
                KINDS,
            )
        )
    except InvalidPart:
        return None
