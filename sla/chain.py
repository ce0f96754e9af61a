"""
Escalation chains: timed steps on the way to a breach and after it. Pure.

A step is `{"at_percent": 50, "do": "remind"}`: at which share of the clock's budget, in the
clock's own working time, to do what. Steps are frozen into each clock when it starts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

# What a step can do. The last step of a chain must name a person.
ACTIONS = {
    "remind": "remind the owner",
    "tell_manager": "tell the manager",
    "to_backup": "give the lead to the backup",
    "to_manager": "make the manager its temporary owner",
}
NAMES_A_PERSON = {"tell_manager", "to_manager"}
MOST_STEPS = 12
LATEST_PERCENT = 10_000


class ChainError(ValueError):
    """A chain cannot be used; the message names the step and the way out."""


@dataclass(frozen=True, slots=True)
class Step:
    """Do `action` when `percent` of the budget has passed."""

    percent: int
    action: str

    def after(self, budget: int) -> int:
        """Seconds of the clock's time from its start to this step."""
        return budget * self.percent // 100

    def as_json(self) -> dict[str, Any]:
        return {"at_percent": self.percent, "do": self.action}


def standard() -> list[dict[str, Any]]:
    """Remind, tell the manager at the breach, then the backup, at last the manager."""
    return [
        {"at_percent": 50, "do": "remind"},
        {"at_percent": 100, "do": "tell_manager"},
        {"at_percent": 200, "do": "to_backup"},
        {"at_percent": 300, "do": "to_manager"},
    ]


def parse(value: object) -> tuple[Step, ...]:
    """
    Read a chain as it is stored.

    :raises ChainError: for an unknown action, a bad share, steps out of order, or a chain
        of which the last step leaves nobody in charge
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ChainError("The escalation must be a list of steps.")
    if len(value) > MOST_STEPS:
        raise ChainError(f"At most {MOST_STEPS} steps.")
    steps = tuple(_step(number, raw) for number, raw in enumerate(value, start=1))
    for number, (one, other) in enumerate(pairwise(steps), start=2):
        if other.percent <= one.percent:
            raise ChainError(f"Step {number} must come later than step {number - 1}.")
    if steps and steps[-1].action not in NAMES_A_PERSON:
        raise ChainError(
            "The last step must name a person: tell_manager or to_manager, "
            "or a late lead could end with nobody."
        )
    return steps


def _step(number: int, raw: object) -> Step:
    if not isinstance(raw, Mapping):
        raise ChainError(f'Step {number} must look like {{"at_percent": 50, "do": "remind"}}.')
    percent, action = raw.get("at_percent"), raw.get("do")
    if isinstance(percent, bool) or not isinstance(percent, int):
        raise ChainError(f"Step {number}: at_percent must be a whole number.")
    if not 0 < percent <= LATEST_PERCENT:
        raise ChainError(f"Step {number}: at_percent must be from 1 to {LATEST_PERCENT}.")
    if action not in ACTIONS:
        raise ChainError(f"Step {number}: {action!r} is unknown; choose {', '.join(ACTIONS)}.")
    return Step(percent=percent, action=str(action))
