"""Whom the leads of each territory may go to."""

from collections.abc import Iterable, Mapping

from accounts.models import Territory, TerritoryBackup
from routing.engine import TerritorySpec
from routing.models import Pool


def specs(territories: Iterable[Territory]) -> list[TerritorySpec]:
    """Return the territories as the engine wants them: two statements."""
    rows = list(territories)
    pools = pools_of(rows)
    backups = further_backups()
    return [
        TerritorySpec(
            id=row.pk,
            owner=row.owner_id,
            backup=row.backup_id,
            pool=pools.get(row.pk),
            backups=tuple(backups.get(row.pk, ())),
        )
        for row in rows
    ]


def further_backups() -> dict[int, list[int]]:
    """Who stands in after the first backup, by territory, in their order: one statement."""
    found: dict[int, list[int]] = {}
    rows = TerritoryBackup.objects.order_by("territory_id", "position", "pk")
    for territory, rep in rows.values_list("territory_id", "rep_id"):
        found.setdefault(territory, []).append(rep)
    return found


def pools_of(territories: Iterable[Territory]) -> Mapping[int, int]:
    """
    The pool that shares each territory's leads, if one does: one statement.

    A part that has neither an owner nor a pool of its own is shared by the pool of the whole,
    so that one pool can serve a region cut into many postal territories.
    """
    rows = {row.pk: row for row in territories}
    own = dict(Pool.objects.filter(territory__isnull=False).values_list("territory_id", "pk"))
    found: dict[int, int] = {}
    for pk in rows:
        current: int | None = pk
        # A circle in the tree is refused by every way in; it must not hang the router.
        for _ in range(len(rows) + 1):
            row = rows.get(current) if current is not None else None
            if row is None:
                break
            if row.pk in own:
                found[pk] = own[row.pk]
                break
            if row.owner_id is not None:
                break
            current = row.parent_id
    return found
