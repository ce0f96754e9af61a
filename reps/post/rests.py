"""Channels that rest: one that fails again and again is left alone for a while, by everybody."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reps.models import Delivery

Outcome = Delivery.Outcome
# One person's broken address is no broken channel: the failures must be of several people.
IN_A_ROW = 5
OF_PEOPLE = 2
# A provider that let us wait this long hangs, and the next message would wait as long again.
HUNG = 5.0
# Long enough for a provider to recover and for the others to be served; then one message tries.
REST = timedelta(seconds=60)
# What says something about the provider. A refusal is about one address.
TELLING = (Outcome.TAKEN, Outcome.CONFIRMED, Outcome.FAILED)


@dataclass(slots=True)
class Attempt:
    at: datetime
    outcome: str
    seconds: float
    person: int


@dataclass(slots=True)
class Rests:
    """
    What the newest attempts say about each channel, read once per batch and kept up in it.

    The attempts are rows, so that all workers know of a rest; nothing has to be reset, for the
    first attempt after it decides whether it is over.
    """

    _newest: dict[str, list[Attempt]] = field(default_factory=dict)

    def until(self, channel: str, *, at: datetime) -> datetime | None:
        """Return until when a channel rests; None if it may be used."""
        newest = self._of(channel)
        if not newest or newest[0].outcome != Outcome.FAILED:
            return None
        hangs = newest[0].seconds >= HUNG
        fails = (
            len(newest) == IN_A_ROW
            and all(one.outcome == Outcome.FAILED for one in newest)
            and len({one.person for one in newest}) >= OF_PEOPLE
        )
        ends = newest[0].at + REST
        return ends if (hangs or fails) and at < ends else None

    def note(self, row: Delivery) -> None:
        """Take an attempt of this batch into account."""
        if row.outcome in TELLING:
            newest = self._of(row.channel)
            newest.insert(0, Attempt(row.at, row.outcome, row.seconds, row.message.recipient_id))
            del newest[IN_A_ROW:]

    def _of(self, channel: str) -> list[Attempt]:
        if channel not in self._newest:
            rows = Delivery.objects.filter(channel=channel, outcome__in=TELLING)
            self._newest[channel] = [
                Attempt(*row)
                for row in rows.order_by("-at", "-pk").values_list(
                    "at", "outcome", "seconds", "message__recipient_id"
                )[:IN_A_ROW]
            ]
        return self._newest[channel]


def resting(names: Iterable[str], *, at: datetime) -> dict[str, datetime]:
    """The channels among these that rest now, and until when."""
    rests = Rests()
    found = {name: rests.until(name, at=at) for name in names}
    return {name: until for name, until in found.items() if until is not None}
