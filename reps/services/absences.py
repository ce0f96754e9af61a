"""Out of office: entering it, changing it, coming back, and what would become of the leads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from reps import signals, trail
from reps.due import doorbell
from reps.models import Absence, Rep, User
from reps.services.people import PeopleRefused, locked


@dataclass(frozen=True, slots=True)
class Preview:
    """
    What an absence would move as things stand: how many of the rep's open leads go `to`
    whom, and how many stay because there is no room.
    """

    to: Rep
    moving: int
    staying: int


def preview(absence: Absence) -> Preview | None:
    """What becomes of the open leads when the absence begins; None: they stay."""
    to = absence.takes_over()
    if absence.cover != Absence.Cover.MOVE or absence.is_covered or to is None:
        return None
    leads = open_leads(absence.rep)
    moving = min(leads, max(0, to.capacity - open_leads(to)))
    return Preview(to=to, moving=moving, staying=leads - moving)


def open_leads(rep: Rep) -> int:
    """How many open leads a rep holds; their counter comes with their first lead."""
    load = getattr(rep, "load", None)
    return load.open if load else 0


@transaction.atomic
def add(*, absence: Absence, by: User, at: datetime) -> Absence:
    """
    Enter when a rep is away.

    :raises django.core.exceptions.ValidationError: if it overlaps another absence of the
        rep, or nobody could stand in as it says
    """
    locked(absence.rep)
    # Again under the lock: two people may have entered the same days at once.
    absence.full_clean()
    trail.save(absence, by=by, at=at, reason="entered")
    doorbell.ring("cover")
    return absence


@transaction.atomic
def change(*, absence: Absence, changes: Mapping[str, Any], by: User, at: datetime) -> Absence:
    """
    Change an absence's times, reason, delegate or cover; what was moved for it follows.

    :raises django.core.exceptions.ValidationError: as for `add`
    :raises PeopleRefused: if it is gone meanwhile
    """
    row = _locked(absence)
    before = row.starts_at, row.ends_at
    for name, value in changes.items():
        setattr(row, name, value)
    row.full_clean()
    trail.save(row, by=by, at=at, reason="edited")
    if row.starts_at > before[0] or row.ends_at < before[1]:
        signals.rep_available.send(sender=Rep, rep=row.rep, by=by, at=at)
    doorbell.ring("cover")
    return row


@transaction.atomic
def end(*, absence: Absence, by: User, at: datetime) -> None:
    """
    End an absence now; one that has not begun is cancelled, one that is over stays.

    :raises PeopleRefused: if it is gone meanwhile, or its leads are on their way back
    """
    row = _locked(absence)
    if row.ends_at <= at:
        return
    if row.starts_at < at:
        row.ends_at = at
        trail.save(row, by=by, at=at, reason="ended")
    elif row.is_covered:
        raise PeopleRefused("The leads are just coming back; try again in a moment.")
    else:
        trail.delete(row, by=by, at=at, reason="cancelled")
    signals.rep_available.send(sender=Rep, rep=row.rep, by=by, at=at)
    doorbell.ring("cover")


@transaction.atomic
def remove(*, absence: Absence, by: User, at: datetime, reason: str) -> None:
    """Take an absence away altogether; leads that were moved for it come back at once."""
    trail.delete(absence, by=by, at=at, reason=reason)
    signals.rep_available.send(sender=Rep, rep=absence.rep, by=by, at=at)


def _locked(absence: Absence) -> Absence:
    signals.rep_changing.send(sender=Rep, rep=absence.rep)
    row = (
        Absence.objects.select_for_update(no_key=True, of=("self",))
        .select_related("rep__user", "rep__backup", "delegate")
        .filter(pk=absence.pk)
        .first()
    )
    if row is None:
        raise PeopleRefused("Somebody has cancelled this absence meanwhile.")
    return row
