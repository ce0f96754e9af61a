"""How long answers of providers are kept once they count no more."""

from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from reps.retention import Kept, register
from routing.models import ProviderAnswer


def _expired(before: datetime) -> QuerySet[ProviderAnswer]:
    return ProviderAnswer.objects.filter(expires_at__lt=before)


def _delete(before: datetime, limit: int, at: datetime) -> int:
    ids = list(_expired(before).order_by("pk").values_list("pk", flat=True)[:limit])
    ProviderAnswer.objects.filter(pk__in=ids).delete()
    return len(ids)


register(
    Kept(
        slug="provider-answers",
        label=_("Answers of data providers"),
        explanation=_("Kept so that nobody is asked twice; after their time they count no more."),
        default_days=1,
        least_days=1,
        count=lambda before: _expired(before).count(),
        delete=_delete,
        by_default=True,
    )
)
