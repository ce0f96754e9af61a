"""Who answers for a rep: decides what they ask for, and hears of their late leads."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Q

from reps import access
from reps.models import Rep, Team, User
from reps.presence import delegate_of, is_away
from routing.models import Organisation


def answers_for(rep: Rep, at: datetime) -> User:
    """Who decides about a rep's requests and is told of their late leads now: always somebody."""
    return next(_line(rep, at))


def line_of(rep: Rep, at: datetime) -> list[User]:
    """
    Everybody who may be asked about a rep, in turn; never empty, nobody twice.

    Team by team upwards: its manager, or while they are away the delegate of their absence; then
    its deputy. At last whoever answers for the organisation. Nobody answers for themselves, and
    nobody is in line who is away or whose account is closed, unless there is nobody else.
    """
    return list({user.pk: user for user in _line(rep, at)}.values())


def last_in_line(at: datetime) -> User:
    """
    Who answers for what is nobody's: whoever the organisation names, or who stands in for them.

    Where their account is closed, an admin; a lead that is late must reach a person.
    """
    named = Organisation.get().responsible
    if named.is_active and not is_away(named, at):
        return named
    instead = delegate_of(named, at)
    if instead is not None and _answers(instead, at):
        return instead
    return named if named.is_active else _any_admin() or named


def _line(rep: Rep, at: datetime) -> Iterator[User]:
    team: Team | None = rep.team
    seen: set[int] = set()
    while team is not None and team.pk not in seen:
        seen.add(team.pk)
        for user in (_in_place_of(team.manager, at), team.deputy):
            if user is not None and user.pk != rep.user_id and _answers(user, at):
                yield user
        team = team.parent
    yield last_in_line(at)


def _in_place_of(manager: User | None, at: datetime) -> User | None:
    """The manager, or while they are away whom their absence names."""
    if manager is None or not manager.is_active or not is_away(manager, at):
        return manager
    return delegate_of(manager, at)


def _answers(user: User, at: datetime) -> bool:
    return user.is_active and not is_away(user, at)


def _any_admin() -> User | None:
    admins = User.objects.filter(Q(is_superuser=True) | Q(groups__name=access.ADMIN))
    return admins.filter(is_active=True).order_by("pk").first()
