"""The organisation itself: its settings, pools with their members, and limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction

from reps import signals, trail
from reps.models import Rep, User
from routing.fairness import weights
from routing.models import Desk, LeadForm, Limit, Organisation, Pool, PoolMember, Queue, Source
from routing.models.pool import MOST_PROTECTED, too_much_protected

WAITING_ROOM = "Waiting room"


class SetUpRefused(Exception):
    """The set-up stays as it is; the message says why."""


@transaction.atomic
def found(*, name: str, by: User, at: datetime) -> Organisation:
    """
    Make the organisation with its desk and its waiting room; whoever does it answers for
    every lead without an owner, until they name somebody else.

    :raises SetUpRefused: if there is one already
    """
    if Organisation.objects.exists():
        raise SetUpRefused("This installation has its organisation already.")
    Desk.default_pk()
    room = Queue.objects.filter(name=WAITING_ROOM, pool__isnull=True).first()
    if room is None:
        room = Queue(name=WAITING_ROOM, responsible=by)
        trail.save(room, by=by, at=at, reason="set up")
    organisation = Organisation(name=name, intake_queue=room, responsible=by)
    try:
        with transaction.atomic():
            trail.save(organisation, by=by, at=at, reason="set up")
    except IntegrityError as error:
        raise SetUpRefused("Somebody else has just made the organisation.") from error
    return organisation


@transaction.atomic
def change(
    *,
    name: str,
    responsible: User,
    sticky_days: int,
    by: User,
    at: datetime,
    leadership: User | None = None,
    decide_hours: int | None = None,
    approval_above: int | None = None,
    segments: Sequence[Mapping[str, Any]] | None = None,
    review_handover: str = "",
    dispute_hours: int | None = None,
    named_inbound: str = "",
    named_outbound: str = "",
) -> Organisation:
    """
    Change the name, who answers at the end, who is alerted last (None: the same), how long a
    former owner is preferred, and (if given) the hours to decide a reassignment, the percent of
    moved leads above which a second person approves rules, the segments, what becomes of a
    temporary owner once a match is decided, the hours to rule in a dispute, and the role that takes
    the inbound and outbound leads of named accounts.
    """
    organisation = Organisation.objects.select_for_update(no_key=True).get(pk=1)
    organisation.name, organisation.responsible = name, responsible
    organisation.sticky_days, organisation.leadership = sticky_days, leadership
    if decide_hours is not None:
        organisation.request_timeout = decide_hours * 3600
    if approval_above is not None:
        organisation.approval_above = approval_above
    organisation.named_inbound = named_inbound or organisation.named_inbound
    organisation.named_outbound = named_outbound or organisation.named_outbound
    if segments is not None:
        organisation.segments = [dict(band) for band in segments]
    if review_handover:
        organisation.review_handover = review_handover
    if dispute_hours is not None:
        organisation.dispute_timeout = dispute_hours * 3600
    trail.save(organisation, by=by, at=at, reason="edited")
    return organisation


@dataclass(frozen=True, slots=True)
class MemberPlan:
    """A member as a person sets them up; columns as on `PoolMember`."""

    rep: Rep
    weight: int = 1
    ramp_from: date | None = None
    ramp_days: int = 0
    protected_percent: int = 0

    @classmethod
    def of(cls, row: PoolMember) -> "MemberPlan":
        """What a member's row says now."""
        return cls(row.rep, row.weight, row.ramp_from, row.ramp_days, row.protected_percent)


