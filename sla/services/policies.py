"""Which promises apply to which leads."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from routing import engine
from routing.qualify import facts
from sla import chain
from sla.models import Policy


@dataclass(frozen=True, slots=True)
class Promise:
    """A policy ready to be asked, with its chain read."""

    policy: Policy
    condition: engine.Condition
    steps: tuple[chain.Step, ...]


def active() -> list[Promise]:
    """The active policies in the order in which they are asked; one statement."""
    return [
        Promise(
            row, engine.parse(row.condition, facts.KINDS), chain.parse(row.steps, budget=row.budget)
        )
        for row in Policy.objects.filter(is_active=True).order_by("metric", "position", "pk")
    ]


def first_per_promise(
    promises: Sequence[Promise], values: Mapping[str, Any]
) -> dict[tuple[str, str], Promise]:
    """The first policy that holds for these facts, per metric and scope."""
    found: dict[tuple[str, str], Promise] = {}
    for promise in promises:
        place = (promise.policy.metric, promise.policy.scope)
        if place not in found and engine.holds(promise.condition, values):
            found[place] = promise
    return found


def limits() -> Callable[[Mapping[str, Any]], int | None]:
    """
    Read the policies once; the function returned says within how many seconds a lead with given
    facts should be acknowledged, None if nothing is promised.
    """
    promises = [one for one in active() if one.policy.metric == Policy.Metric.ACKNOWLEDGE]

    def limit(values: Mapping[str, Any]) -> int | None:
        found = first_per_promise(promises, values).values()
        return min((one.policy.budget for one in found), default=None)

    return limit
