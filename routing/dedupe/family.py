"""The rows that stand for one person: the one that was merged into, and all merged into it."""

from collections.abc import Collection, Iterable

from django.db import transaction

from routing.models import Prospect

TRIES = 20


class MergedMeanwhile(RuntimeError):
    """These people were merged again and again while we waited for them."""


def root_of(prospect: Prospect) -> Prospect:
    """The row that stands for a person now."""
    while prospect.merged_into_id is not None:
        prospect = Prospect.objects.get(pk=prospect.merged_into_id)
    return prospect


def ids_of(prospect_id: int) -> list[int]:
    """Everybody merged with this person, by id; one statement per generation of merges."""
    up = prospect_id
    while (into := Prospect.objects.values_list("merged_into", flat=True).get(pk=up)) is not None:
        up = into
    found, latest = {up}, {up}
    while latest:
        rows = Prospect.objects.filter(merged_into__in=latest).values_list("pk", flat=True)
        latest = set(rows) - found
        found |= latest
    return sorted(found)


def families_of(prospect_ids: Collection[int]) -> dict[int, int]:
    """
    Everybody merged with any of these, with the row that stands for them: id → id.

    One statement per generation of merges, however many people are asked about.
    """
    into: dict[int, int | None] = {}
    ask = set(prospect_ids)
    while ask:
        rows = Prospect.objects.filter(pk__in=ask).values_list("pk", "merged_into")
        into |= dict(rows)
        ask = {up for up in into.values() if up is not None} - into.keys()
    latest = set(into)
    while latest:
        rows = Prospect.objects.filter(merged_into__in=latest).values_list("pk", "merged_into")
        latest = set()
        for pk, up in rows:
            if pk not in into:
                into[pk] = up
                latest.add(pk)
    return {pk: _top(pk, into) for pk in into}


def _top(pk: int, into: dict[int, int | None]) -> int:
    while (up := into[pk]) is not None:
        pk = up
    return pk


def locked(prospect_ids: Iterable[int]) -> dict[int, Prospect]:
    """Lock people in the order everybody locks them, and return them by id."""
    rows = Prospect.objects.select_for_update(no_key=True, of=("self",))
    return {row.pk: row for row in rows.filter(pk__in=set(prospect_ids)).order_by("pk")}


def locked_whole(prospect_id: int) -> list[Prospect]:
    """
    Lock everybody merged with this person, the row that stands for them first. Nobody can be
    merged into them or out of them until the transaction ends.
    """
    for _ in range(TRIES):
        ids = ids_of(prospect_id)
        with transaction.atomic():
            rows = locked(ids)
            if ids_of(prospect_id) == ids:
                return sorted(rows.values(), key=lambda row: (row.merged_into_id or 0, row.pk))
            # Ends the savepoint and with it the locks, so that they are always taken in order.
            transaction.set_rollback(True)
    raise MergedMeanwhile("This person is being merged all the time; try again.")
