"""Clock arithmetic: when a promise is due and when each step of its chain fires. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reps.hours import Calendar, HoursError, Spans, add
from sla.chain import Step
from sla.hours import ROUND_THE_CLOCK, Hours


@dataclass(frozen=True, slots=True)
class Plan:
    """Instants of a clock in epoch seconds UTC: the deadline, and each step in order."""

    due: int
    steps: tuple[tuple[int, Step], ...]

    def as_json(self, *, budget: int) -> list[dict[str, Any]]:
        """
        The chain as a clock freezes it: per step its instant `at`, `after` how many seconds of
        the clock's time that is, and what is done.
        """
        return [{"at": at, "after": step.after(budget), **step.what()} for at, step in self.steps]


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
        steps=tuple((add(calendar, start, step.after(budget), pauses), step) for step in steps),
    )


def counted_in(hours: Hours, *, start: int, budget: int, steps: Sequence[Step]) -> Hours:
    """
    The hours a clock is really counted in: these, or around the clock if they never come again,
    for whoever holds the lead still owes an answer.
    """
    try:
        plan(calendar=hours.calendar, pauses=hours.away, start=start, budget=budget, steps=steps)
    except HoursError:
        return ROUND_THE_CLOCK
    return hours


def counts_from(at: datetime) -> int:
    """The second from which a clock that starts at this moment counts: the next whole one."""
    return math.ceil(at.timestamp())


def span_of_pause(started_at: datetime, ended_at: datetime) -> tuple[int, int]:
    """The whole seconds that a pause takes out: those it touches, in favour of the holder."""
    return math.floor(started_at.timestamp()), math.ceil(ended_at.timestamp())


@dataclass(frozen=True, slots=True)
class Laid:
    """A clock's deadline and frozen steps, laid out anew."""

    due: int
    steps: list[dict[str, Any]]


def lay_anew(
    *,
    hours: Hours,
    pauses: Spans,
    start: int,
    budget: int,
    steps: Sequence[Mapping[str, Any]],
    taken: int = 0,
) -> Laid:
    """
    Lay out a clock by its frozen numbers: `budget`, and the `after` of each step not yet taken.

    The deadline is always this: the instant at which the budget is used up in the clock's hours,
    counted from its start, all its pauses left out. Steps that were taken stay as they are.

    :raises reps.hours.HoursError: if its hours never come again
    """
    out = (*hours.away, *pauses)
    return Laid(
        due=add(hours.calendar, start, budget, out),
        steps=[
            *(dict(step) for step in steps[:taken]),
            *(
                {**step, "at": add(hours.calendar, start, step["after"], out)}
                for step in steps[taken:]
            ),
        ],
    )


def not_before(
    steps: Sequence[Mapping[str, Any]], instant: int, *, taken: int = 0
) -> list[dict[str, Any]]:
    """The steps, those to come no earlier than this: what should have been done, is due now."""
    return [
        dict(step) if number < taken else {**step, "at": max(step["at"], instant)}
        for number, step in enumerate(steps)
    ]


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
