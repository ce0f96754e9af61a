"""The registry of message kinds: what to say, and whether it still needs saying."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise

from reps.models import Message, User

log = logging.getLogger(__name__)
Lines: TypeAlias = Callable[[Sequence[Message], User], Mapping[int, str]]


@dataclass(frozen=True, slots=True)
class Act:
    """
    Something the reader can do from the message itself, such as acknowledge.

    `token` is signed and carries reader, row and epoch: channels with buttons of their own send
    it back, all others link to `url`, a page with that one button.
    """

    name: str
    label: str
    url: str
    token: str


@dataclass(frozen=True, slots=True)
class Text:
    """A message as it will be read: a subject, a line, key facts, and where to act."""

    subject: str
    body: str
    facts: Sequence[tuple[str, str]] = field(default_factory=tuple)
    url: str = ""
    action: str = ""
    acts: Sequence[Act] = field(default_factory=tuple)
    # What a digest collects: (line, link or "") each. `body` says the lines too, for whoever
    # cannot link them one by one.
    items: Sequence[tuple[str, str]] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Kind:
    """
    A kind of message.

    `render` reads the rows behind the payload's ids when the message is sent; it says times
    with `clock_time`, in the reader's zone, which is active meanwhile.
    `still_wanted` is asked just before: a message about an epoch that has passed is dropped.
    `only` names the one channel it leaves by, whatever the reader's choices: an answer goes
    back the way the question came.
    `lines` says many messages in a line each, for lists, at the same cost for 2 and 200, by
    message id; a message is missing where `reader` may not see what it is about. Kinds without
    `lines` are never collected into a digest, nor are those that go `alone` because they are
    worth reading whole. The text of a `secret` kind is for its recipient only, such as a link
    that signs in: it is kept nowhere and shown to nobody else.
    `title` is what people call such a message, in filters and lists.
    """

    name: str
    render: Callable[[Message], Text]
    still_wanted: Callable[[Message], bool] = lambda message: True
    lines: Lines | None = None
    only: str = ""
    secret: bool = False
    alone: bool = False
    title: str | Promise = ""

    @property
    def label(self) -> str:
        return str(self.title) or _spaced(self.name)


_kinds: dict[str, Kind] = {}


class UnknownKind(LookupError):
    """A message of a kind that no app registered, e.g. from an older version."""


def clock_time(moment: datetime) -> str:
    """Say a moment in the zone that is active: "22 Nov, 14:05 CET"."""
    local = timezone.localtime(moment)
    return f"{date_format(local, 'j M')}, {local:%H:%M %Z}"


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


def collectable() -> list[str]:
    """The kinds of which a digest may tell many together."""
    return [
        kind.name
        for kind in _kinds.values()
        if kind.lines is not None and not (kind.only or kind.secret or kind.alone)
    ]


def label_of(name: str) -> str:
    """What people call a kind of message, one of an older version too."""
    kind = _kinds.get(name)
    return kind.label if kind else _spaced(name)


def _spaced(name: str) -> str:
    return name.replace("_", " ").capitalize()


def names() -> list[str]:
    """The registered kinds."""
    return sorted(_kinds)


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
            found.update(_lines_of(kind.lines, some, reader))
    return found


def _lines_of(lines: Lines, messages: Sequence[Message], reader: User) -> Mapping[int, str]:
    try:
        return lines(messages, reader)
    except Exception:
        # One payload that cannot be read must not silence the others of its kind.
        log.exception("A line of kind %s could not be written", messages[0].kind)
        if len(messages) == 1:
            return {}
        parts = (_lines_of(lines, [message], reader) for message in messages)
        return {pk: line for part in parts for pk, line in part.items()}
