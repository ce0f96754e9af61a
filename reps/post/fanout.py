"""Tell a person of one message by all the ways they want, and by another where one fails."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from reps.models import Delivery
from reps.post import attempts
from reps.post.attempts import Sending
from reps.post.rests import Rests
from reps.post.ways import Way, Ways

Outcome = Delivery.Outcome
# Once may be chance; the second time another channel is asked.
FAILURES_BEFORE_ANOTHER = 2


@dataclass(slots=True)
class Told:
    """
    What came of a round. `is_over`: nothing is left to try, because it arrived or because
    everybody refused for good. `error` is the newest, if there was one.
    """

    is_over: bool = False
    has_tried: bool = False
    error: str = ""
    rests_until: datetime | None = None
    retry_after: timedelta = timedelta(0)


def tell(ways: Ways, sending: Sending, *, rests: Rests, note: Callable[[Delivery], bool]) -> Told:
    """
    Send a message by every way that has not taken it yet, and by the first other one that will
    where one of these was refused for good, failed twice, or rests.

    `note` remembers each attempt at once and returns False if the message is no longer ours,
    which ends the round.
    """
    return _Round(ways, sending, rests, note).run()


class _Round:
    def __init__(
        self, ways: Ways, sending: Sending, rests: Rests, note: Callable[[Delivery], bool]
    ) -> None:
        self.ways, self.sending, self.rests, self.note = ways, sending, rests, note
        self.message = sending.message
        self.told = Told()
        self.is_ours = True
        self.failures: Counter[str] = Counter()
        self.newest: dict[str, str] = {}
        if self.message.attempts > 1:
            for channel, outcome in self.message.deliveries.values_list("channel", "outcome"):
                self._count(channel, outcome)

    def run(self) -> Told:
        for way in self.ways.wanted:
            self._try(way)
        if self._needs_another():
            for way in self.ways.instead:
                self._try(way)
                if self._has(way):
                    break
        self.told.is_over = self._has_arrived() or self._is_hopeless()
        return self.told

    def _try(self, way: Way) -> None:
        if self._has(way) or self._is_refused(way) or not self.is_ours:
            return
        rests_until = self.rests.until(way.name, at=self.sending.now())
        if rests_until is not None:
            self.told.rests_until = min(self.told.rests_until or rests_until, rests_until)
            self.told.error = self.told.error or f"{way.channel.label} rests after failures."
            return
        row, retry_after = attempts.send(way, self.sending)
        self.told.has_tried = True
        if row.outcome != Outcome.TAKEN:
            self.told.error = f"{way.channel.label}: {row.detail}"[:300]
            self.told.retry_after = max(self.told.retry_after, retry_after)
        self._count(way.name, row.outcome)
        self.rests.note(row)
        self.is_ours = self.note(row)

    def _count(self, channel: str, outcome: str) -> None:
        self.newest[channel] = outcome
        self.failures[channel] += outcome == Outcome.FAILED

    def _has(self, way: Way) -> bool:
        return way.name in self.message.delivered

    def _is_refused(self, way: Way) -> bool:
        # The newest answer counts: what a person replays is tried once more by all.
        return self.newest.get(way.name) == Outcome.REFUSED

    def _needs_another(self) -> bool:
        return self.ways.is_short or any(
            self._is_refused(way)
            or self.failures[way.name] >= FAILURES_BEFORE_ANOTHER
            or self.rests.until(way.name, at=self.sending.now()) is not None
            for way in self.ways.wanted
            if not self._has(way)
        )

    def _has_arrived(self) -> bool:
        """Everything that was wanted has it, or another has it in its place."""
        in_place = any(self._has(way) for way in self.ways.instead)
        return in_place or (not self.ways.is_short and all(map(self._has, self.ways.wanted)))

    def _is_hopeless(self) -> bool:
        return all(
            self._has(way) or self._is_refused(way)
            for way in (*self.ways.wanted, *self.ways.instead)
        )
