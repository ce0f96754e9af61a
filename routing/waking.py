"""Parked leads are looked at again as soon as what they wait for may be there."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from reps.due import doorbell
from reps.models.tracked import bulk_writer
from routing.models import Lead, Limit, RepLoad

# How many parked leads beyond the free room are looked at when capacity frees.
SPARE_WAKES = 20


def wake_for_room(rep_ids: Sequence[int], *, at: datetime) -> None:
    """
    Make the leads due that wait for capacity of these reps, in leads, points or value: of the
    oldest as many as there is room for, and some more.
    """
    if not rep_ids:
        return
    room = {
        load.rep_id: load.rep.capacity - load.open
        for load in RepLoad.objects.select_related("rep").filter(rep__in=rep_ids)
    }
    waiting = (
        Lead.objects.filter(waiting=Lead.Waiting.CAPACITY)
        .filter(wait_pool__members__rep__in=rep_ids)
        .order_by("-priority", "received_at", "pk")
        .values_list("pk", flat=True)
        .distinct()
    )
    own = (
        Lead.objects.filter(waiting=Lead.Waiting.CAPACITY, wait_rep__in=rep_ids)
        .order_by("-priority", "received_at", "pk")
        .values_list("pk", flat=True)
    )
    # Some more than there is room for: the oldest may want a skill that these reps lack.
    most = sum(max(0, places) for places in room.values()) + SPARE_WAKES
    wake([*own[:most], *waiting[:most]], at=at)


def wake_for_points(rep_id: int, *, at: datetime) -> None:
    """A lead of the rep is at another stage: where points are limited, there may be room."""
    concerned = Q(rep=rep_id) | Q(rep__isnull=True, pool__members__rep=rep_id)
    if Limit.objects.filter(concerned, kind=Limit.Kind.POINTS).exists():
        wake_for_room([rep_id], at=at)


def wake(lead_ids: Sequence[int], *, at: datetime) -> None:
    """
    Make parked leads due at once; the caller holds loads, so it must not wait for leads.

    One that somebody else holds meanwhile is made due after the commit, one at a time, when
    there is nothing left to wait in a circle with. One that is no longer parked stays as
    it is.
    """
    if not lead_ids:
        return
    free = list(
        _parked()
        .select_for_update(skip_locked=True, no_key=True)
        .filter(pk__in=lead_ids)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    with bulk_writer("wake"):
        # Only the wake-up time moves, which history leaves out.
        Lead.objects.filter(pk__in=free).update(route_at=at)

    if held := sorted(set(lead_ids) - set(free)):
        transaction.on_commit(lambda: _wake_one_by_one(held, at=at), robust=True)
    doorbell.ring("route")


def _wake_one_by_one(lead_ids: Sequence[int], *, at: datetime) -> None:
    with bulk_writer("wake"):
        # Only the wake-up time moves, which history leaves out.
        for pk in lead_ids:
            _parked().filter(pk=pk).update(route_at=at)


def _parked() -> QuerySet[Lead]:
    return Lead.objects.exclude(waiting=Lead.Waiting.NONE).filter(route_at__isnull=False)
