"""The reviews that wait, in the order in which they should be decided, and one side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, Count, Q, QuerySet, Value, When
from django.utils.translation import gettext as _

from accounts.models import Account, AccountOwner, Opportunity
from reps.models import User
from routing.models import Lead, MatchCandidate, MatchReview
from routing.reviews import decisions
from routing.reviews.marks import Company, company_of
from routing.visibility import visible_reviews

State = MatchReview.State
# Of a longer queue, the first so many can be gone through one after the other.
LISTED = 500


@dataclass(frozen=True, slots=True)
class Side:
    """One candidate as it stands beside the others."""

    candidate: MatchCandidate
    account: Account
    owner: str
    deals: int
    leads: int
    evidence: tuple[str, ...]
    lost: str

    @property
    def percent(self) -> int:
        return round(self.candidate.confidence * 100)


@dataclass(frozen=True, slots=True)
class Shown:
    """A review as the page shows it."""

    review: MatchReview
    sides: tuple[Side, ...]
    company: Company
    others: Sequence[MatchReview]


def pending(user: User) -> QuerySet[MatchReview]:
    """
    What a person may decide: open leads before closed ones, hot ones first, then the oldest.
    """
    rows = visible_reviews(user).filter(state=State.PENDING, lead__prospect__erased_at=None)
    is_closed = Case(When(lead__place=Lead.Place.CLOSED, then=Value(1)), default=Value(0))
    return rows.order_by(is_closed, "-lead__priority", "opened_at", "pk")


def next_of(user: User, *, after: int | None = None) -> MatchReview | None:
    """The next review to decide; after the last one it begins anew with the first."""
    ids = list(pending(user).values_list("pk", flat=True)[:LISTED])
    if not ids:
        return None
    here = ids.index(after) + 1 if after in ids else 0
    return of_page(user).get(pk=ids[here % len(ids)])


def of_page(user: User) -> QuerySet[MatchReview]:
    """Reviews with what their page reads of the lead."""
    return visible_reviews(user).select_related(
        "lead__prospect",
        "lead__source",
        "lead__owner__user",
        "lead__queue",
        "lead__account",
        "account",
        "decided_by",
    )


def last_decision(user: User) -> MatchReview | None:
    """What a person decided last, so that they can take it back."""
    rows = visible_reviews(user).filter(decided_by=user, decided_with__isnull=True)
    rows = rows.filter(state__in=[State.MATCHED, State.NET_NEW])
    return rows.select_related("lead__prospect", "account").order_by("-decided_at", "-pk").first()


def shown(review: MatchReview, *, user: User, at: datetime) -> Shown:
    """Lay out a review; a number of statements that does not depend on its candidates."""
    rows = list(review.candidates.select_related("account__parent").order_by("position"))
    ids = [row.account_id for row in rows]
    owners = _owners(ids, at=at)
    deals = _counts(
        Opportunity.objects.filter(account__in=ids, state=Opportunity.State.OPEN).order_by()
    )
    leads = _counts(Lead.objects.counted().open().filter(account__in=ids).order_by())
    others = decisions.siblings(review).filter(pk__in=visible_reviews(user).values("pk"))
    return Shown(
        review=review,
        sides=tuple(
            Side(
                candidate=row,
                account=row.account,
                owner=owners.get(row.account_id, ""),
                deals=deals.get(row.account_id, 0),
                leads=leads.get(row.account_id, 0),
                evidence=tuple(in_words(piece) for piece in row.evidence),
                lost=_lost(row),
            )
            for row in rows
        ),
        company=company_of(review.lead.prospect),
        others=list(
            others.select_related("lead__prospect").order_by("opened_at", "pk")[
                : decisions.MOST_TOGETHER - 1
            ]
        ),
    )


def _owners(accounts: Sequence[int], *, at: datetime) -> dict[int, str]:
    today = at.date()
    rows = AccountOwner.objects.filter(
        Q(ends_on__isnull=True) | Q(ends_on__gt=today),
        account__in=accounts,
        role=AccountOwner.Role.OWNER,
        starts_on__lte=today,
    )
    return {
        row.account_id: str(row.rep)
        for row in rows.select_related("rep__user").order_by("starts_on", "pk")
    }


def _counts(rows: QuerySet[Any]) -> dict[int, int]:
    return dict(rows.values_list("account_id").annotate(n=Count("pk")))


def _lost(row: MatchCandidate) -> str:
    if row.beaten_by in ("", "confidence"):
        return ""
    return row.beaten_by.replace("_", " ")


def in_words(piece: Mapping[str, Any]) -> str:
    """One row of evidence as a person reads it; a kind that is new here by its own name."""
    kind, theirs = str(piece.get("kind", "")), piece.get("account", "")
    known = {
        "domain": _("Same domain: %(a)s"),
        "sub_domain": _("Its domain is part of %(a)s"),
        "same_registrable_domain": _("Another part of the domain of %(a)s"),
        "other_domain": _("Domains differ: theirs is %(a)s"),
        "name": _("Same name"),
        "alias": _("Same as its other name “%(a)s”"),
        "name_order": _("Same words in another order"),
        "name_core": _("Same name but for words such as Holding"),
        "similar_name": _("Similar name, %(likeness)s %% alike"),
        "acronym": _("Its initials"),
        "place": _("Place: %(agreement)s"),
        "ruled_out": _("Ruled out by an earlier decision"),
        "contest": _("Nearly as likely as another one"),
    }
    words = known.get(kind)
    if words is None:
        plain = kind.replace("_", " ").capitalize()
        return f"{plain}: {theirs}" if theirs else plain
    likeness = piece.get("likeness")
    return words % {
        "a": theirs,
        "agreement": piece.get("agreement", ""),
        "likeness": round(likeness * 100) if isinstance(likeness, int | float) else "?",
    }
