"""
The facts that the engine itself reads, by names agreed with whoever gathers them.

| fact                        | is                                                            |
|-----------------------------|---------------------------------------------------------------|
| `lead`                      | the lead's id: keeps its side of an experiment, and its lot   |
| `tier`, `points`,           | its tier; what it adds to a rep's open points, and to their   |
| `expected_value`            | open value                                                    |
| `waited`                    | seconds it has waited for routing                             |
| `answer_by`                 | when its first answer is due, epoch seconds                   |
| `handed_back`               | reps who gave it back or lost it                              |
| `former_owner`              | who had this person before                                    |
| `account_team`              | reps who work for its account                                 |
| `account_owner` … `territory` | what its target means, see `targets`                        |
| `account_backup`, `parent_account_backup` | after whom of the account a rep takes its leads |
| `account_cover`, `parent_account_cover`, `territory_cover` | who takes them instead for now |
| `language`, `segment`       | skills it asks for                                            |
| `location`                  | [latitude, longitude]                                         |
| `daytime`                   | [[start, end], …]: when it is day where the prospect is       |
| `propensity`                | [[rep, score], …]: how likely each is to win it               |

A fact of another kind than expected counts as missing.
"""

import math
from typing import Any, TypeGuard

from routing.engine.conditions import Facts
from routing.engine.earth import Point, point_of
from routing.engine.parts import is_integer
from routing.engine.spans import Spans


def id_in(facts: Facts, name: str) -> int | None:
    """Return the id that a fact holds; None if it holds none."""
    value = facts.get(name)
    return value if isinstance(value, int) and is_integer(value) else None


def ids_in(facts: Facts, name: str) -> frozenset[int]:
    """Return the ids that a fact lists."""
    value = facts.get(name)
    if not isinstance(value, list | tuple):
        return frozenset()
    return frozenset(one for one in value if is_integer(one))


def whole_in(facts: Facts, name: str) -> int:
    """Return a number to the nearest whole, never below 0; 0 if the fact holds none."""
    value = facts.get(name)
    return max(0, round(value)) if _is_finite(value) else 0


def seconds_waited(facts: Facts) -> int:
    """Return how many whole seconds the lead has waited for routing."""
    value = facts.get("waited")
    return max(0, math.floor(value)) if _is_finite(value) else 0


def instant_in(facts: Facts, name: str) -> int | None:
    """Return the last whole second that is not after the instant a fact holds."""
    value = facts.get(name)
    return math.floor(value) if _is_finite(value) else None


def point_in(facts: Facts, name: str) -> Point | None:
    """Return the place that a fact holds."""
    return point_of(facts.get(name))


def spans_in(facts: Facts, name: str) -> Spans | None:
    """Return the spans that a fact lists, as listed; None if it is no list."""
    value = facts.get(name)
    if not isinstance(value, list | tuple):
        return None
    return tuple((pair[0], pair[1]) for pair in value if _is_span(pair))


def scores_in(facts: Facts, name: str) -> dict[int, float]:
    """Return the scores that a fact lists, by rep."""
    value = facts.get(name)
    if not isinstance(value, list | tuple):
        return {}
    return {
        pair[0]: pair[1]
        for pair in value
        if _is_pair(pair) and is_integer(pair[0]) and _is_finite(pair[1])
    }


def _is_finite(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_pair(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    return isinstance(value, list | tuple) and len(value) == 2


def _is_span(value: object) -> bool:
    return _is_pair(value) and is_integer(value[0]) and is_integer(value[1]) and value[0] < value[1]
