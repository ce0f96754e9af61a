"""Saving a territory with all that belongs to it: stand-ins and the pool that shares it."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from accounts.models import Territory, TerritoryBackup
from reps import trail
from reps.models import Rep, User
from routing.models import Pool


@transaction.atomic
def save(
    row: Territory,
    *,
    backups: Sequence[Rep],
    pool: Pool | None,
    by: User,
    at: datetime,
) -> None:
    """
    Save a territory, who stands in for its owner in which order, and its pool.

    A pool serves one territory and its parts: naming it here takes it from where it was.
    """
    is_new = row.pk is None
    ordered = list(dict.fromkeys(backups))
    row.backup = ordered[0] if ordered else None
    trail.save(row, by=by, at=at, reason="created" if is_new else "edited")
    set_further_backups(row, ordered[1:], by=by, at=at)
    for old in Pool.objects.select_for_update(no_key=True).filter(territory=row):
        if old != pool:
            old.territory = None
            trail.save(old, by=by, at=at, reason="serves no territory any more")
    if pool is not None:
        fresh = Pool.objects.select_for_update(no_key=True).get(pk=pool.pk)
        if fresh.territory_id != row.pk:
            fresh.territory = row
            trail.save(fresh, by=by, at=at, reason="serves another territory")


@transaction.atomic
def set_further_backups(
    row: Territory, reps: Sequence[Rep], *, by: User | None, at: datetime
) -> None:
    """Make these reps, in this order, stand in after the first backup; nothing if they do."""
    Territory.objects.select_for_update(no_key=True).get(pk=row.pk)
    held = {one.rep_id: one for one in row.further_backups.all()}
    for position, rep in enumerate(reps, 1):
        one = held.pop(rep.pk, None) or TerritoryBackup(territory=row, rep=rep)
        if one.pk is None or one.position != position:
            one.position = position
            trail.save(one, by=by, at=at, reason="stands in")
    for gone in held.values():
        trail.delete(gone, by=by, at=at, reason="stands in no more")
