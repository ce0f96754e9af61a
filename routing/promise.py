"""
By when a lead should be answered: asked by routing, known by whoever makes promises.

Routing knows no promises of its own, so `sla` registers its answer when it starts.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from routing.models import Lead

# (leads; facts by lead id; at) → lead id → epoch seconds. Statements are constant.
Promises: TypeAlias = Callable[
    [Sequence[Lead], Mapping[int, Mapping[str, Any]], datetime], Mapping[int, int]
]
_asked: list[Promises] = []


def register(promises: Promises) -> None:
    """Let this be asked too; several are asked, and the earliest answer counts."""
    if promises not in _asked:
        _asked.append(promises)


def answer_by(
    leads: Sequence[Lead], *, facts: Mapping[int, Mapping[str, Any]], at: datetime
) -> dict[int, int]:
    """
    Return lead id → instant by which somebody should have answered, if it were assigned now;
    a lead to which nothing is promised is missing. `facts` are what is known of each lead.
    """
    found: dict[int, int] = {}
    for promises in _asked:
        for lead, instant in promises(leads, facts, at).items():
            found[lead] = min(instant, found.get(lead, instant))
    return found
