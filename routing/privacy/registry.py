"""The registry of places in which something about a person is held."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise

from routing.models import Lead, Prospect, ProspectKey
from routing.privacy.marks import Marks, marks, masked


@dataclass(frozen=True, slots=True)
class Person:
    """A prospect with everything by which they are found again, read before any of it goes."""

    prospect: Prospect
    leads: list[int]
    keys: list[ProspectKey]
    marks: Marks

    @classmethod
    def read(cls, prospect: Prospect) -> "Person":
        leads = Lead.objects.filter(prospect=prospect).order_by("pk").values_list("pk", flat=True)
        keys = list(prospect.keys.order_by("kind", "value"))
        return cls(prospect, list(leads), keys, marks_of(prospect, keys))


def marks_of(prospect: Prospect, keys: Sequence[ProspectKey] = ()) -> Marks:
    """By what a person is recognised: what their row says, and their keys if given."""
    values: dict[str, list[str]] = {}
    for key in keys:
        values.setdefault(key.kind, []).append(key.value)
    return marks(
        emails=[prospect.email, *values.get("EMAIL", ()), *values.get("MAILBOX", ())],
        phones=[prospect.phone, *values.get("PHONE", ())],
        names=[(prospect.first_name, prospect.last_name)],
        others=[
            prospect.linkedin_url,
            *values.get("LINKEDIN", ()),
            *values.get("EXTERNAL", ()),
        ],
    )


def unnamed(text: str, prospect: Prospect) -> str:
    """What somebody typed about a person, fit to stay on record when the person is erased."""
    return masked(str(text), marks_of(prospect)) if text else ""


@dataclass(frozen=True, slots=True)
class Holding:
    """
    One place. `show(person)` returns what it holds as plain JSON; `erase(person, at)` takes
    that away, locked by the caller, and returns how many rows it changed.
    """

    name: str
    label: str | Promise
    show: Callable[[Person], list[dict[str, Any]]]
    erase: Callable[[Person, datetime], int]


_holdings: dict[str, tuple[int, Holding]] = {}


def register(holding: Holding, *, place: int) -> None:
    """Add a place; apps do this when they are ready. Lower ones are shown and erased first."""
    _holdings[holding.name] = (place, holding)


def holdings() -> list[Holding]:
    """Every place, in order."""
    return [holding for _, holding in sorted(_holdings.values(), key=lambda one: one[0])]


def shown(person: Person) -> list[tuple[Holding, list[dict[str, Any]]]]:
    """What each place holds about a person; places that hold nothing are there too."""
    return [(holding, holding.show(person)) for holding in holdings()]
