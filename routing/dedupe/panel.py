"""On a lead's page, for those who may decide: that the person may be somebody else, too."""

from datetime import datetime

from django.db.models import Q
from django.http import HttpRequest

from reps import access
from routing import panels
from routing.dedupe import words
from routing.dedupe.deciding import visible_merges, visible_pairs
from routing.models import DuplicatePair, Lead

MOST = 5


def draw(request: HttpRequest, lead: Lead | None, at: datetime) -> panels.Drawn | None:
    if lead is None or not access.may_set_up(request.user):
        return None
    who = lead.prospect_id
    pairs = (
        visible_pairs(request.user)
        .filter(Q(first=who) | Q(second=who), state=DuplicatePair.State.OPEN)
        .select_related("first", "second")
        .order_by("-confidence", "pk")[:MOST]
    )
    found = [
        {
            "pair": pair,
            "other": pair.second if pair.first_id == who else pair.first,
            "evidence": words.evidence(pair.evidence),
        }
        for pair in pairs
    ]
    merges = visible_merges(request.user).filter(winner=who, undone_at__isnull=True)
    merged = list(merges.select_related("loser", "by").order_by("-pk")[:MOST])
    if not found and not merged:
        return None
    return panels.Drawn("routing/_duplicates.html", {"found": found, "merged": merged})


panels.register(panels.LEAD, "duplicates", draw, position=80)
