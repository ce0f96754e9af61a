"""
Where the live territories have changed under a plan.

Only what the plan itself changes can be in conflict: everything else it leaves alone anyway.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from accounts.models import PlannedTerritory, Territory
from accounts.services.plans.world import World, state_of


@dataclass(frozen=True, slots=True)
class Conflict:
    """
    A column that both the plan and somebody else changed; `field` is empty where the whole
    territory is gone, or its name is taken.
    """

    change: PlannedTerritory
    field: str
    planned_from: Any
    live: Any
    wanted: Any
    why: str


def of(changes: Iterable[PlannedTerritory], world: Mapping[int, Territory]) -> list[Conflict]:
    """Everything that keeps these changes from taking effect in this world."""
    changes = list(changes)
    found: list[Conflict] = []
    for change in changes:
        if change.is_new:
            continue
        row = world.get(change.territory)
        if row is None:
            found.append(Conflict(change, "", None, None, None, "was deleted meanwhile"))
            continue
        state = state_of(row)
        for name in change.changed:
            was, wanted, now = change.before.get(name), change.after[name], state.get(name)
            if now not in (was, wanted):
                found.append(Conflict(change, name, was, now, wanted, "was changed meanwhile"))
    return found + _names(changes, world) + _parents(changes, world)


def _names(
    changes: list[PlannedTerritory], world: World | Mapping[int, Territory]
) -> list[Conflict]:
    """New names that somebody has, if only until the plan takes effect."""
    taken = {row.name: pk for pk, row in world.items()}
    found = []
    for change in changes:
        name = change.after["name"]
        if (change.is_new or "name" in change.changed) and taken.get(
            name, change.key
        ) != change.key:
            found.append(
                Conflict(change, "", None, name, name, f"the name “{name}” is taken meanwhile")
            )
        taken[name] = change.key
    return found


def _parents(changes: list[PlannedTerritory], world: Mapping[int, Territory]) -> list[Conflict]:
    """What would be part of something that is gone, or of itself."""
    parents = {pk: row.parent_id for pk, row in world.items()}
    for change in changes:
        if change.is_new or ("parent_id" in change.changed and change.territory in world):
            parents[change.key] = change.after.get("parent_id")
    found = []
    for change in changes:
        if not (change.is_new or "parent_id" in change.changed):
            continue
        seen, at = {change.key}, parents.get(change.key)
        while at is not None and at in parents and at not in seen:
            seen.add(at)
            at = parents[at]
        if at is None:
            continue
        why = "would be part of itself" if at in seen else "would be part of one that is gone"
        found.append(Conflict(change, "parent_id", None, None, change.after.get("parent_id"), why))
    return found
