"""
What every channel is made of: it builds what goes over the wire, and hands it over.

The two are apart so that the demo and the outbox page can show exactly what would be sent, and
so that a wire format can be tested without a network.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from reps.models import ChannelChoice, Message, User
from reps.post.kinds import Text


class ChannelFailed(Exception):
    """
    The provider did not take the message; it is tried again later.

    `retry_after` is how long it asked to be left alone, if it did; `status` what it answered
    over HTTP, if anything.
    """

    def __init__(
        self, words: str = "", *, status: int | None = None, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(words)
        self.status = status
        self.retry_after = retry_after


class ChannelRefused(ChannelFailed):
    """The provider will never take it (a wrong address, a dead subscription): no retry."""


@dataclass(frozen=True, slots=True)
class Wire:
    """
    A message as one provider wants it.

    `url`, `headers` and `body` are what is sent over HTTP (e-mail has an object of its own in
    `body`); `shown` is the same for people and for the demo, as plain JSON without secrets.
    """

    url: str
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    shown: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taken:
    """That a provider took a message, and under which id it will speak of it."""

    provider_id: str = ""


class Channel(Protocol):
    """A way to reach a person."""

    # Stored in ChannelChoice.channel and Delivery.channel.
    name: str
    # As people know it: E-mail, Slack, …
    label: str
    # What a person must enter to be reached so: "", "webhook" or "phone".
    address: str

    def is_set_up(self) -> bool:
        """Whether this installation can send so at all (keys, accounts)."""

    def reaches(self, user: User, choice: ChannelChoice) -> bool:
        """Whether the person can be reached so, by what is known of them."""

    def check_address(self, address: str) -> str:
        """
        Return an address as it is kept.

        :raises ValueError: with words for the person who entered it
        """

    def build(self, text: Text, *, to: User, choice: ChannelChoice, message: Message) -> list[Wire]:
        """Write the message for each device or address of the person; no network."""

    def hand_over(self, wire: Wire) -> Taken:
        """
        Send it; returns when the provider has taken it.

        :raises ChannelRefused: if trying again is pointless
        :raises ChannelFailed: otherwise
        """


def without_tokens(shown: Mapping[str, Any], text: Text) -> dict[str, Any]:
    """The same for people's eyes: a token is a key to act with, whoever reads it."""

    def covered(value: Any) -> Any:
        if isinstance(value, str):
            for act in text.acts:
                value = value.replace(act.token, "…")
            return value
        if isinstance(value, Mapping):
            return {name: covered(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [covered(one) for one in value]
        return value

    return covered(shown)
