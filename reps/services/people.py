"""What changes about people: pausing, leaving, coming back, capacity."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from reps import access, signals, trail
from reps.models import (
    Rep,
    RepSkill,
    Skill,
    Team,
    User,
    WorkCalendar,
)
from reps.services.invitations import invite


class PeopleRefused(Exception):
    """The change was not made; the message says why."""


@transaction.atomic
def add_rep(
    *,
    first_name: str,
    last_name: str,
    email: str,
    username: str,
    team: Team,
    role: str,
    capacity: int,
    calendar: WorkCalendar | None = None,
    backup: Rep | None = None,
    time_zone: str = "",
    seniority: int = Rep.Seniority.UNSAID,
    country: str = "",
    postal_code: str = "",
    by: User,
    at: datetime,
) -> Rep:
    """
    Add a person who can own leads: their sign-in, the group "rep", and the rep.

    They get no password but an invitation to choose one, by e-mail.

    :raises PeopleRefused: if the user name is taken
    """
    user = User(
        first_name=first_name,
        last_name=last_name,
        email=email,
        username=username,
        time_zone=time_zone or (calendar.time_zone if calendar else "UTC"),
    )
    user.set_unusable_password()
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:
        raise PeopleRefused(f"Somebody has the user name “{username}” already.") from error
    user.groups.add(Group.objects.get_or_create(name=access.REP)[0])
    rep = Rep(
        user=user,
        team=team,
        role=role,
        capacity=capacity,
        calendar=calendar,
        backup=backup,
        seniority=seniority,
        country=country,
        postal_code=postal_code,
    )
    trail.save(rep, by=by, at=at, reason="added", data={"username": username})
    invite(user=user, by=by, at=at)
    return rep


@transaction.atomic
def change_rep(*, rep: Rep, changes: Mapping[str, Any], by: User, at: datetime) -> Rep:
    """
    Change a rep's team, role, hours, capacity, backup, seniority or place; other columns stay
    as they are.

    :raises PeopleRefused: for a backup who has left, or who is the rep
    """
    backup = changes.get("backup")
    if backup is not None and backup.pk == rep.pk:
        raise PeopleRefused("Nobody can be their own backup.")
    if backup is not None and not backup.is_active:
        raise PeopleRefused(f"{backup} has left; choose a backup who is here.")
    row = locked(rep)
    for name in ("team", "role", "calendar", "backup", "seniority", "country", "postal_code"):
        if name in changes:
            setattr(row, name, changes[name])
    trail.save(row, by=by, at=at, reason="edited")
    if "capacity" in changes:
        row = set_capacity(rep=row, capacity=changes["capacity"], by=by, at=at)
    return row


@transaction.atomic
def pause(*, rep: Rep, until: datetime | None, reason: str, by: User | None, at: datetime) -> Rep:
    """
    Stop giving a rep new leads, until a moment or until further notice.

    Whether it is the rep's own pause follows from who acts: turns missed in one's own pause
    are gone, those missed because somebody else paused one are kept.

    :raises PeopleRefused: if the moment has passed already, or somebody else gives no reason
    """
    if until is not None and until <= at:
        raise PeopleRefused("Choose an end in the future, or none.")
    own = by is not None and by.pk == rep.user_id
    if not own and not reason.strip():
        raise PeopleRefused(f"Say why, so that {rep} knows, e.g. “training until noon”.")
    rep = locked(rep)
    rep.paused_at, rep.paused_until, rep.pause_reason = at, until, reason[:200]
    rep.pause_is_own = own
    trail.save(rep, by=by, at=at, reason="paused", kind="paused")
    return rep


@transaction.atomic
def resume(*, rep: Rep, by: User, at: datetime) -> Rep:
    """Give a paused rep leads again."""
    rep = locked(rep)
    if rep.paused_at is None:
        return rep
    rep.paused_at, rep.paused_until, rep.pause_reason = None, None, ""
    rep.pause_is_own = True
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
    rep = locked(rep)
    if not rep.is_active:
        raise PeopleRefused(f"{rep} has left already.")
    rep.is_active = False
    trail.save(rep, by=by, at=at, reason=reason, kind="left")
    signals.rep_left.send(sender=Rep, rep=rep, by=by, at=at, reason=reason, driver=driver)
    return rep


@transaction.atomic
def reactivate(*, rep: Rep, by: User, at: datetime) -> Rep:
    """Take a rep who had left back in."""
    rep = locked(rep)
    if rep.is_active:
        return rep
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
    rep = locked(rep)
    if rep.capacity == capacity:
        return rep
    more = capacity > rep.capacity
    rep.capacity = capacity
    trail.save(rep, by=by, at=at, reason="capacity", kind="capacity")
    if more:
        signals.rep_available.send(sender=Rep, rep=rep, by=by, at=at)
    return rep


@transaction.atomic
def set_skill(
    *,
    rep: Rep,
    skill: Skill,
    level: int,
    evidence: str = "",
    review_on: date | None = None,
    by: User,
    at: datetime,
) -> RepSkill:
    """Say that a rep has a skill and how well; what was said before is in the history."""
    locked(rep)
    row = RepSkill.objects.filter(rep=rep, skill=skill).first() or RepSkill(rep=rep, skill=skill)
    row.level, row.evidence, row.review_on = level, evidence, review_on
    trail.save(row, by=by, at=at, reason="level" if row.pk else "added")
    return row


@transaction.atomic
def set_time_zone(*, user: User, time_zone: str, at: datetime) -> None:
    """Keep the zone in which a person reads times, and has their quiet hours."""
    row = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    row.time_zone = time_zone
    row.save(update_fields=["time_zone"])
    data = {"zone": time_zone}
    trail.note(row, kind="preferences", by=user, at=at, reason_code="edited", data=data)


@transaction.atomic
def set_away(*, user: User, until: datetime | None, at: datetime) -> None:
    """Say until when somebody else answers for what a person decides; None: they are there."""
    row = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    row.away_until = until
    row.save(update_fields=["away_until"])
    data = {"away_until": until}
    trail.note(row, kind="preferences", by=user, at=at, reason_code="edited", data=data)


def locked(rep: Rep) -> Rep:
    """The rep's row, locked after whatever upper apps must lock before it."""
    signals.rep_changing.send(sender=Rep, rep=rep)
    return (
        Rep.objects.select_for_update(no_key=True, of=("self",))
        .select_related("user")
        .get(pk=rep.pk)
    )
