"""The registry of channels. Adding one is one module here and its line in `ALL`."""

from django.conf import settings

from reps.post.channels.base import Channel
from reps.post.channels.email import Email
from reps.post.channels.push import Push
from reps.post.channels.slack import Slack, SlackReply
from reps.post.channels.teams import Teams
from reps.post.channels.twilio import Sms, WhatsApp

ALL: tuple[Channel, ...] = (Email(), Push(), Slack(), Teams(), Sms(), WhatsApp())
# Ways back to where a question came from: kinds of messages name them, nobody chooses them.
ANSWERS: tuple[Channel, ...] = (SlackReply(),)


class UnknownChannel(LookupError):
    """No channel has this name."""


def get(name: str) -> Channel:
    """
    Return a channel by name.

    :raises UnknownChannel: if there is none, e.g. of an older version
    """
    for channel in (*ALL, *ANSWERS):
        if channel.name == name:
            return channel
    raise UnknownChannel(f"No channel is called {name!r}.")


def label(name: str) -> str:
    """What people call a channel; its name if it is one of an older version."""
    try:
        return get(name).label
    except UnknownChannel:
        return name


def is_set_up(channel: Channel) -> bool:
    """Whether messages can go this way; where nothing leaves, each is shown and none needs keys."""
    return settings.OUTBOX_KEEPS or channel.is_set_up()


def set_up() -> list[Channel]:
    """The channels that this installation can use, in the order in which people see them."""
    return [channel for channel in ALL if is_set_up(channel)]
