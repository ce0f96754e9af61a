"""On a lead's page, for those who may: the way to what is held about its person."""

from datetime import datetime

from django.http import HttpRequest

from reps import access
from routing import panels
from routing.models import Lead


def draw(request: HttpRequest, lead: Lead | None, at: datetime) -> panels.Drawn | None:
    if lead is None or not access.is_revops(request.user):
        return None
    return panels.Drawn("routing/_person_data.html", {"prospect": lead.prospect})


panels.register(panels.LEAD, "personal data", draw, position=90)
