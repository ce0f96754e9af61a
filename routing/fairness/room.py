"""Whether a rep's limits leave room for a lead, and if not, why; it counts along as leads move."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from reps.models import Rep
from routing.engine import Counters
from routing.engine.limits import Load, exceeded
from routing.engine.types import Given
from routing.engine.types import Limit as Cap
from routing.fairness import limits, windows
from routing.models import Lead

WAY_OUT = "choose somebody else, or raise the limit."


@dataclass(frozen=True, slots=True)
class Weight:
    """What a lead adds to the counters of whoever gets it, and which limits it concerns."""

    points: int
    value: int
    pool: int | None
    tier: str
    counts: bool


def weigh(
    lead: Lead, stage_points: Mapping[str, int], *, reason_code: str, pool_id: int | None = None
) -> Weight:
    """What a lead adds to the counters of whoever gets it for this reason."""
    state = limits.state_once_placed(lead)
    return Weight(
        points=limits.points_of(lead, stage_points, state=state),
        value=limits.value_of(lead),
        pool=pool_id,
        tier=lead.tier,
        counts=reason_code not in limits.NOT_COUNTED,
    )


class Room:
    """
    The limits of some reps and what they count. The caller holds the loads of these reps.

    A batch makes it from what its engine counted with; any other way in reads it.
    """

    def __init__(self, capped: limits.Limits, counters: Counters) -> None:
        self._capped, self._counters = capped, counters

    @classmethod
    def read(
        cls,
        reps: Collection[Rep],
        *,
        at: datetime,
        stage_points: Mapping[str, int],
    ) -> "Room":
        """Read the limits of these reps and their counters: one statement where there are none."""
        capped, counters = limits.of_reps(reps, at=at), Counters()
        limits.fill(counters, capped, at=at, stage_points=stage_points)
        return cls(capped, counters)

    def refusal(self, rep: Rep, weight: Weight, *, at: datetime) -> str | None:
        """Say why the rep cannot take a lead of this weight, and the way out; None if they can."""
        now = int(at.timestamp())
        load = Load(weight.points, weight.value, weight.tier, weight.pool)
        for cap in self._capped.get(rep.pk, ()):
            if cap.kind not in limits.STOCK and not weight.counts:
                continue
            if exceeded(cap, rep.pk, self._counters, now, load):
                return f"{self._words(cap, rep, weight, now)}; {WAY_OUT}"
        return None

    def take(self, rep_id: int, weight: Weight, *, at: datetime) -> None:
        """Count a lead that the rep now holds."""
        counters = self._counters
        counters.points[rep_id] = counters.points.get(rep_id, 0) + weight.points
        counters.value[rep_id] = counters.value.get(rep_id, 0) + weight.value
        if weight.counts:
            given = Given(int(at.timestamp()), weight.pool, weight.tier)
            counters.given[rep_id] = (*counters.given.get(rep_id, ()), given)

    def give_back(self, rep_id: int, *, points: int, value: int) -> None:
        """Count a lead that the rep does not hold any more; what was new stays new."""
        counters = self._counters
        counters.points[rep_id] = counters.points.get(rep_id, 0) - points
        counters.value[rep_id] = counters.value.get(rep_id, 0) - value

    def _words(self, cap: Cap, rep: Rep, weight: Weight, now: int) -> str:
        if cap.kind == "points":
            held = self._counters.points.get(rep.pk, 0)
            return (
                f"{rep} holds {held} of at most {cap.most} points of open leads, "
                f"and this one weighs {weight.points}"
            )
        if cap.kind == "value":
            held = self._counters.value.get(rep.pk, 0)
            return (
                f"{rep} holds open leads worth {held} of at most {cap.most}, "
                f"and this one is worth {weight.value}"
            )
        start = limits.since_when(cap, now)
        mine = _count(cap, self._counters.given.get(rep.pk, ()), start)
        if cap.kind == "flow":
            return f"{rep} has had {mine} new leads of at most {cap.most} {_period(cap, start)}"
        total = sum(_count(cap, given, start) for given in self._counters.given.values())
        return (
            f"{rep} has had {mine} of the {total} {cap.tier} leads of this pool "
            f"{_period(cap, start)}, and may have {cap.most} percent"
        )


def _count(cap: Cap, given: Iterable[Given], start: int) -> int:
    return sum(
        one.at >= start and cap.pool in (None, one.pool) and cap.tier in (None, one.tier)
        for one in given
    )


def _period(cap: Cap, start: int) -> str:
    if cap.window is not None:
        hours = cap.window // windows.LENGTH[windows.HOUR]
        return "in the last hour" if hours == 1 else f"in the last {hours} hours"
    following = min((edge for edge in cap.edges if edge > start), default=None)
    if following is None or following - start > 2 * windows.LENGTH[windows.DAY]:
        return "this week"
    return "this hour" if following - start <= windows.LENGTH[windows.HOUR] else "today"
