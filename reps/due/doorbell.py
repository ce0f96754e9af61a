"""Wake the first driver after a commit. Only a hint: the row is the promise."""

import logging
import threading
import time
from collections.abc import Callable

from django.db import transaction

log = logging.getLogger(__name__)

# A frozen broker must not hold a request; after a failure the bell stays silent a while,
# and the sweep does the work.
SILENT_AFTER_FAILURE = 5.0
COALESCE = 0.05


class Breaker:
    """Remembers that the broker failed, and how long nobody should ask it again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._silent_until = 0.0
        self._rung: dict[str, float] = {}

    def allows(self, name: str) -> bool:
        """Whether to ring now; several commits within a moment ring once."""
        now = time.monotonic()
        with self._lock:
            if now < self._silent_until or now - self._rung.get(name, 0.0) < COALESCE:
                return False
            self._rung[name] = now
            return True

    def failed(self) -> None:
        with self._lock:
            self._silent_until = time.monotonic() + SILENT_AFTER_FAILURE

    def reset(self) -> None:
        with self._lock:
            self._silent_until = 0.0
            self._rung.clear()


breaker = Breaker()


_send: Callable[[str], None] | None = None


def connect(send: Callable[[str], None] | None) -> None:
    """Say how the bell is rung; `config` does this, for it knows the broker. None: silent."""
    global _send
    _send = send


def ring(name: str) -> None:
    """
    After the present transaction commits, tell a worker that work of this kind is due.

    Never fails and never waits longer than the broker's 0.2 s socket time-out.
    """
    transaction.on_commit(lambda: _ring(name), robust=True)


def _ring(name: str) -> None:
    if _send is None or not breaker.allows(name):
        return
    try:
        _send(name)
    except Exception as error:
        breaker.failed()
        log.warning("The broker did not take a wake-up (%s); the sweep will do the work.", error)
