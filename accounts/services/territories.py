"""Ask the territories as they stand which one would get a place."""

from collections.abc import Iterable
from dataclasses import dataclass

from accounts import conditions
from accounts.areas import (
    Area,
    AreaIndex,
    AreaTreeBroken,
    Ask,
    Contender,
    Place,
    most_specific,
    why,
)
from accounts.models import Territory

__all__ = [
    "Answer",
    "AreaIndex",
    "AreaTreeBroken",
    "Contender",
    "Place",
    "area_of",
    "in_tree_order",
    "most_specific",
    "serving",
    "who_gets",
    "why",
]


@dataclass(frozen=True, slots=True)
class Answer:
    """A territory that covers a place, and by which criteria; the first one wins."""

    territory: Territory
    contender: Contender


def who_gets(place: Place) -> list[Answer]:
    """Return every serving territory that covers a place, the winner first."""
    rows = {
        row.pk: row
        for row in Territory.objects.select_related("owner__user", "backup__user", "parent")
    }
    found = why(AreaIndex(area_of(row) for row in serving(rows)), place)
    return [Answer(rows[int(one.area_id)], one) for one in found]


def serving(rows: dict[int, Territory]) -> Iterable[Territory]:
    """The active ones; an inactive territory takes its children out of service with it."""

    def serves(row: Territory) -> bool:
        return row.is_active and (row.parent_id is None or serves(rows[row.parent_id]))

    return [row for row in rows.values() if serves(row)]


def area_of(row: Territory) -> Area:
    """A territory as the pure geography sees it."""
    return Area(
        id=row.pk,
        parent=row.parent_id,
        countries=tuple(row.countries),
        regions=tuple(row.regions),
        postal_prefixes=tuple(row.postal_prefixes),
        postal_ranges=tuple((low, high) for low, high in row.postal_ranges),
        industries=tuple(row.industries),
        employees_min=row.employees_min,
        employees_max=row.employees_max,
        asks=asks_of(row),
        rank=row.rank,
    )


def asks_of(row: Territory) -> tuple[Ask, ...]:
    """
    The further conditions of a territory.

    What can no longer be read (a fact that is gone) is asked in vain: it must not widen the
    territory to all leads.
    """
    try:
        return tuple(question.holds for question in conditions.read(row.conditions))
    except conditions.Unreadable:
        return (lambda facts: False,)


def in_tree_order(rows: Iterable[Territory]) -> list[tuple[int, Territory]]:
    """Return (depth, territory) with every child right below its parent."""
    below: dict[int | None, list[Territory]] = {}
    for row in rows:
        below.setdefault(row.parent_id, []).append(row)
    found: list[tuple[int, Territory]] = []

    def walk(parent: int | None, depth: int) -> None:
        for row in below.get(parent, ()):
            found.append((depth, row))
            walk(row.pk, depth + 1)

    walk(None, 0)
    return found
