"""How each channel has been doing, from its newest attempts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from reps.models import Delivery
from reps.post import channels, rests

Outcome = Delivery.Outcome
PERIOD = timedelta(hours=1)
# More attempts than this in an hour change nothing about a median.
MOST = 5000


@dataclass(frozen=True, slots=True)
class Health:
    """One channel within the last hour; `seconds` is the median of what was taken."""

    name: str
    label: str
    sent: int
    failed: int
    seconds: float | None
    rests_until: datetime | None


def of_channels(*, at: datetime) -> list[Health]:
    """The channels that are set up; the number of statements does not depend on attempts."""
    there = channels.set_up()
    names = [channel.name for channel in there]
    rows = list(
        Delivery.objects.filter(channel__in=names, at__gt=at - PERIOD)
        .order_by("-at")
        .values_list("channel", "outcome", "seconds")[:MOST]
    )
    resting = rests.resting(names, at=at)
    found = []
    for channel in there:
        of_it = [row for row in rows if row[0] == channel.name]
        sent = [row[2] for row in of_it if row[1] in (Outcome.TAKEN, Outcome.CONFIRMED)]
        found.append(
            Health(
                name=channel.name,
                label=channel.label,
                sent=len(sent),
                failed=len(of_it) - len(sent),
                seconds=median(sent) if sent else None,
                rests_until=resting.get(channel.name),
            )
        )
    return found
