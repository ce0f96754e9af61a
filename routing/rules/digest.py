"""What a version says, as one canonical form and its digest: approvals and simulations name it."""

from typing import Any

from routing.engine import codec
from routing.models import Rule, RuleSet


def in_order(ruleset: RuleSet) -> list[Rule]:
    """The rules in the order in which they are asked."""
    return list(
        ruleset.rules.select_related("owner").order_by("is_fallback", "position", "pk"),
    )


def content(ruleset: RuleSet) -> list[dict[str, Any]]:
    """
    What decides, rule by rule in order: name, condition, path, fallback, and until when it
    holds (epoch seconds or None). Ids and numbers of positions say nothing, so they are left out.
    """
    return [
        {
            "name": rule.name,
            "condition": rule.condition,
            "path": rule.path,
            "fallback": rule.is_fallback,
            "until": None if rule.expires_at is None else int(rule.expires_at.timestamp()),
        }
        for rule in in_order(ruleset)
    ]


def of_rules(ruleset: RuleSet) -> str:
    """The digest (SHA-256 in hexadecimal) of what decides; equal content, equal digest."""
    return codec.digest(codec.canonical(content(ruleset)))
