"""What changes about people: pausing, leaving, coming back, capacity."""

from datetime import datetime

from django.db import transaction

from reps import signals, trail
from reps.models import Rep, User


class PeopleRefused(Exception):
    """The change was not made; the message says why."""


@transaction.atomic
def pause(*, rep: Rep, until: datetime | None, reason: str, by: User, at: datetime) -> Rep:
    """
    Stop giving a rep new leads, until a moment or until further notice.

    :raises PeopleRefused: if the moment has passed already
    """
    if until is not None and until <= at:
        raise PeopleRefused("Choose an end in the future, or none.")
    rep = _locked(rep)
    rep.paused_at, rep.paused_until, rep.pause_reason = at, until, reason[:200]
    trail.save(rep, by=by, at=at, reason="paused", kind="paused")
    return rep


@transaction.atomic
def resume(*, rep: Rep, by: User, at: datetime) -> Rep:
    """Give a paused rep leads again."""
    rep = _locked(rep)
    if rep.paused_at is None:
        return rep
    rep.paused_at, rep.paused_until, rep.pause_reason = None, None, ""
    trail.save(rep, by=by, at=at, reason="resumed", kind="resumed")
    signals.rep_available.send(sender=Rep, rep=rep, by=by, at=at)
    return rep


@transaction.atomic
def deactivate(*, rep: Rep, reason: str, by: User, at: datetime, driver: str) -> Rep:
    """
    Let a rep leave: no new leads from now on, and all they hold is placed anew.

    :raises PeopleRefused: without a reason, or if the rep has left already
    """
    if not reason.strip():
        raise PeopleRefused("Say why, e.g. “left the company”.")
    # First whatever upper apps must lock before a rep's row, so that nobody assigns to
    # the rep between this change and the hand-over.
    signals.rep_leaving.send(sender=Rep, rep=rep)
    rep = _locked(rep)
    if not rep.is_active:
        raise PeopleRefused(f"{rep} has left already.")
    rep.is_active = False
    trail.save(rep, by=by, at=at, reason=reason, kind="left")
    signals.rep_left.send(sender=Rep, rep=rep, by=by, at=at, reason=reason, driver=driver)
    return rep


@transaction.atomic
def reactivate(*, rep: Rep, by: User, at: datetime) -> Rep:
    """Take a rep who had left back in."""
    rep = _locked(rep)
    rep.is_active = True
    trail.save(rep, by=by, at=at, reason="came back", kind="came_back")
    signals.rep_available.send(sender=Rep, rep=rep, by=by, at=at)
    return rep


@transaction.atomic
def set_capacity(*, rep: Rep, capacity: int, by: User, at: datetime) -> Rep:
    """
    Change how many open leads a rep may hold. Below what they hold, they keep those and
    get no more until they are under it.
    """
    rep = _locked(rep)
    if rep.capacity == capacity:
        return rep
    more = capacity > rep.capacity
    rep.capacity = capacity
    trail.save(rep, by=by, at=at, reason="capacity", kind="capacity")
    if more:
        signals.rep_available.send(sender=Rep, rep=rep, by=by, at=at)
    return rep


def _locked(rep: Rep) -> Rep:
    return (
        Rep.objects.select_for_update(no_key=True, of=("self",))
        .select_related("user")
        .get(pk=rep.pk)
    )
