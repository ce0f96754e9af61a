"""The registry of channels. Adding one is one module here and its line in `ALL`."""

from collections.abc import Iterator
from typing import Protocol

from reps.models import NotificationPreference, User
from reps.post.channels import email, slack
from reps.post.kinds import Text


class Channel(Protocol):
    """A way to reach a person. `send` returns when the other side has taken the message."""

    name: str

    def wanted(self, user: User, preference: NotificationPreference) -> bool:
        """Whether this person wants to be reached so, and can be."""

    def send(self, text: Text, *, to: User, key: str) -> None:
        """Hand the message over; raises whatever went wrong."""


ALL: tuple[Channel, ...] = (email.Email(), slack.Slack())


def wanted_by(user: User) -> Iterator[Channel]:
    """Yield the channels of a person; in-app is the message row itself and always on."""
    preference = NotificationPreference.objects.filter(user=user).first()
    preference = preference or NotificationPreference(user=user)
    for channel in ALL:
        if channel.wanted(user, preference):
            yield channel
