"""Clock arithmetic: when a promise is due and when each step of its chain fires. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reps.hours import Calendar, Spans, add
from sla.chain import Step


@dataclass(frozen=True, slots=True)
class Plan:
    """Instants of a clock in epoch seconds UTC: the deadline, and each step in order."""

    due: int
    steps: tuple[tuple[int, str], ...]

    def as_json(self) -> list[dict[str, Any]]:
        return [{"at": at, "do": action} for at, action in self.steps]


def plan(
    *, calendar: Calendar, pauses: Spans, start: int, budget: int, steps: Sequence[Step]
) -> Plan:
    """
    Lay a budget of `budget` seconds and its steps out on a calendar from `start` on.

    Time outside the calendar and inside a pause does not count. A step at 100 % and the
    deadline are the same instant.
    """
    return Plan(
        due=add(calendar, start, budget, pauses),
        steps=tuple(
            (add(calendar, start, step.after(budget), pauses), step.action) for step in steps
        ),
    )


def due_within(spans: Spans, *, start: int, budget: int) -> int | None:
    """
    Return when a budget of seconds, counted from `start` in these spans only, is used up.

    None if the spans end before.
    """
    left = budget
    for opens, closes in spans:
        begins = max(opens, start)
        if closes <= begins:
            continue
        if left <= closes - begins:
            return begins + left
        left -= closes - begins
    return None
