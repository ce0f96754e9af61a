"""
How one of several eligible reps is chosen. Adding a strategy is one entry in `STRATEGIES`.

A strategy gives every candidate a key that ends with the rep's id; the smallest key wins.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from routing.engine import rotation
from routing.engine.types import Member, Situation

Key: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Strategy:
    """
    `keys(members, pool, situation)` in the order of the members, all different.

    `rotates`: the choice is charged to the pool's rotation, so only a pool can be its target.
    """

    keys: Callable[[Sequence[Member], int | None, Situation], Sequence[Key]]
    rotates: bool = False


def _round_robin(
    members: Sequence[Member], pool: int | None, situation: Situation
) -> Sequence[Key]:
    if pool is None:
        raise ValueError("only a pool can rotate")
    spec = situation.roster.pools[pool]
    return rotation.standings(
        spec, rotation.lane_of(spec, situation.tier), members, situation.counters
    )


def _least_loaded(
    members: Sequence[Member], pool: int | None, situation: Situation
) -> Sequence[Key]:
    open_leads = situation.counters.open.get
    return [(open_leads(m.rep, 0), -m.weight, m.position, m.rep) for m in members]


def _first(members: Sequence[Member], pool: int | None, situation: Situation) -> Sequence[Key]:
    return [(m.position, m.rep) for m in members]


STRATEGIES: Mapping[str, Strategy] = {
    # Whose turn it is, by weight: see `rotation`.
    "round_robin": Strategy(_round_robin, rotates=True),
    # Fewest open leads; ties: higher weight, smaller position, smaller id.
    "least_loaded": Strategy(_least_loaded),
    # The order of the list: owner before backup, members by position.
    "first": Strategy(_first),
}


def choose(
    name: str, members: Sequence[Member], pool: int | None, situation: Situation
) -> tuple[int, int | None]:
    """Return the rep to take the lead, and the one who would be next without them."""
    keys = list(STRATEGIES[name].keys(members, pool, situation))
    best = min(keys)
    if len(keys) == 1:
        return best[-1], None
    keys.remove(best)
    return best[-1], min(keys)[-1]
