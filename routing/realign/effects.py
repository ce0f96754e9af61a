"""
What a realignment does, in figures. Pure: sums in, tables out.

Every table has a line for pools and for nobody in particular, so that both sides add up to the
same: leads and accounts change hands, none comes or goes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from routing.insight.measures import gini

MEASURES = ("flow", "open", "points", "accounts")
BEFORE, AFTER = 0, 1
Sums = dict[str, list[int]]


def add(sums: Sums, key: str, side: int, amount: int = 1) -> None:
    """Count an amount on one side of a line."""
    sums.setdefault(key, [0, 0])[side] += amount


def is_rep(key: str) -> bool:
    return key.startswith("r")


@dataclass(frozen=True, slots=True)
class Spread:
    """How even a measure is over the reps: Gini, and the most of anybody against the mean."""

    gini: float
    peak: float

    @classmethod
    def of(cls, amounts: Iterable[int]) -> "Spread":
        values = list(amounts)
        mean = sum(values) / len(values) if values else 0
        return cls(round(gini(values), 4), round(max(values) / mean, 3) if mean else 0.0)


def fairness(sums: Sums, reps: Iterable[str]) -> dict[str, Any]:
    """The spread over the same reps on both sides; whoever has nothing counts with nothing."""
    keys = sorted(reps)
    old, new = (Spread.of(sums.get(key, [0, 0])[side] for key in keys) for side in (BEFORE, AFTER))
    return {"gini": [old.gini, new.gini], "peak": [old.peak, new.peak], "reps": len(keys)}


def with_moves(sums: Sums, moves: Iterable[tuple[str, str, int]]) -> Sums:
    """Let amounts go from one line to another on the side after."""
    found = {key: list(pair) for key, pair in sums.items()}
    for source, target, amount in moves:
        add(found, source, AFTER, -amount)
        add(found, target, AFTER, amount)
    return found


def chosen(moving: Iterable[list[Any]], policy: str) -> list[list[Any]]:
    """
    The open leads that move under a policy: [lead, from, to, acknowledged, points] each.

    Where nobody owns the place afterwards there is nobody to move to.
    """
    if policy == "STAY":
        return []
    return [one for one in moving if one[2] and (policy == "ALL" or not one[3])]


def tables(sums: Mapping[str, Any], *, policy: str, reps: Iterable[str]) -> dict[str, Any]:
    """Everything that the preview shows, from the sums that were counted."""
    moves = chosen(sums["moving"], policy)
    found: dict[str, Sums] = {name: sums[name] for name in ("flow", "accounts")}
    found["open"] = with_moves(sums["open"], ((f"r{a}", f"r{b}", 1) for _, a, b, _, _ in moves))
    found["points"] = with_moves(sums["points"], ((f"r{a}", f"r{b}", n) for _, a, b, _, n in moves))
    concerned = set(reps) | {
        key for one in found.values() for key, (a, b) in one.items() if a != b and is_rep(key)
    }
    keys = sorted({key for one in found.values() for key in one} | concerned)
    return {
        "lines": [{"key": key, **{m: found[m].get(key, [0, 0]) for m in MEASURES}} for key in keys],
        "total": {
            m: [sum(pair[side] for pair in found[m].values()) for side in (BEFORE, AFTER)]
            for m in MEASURES
        },
        "fairness": {m: fairness(found[m], concerned) for m in MEASURES},
        "moves": {
            "STAY": 0,
            "UNSEEN": len(chosen(sums["moving"], "UNSEEN")),
            "ALL": len(chosen(sums["moving"], "ALL")),
        },
        "without_taker": sum(not one[2] for one in sums["moving"]),
    }
