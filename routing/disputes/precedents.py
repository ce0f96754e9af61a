"""Decided disputes as precedents: found by words, company and kind, and by likeness."""

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable

from accounts.models import Account
from reps.models import User
from routing.models import Dispute
from routing.visibility import visible_disputes

DECIDED = (Dispute.State.RULED, Dispute.State.LAPSED)
MOST_SIMILAR = 3
# What makes two disputes alike, by how much: the company or its group most of all.
SAME_COMPANY, SAME_GROUND, SAME_KIND = 4, 2, 1


def search(user: User, *, words: str = "", kind: str = "", ground: str = "") -> QuerySet[Dispute]:
    """
    The decided disputes that a person may see, the newest first; every word must be in the
    ruling, one of the claims, or the company's name.
    """
    rows = visible_disputes(user).filter(state__in=DECIDED)
    for word in words.replace("\x00", "").split():
        rows = rows.filter(
            Q(ruling__icontains=word)
            | Q(claim__icontains=word)
            | Q(reply__icontains=word)
            | Q(account__name__icontains=word)
        )
    if kind:
        rows = rows.filter(kind=kind)
    if ground:
        rows = rows.filter(ground=ground)
    return rows.order_by("-decided_at", "-pk")


def similar(
    user: User, *, kind: str, ground: str, account: Account | None, but: int | None = None
) -> list[Dispute]:
    """The precedents most like a dispute, at most three; none that only shares its kind."""
    family: list[int] = []
    if account is not None:
        family = [account.pk, *([account.parent_id] if account.parent_id else [])]
    score = _points(Q(ground=ground), SAME_GROUND) + _points(Q(kind=kind), SAME_KIND)
    if family:
        company = Q(account__in=family) | Q(account__parent__in=family)
        score = score + _points(company, SAME_COMPANY)
    rows = search(user).exclude(pk=but).annotate(alike=score).filter(alike__gt=SAME_KIND)
    rows = rows.select_related("account", "winner__user", "claimant__user", "holder__user")
    return list(rows.order_by("-alike", "-decided_at", "-pk")[:MOST_SIMILAR])


def _points(condition: Q, points: int) -> Combinable:
    return Case(When(condition, then=Value(points)), default=Value(0), output_field=IntegerField())
