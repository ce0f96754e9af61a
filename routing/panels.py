"""
Parts of pages that upper apps draw: routing gives them room and knows nothing of what they say.

A lead's page, the team board and a rep's home have room. A panel is one function and one
template, registered when its app is ready.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from django.http import HttpRequest

from routing.models import Lead

LEAD, BOARD, HOME = "lead", "board", "home"


@dataclass(frozen=True, slots=True)
class Drawn:
    """
    A panel that has something to show: its template, which finds `context` as `panel`.

    `stamp` changes whenever what is shown does: the board asks again for news only.
    """

    template: str
    context: Mapping[str, Any]
    stamp: str = ""


# (request, the lead of the page or None, at) → what to draw, None for nothing. The number of
# statements does not depend on how much there is to show.
Panel: TypeAlias = Callable[[HttpRequest, Lead | None, datetime], Drawn | None]
_panels: dict[str, dict[str, tuple[int, Panel]]] = {LEAD: {}, BOARD: {}, HOME: {}}


def register(page: str, name: str, panel: Panel, *, position: int) -> None:
    """Add a panel to a page; lower positions stand first."""
    _panels[page][name] = (position, panel)


def drawn(
    page: str, request: HttpRequest, *, at: datetime, lead: Lead | None = None
) -> list[Drawn]:
    """What the panels of a page show now, in order."""
    places = sorted(_panels[page].items(), key=lambda one: (one[1][0], one[0]))
    found = (panel(request, lead, at) for _name, (_position, panel) in places)
    return [one for one in found if one is not None]
