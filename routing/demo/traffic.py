"""The demo's day: prospects come, reps work, and neither minds a server that starts again."""

from collections.abc import Callable, Iterator, Mapping
from itertools import cycle

from routing.demo import people
from routing.demo.browser import Unreachable
from routing.demo.prospects import Prospects
from routing.demo.sellers import Seller

EVERY = 8.0
# A demo that was forgotten fills no disk: after an hour leads come more slowly.
BRISK_FOR, THEN_SLOWER = 3600.0, 4
TICK = 1.0
RETRY = 3.0
# People who try the demo sign in as these; their leads are theirs.
PERSONS = (people.REP, people.MANAGER, people.APAC_MANAGER)


class Traffic:
    """
    Plays prospects and reps until it is told to stop.

    `pause(seconds)` waits and returns whether to stop; `clock()` is monotonic. Both are given,
    so that a test needs no time.
    """

    def __init__(
        self,
        base_url: str,
        keys: Mapping[str, str],
        *,
        say: Callable[[str], None],
        pause: Callable[[float], bool],
        clock: Callable[[], float],
        every: float = EVERY,
        seed: int | None = None,
    ) -> None:
        self.say, self.pause, self.clock, self.every = say, pause, clock, every
        self.prospects = Prospects(base_url, keys, seed=seed)
        managers = {username for username, _ in people.MANAGERS_AS_REPS}
        self.sellers = [
            Seller(
                base_url,
                one.username,
                f"{one.first_name} {one.last_name}",
                is_person=one.username in PERSONS,
            )
            for one in (*people.SELLERS, *people.OFFICE)
            if isinstance(one, people.Seller) or one.username in managers
        ]

    def run(self, *, minutes: float | None = None) -> None:
        """Go on for so many minutes, or until the pause says stop."""
        started = self.clock()
        next_lead = started
        at_work = cycle(self.sellers)
        silent = False
        while minutes is None or self.clock() - started < minutes * 60:
            wait = TICK
            try:
                if self.clock() >= next_lead:
                    next_lead = self.clock() + self._gap(self.clock() - started)
                    self.say(self.prospects.act())
                for line in self._work(next(at_work)):
                    self.say(line)
                silent = False
            except Unreachable as reason:
                if not silent:
                    self.say(f"The server does not answer ({reason}); trying again.")
                silent, wait = True, RETRY
            if self.pause(wait):
                return

    def _gap(self, age: float) -> float:
        return self.every if age < BRISK_FOR else self.every * THEN_SLOWER

    def _work(self, seller: Seller) -> Iterator[str]:
        yield from seller.look(self.clock())
