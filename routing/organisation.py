"""The organisation itself: its settings, pools and their members."""

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from reps import signals, trail
from reps.models import Rep, User
from routing.models import Desk, LeadForm, Organisation, Pool, PoolMember, Queue, Source

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
    *, name: str, responsible: User, sticky_days: int, by: User, at: datetime
) -> Organisation:
    """Change the name, who answers at the end, and how long a former owner is preferred."""
    organisation = Organisation.objects.select_for_update(no_key=True).get(pk=1)
    organisation.name, organisation.responsible = name, responsible
    organisation.sticky_days = sticky_days
    trail.save(organisation, by=by, at=at, reason="edited")
    return organisation


@transaction.atomic
def save_pool(*, pool: Pool, members: Sequence[tuple[Rep, int]], by: User, at: datetime) -> Pool:
    """
    Save a pool with its members and their weights, in this order.

    Members who stay keep their place in the rotation; only rows that differ are written.

    :raises SetUpRefused: if a rep is named twice, or the pool's territory has another pool
    """
    if len({rep.pk for rep, _ in members}) != len(members):
        raise SetUpRefused("Somebody is in the list twice.")
    # Weights and members are read by whoever decides, under this lock.
    Desk.objects.select_for_update(no_key=True).get(
        pk=pool.desk_id if pool.desk_id else Desk.default_pk()
    )
    try:
        with transaction.atomic():
            trail.save(pool, by=by, at=at, reason="edited" if pool.pk else "created")
    except IntegrityError as error:
        raise SetUpRefused("Another pool has this name or serves this territory.") from error
    present = {row.rep_id: row for row in pool.members.all()}
    for rep_id in present.keys() - {rep.pk for rep, _ in members}:
        trail.delete(present[rep_id], by=by, at=at, reason="left the pool")
    for position, (rep, weight) in enumerate(members):
        row = present.get(rep.pk) or PoolMember(pool=pool, rep=rep)
        if row.pk and (row.weight, row.position) == (weight, position):
            continue
        row.weight, row.position = weight, position
        joined = row.pk is None
        trail.save(row, by=by, at=at, reason="joined the pool" if joined else "weight")
        if joined:
            # Whoever waits for this pool may have a taker now.
            signals.rep_available.send(sender=Rep, rep=rep, by=by, at=at)
    return pool


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
