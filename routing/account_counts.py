"""How many open leads accounts have, for the trees of accounts: those that the reader may see."""

from collections.abc import Collection

from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from accounts import rollups
from reps.models import User
from routing.models import Lead
from routing.visibility import visible_leads


def open_leads(user: User, accounts: Collection[int]) -> dict[int, int]:
    rows = visible_leads(user).filter(account__in=accounts).exclude(place=Lead.Place.CLOSED)
    counted = rows.order_by().values("account").annotate(n=Count("pk", distinct=True))
    return {one["account"]: one["n"] for one in counted}


rollups.register("leads", _("Open leads"), open_leads)
