"""Turns in the rotation of pools."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from reps import trail
from reps.models import Rep
from routing.fairness import weights
from routing.models import Desk, OffboardingItem, Pool, PoolMember
from routing.models.offboarding import Way
from routing.offboarding.kinds.base import Column
from routing.offboarding.registry import Act

State = OffboardingItem.State
COLUMNS = ("weight", "position", "ramp_days", "protected_percent")


class Turns(Column):
    """
    Their places in pools. They end, or a successor who is no member yet takes them with their
    weight. Row by row, for the balance of each leaver is shared out among the rest; a rep is in
    a handful of pools.
    """

    name = "pools"
    label = _("Pools they take turns in")
    position = 30
    model = PoolMember
    column = "rep"
    ways = (Way.NOBODY, Way.SUCCESSOR, Way.KEEP)
    default = Way.NOBODY

    def rows(self, rep: Rep, at: datetime) -> QuerySet:
        return super().rows(rep, at).select_related("pool")

    def label_of(self, row: Any) -> str:
        return f"{row.pool}, weight {row.weight}"

    def move(self, items: Sequence[OffboardingItem], act: Act) -> None:
        desks = self._lock_desks(
            PoolMember.objects.filter(pk__in=[item.row_id for item in items]).values("pool")
        )
        rows = self._locked(items)
        for item in items:
            row = rows.get(item.row_id)
            if row is None or row.rep_id != act.rep.pk:
                item.state = State.SKIPPED
                continue
            item.before = {
                "pool": row.pool_id,
                "ramp_from": row.ramp_from and row.ramp_from.isoformat(),
                **{name: getattr(row, name) for name in COLUMNS},
            }
            item.after = {"joined": None}
            trail.delete(row, by=act.by, at=act.at, reason="offboarding")
            taken = PoolMember.objects.filter(pool=row.pool_id, rep=item.to_rep_id).exists()
            if item.to_rep_id is not None and not taken:
                joined = PoolMember(
                    pool_id=row.pool_id,
                    rep_id=item.to_rep_id,
                    **{name: item.before[name] for name in COLUMNS},
                )
                trail.save(joined, by=act.by, at=act.at, reason="offboarding")
                item.after = {"joined": joined.pk}
            item.state = State.DONE
        self._renew(desks, act)

    def restore(self, items: Sequence[OffboardingItem], act: Act) -> None:
        desks = self._lock_desks([item.before["pool"] for item in items])
        for item in items:
            pool = Pool.objects.filter(pk=item.before["pool"]).first()
            if pool is None or pool.members.filter(rep=act.rep).exists():
                item.state = State.EXCEPTION
                item.note = "The pool is gone, or they are a member again."
                continue
            if item.after["joined"] is not None:
                joined = PoolMember.objects.filter(pk=item.after["joined"]).first()
                if joined is None or any(
                    getattr(joined, name) != item.before[name] for name in COLUMNS
                ):
                    item.state, item.note = State.EXCEPTION, "Somebody has changed it since."
                    continue
                trail.delete(joined, by=act.by, at=act.at, reason="offboarding undone")
            since = item.before["ramp_from"]
            row = PoolMember(
                pool=pool,
                rep=act.rep,
                ramp_from=since and date.fromisoformat(since),
                **{name: item.before[name] for name in COLUMNS},
            )
            trail.save(row, by=act.by, at=act.at, reason="offboarding undone")
            item.state, item.note = State.RESTORED, ""
        self._renew(desks, act)

    def _lock_desks(self, pools: Any) -> list[Desk]:
        desks = Desk.objects.filter(pools__in=pools).values("pk")
        return list(Desk.objects.filter(pk__in=desks).order_by("pk").select_for_update(no_key=True))

    def _renew(self, desks: Sequence[Desk], act: Act) -> None:
        for desk in desks:
            weights.renew(desk=desk, at=act.at)