@transaction.atomic
def save_pool(*, pool: Pool, members: Sequence[MemberPlan], by: User, at: datetime) -> Pool:
    """
    Save a pool with its members, in this order, and bring the weights in force up to date.

    Members who stay keep their place in the rotation; only rows that differ are written.

    :raises SetUpRefused: if a rep is named twice, if the pool's territory has another pool, or
        if more is protected than a pool can promise
    """
    if len({plan.rep.pk for plan in members}) != len(members):
        raise SetUpRefused("Somebody is in the list twice.")
    if sum(plan.protected_percent for plan in members) > MOST_PROTECTED:
        raise SetUpRefused(too_much_protected(most=MOST_PROTECTED))
    # Weights and members are read by whoever decides, under this lock.
    desk = Desk.objects.select_for_update(no_key=True).get(
        pk=pool.desk_id if pool.desk_id else Desk.default_pk()
    )
    try:
        with transaction.atomic():
            trail.save(pool, by=by, at=at, reason="edited" if pool.pk else "created")
    except IntegrityError as error:
        raise SetUpRefused("Another pool has this name or serves this territory.") from error
    present = {row.rep_id: row for row in pool.members.select_related("rep")}
    for rep_id in present.keys() - {plan.rep.pk for plan in members}:
        trail.delete(present[rep_id], by=by, at=at, reason="left the pool")
    for position, plan in enumerate(members):
        row = present.get(plan.rep.pk) or PoolMember(pool=pool, rep=plan.rep)
        if row.pk and (MemberPlan.of(row), row.position) == (plan, position):
            continue
        _put_member(row, plan, position=position, by=by, at=at)
    weights.renew(desk=desk, at=at)
    return pool


def _put_member(
    row: PoolMember, plan: MemberPlan, *, position: int, by: User, at: datetime
) -> None:
    row.weight, row.position = plan.weight, position
    row.ramp_from, row.ramp_days = plan.ramp_from, plan.ramp_days
    row.protected_percent = plan.protected_percent
    joined = row.pk is None
    trail.save(row, by=by, at=at, reason="joined the pool" if joined else "weight")
    if joined:
        # Whoever waits for this pool may have a taker now.
        signals.rep_available.send(sender=Rep, rep=plan.rep, by=by, at=at)


@transaction.atomic
def save_limits(*, of: Pool | Rep, limits: Sequence[Limit], by: User, at: datetime) -> None:
    """
    Let these be all the limits of a pool, or of a rep; rows that are the same stay.

    A pool's are those for all of its members and for single ones; a rep's are those that name
    the rep, for all leads or for one pool's.

    :raises SetUpRefused: if two of them limit the same
    """
    wanted = {_limited(row): row for row in limits}
    if len(wanted) != len(limits):
        raise SetUpRefused("Two of the limits say how much of the same; keep one of them.")
    # In the order of their ids: by name they would come with rows that nobody has to lock.
    rows = of.limits.order_by("pk").select_for_update(no_key=True)
    present = {_limited(row): row for row in rows}
    raised = False
    for key, row in present.items():
        if key not in wanted:
            trail.delete(row, by=by, at=at, reason="limit lifted")
            raised = True
    for key, row in wanted.items():
        there = present.get(key)
        if there is None:
            trail.save(row, by=by, at=at, reason="limited")
        elif there.most != row.most:
            raised = raised or row.most > there.most
            there.most = row.most
            trail.save(there, by=by, at=at, reason="limit changed")
    if raised:
        for rep in [of] if isinstance(of, Rep) else Rep.objects.filter(memberships__pool=of):
            # Whoever waits for room may find it now.
            signals.rep_available.send(sender=Rep, rep=rep, by=by, at=at)


def _limited(row: Limit) -> tuple:
    """What a limit counts; two that count the same would contradict each other."""
    return (row.rep_id, row.pool_id, row.kind, row.window, row.rolling, row.tier)


@transaction.atomic
def save_form(*, form: LeadForm, by: User, at: datetime) -> LeadForm:
    """
    Save a hosted form. One without a source gets the source "Website", made if need be:
    who fills in a form there asks to be contacted.
    """
    if form.source_id is None:
        website = Source.objects.filter(slug="website").first()
        if website is None:
            website = Source(slug="website", name="Website", is_hand_raise=True)
            trail.save(website, by=by, at=at, reason="set up")
        form.source = website
    trail.save(form, by=by, at=at, reason="edited" if form.pk else "created")
    return form
