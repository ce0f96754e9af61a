"""
Caps beside the number of open leads: `types.Limit` asked about one rep and one lead.

Points and value count all open leads of the rep, wherever they came from; with a pool or a
tier such a limit is asked of fewer leads. Flow and share count only the leads that the limit
concerns.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from routing.engine import facts as known
from routing.engine.types import Counters, Given, Limit, Situation, Verdict

VERDICTS: dict[str, Verdict] = {
    "points": "full_points",
    "value": "full_value",
    "flow": "full_flow",
    "tier_share": "full_share",
}


@dataclass(slots=True)
class Load:
    """
    What a lead would add to whoever takes it, and the pool through which it would come.

    It remembers how many leads a pool has given, which is the same for every member: so one
    `Load` is good for one ledger as it stands.
    """

    points: int = 0
    value: int = 0
    tier: str = ""
    pool: int | None = None
    given: dict[tuple[int | None, str | None, int | None, int], int] = field(default_factory=dict)


def load_of(situation: Situation, pool: int | None) -> Load:
    """Return the load of a lead that comes through this pool."""
    facts = situation.facts
    return Load(
        known.whole_in(facts, "points"),
        known.whole_in(facts, "expected_value"),
        situation.tier,
        pool,
    )


def exceeded(limit: Limit, rep: int, counters: Counters, at: int, load: Load) -> bool:
    """Say whether the limit keeps the rep from the lead at this instant."""
    if limit.pool is not None and limit.pool != load.pool:
        return False
    if limit.tier is not None and limit.tier != load.tier:
        return False
    match limit.kind:
        case "points":
            return counters.points.get(rep, 0) + load.points > limit.most
        case "value":
            return counters.value.get(rep, 0) + load.value > limit.most
        case "flow":
            return _received(limit, rep, counters, at) >= limit.most
        case "tier_share":
            everybody = _given(limit, counters, at, load)
            return _received(limit, rep, counters, at) + 1 > _share(limit, everybody + 1)


def is_timed(limit: Limit) -> bool:
    """Say whether time may free it: open points and value change by leads alone."""
    return limit.kind in ("flow", "tier_share")


def frees_at(limit: Limit, rep: int, counters: Counters, at: int, load: Load) -> int | None:
    """
    Return the first instant from `at` on when the limit does not keep the rep from the lead.

    None: time alone does not help.
    """
    if not exceeded(limit, rep, counters, at, load):
        return at
    if not is_timed(limit):
        return None
    later = (then for then in _ends(limit, rep, counters) if then > at)
    return next((then for then in later if not exceeded(limit, rep, counters, then, load)), None)


def words(limit: Limit, rep: int, counters: Counters, at: int, load: Load) -> str:
    """Put into words why the rep stands at the limit."""
    match limit.kind:
        case "points":
            return f"{counters.points.get(rep, 0)} + {load.points} of {limit.most} points"
        case "value":
            return f"value {counters.value.get(rep, 0)} + {load.value} of {limit.most}"
        case "flow":
            return f"{_received(limit, rep, counters, at)} of {limit.most} leads in the window"
        case "tier_share":
            mine = _received(limit, rep, counters, at)
            everybody = _given(limit, counters, at, load)
            return f"{mine} of {everybody} leads in the window, at most {limit.most} %"


def _share(limit: Limit, leads: int) -> int:
    """The percentage of so many leads, rounded up to whole leads."""
    return -(-limit.most * leads // 100)


def _received(limit: Limit, rep: int, counters: Counters, at: int) -> int:
    given = counters.given.get(rep)
    return 0 if not given else _count(given, limit, at)


def _given(limit: Limit, counters: Counters, at: int, load: Load) -> int:
    key = (limit.pool, limit.tier, limit.window, at)
    if key not in load.given:
        load.given[key] = sum([_count(given, limit, at) for given in counters.given.values()])
    return load.given[key]


def _count(given: tuple[Given, ...], limit: Limit, at: int) -> int:
    first = _first(limit, at)
    pool, tier = limit.pool, limit.tier
    return sum(
        [
            1
            for one in given
            if (first is None or one.at >= first)
            and (pool is None or one.pool == pool)
            and (tier is None or one.tier == tier)
        ]
    )


def _first(limit: Limit, at: int) -> int | None:
    """The first instant of the window that holds `at`; None if it has no beginning."""
    if limit.edges:
        i = bisect_right(limit.edges, at)
        return limit.edges[i - 1] if i else None
    return None if limit.window is None else at - limit.window + 1


def _ends(limit: Limit, rep: int, counters: Counters) -> Iterator[int]:
    """When something leaves the window, in order."""
    if limit.edges:
        yield from limit.edges
    elif limit.window is not None:
        for one in counters.given.get(rep, ()):
            yield one.at + limit.window
