"""Whom the leads of each territory may go to."""

from collections.abc import Mapping

from accounts.models import Territory, TerritoryBackup
from routing.engine import TerritorySpec
from routing.models import Pool


def specs() -> list[TerritorySpec]:
    """Return the territories as the engine wants them: three statements."""
    columns = Territory.objects.values_list("pk", "parent_id", "owner_id", "backup_id")
    rows = {pk: (parent, owner, backup) for pk, parent, owner, backup in columns}
    pools = pools_of({pk: (parent, owner) for pk, (parent, owner, _) in rows.items()})
    backups = further_backups()
    return [
        TerritorySpec(
            id=pk,
            owner=owner,
            backup=backup,
            pool=pools.get(pk),
            backups=tuple(backups.get(pk, ())),
        )
        for pk, (_, owner, backup) in rows.items()
    ]


def further_backups() -> dict[int, list[int]]:
    """Who stands in after the first backup, by territory, in their order: one statement."""
    found: dict[int, list[int]] = {}
    rows = TerritoryBackup.objects.order_by("territory_id", "position", "pk")
    for territory, rep in rows.values_list("territory_id", "rep_id"):
        found.setdefault(territory, []).append(rep)
    return found


def pools_of(rows: Mapping[int, tuple[int | None, int | None]]) -> dict[int, int]:
    """
    The pool that shares each territory's leads, if one does: one statement.

    `rows` are (parent, owner) by territory. A part that has neither an owner nor a pool of its
    own is shared by the pool of the whole, so that one pool can serve a region cut into many
    postal territories.
    """
    own = dict(Pool.objects.filter(territory__isnull=False).values_list("territory_id", "pk"))
    found: dict[int, int] = {}
    for pk in rows if own else ():
        current: int | None = pk
        seen: set[int] = set()
        # A circle in the tree is refused by every way in; it must not hang the router.
        while current is not None and current in rows and current not in seen:
            seen.add(current)
            if current in own:
                found[pk] = own[current]
                break
            parent, owner = rows[current]
            current = None if owner is not None else parent
    return found
