"""Which ways a message may take to a person: theirs, in their order."""

from collections.abc import Sequence
from dataclasses import dataclass

from reps.models import ChannelChoice, User
from reps.post import channels
from reps.post.channels.base import Channel

Mode = ChannelChoice.Mode
# Who has said nothing is told by e-mail, and so is who has no other way left.
BY_DEFAULT = "email"


@dataclass(frozen=True, slots=True)
class Way:
    """A channel, and what the person has said about it."""

    channel: Channel
    choice: ChannelChoice

    @property
    def name(self) -> str:
        return self.channel.name


@dataclass(frozen=True, slots=True)
class Ways:
    """
    How a person is to be told of one message.

    Each of `wanted` gets it. `instead` are tried in order where one of these fails. `is_short`
    says that none of what the person wanted can be used, so that `instead` has to do.
    """

    wanted: Sequence[Way]
    instead: Sequence[Way]
    is_short: bool = False


def of(user: User, *, urgent: bool, only: str = "") -> Ways:
    """
    Return a person's ways; empty where only the inbox is left, which is always there.

    `only` is the one channel that a kind of message leaves by, whatever the person chose.
    """
    choices = list(user.channel_choices.all())
    if only:
        own = (choice for choice in choices if choice.channel == only)
        choice = next(own, ChannelChoice(user=user, channel=only))
        return Ways([Way(channels.get(only), choice)], [])
    usable = {way.name: way for way in map(_way, choices) if way and _reaches(way, user)}
    if not usable:
        default = _way(ChannelChoice(user=user, channel=BY_DEFAULT))
        said = any(choice.channel == BY_DEFAULT for choice in choices)
        return Ways([default] if default and not said and _reaches(default, user) else [], [])
    modes = {Mode.ALWAYS, Mode.URGENT} if urgent else {Mode.ALWAYS}
    asked = [choice.channel for choice in choices if choice.mode in modes]
    wanted = [usable[name] for name in asked if name in usable]
    instead = [way for way in usable.values() if way.choice.mode == Mode.FALLBACK]
    return Ways(wanted, instead, is_short=bool(asked and not wanted and instead))


def _way(choice: ChannelChoice) -> Way | None:
    try:
        return Way(channels.get(choice.channel), choice)
    except channels.UnknownChannel:
        # Of an older version, or of one that has been taken back.
        return None


def _reaches(way: Way, user: User) -> bool:
    return (
        way.choice.mode != Mode.OFF
        and channels.is_set_up(way.channel)
        and way.channel.reaches(user, way.choice)
    )
