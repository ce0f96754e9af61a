"""Parts of an account's page that upper apps draw: one function and one template each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from django.http import HttpRequest

from accounts.models import Account


@dataclass(frozen=True, slots=True)
class Drawn:
    """A panel that has something to show: its template, which finds `context` as `panel`."""

    template: str
    context: Mapping[str, Any]


# (request, account, at) → what to draw, None for nothing.
Panel: TypeAlias = Callable[[HttpRequest, Account, datetime], Drawn | None]
_panels: dict[str, tuple[int, Panel]] = {}


def register(name: str, panel: Panel, *, position: int) -> None:
    """Add a panel; lower positions stand first."""
    _panels[name] = (position, panel)


def drawn(request: HttpRequest, account: Account, *, at: datetime) -> list[Drawn]:
    """What the panels show now, in order."""
    places = sorted(_panels.items(), key=lambda one: (one[1][0], one[0]))
    found = (panel(request, account, at) for _name, (_position, panel) in places)
    return [one for one in found if one is not None]
