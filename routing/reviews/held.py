"""What reviews hold about a person: marks of their company, which go with them."""

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from reps import trail
from reps.models.tracked import bulk_writer
from routing.models import MatchRefusal, MatchReview
from routing.privacy.registry import Holding, Person, register

State = MatchReview.State


def _show(person: Person) -> list[dict[str, Any]]:
    rows = MatchReview.objects.filter(lead__in=person.leads).order_by("pk")
    return [
        {"lead": row.lead_id, "state": row.state, "at": row.opened_at.isoformat()} for row in rows
    ]


def _erase(person: Person, at: datetime) -> int:
    """The marks go; what waits for a decision can have none any more."""
    kept = Q(state=State.PENDING) | ~Q(name_mark="") | ~Q(domain_mark="")
    rows = MatchReview.objects.filter(kept, lead__in=person.leads)
    ids = list(rows.values_list("pk", flat=True))
    MatchRefusal.objects.filter(review__in=ids).delete()
    reviews = MatchReview.objects.filter(pk__in=ids)
    waiting = list(reviews.filter(state=State.PENDING).values_list("pk", flat=True))
    if not ids:
        return 0
    with bulk_writer("erasure"):
        reviews.update(name_mark="", domain_mark="")
        MatchReview.objects.filter(pk__in=waiting).update(state=State.OVERTAKEN, decided_at=at)
    trail.record(
        MatchReview,
        [
            trail.Change(
                id=pk,
                kind="erased",
                reason_code="erased",
                data={"name_mark": "", "domain_mark": ""}
                | ({"state": State.OVERTAKEN} if pk in waiting else {}),
            )
            for pk in ids
        ],
        by=None,
        at=at,
    )
    return len(ids)


register(Holding("reviews", _("Reviews of their company"), _show, _erase), place=45)
