"""
The points model: pure arithmetic on facts and events, every contribution shown.

    fit         the points of every factor and every ideal customer profile whose condition holds
    engagement  per kind of event: points × ½^(age ÷ half-life) for each event, held within a cap
    score       fit × its weight + engagement × its weight, rounded half up, bounded to 0 to 100

Sums are exact (`fsum`), so the order of events and of lines makes no difference, and the score
at any moment follows from what happened alone: nothing is counted down and stored.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from routing.engine import Condition, holds

LOWEST: Final = 0
HIGHEST: Final = 100
DAY: Final = 86_400
# What a model says that says nothing else; requirement SCO-2.
HOT_FROM: Final = 80
WARM_FROM: Final = 60
THRESHOLD: Final = 60
# The event of a form that was filled in, beside those that sites send.
FORM_EVENT: Final = "form_submitted"

# An event as the fact `events` tells it: its slug, and whole seconds ago.
Event: TypeAlias = Sequence[Any]
Kind: TypeAlias = Literal["icp", "fit", "event", "learnt", "base"]


@dataclass(frozen=True, slots=True)
class Factor:
    """Points, possibly negative, for leads that meet a condition."""

    name: str
    condition: Condition
    points: int


@dataclass(frozen=True, slots=True)
class Profile:
    """An ideal customer profile: a named condition, with points for whoever fits."""

    name: str
    condition: Condition
    points: int = 0


@dataclass(frozen=True, slots=True)
class EventPoints:
    """
    Points for each event of one kind. They halve every `half_life` seconds (None: they stay),
    count for `window` seconds (None: as long as events are looked back on), of at most
    `per_day` events of a UTC day (the newest), and never add up beyond `cap`, up or down.
    """

    name: str
    event: str
    points: int
    half_life: int | None = None
    window: int | None = None
    cap: int | None = None
    per_day: int | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """What a score is made from. Weights are percent; a tier begins at its bound."""

    profiles: tuple[Profile, ...] = ()
    factors: tuple[Factor, ...] = ()
    events: tuple[EventPoints, ...] = ()
    fit_weight: int = 100
    engagement_weight: int = 100
    hot_from: int = HOT_FROM
    warm_from: int = WARM_FROM
    threshold: int = THRESHOLD

    def tier_of(self, score: int) -> str:
        """HOT, WARM or COLD, by the bounds of this model."""
        if score >= self.hot_from:
            return "HOT"
        return "WARM" if score >= self.warm_from else "COLD"


@dataclass(frozen=True, slots=True)
class Part:
    """
    What one line adds, weighted, before the sum is bounded.

    Of events: `full` is what it would be without decay and cap, `count` how many count, `ago`
    the seconds since the newest.
    """

    kind: Kind
    name: str
    points: float
    full: float = 0.0
    count: int = 0
    ago: int | None = None

    @property
    def has_decayed(self) -> bool:
        """Whether time or a cap has taken something from it."""
        return self.kind == "event" and abs(self.full - self.points) >= 0.05


@dataclass(frozen=True, slots=True)
class Score:
    """A score from 0 to 100 with the parts it adds up from; fit and engagement weighted."""

    value: int
    tier: str
    parts: tuple[Part, ...] = ()
    fit: float = 0.0
    engagement: float = 0.0
    profiles: tuple[str, ...] = field(default=())

    @property
    def total(self) -> float:
        """The sum before it is rounded and bounded."""
        return math.fsum(part.points for part in self.parts)


EMPTY: Final = Model()


def score(
    model: Model,
    facts: Mapping[str, Any],
    *,
    events: Iterable[Event] | None = None,
    at: int = 0,
) -> Score:
    """
    Score facts at an instant (`at`, epoch seconds: it says where a UTC day begins).

    `events` are those that engagement counts; without them it counts the fact `events`.
    """
    happened = facts.get("events", ()) if events is None else events
    fits = fit_parts(model, facts)
    parts = (*fits, *event_parts(model, happened, at=at))
    fit = math.fsum(part.points for part in fits)
    engagement = math.fsum(part.points for part in parts[len(fits) :])
    value = bounded(math.fsum(part.points for part in parts))
    profiles = tuple(one.name for one in model.profiles if holds(one.condition, facts))
    return Score(value, model.tier_of(value), parts, fit, engagement, profiles)


def bounded(total: float) -> int:
    """Round half up, and bound to 0 to 100."""
    return max(LOWEST, min(HIGHEST, math.floor(total + 0.5)))


def fit_parts(model: Model, facts: Mapping[str, Any]) -> tuple[Part, ...]:
    """What the facts add: profiles first, then factors, as the model lists them."""
    weight = model.fit_weight / 100
    kinds: tuple[tuple[Kind, Sequence[Profile | Factor]], ...] = (
        ("icp", model.profiles),
        ("fit", model.factors),
    )
    return tuple(
        Part(kind, line.name, line.points * weight, line.points * weight)
        for kind, lines in kinds
        for line in lines
        if line.points and holds(line.condition, facts)
    )


def event_parts(model: Model, events: Iterable[Event], *, at: int) -> tuple[Part, ...]:
    """What was done adds, one part for each line of the model that something counts for."""
    ages: dict[str, list[int]] = {}
    for name, ago in events:
        ages.setdefault(name, []).append(max(0, ago))
    weight = model.engagement_weight / 100
    found = []
    for line in model.events:
        counted = counting(line, ages.get(line.event, ()), at=at)
        if counted:
            points = weight * held(line, math.fsum(worth(line, ago) for ago in counted))
            full = weight * line.points * len(counted)
            found.append(Part("event", line.name, points, full, len(counted), counted[0]))
    return tuple(found)


def counting(line: EventPoints, ages: Iterable[int], *, at: int) -> list[int]:
    """The ages of the events that a line counts, newest first."""
    found, days = [], dict[int, int]()
    for ago in sorted(ages):
        if line.window is not None and ago >= line.window:
            break
        day = (at - ago) // DAY
        days[day] = days.get(day, 0) + 1
        if line.per_day is None or days[day] <= line.per_day:
            found.append(ago)
    return found


def worth(line: EventPoints, ago: float) -> float:
    """What one event of this age is worth now, before the cap."""
    if line.half_life is None:
        return float(line.points)
    return line.points * math.pow(0.5, ago / line.half_life)


def held(line: EventPoints, points: float) -> float:
    """The points of a line within its cap."""
    return points if line.cap is None else max(-line.cap, min(line.cap, points))
