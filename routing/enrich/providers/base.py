"""What a provider that answers at once is made of: a pure look at what is known already."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.utils.functional import Promise

from routing.engine.earth import Point


@dataclass(frozen=True, slots=True)
class Subject:
    """Of whom something is to be known: rows as read, and where the reps are."""

    prospect: Any
    account: Any = None
    message: str = ""
    reps: Sequence[Point] = ()


# Field → (value, how sure in percent).
Answer: TypeAlias = Mapping[str, tuple[Any, int]]


@dataclass(frozen=True, slots=True)
class Provider:
    """
    `look(subject)` says what it knows, from memory and without a statement or an exception; None
    if there is nothing to look at (no title, no phone), which counts as not asked.
    """

    slug: str
    label: str | Promise
    about: str | Promise
    fields: tuple[str, ...]
    look: Callable[[Subject], Answer | None]
