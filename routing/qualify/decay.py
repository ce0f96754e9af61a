"""
When a score will next say something else by the passing of time alone. Pure.

Points of events halve, windows end, and conditions such as "pricing page within 2 days" cease
to hold. `next_look` finds the first moment worth looking at again: at which the tier or the
side of the threshold changes (at most `STEP` late), or, after a day, the number itself. It may
be early, never late: between two jumps the score cannot move faster than the sum of all
speeds, so that a step as long as the way to the next bound divided by that is safe.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from routing.engine.conditions import All, AnyOf, Check, Condition, Not
from routing.engine.ops import Happening
from routing.qualify import scoring
from routing.qualify.scoring import DAY, Event, Model

# The shortest rest between two looks, in seconds, and the longest that is worth planning.
STEP: Final = 900
FARTHEST: Final = 365 * DAY
# Beyond so many steps the next look is early.
MOST_STEPS: Final = 64


@dataclass(frozen=True, slots=True)
class _Line:
    """An event line with the ages that it counts now."""

    line: scoring.EventPoints
    weight: float
    ages: tuple[int, ...]

    def speed(self, after: float) -> float:
        """The most points a second that it can move from then on."""
        life = self.line.half_life
        if life is None:
            return 0.0
        now = math.fsum(abs(scoring.worth(self.line, ago + after)) for ago in self.ages)
        return now * self.weight * math.log(2) / life

    def left(self, after: float) -> float:
        """The most points that it can still move from then on."""
        life = self.line.half_life
        if life is None:
            return 0.0
        return self.weight * math.fsum(
            abs(scoring.worth(self.line, ago + after)) for ago in self.ages
        )


def next_look(
    model: Model, facts: Mapping[str, Any], *, events: Sequence[Event], at: int
) -> int | None:
    """
    Return in how many seconds to look at this score again; None if time changes nothing.

    `events` are those that engagement counts, the fact `events` those that conditions see.
    """
    seen = facts.get("events", ())
    jumps = sorted(set(_jumps(model, seen, events, at=at)))
    lines = _lines(model, events, at=at)
    if not jumps and not any(line.line.half_life for line in lines):
        return None

    def value_after(after: int) -> float:
        then = {**facts, "events": [[name, ago + after] for name, ago in seen]} if seen else facts
        aged = [[name, ago + after] for name, ago in events]
        return math.fsum(
            part.points
            for part in (
                *scoring.fit_parts(model, then),
                *scoring.event_parts(model, aged, at=at + after),
            )
        )

    first = scoring.bounded(value_after(0))
    after = 0
    for _ in range(MOST_STEPS):
        total = value_after(after)
        now = scoring.bounded(total)
        if _class(model, now) != _class(model, first) or (after >= DAY and now != first):
            return max(STEP, after)
        ahead = next((jump for jump in jumps if jump > after), None)
        way = _way(model, total, by_class=after < DAY)
        speed = math.fsum(line.speed(after) for line in lines)
        never = way > math.fsum(line.left(after) for line in lines)
        step = FARTHEST if never or not speed else int(min(FARTHEST, way / speed))
        if after < DAY and not (never and ahead is None and _is_still(model, total, lines, after)):
            # From then on every number counts.
            step = min(step, DAY - after)
        goal = after + max(STEP, step)
        after = min(goal, ahead) if ahead is not None else goal
        if after >= FARTHEST:
            return None
    return max(STEP, after)


def _class(model: Model, value: int) -> tuple[str, bool]:
    return model.tier_of(value), value >= model.threshold


def _way(model: Model, total: float, *, by_class: bool) -> float:
    """The distance to the nearest total at which something changes that counts."""
    if by_class:
        bounds = (model.hot_from, model.warm_from, model.threshold)
        return min(abs(total - (bound - 0.5)) for bound in bounds)
    value = scoring.bounded(total)
    below = total - (value - 0.5) if value > scoring.LOWEST else math.inf
    above = value + 0.5 - total if value < scoring.HIGHEST else math.inf
    if total > scoring.HIGHEST:
        below = total - (scoring.HIGHEST - 0.5)
    if total < scoring.LOWEST:
        above = scoring.LOWEST + 0.5 - total
    return min(below, above)


def _is_still(model: Model, total: float, lines: Iterable[_Line], after: float) -> bool:
    """Whether not even the number can ever move again."""
    left = math.fsum(line.left(after) for line in lines)
    return _way(model, total, by_class=False) > left


def _lines(model: Model, events: Sequence[Event], *, at: int) -> list[_Line]:
    weight = abs(model.engagement_weight) / 100
    ages: dict[str, list[int]] = {}
    for name, ago in events:
        ages.setdefault(name, []).append(max(0, ago))
    return [
        _Line(line, weight, tuple(scoring.counting(line, ages[line.event], at=at)))
        for line in model.events
        if line.event in ages
    ]


def _jumps(
    model: Model, seen: Sequence[Event], events: Sequence[Event], *, at: int
) -> Iterator[int]:
    """The seconds from now at which a window ends, or a condition may cease to hold."""
    for line in model.events:
        if line.window is not None:
            yield from (
                line.window - ago
                for name, ago in events
                if name == line.event and ago < line.window
            )
    conditions = [one.condition for one in model.profiles]
    conditions += [one.condition for one in model.factors]
    for name, within in {one for part in conditions for one in _happenings(part)}:
        yield from (
            within - ago + 1 for event, ago in seen if event.casefold() == name and ago <= within
        )


def _happenings(part: Condition) -> Iterator[tuple[str, int]]:
    """Event and span of every check that looks back only so far."""
    match part:
        case All(parts) | AnyOf(parts):
            for one in parts:
                yield from _happenings(one)
        case Not(inner):
            yield from _happenings(inner)
        case Check(value=Happening(name=name, within=int(within))):
            yield name.casefold(), within
