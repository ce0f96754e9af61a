"""The registry of message kinds: what to say, and whether it still needs saying."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from reps.models import Message


@dataclass(frozen=True, slots=True)
class Text:
    """A message as it will be read: a subject, a line, key facts, and where to act."""

    subject: str
    body: str
    facts: Sequence[tuple[str, str]] = field(default_factory=tuple)
    url: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """
    A kind of message.

    `render` reads the rows behind the payload's ids when the message is sent.
    `still_wanted` is asked just before: a message about an epoch that has passed is dropped.
    """

    name: str
    render: Callable[[Message], Text]
    still_wanted: Callable[[Message], bool] = lambda message: True


_kinds: dict[str, Kind] = {}


class UnknownKind(LookupError):
    """A message of a kind that no app registered, e.g. from an older version."""


def register(kind: Kind) -> None:
    """Add a kind of message; apps do this when they are ready."""
    _kinds[kind.name] = kind


def get(name: str) -> Kind:
    """
    Return a kind by name.

    :raises UnknownKind: if no app registered it
    """
    try:
        return _kinds[name]
    except KeyError as error:
        raise UnknownKind(f"No message is called {name!r}.") from error
