"""The second driver: a plain loop that needs only the database."""

import logging
import signal
import threading
import time
from datetime import timedelta

from django.db import Error, close_old_connections, connection

from reps.due import guard, holds, jobs
from reps.due.heartbeats import beat, retire

log = logging.getLogger(__name__)

PERIOD = 0.5
BACK_OFF = 2.0
# How long one kind of work may keep the others waiting, and how often the loop says that it lives.
PER_KIND = 2.0
BEAT_EVERY = 3.0
MAX_AGE = 10


class Sweep:
    """
    Takes what is overdue by `jobs.SWEEP_AFTER`, whatever has become of the broker.

    Sleeps on monotonic time, judges by the database's time, and comes back by itself when
    the database does. Ends on SIGTERM or SIGINT after the round it is in.
    """

    def __init__(self, *, after: timedelta = jobs.SWEEP_AFTER, period: float = PERIOD) -> None:
        self.after = after
        self.period = period
        self._stop = threading.Event()

    def stop(self, *_: object) -> None:
        self._stop.set()

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        while not self._stop.is_set():
            started = time.monotonic()
            pause = self.period
            try:
                close_old_connections()
                holds.hold_if_restored()
                self.round()
            except Error as error:
                log.warning("The sweep lost the database (%s); trying again.", error)
                connection.close()
                pause = BACK_OFF
            self._stop.wait(max(0.0, pause - (time.monotonic() - started)))
        # Stopped on purpose: its silence from here on is no alarm.
        retire("sweep")

    def round(self) -> dict[str, int]:
        """
        Take each kind of overdue work once, one failing kind never stopping the others.

        Something overdue means that the first driver is not there, so what follows from it
        in this round is taken at once: a lead goes all its way without waiting at each step.
        """
        handled: dict[str, int] = {}
        beaten = time.monotonic()
        for name in jobs.names():
            alone = any(handled.values())
            # Asked anew each time: after a long piece of work a jump of the clock must be seen
            # before the next one is judged by it.
            now = guard.checked_now()
            try:
                handled[name] = jobs.drain(
                    name,
                    driver="sweep",
                    due_before=now if alone else now - self.after,
                    at=now,
                    seconds=PER_KIND,
                )
            except Error:
                raise
            except Exception:
                log.exception("The sweep could not do %s", name)
                handled[name] = 0
            if time.monotonic() - beaten > BEAT_EVERY:
                beaten = time.monotonic()
                beat("sweep", max_age=MAX_AGE, detail=handled)
        beat("sweep", max_age=MAX_AGE, detail=handled)
        return handled
