"""The registry of message kinds: what to say, and whether it still needs saying."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from reps.models import Message, User


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
    `lines` says many messages in a line each, for lists, at the same cost for 2 and 200, by
    message id; a message is missing where `reader` may not see what it is about.
    """

    name: str
    render: Callable[[Message], Text]
    still_wanted: Callable[[Message], bool] = lambda message: True
    lines: Callable[[Sequence[Message], User], Mapping[int, str]] | None = None


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


def lines(messages: Sequence[Message], *, reader: User) -> dict[int, str]:
    """
    Say each message in a line, by id. Missing: what the reader may not see, kinds that tell
    no lines, and messages of an older version that cannot be read any more.
    """
    by_kind: dict[str, list[Message]] = {}
    for message in messages:
        by_kind.setdefault(message.kind, []).append(message)
    found: dict[int, str] = {}
    for name, some in by_kind.items():
        kind = _kinds.get(name)
        if kind is not None and kind.lines is not None:
            found.update(kind.lines(some, reader))
    return found
