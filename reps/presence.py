"""Whether somebody is there to answer, and who answers in their place."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from reps.availability import delegates
from reps.models import Absence, BusyTime, Rep, Team, User


def is_away(user: User, at: datetime) -> bool:
    """
    Whether a person is away at this moment: by their own word, by an absence of theirs as a
    rep, or out of office by their calendar. A night or a weekend is no absence.
    """
    if user.away_until is not None and at < user.away_until:
        return True
    return (
        Absence.objects.filter(rep__user=user, starts_at__lte=at, ends_at__gt=at).exists()
        or BusyTime.objects.filter(_out(at), feed__rep__user=user).exists()
    )


def delegate_of(user: User, at: datetime) -> User | None:
    """Whom the running absence of a person names to stand in; None if it names nobody."""
    rep = Rep.objects.filter(user=user).values_list("pk", flat=True).first()
    found = None if rep is None else delegates([rep], at).get(rep)
    return None if found is None else User.objects.get(rep=found)


def stands_in_for(user: User, at: datetime) -> set[int]:
    """
    The teams for whose manager a person stands in now: as the deputy of the team, or named by
    the manager's absence. One statement; teams below them are not included.
    """
    running = Absence.objects.filter(
        rep__user=OuterRef("manager"), starts_at__lte=at, ends_at__gt=at
    )
    out = BusyTime.objects.filter(_out(at), feed__rep__user=OuterRef("manager"))
    gone = Q(manager__isnull=True) | Q(manager__is_active=False)
    away = gone | Q(manager__away_until__gt=at) | Exists(running) | Exists(out)
    teams = Team.objects.filter(Q(away, deputy=user) | Exists(running.filter(delegate__user=user)))
    return set(teams.order_by().values_list("pk", flat=True))


def _out(at: datetime) -> Q:
    return Q(feed__is_active=True, kind=BusyTime.Kind.OUT, starts_at__lte=at, ends_at__gt=at)
