"""Tells the linter of the rules what is promised for which leads."""

from collections.abc import Sequence

from routing.rules.lint import promises
from routing.rules.lint.world import Promise
from sla.models import Policy
from sla.services import policies

# What a rep owes a new lead. To claim it or to find it an owner is owed before there is a rep,
# and to follow up only once somebody has answered.
OWED_BY_REPS = (Policy.Metric.ACKNOWLEDGE, Policy.Metric.CONTACT)


def in_force() -> Sequence[Promise]:
    """Return what reps are held to, per promise in the order in which policies are asked."""
    return [
        Promise(
            about=f"{one.policy.metric} {one.policy.scope}",
            condition=one.condition,
            seconds=one.policy.budget,
            around_the_clock=one.policy.hours == Policy.Hours.ALWAYS,
        )
        for one in policies.active()
        if one.policy.metric in OWED_BY_REPS
    ]


promises.register(in_force)
