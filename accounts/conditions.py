"""
What a territory asks of a lead beside its place, trade and size: conditions on any other fact.

Who knows the facts, knows how to ask about them: the app above registers a reader at start, and
this app only stores the JSON, checks it through the reader and shows its words. So the market
keeps knowing nothing of leads.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from accounts.areas import Ask


class Unreadable(ValueError):
    """The conditions cannot be understood; the message says which part, fit for a person."""


@dataclass(frozen=True, slots=True)
class Question:
    """One condition: whether it holds for the facts of a lead, and how a person says it."""

    holds: Ask
    words: Callable[[], str]


Reader = Callable[[object], Sequence[Question]]


class _Readers:
    reader: Reader | None = None


def register(reader: Reader) -> None:
    """Name what reads conditions; it raises `Unreadable` for what it cannot read."""
    _Readers.reader = reader


def read(stored: object) -> tuple[Question, ...]:
    """
    Return the conditions that all must hold; none for an empty object.

    :raises Unreadable: pointing at the part
    """
    if not stored:
        return ()
    if _Readers.reader is None:
        raise Unreadable("Nobody here knows any facts to ask about.")
    return tuple(_Readers.reader(stored))
