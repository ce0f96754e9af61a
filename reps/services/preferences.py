"""How a person wants to be told: by which channels, in which order, and when not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from reps import trail
from reps.models import ChannelChoice, Message, NotificationPreference, User
from reps.post import channels, outbox, probes
from reps.post.channels.base import Channel

Mode = ChannelChoice.Mode
ADDRESS_MISSING = {
    "webhook": "{channel} needs its webhook address.",
    "phone": "{channel} needs a phone number.",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants of one channel. The order of wishes is the order of channels."""

    channel: str
    mode: str
    address: str = ""


def of(user: User) -> list[Wish]:
    """
    A person's wishes for every channel that is set up, in their order; new ones come last.

    Who has said nothing is told by e-mail.
    """
    said = list(user.channel_choices.all())
    there = {channel.name for channel in channels.set_up()}
    wishes = [Wish(one.channel, one.mode, one.address) for one in said if one.channel in there]
    known = {one.channel for one in said}
    default = Mode.OFF if said else Mode.ALWAYS
    return wishes + [
        Wish(channel.name, default if channel.name == "email" else Mode.OFF)
        for channel in channels.set_up()
        if channel.name not in known
    ]


def checked_address(channel: Channel, *, mode: str, address: str) -> str:
    """
    Return an address as it is kept; one may be kept for a channel that is off.

    :raises ValueError: if it is missing or cannot be used, with words for who entered it
    """
    address = address.strip()
    if not channel.address:
        if address:
            raise ValueError(f"{channel.label} knows where to reach you.")
        return ""
    if address:
        return channel.check_address(address)
    if mode != Mode.OFF:
        raise ValueError(ADDRESS_MISSING[channel.address].format(channel=channel.label))
    return ""


@transaction.atomic
def save(
    *, user: User, wishes: Sequence[Wish], quiet: NotificationPreference, at: datetime
) -> None:
    """Keep how a person wants to be told; channels that are not named stay as they are."""
    row = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    for place, wish in enumerate(wishes, start=1):
        ChannelChoice.objects.update_or_create(
            user=user,
            channel=wish.channel,
            defaults={"mode": wish.mode, "address": wish.address, "place": place * 10},
        )
    quiet.user = row
    quiet.save()
    # Addresses are secrets, or personal, and stay out of the trail.
    data = {
        "channels": {wish.channel: wish.mode for wish in wishes},
        "quiet": [_clock(quiet.quiet_from), _clock(quiet.quiet_until)],
        "urgent_when_quiet": quiet.urgent_when_quiet,
    }
    trail.note(row, kind="preferences", by=user, at=at, reason_code="edited", data=data)


def moved(wishes: Sequence[Wish], *, channel: str, by: int) -> list[Wish]:
    """The same wishes with one channel moved up (-1) or down (1)."""
    rows = list(wishes)
    here = next((n for n, one in enumerate(rows) if one.channel == channel), None)
    if here is not None and 0 <= here + by < len(rows):
        rows.insert(here + by, rows.pop(here))
    return rows


def send_test(*, user: User, channel: str, at: datetime) -> None:
    """Queue a message to oneself by one channel, whatever it is used for otherwise."""
    outbox.put(
        [
            outbox.Draft(
                key=f"test-{channel}-{user.pk}-{at.timestamp():.3f}",
                kind=probes.kind_of(channel),
                to=user.pk,
            )
        ],
        at=at,
    )


def newest_tests(user: User) -> dict[str, Message]:
    """A person's newest test message per channel."""
    names = {probes.kind_of(channel.name): channel.name for channel in channels.ALL}
    rows = Message.objects.filter(recipient=user, kind__in=names).order_by("created_at", "pk")
    return {names[row.kind]: row for row in rows.prefetch_related("deliveries")}


def _clock(value: object) -> str:
    return f"{value:%H:%M}" if value else ""
