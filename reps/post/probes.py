"""Test messages: one to oneself by one channel, through the same outbox as all others."""

from collections.abc import Callable, Mapping, Sequence

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reps.models import Message, User
from reps.post import channels, kinds
from reps.post.channels.base import Channel
from reps.post.kinds import Text


def kind_of(channel: str) -> str:
    """The kind of message that tries a channel."""
    return f"test_{channel}"


def _register(channel: Channel) -> None:
    def render(message: Message) -> Text:
        return Text(
            subject=_("A test message"),
            body=_("%(channel)s works: this is how you will be told.") % {"channel": channel.label},
            facts=[(_("For"), message.recipient.label)],
            url=settings.BASE_URL + reverse("my_channels"),
            action=_("My channels"),
        )

    name = kind_of(channel.name)
    kinds.register(
        kinds.Kind(
            name,
            render,
            lines=_lines(channel),
            only=channel.name,
            alone=True,
            title=gettext_lazy("Test of a channel"),
        )
    )


def _lines(channel: Channel) -> Callable[[Sequence[Message], User], Mapping[int, str]]:
    words = _("A test message by %(channel)s") % {"channel": channel.label}
    return lambda messages, reader: {message.pk: words for message in messages}


for _channel in channels.ALL:
    _register(_channel)
