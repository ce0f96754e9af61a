"""
Every reference to a rep or a user: handled by a kind when a rep leaves, or history.

A new foreign key to `Rep` or `User` belongs to one of the two; `unnamed` lists those that
nobody has thought of, and a test holds the list empty. A kind is one class and one line:

    registry.register(MyKind())
    registry.keep("app.Model.field", "why the row goes on naming who left")
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol

from django.apps import apps
from django.db import models
from django.utils.functional import Promise
from simple_history.models import registered_models

from reps.models import Rep, User
from routing.models import OffboardingItem
from routing.models.offboarding import Way

REP, USER = "rep", "user"


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that names the rep. `backup` and `territory`: reps whom it suggests itself."""

    row_id: int
    label: str
    backup: int | None = None
    territory: int | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """Who hands over, what for, when, and by which driver."""

    rep: Rep
    by: User
    at: datetime
    reason: str
    driver: str
    to_tell: dict[int, dict[str, int]] = field(default_factory=dict)


class Kind(Protocol):
    """
    A kind of thing that names a rep.

    `find` lists it, with what each row suggests. `move` hands over rows (locked by the caller's
    plan), sets each item's state, `before` and `after`; `restore` puts back the items that
    nobody changed since. Both cost a number of statements that does not grow with the rows,
    but for kinds that say otherwise.
    """

    name: ClassVar[str]
    label: ClassVar[str | Promise]
    position: ClassVar[int]
    references: ClassVar[tuple[str, ...]]
    takes: ClassVar[str]
    ways: ClassVar[tuple[str, ...]]
    default: ClassVar[str]
    # What is done with a row for which its way finds nobody; "" asks a person.
    otherwise: ClassVar[str]
    revops_only: ClassVar[bool]

    def find(self, rep: Rep, at: datetime) -> list[Found]: ...

    def loads(self, reps: Sequence[int]) -> dict[int, int]: ...

    def move(self, items: Sequence[OffboardingItem], act: Act) -> None: ...

    def restore(self, items: Sequence[OffboardingItem], act: Act) -> None: ...


_kinds: dict[str, Kind] = {}
_history: dict[str, str] = {}


def register(kind: Kind) -> None:
    """Add a kind; apps do this when they are ready."""
    _kinds[kind.name] = kind


def keep(reference: str, why: str) -> None:
    """Say that a reference goes on naming whoever left, and why that is right."""
    _history[reference] = why


def kinds() -> list[Kind]:
    """Every kind, in the order in which they are handed over."""
    return sorted(_kinds.values(), key=lambda kind: (kind.position, kind.name))


def get(name: str) -> Kind:
    return _kinds[name]


def history() -> dict[str, str]:
    """The references that stay as they are, with the reason."""
    return dict(_history)


def references() -> Iterator[tuple[str, models.Field]]:
    """
    Every column and every link that points at a rep or a user, as `app.Model.field`.

    The history tables, which copy columns of their models, are left out as a whole: what
    was, stays written.
    """
    histories = {model.history.model for model in registered_models.values()}
    for model in apps.get_models(include_auto_created=True):
        if model in histories or model._meta.proxy:
            continue
        for one in [*model._meta.local_fields, *model._meta.local_many_to_many]:
            target = getattr(one.remote_field, "model", None) if one.remote_field else None
            if target in (Rep, User):
                yield f"{model._meta.label}.{one.name}", one


def unnamed() -> list[str]:
    """References that neither a kind handles nor anybody called history."""
    handled = {reference for kind in _kinds.values() for reference in kind.references}
    return [name for name, _ in references() if name not in handled and name not in _history]


def stale() -> list[str]:
    """What kinds or history name that does not exist (any more)."""
    real = {name for name, _ in references()}
    named = {reference for kind in _kinds.values() for reference in kind.references}
    return sorted((named | set(_history)) - real)


def both() -> list[str]:
    """What is called history although a kind handles it."""
    handled = {reference for kind in _kinds.values() for reference in kind.references}
    return sorted(handled & set(_history))


def offered(kind: Kind) -> list[tuple[str, Any]]:
    """The ways of a kind with their words, for a form."""
    return [(way, Way(way).label) for way in kind.ways]
