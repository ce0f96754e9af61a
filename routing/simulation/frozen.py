"""The rules of a version as they were when a simulation was asked for: a draft goes on changing."""

from collections.abc import Sequence
from typing import Any

from routing.dispatch import snapshot
from routing.engine import CompiledRuleSet, compile_ruleset, parse_ruleset
from routing.models import RuleSet
from routing.qualify.facts import KINDS
from routing.rules import digest


def freeze(ruleset: RuleSet) -> tuple[list[dict[str, Any]], str]:
    """Return the rules as the engine reads them, and the digest of what they say."""
    rules = [snapshot.rule_json(rule) for rule in digest.in_order(ruleset)]
    return rules, digest.of_rules(ruleset)


def thaw(ruleset: RuleSet, rules: Sequence[dict[str, Any]]) -> CompiledRuleSet:
    """
    Return frozen rules ready to match.

    :raises routing.engine.InvalidPart: pointing at a part that cannot be understood
    """
    return compile_ruleset(
        parse_ruleset({"id": ruleset.pk, "version": ruleset.version, "rules": list(rules)}, KINDS)
    )


def fallbacks(rules: CompiledRuleSet) -> frozenset[int]:
    """The ids of the rules that take whatever is left."""
    return frozenset(rule.id for rule in rules.ruleset.rules if rule.fallback)
