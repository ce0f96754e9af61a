"""Policies in plain English."""

from collections.abc import Mapping
from typing import Any

from routing.rules.sentences import Names, condition_words
from sla.chain import ACTIONS
from sla.models import Policy

PROMISE = {
    "ACKNOWLEDGE": "Acknowledge",
    "CONTACT": "First contact",
    "CLAIM": "Claim",
    "ASSIGN": "Find an owner",
    "FOLLOW_UP": "Follow up",
}
HOURS = {
    "REP": "of the rep's working time",
    "TEAM": "of the team's working time",
    "ALWAYS": "around the clock",
}


def of_policy(policy: Policy, names: Names) -> str:
    """What is promised, for whom, and in which time."""
    condition = condition_words(policy.condition, names)
    whom = f"if {condition}" if condition else "for every lead"
    scope = (
        "Runs on across owners"
        if policy.scope == Policy.Scope.LEAD
        else "Starts anew with each owner"
    )
    promise, hours = PROMISE[policy.metric], HOURS[policy.hours]
    return f"{promise} within {span(policy.budget)} {hours}, {whom}. {scope}."


def of_chain(policy: Policy, names: Names) -> list[str]:
    """Each step: when and what."""
    return [
        f"after {span(_after(step, policy.budget))}: {of_action(step, names)}"
        for step in policy.steps
    ]


def of_action(step: Mapping[str, Any], names: Names) -> str:
    """What a step does, with the name of where the lead goes."""
    action = ACTIONS[step["do"]]
    if not action.wants:
        return action.words
    known = names.pools if action.wants == "pool" else names.queues
    return f"{action.words}: {known.get(step[action.wants], f'{action.wants} that is gone')}"


def _after(step: Mapping[str, Any], budget: int) -> int:
    return step["after"] if "after" in step else budget * step["at_percent"] // 100


def span(seconds: int) -> str:
    """Seconds in words: 15 minutes, 1 hour 30 minutes, 45 seconds."""
    units = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
    parts = []
    for name, size in units:
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number} {name}{'s' if number != 1 else ''}")
    return " ".join(parts[:2]) or "0 seconds"
