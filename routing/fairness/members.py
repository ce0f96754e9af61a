"""
Whoever joins a rotation begins at its mean, which is zero; what a member who leaves owes or is
owed is shared out to the rest. So balances add up to zero whoever comes and goes.

Hooked to the rows themselves, so that every way in (page, API, admin, demo) does the same.
"""

from datetime import datetime
from typing import Any

from django.db.models.signals import post_delete, post_save, pre_delete, pre_save
from django.dispatch import receiver

from reps.due.clock import database_now
from reps.models import User
from routing.fairness import ledger, shares
from routing.fairness.ledger import Posting
from routing.fairness.settle import shared_out
from routing.models import BalanceLine, Pool, PoolMember


@receiver(pre_save, sender=PoolMember, dispatch_uid="routing.member_saving")
def lock_before_joining(sender, *, instance: PoolMember, raw: bool, **kwargs: Any) -> None:
    """
    Lock the desk before the row: whoever decides has read the members before, or reads them
    after the change.
    """
    instance.seat_before = None
    if raw:
        return
    if not instance._state.adding:
        found = PoolMember.objects.filter(pk=instance.pk).values_list("pool_id", "rep_id").first()
        if found in (None, (instance.pool_id, instance.rep_id)):
            return
        instance.seat_before = found
        if found[0] != instance.pool_id:
            ledger.lock_desk(Pool.objects.get(pk=found[0]))
    ledger.lock_desk(instance.pool)


@receiver(post_save, sender=PoolMember, dispatch_uid="routing.member_saved")
def joined(
    sender, *, instance: PoolMember, created: bool, raw: bool = False, **kwargs: Any
) -> None:
    before = instance.seat_before
    if raw or not (created or before):
        return
    said = _said_of(instance)
    if before is not None:
        leave(pool_id=before[0], rep_id=before[1], newcomer_id=instance.rep_id, **said)
    seat = (instance.pool_id, instance.rep_id, "")
    ledger.write(
        [Posting(seat, BalanceLine.Kind.ENTERED, 0)],
        before=ledger.standings(instance.pool_id),
        **said,
    )


@receiver(pre_delete, sender=PoolMember, dispatch_uid="routing.member_leaving")
def lock_before_leaving(sender, *, instance: PoolMember, origin: Any, **kwargs: Any) -> None:
    if not isinstance(origin, Pool):
        ledger.lock_desk(instance.pool)


@receiver(post_delete, sender=PoolMember, dispatch_uid="routing.member_left")
def left(sender, *, instance: PoolMember, origin: Any, **kwargs: Any) -> None:
    # With a whole pool its book goes too.
    if not isinstance(origin, Pool):
        leave(pool_id=instance.pool_id, rep_id=instance.rep_id, **_said_of(instance))


def _said_of(row: PoolMember) -> dict[str, Any]:
    """Who changed the members, when and why, as `trail.save` was told."""
    return {
        "by": getattr(row, "_history_user", None),
        "at": getattr(row, "_history_date", None) or database_now(),
        "reason": getattr(row, "_audit_reason", ""),
    }


def leave(
    *,
    pool_id: int,
    rep_id: int,
    by: User | None,
    at: datetime,
    reason: str,
    newcomer_id: int | None = None,
) -> None:
    """
    Share what somebody who is no member any more owes or is owed among those who are, but for
    a newcomer in their place, who begins at the mean.
    """
    before = ledger.standings(pool_id)
    weights = shares.weights(pool_id)
    if len(weights) > 1:
        weights.pop(newcomer_id, None)
    owed = {seat: one.balance for seat, one in before.items() if seat[1] == rep_id}
    owed.setdefault((pool_id, rep_id, ""), 0)
    postings = []
    for seat, units in sorted(owed.items()):
        if not units and seat[2]:
            continue
        postings.append(Posting(seat, BalanceLine.Kind.LEFT, -units))
        if units and weights:
            postings += shared_out(pool_id, seat[2], units, weights)
    ledger.write(postings, before=before, at=at, by=by, reason=reason)
