"""Policies in plain English."""

from routing.rules.sentences import Names, condition_words
from sla.models import Policy

DO = {
    "remind": "remind the owner",
    "tell_manager": "tell the manager",
    "to_backup": "give the lead to the backup",
    "to_manager": "make the manager its temporary owner",
}
PROMISE = {"ACKNOWLEDGE": "Acknowledge", "CONTACT": "First contact", "CLAIM": "Claim"}


def of_policy(policy: Policy, names: Names) -> str:
    """What is promised, for whom, and in which time."""
    hours = "of the rep's working time" if policy.hours == Policy.Hours.REP else "around the clock"
    condition = condition_words(policy.condition, names)
    whom = f"if {condition}" if condition else "for every lead"
    scope = (
        "Runs on across owners"
        if policy.scope == Policy.Scope.LEAD
        else "Starts anew with each owner"
    )
    promise = PROMISE.get(policy.metric, policy.get_metric_display())
    return f"{promise} within {span(policy.budget)} {hours}, {whom}. {scope}."


def of_chain(policy: Policy) -> list[str]:
    """Each step: when and what."""
    return [
        f"after {span(policy.budget * step['at_percent'] // 100)}: {DO.get(step['do'], step['do'])}"
        for step in policy.steps
    ]


def span(seconds: int) -> str:
    """Seconds in words: 15 minutes, 1 hour 30 minutes, 45 seconds."""
    units = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
    parts = []
    for name, size in units:
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number} {name}{'s' if number != 1 else ''}")
    return " ".join(parts[:2]) or "0 seconds"
