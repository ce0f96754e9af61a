"""
Escalation chains: timed steps on the way to a breach and after it. Pure.

A step says when and what: `{"at_percent": 50, "do": "remind"}` at a share of the clock's budget,
or `{"after": 600, "do": "tell_manager"}` so many seconds after its start, both in the clock's own
working time. Some name where the lead goes: `{"at_percent": 100, "do": "to_pool", "pool": 3}`.
Steps are frozen into each clock when it starts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any


@dataclass(frozen=True, slots=True)
class Action:
    """What a step can do; `wants` is the key of the id that it needs, if it needs one."""

    words: str
    wants: str = ""
    names_a_person: bool = False
    moves: bool = False


ACTIONS: dict[str, Action] = {
    "remind": Action("remind the owner"),
    "tell_manager": Action("tell the manager", names_a_person=True),
    "tell_leadership": Action("alert leadership", names_a_person=True),
    "raise_priority": Action("put it before every other waiting lead"),
    "to_backup": Action("give the lead to the backup", moves=True),
    "to_pool": Action("give the lead to somebody of a pool", wants="pool", moves=True),
    "re_route": Action("route the lead anew, to somebody else", moves=True),
    "to_queue": Action("put the lead into a queue to be claimed", wants="queue", moves=True),
    "to_manager": Action("make the manager its temporary owner", names_a_person=True, moves=True),
}
MOST_STEPS = 12
LATEST_PERCENT = 10_000
LATEST_SECONDS = 90 * 86_400


class ChainError(ValueError):
    """A chain cannot be used; the message names the step, counted from 1, and the way out."""

    def __init__(self, words: str, step: int | None = None) -> None:
        super().__init__(words)
        self.step = step


@dataclass(frozen=True, slots=True)
class Step:
    """
    Do `action` when `percent` of the budget, or `seconds` of the clock's time, have passed.

    Exactly one of the two is set. `target` is the pool or queue of an action that wants one.
    """

    action: str
    percent: int | None = None
    seconds: int | None = None
    target: int | None = None

    def after(self, budget: int) -> int:
        """Seconds of the clock's time from its start to this step."""
        if self.seconds is not None:
            return self.seconds
        return budget * (self.percent or 0) // 100

    def as_json(self) -> dict[str, Any]:
        """The step as a policy stores it."""
        when = {"after": self.seconds} if self.seconds is not None else {"at_percent": self.percent}
        return {**when, **self.what()}

    def what(self) -> dict[str, Any]:
        """The part of the step that says what is done."""
        wants = ACTIONS[self.action].wants
        return {"do": self.action, **({wants: self.target} if wants else {})}


def standard() -> list[dict[str, Any]]:
    """Remind, tell the manager at the breach, then the backup, at last the manager."""
    return [
        {"at_percent": 50, "do": "remind"},
        {"at_percent": 100, "do": "tell_manager"},
        {"at_percent": 200, "do": "to_backup"},
        {"at_percent": 300, "do": "to_manager"},
    ]


def parse(value: object, *, budget: int) -> tuple[Step, ...]:
    """
    Read a chain as it is stored, for a clock with so many seconds of budget.

    :raises ChainError: for an unknown action, a bad time, steps out of order, a missing pool or
        queue, or a chain of which the last step leaves nobody in charge
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ChainError("The escalation must be a list of steps.")
    if len(value) > MOST_STEPS:
        raise ChainError(f"At most {MOST_STEPS} steps.")
    steps = tuple(_step(number, raw) for number, raw in enumerate(value, start=1))
    for number, (one, other) in enumerate(pairwise(steps), start=2):
        # Steps of one moment are taken in their order.
        if other.after(budget) < one.after(budget):
            raise ChainError(f"Step {number} must not come before step {number - 1}.", number)
    if steps and not ACTIONS[steps[-1].action].names_a_person:
        names = ", ".join(name for name, action in ACTIONS.items() if action.names_a_person)
        raise ChainError(
            f"The last step must name a person: {names}, or a late lead could end with nobody.",
            len(steps),
        )
    return steps


def _step(number: int, raw: object) -> Step:
    if not isinstance(raw, Mapping):
        raise ChainError(
            f'Step {number} must look like {{"at_percent": 50, "do": "remind"}}.', number
        )
    action = raw.get("do")
    if not isinstance(action, str) or action not in ACTIONS:
        raise ChainError(
            f"Step {number}: {action!r} is unknown; choose {', '.join(ACTIONS)}.", number
        )
    percent, seconds = raw.get("at_percent"), raw.get("after")
    if (percent is None) == (seconds is None):
        raise ChainError(
            f"Step {number}: say when, by at_percent or by after, not by both.", number
        )
    if percent is not None:
        _whole(number, "at_percent", percent, most=LATEST_PERCENT)
    else:
        _whole(number, "after", seconds, most=LATEST_SECONDS)
    wants = ACTIONS[action].wants
    target = raw.get(wants) if wants else None
    if wants:
        _whole(number, wants, target, most=2**63 - 1)
    return Step(action=action, percent=percent, seconds=seconds, target=target)


def _whole(number: int, name: str, value: object, *, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ChainError(f"Step {number}: {name} must be a whole number.", number)
    if not 0 < value <= most:
        raise ChainError(f"Step {number}: {name} must be from 1 to {most}.", number)
