"""Who decides a dispute, and until when."""

from datetime import datetime

from reps import access
from reps.models import Rep, User
from reps.presence import is_away
from routing.models import Organisation
from routing.work.answering import last_in_line, line_of
from routing.work.requests import decide_by


def decider_of(claimant: Rep, holder: Rep | None, *, opened_by: User, at: datetime) -> User:
    """
    The nearest manager of both, or who stands in for them; where there is none, RevOps.

    Never one of the two, and nobody in a cause that they opened for somebody else, unless
    there is nobody else at all.
    """
    parties = {claimant.user_id, opened_by.pk} | ({holder.user_id} if holder else set())
    last = last_in_line(at)
    theirs = line_of(claimant, at)
    if holder is not None:
        also = {user.pk for user in line_of(holder, at)}
        theirs = [user for user in theirs if user.pk in also]
    for user in theirs:
        if user.pk != last.pk and user.pk not in parties:
            return user
    return _revops(parties, at) or last


def _revops(parties: set[int], at: datetime) -> User | None:
    group = User.objects.filter(groups__name=access.REVOPS, is_active=True)
    people = group.exclude(pk__in=parties).order_by("pk")
    return next((user for user in people if not is_away(user, at)), None)


def deadline(decider: User, at: datetime) -> datetime:
    """Until when they may rule: a rep's working time counts, anybody else's whole time."""
    return decide_by(decider, at, seconds=Organisation.get().dispute_timeout)
