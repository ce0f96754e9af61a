"""One attempt to hand a message over by one channel, and the row that remembers it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from reps.models import Delivery, Message
from reps.post.channels.base import ChannelFailed, ChannelRefused, Taken, Wire
from reps.post.kinds import Text
from reps.post.ways import Way

Outcome = Delivery.Outcome
SHOWN = "demo: shown, not sent"


@dataclass(frozen=True, slots=True)
class Sending:
    """What one message is sent with: its text, who sends, and the clock."""

    message: Message
    text: Text
    # Whether the text may be kept where nothing leaves.
    may_keep: bool
    driver: str
    now: Callable[[], datetime]


def send(way: Way, sending: Sending) -> tuple[Delivery, timedelta]:
    """
    Hand a message to a channel, outside of any transaction; return the unsaved row about it,
    and for how long the provider asks to be left alone.

    Never raises: whatever goes wrong is the row's outcome. With several devices the channel has
    taken it as soon as one of them has.
    """
    message, began, retry_after = sending.message, time.monotonic(), timedelta(0)
    row = Delivery(message=message, channel=way.name, at=sending.now(), driver=sending.driver)
    try:
        wires = way.channel.build(
            sending.text, to=message.recipient, choice=way.choice, message=message
        )
        if not wires:
            raise ChannelRefused("There is no device or address to send it to.")
        taken = [_hand_over(way, wire, row, sending) for wire in wires]
        row.provider_id = _first_taken(taken).provider_id[:120]
        row.outcome = Outcome.TAKEN
    except ChannelRefused as error:
        row.outcome, row.detail = Outcome.REFUSED, in_words(error)
    except Exception as error:
        row.outcome, row.detail = Outcome.FAILED, in_words(error)
        retry_after = getattr(error, "retry_after", None) or retry_after
    row.seconds = round(time.monotonic() - began, 3)
    return row, retry_after


def in_words(error: Exception) -> str:
    """What to remember of an error: a channel's own words, or the name of what went wrong."""
    words = str(error) if isinstance(error, ChannelFailed) else f"{type(error).__name__}: {error}"
    return words[:300]


def _hand_over(way: Way, wire: Wire, row: Delivery, sending: Sending) -> Taken | Exception:
    if settings.OUTBOX_KEEPS:
        row.detail = SHOWN
        # The first stands for all: they differ only in the device.
        row.body = row.body or (dict(wire.shown) if sending.may_keep else None)
        return Taken()
    try:
        return way.channel.hand_over(wire)
    except Exception as error:
        return error


def _first_taken(answers: list[Taken | Exception]) -> Taken:
    """The first that was taken; if none was, one that may yet be, before one that never will."""
    for answer in answers:
        if isinstance(answer, Taken):
            return answer
    failures = [one for one in answers if isinstance(one, Exception)]
    raise min(failures, key=lambda error: isinstance(error, ChannelRefused))
