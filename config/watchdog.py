"""
Ends a Celery worker that waits for an answer which will never come.

A connection that is half-open (the other side is gone and nobody says so) holds the worker's loop
inside a read for ever, and a time limit on reads makes it deaf in another way (config/env.py). So
another thread looks whether the loop turns; a worker that is ended is started again by whoever
supervises it, and what it had in hand is a row in the database that the next driver takes.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import billiard
from celery import bootsteps
from celery.worker.consumer import Consumer

log = logging.getLogger(__name__)

EVERY = 2.0
# Seconds in which a loop must have turned, while the broker answers others. The broker's health
# is asked for every 10 s (config/env.py), which is when a silent connection is met at the latest.
LIMIT = 20.0
# Celery itself waits up to 30 s between two attempts to connect.
LIMIT_TO_CONNECT = 40.0
PATIENCE = 2.0
# A look that comes so many seconds after the one before tells nothing of the loop alone.
LATE_LOOK = EVERY + 2 * PATIENCE + 2.0


class Watchdog(bootsteps.StartStopStep):
    """A step of the worker's consumer: Celery starts and stops it with each connection."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    _thread: threading.Thread | None = None
    _turned = 0.0
    _looked = 0.0
    _answered = False
    _timer: Any = None

    def __init__(self, parent: Consumer, **options: Any) -> None:
        super().__init__(parent, **options)
        self._limit = LIMIT_TO_CONNECT

    def include_if(self, parent: Consumer) -> bool:
        # Only with an event loop is there one that can be held up, and only then a socket.
        return parent.hub is not None and parent.app.conf.broker_url.startswith("redis")

    def start(self, parent: Consumer) -> None:
        self._turn()
        self._limit = LIMIT
        self._timer = parent.timer.call_repeatedly(EVERY, self._turn)
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, args=(parent,), daemon=True)
            self._thread.start()

    def stop(self, parent: Consumer) -> None:
        self._limit = LIMIT_TO_CONNECT
        if self._timer is not None:
            self._timer.cancel()

    shutdown = stop

    def _turn(self) -> None:
        self._turned = time.monotonic()

    def _watch(self, parent: Consumer) -> None:
        while not self.is_stuck(time.monotonic(), lambda: broker_answers(parent)):
            time.sleep(EVERY)
        end(time.monotonic() - self._turned)

    def is_stuck(self, now: float, broker_answers: Callable[[], bool]) -> bool:
        """
        Whether the loop has stood still beyond its limit although the broker answers others,
        now and at the look before: right after a freeze both are true for a moment.
        """
        looked, self._looked = self._looked, now
        if now - looked > LATE_LOOK:
            # This thread stood still as well: the whole process was frozen, or starved.
            self._turned = now
        if now - self._turned < self._limit or not broker_answers():
            # A broker that is gone or frozen is so for everybody: a new worker is no better off.
            self._answered = False
            return False
        answered, self._answered = self._answered, True
        return answered


def broker_answers(parent: Consumer) -> bool:
    """Whether a connection of its own gets an answer from the broker within two seconds."""
    options = parent.app.conf.broker_transport_options | {
        "socket_timeout": PATIENCE,
        "socket_connect_timeout": PATIENCE,
        "max_retries": 0,
    }
    try:
        with parent.app.connection_for_read(transport_options=options) as connection:
            return bool(connection.default_channel.client.ping())
    except Exception:
        return False


def end(silent: float) -> None:
    """End this worker and its children at once; a loop that is stuck hears no polite request."""
    log.critical("The worker's loop has stood still for %.0f s: ending it to start anew.", silent)
    for child in billiard.active_children():
        with suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)
    os._exit(1)
