"""
Dynamic weights: what ramp, performance, rebalancing, bounds and protected shares make of the
weights that people set, see `routing.fairness.factors`. Each change is on record with its
cause. Worked out anew every hour, and soon after anything that shapes the roster has changed.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q

from reps import trail
from reps.due import strikes
from reps.models import RosterStamp
from routing.fairness import factors, performance
from routing.fairness.factors import HUNDRED, InForce, Seat, Terms
from routing.fairness.performance import Closings
from routing.models import Desk, Lead, Organisation, Pool, PoolMember

EVERY = timedelta(hours=1)
LATE_STAGES = (Lead.State.MEETING, Lead.State.QUALIFIED)
CHANGED = "weight_changed"


def drain(*, driver: str, due_before: datetime, at: datetime) -> int:
    """Work out the weights of each desk that is due; return how many weights changed."""
    stamp = RosterStamp.current()
    if not _moving():
        return 0
    due = {
        desk.pk: desk
        for desk in Desk.objects.order_by("pk")
        if _is_due(desk, due_before=due_before, stamp=stamp)
    }
    return strikes.each("weights", due, lambda pk: len(renew(desk=due[pk], at=at)), at=at)


def oldest() -> datetime | None:
    """Since when the hourly round of a desk with weights that move has waited."""
    last = Desk.objects.filter(weighed_at__isnull=False).order_by("weighed_at").first()
    return last.weighed_at + EVERY if last and _moving() else None


def renew(*, desk: Desk, at: datetime) -> list[PoolMember]:
    """
    Bring the weights in force of a desk's pools up to date; return the members that changed.

    Closings are counted before the desk is locked; under the lock only members and open loads
    are read, and only rows that differ are written.
    """
    counted = _closings(desk, at=at)
    with transaction.atomic():
        desk = Desk.objects.select_for_update(no_key=True).get(pk=desk.pk)
        stamp = RosterStamp.current()
        changed = _write(list(Pool.objects.filter(desk=desk)), counted, at=at)
        # Each row written has moved the stamp by one. What others changed meanwhile is not
        # counted, so that it makes another round due.
        desk.weighed_at, desk.weighed_stamp = at, stamp + len(changed)
        desk.save(update_fields=["weighed_at", "weighed_stamp"])
    return changed


def shown(member: PoolMember) -> int:
    """The weight in force of a member, in hundredths."""
    return member.applied_weight or member.weight * HUNDRED


def _is_due(desk: Desk, *, due_before: datetime, stamp: int) -> bool:
    at = desk.weighed_at
    return at is None or at + EVERY <= due_before or desk.weighed_stamp != stamp


def _moving() -> bool:
    """Whether any weight moves by itself, or did and has to be put back."""
    moved = Q(applied_weight__isnull=False) | Q(above_band=True)
    planned = Q(ramp_days__gt=0, ramp_from__isnull=False) | Q(protected_percent__gt=0)
    by_pool = Q(pool__rebalances=True) | Q(pool__rewards_performance=True)
    return PoolMember.objects.filter(moved | planned | by_pool).exists()


def _closings(desk: Desk, *, at: datetime) -> Closings:
    """Count over all leads that the reps of pools that reward performance were given."""
    reps = PoolMember.objects.filter(pool__desk=desk, pool__rewards_performance=True)
    ids = set(reps.values_list("rep_id", flat=True))
    return performance.closings(ids, at=at) if ids else Closings()


def _write(pools: Sequence[Pool], counted: Closings, *, at: datetime) -> list[PoolMember]:
    """Write what differs, each with its cause, and return it. The caller holds the desk."""
    rows: dict[int, list[PoolMember]] = {pool.pk: [] for pool in pools}
    members = PoolMember.objects.filter(pool__in=pools).order_by("pool_id", "position", "pk")
    for row in members.select_related("rep").select_for_update(no_key=True, of=("self",)):
        rows[row.pool_id].append(row)
    loads, late, lead_points = _loads({row.rep_id for some in rows.values() for row in some})
    changed = []
    for pool in pools:
        # Whoever has left takes no leads and so no part of anybody's share.
        active = [row for row in rows[pool.pk] if row.rep.is_active]
        seats = [
            Seat(
                rep=row.rep_id,
                weight=row.weight,
                ramp_from=row.ramp_from,
                ramp_days=row.ramp_days,
                protected_percent=row.protected_percent,
                load=loads.get(row.rep_id, 0),
                given=counted.given.get(row.rep_id, 0),
                won=counted.won.get(row.rep_id, 0),
                late=late.get(row.rep_id, 0),
                above=row.above_band,
            )
            for row in active
        ]
        found = factors.in_force(
            terms_of(pool), seats, today=at.astimezone(UTC).date(), lead_points=lead_points
        )
        by_rep = {one.rep: one for one in found}
        for row in rows[pool.pk]:
            one = by_rep.get(row.rep_id) or InForce(row.rep_id, row.weight * HUNDRED)
            if _put(row, one, at=at):
                changed.append(row)
    return changed


def terms_of(pool: Pool) -> Terms:
    """How the pool's weights may move by themselves."""
    return Terms(
        rebalances=pool.rebalances,
        band=pool.band,
        rewards_performance=pool.rewards_performance,
        least_percent=pool.least_percent,
        most_percent=pool.most_percent,
    )


def _put(row: PoolMember, one: InForce, *, at: datetime) -> bool:
    applied = None if one.hundredths == row.weight * HUNDRED else one.hundredths
    cause = "; ".join(one.causes)[:200]
    was = (row.applied_weight, row.weight_cause, row.above_band)
    if was == (applied, cause, one.above):
        return False
    row.applied_weight, row.weight_cause, row.above_band = applied, cause, one.above
    trail.save(row, by=None, at=at, reason=cause or "back to the set weight", kind=CHANGED)
    return True


def _loads(reps: Iterable[int]) -> tuple[dict[int, int], dict[int, int], int]:
    """Return points of open leads by rep, late-stage leads by rep, and a fresh lead's points."""
    organisation = Organisation.objects.first()
    points = organisation.stage_points if organisation else {}
    rows = (
        Lead.objects.filter(owner__in=reps, place=Lead.Place.OWNER)
        .order_by()
        .values_list("owner_id", "state")
        .annotate(n=Count("pk"))
    )
    loads: dict[int, int] = {}
    late: dict[int, int] = {}
    for rep, state, count in rows:
        loads[rep] = loads.get(rep, 0) + count * points.get(state, 0)
        if state in LATE_STAGES:
            late[rep] = late.get(rep, 0) + count
    return loads, late, points.get(Lead.State.NEW, 0)
