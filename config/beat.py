"""Beat's clockwork: that of django-celery-beat, with a sign of life of its own."""

import contextlib
import logging
import time
from functools import cached_property
from typing import Any

from django.db import Error
from django_celery_beat.schedulers import DatabaseScheduler
from kombu import Connection

from reps.due.heartbeats import beat, retire

log = logging.getLogger(__name__)

EVERY = 5.0
MAX_AGE = 20
# With more ticks than this in the queue nobody takes them, and more would only fill the broker.
MOST_TICKS = 1000
# Seconds until an answer of the broker is given up. Only beat may: it publishes and takes nothing,
# and without a limit a connection that is half open holds it for ever (see also config/env.py).
PATIENCE = 5


class Scheduler(DatabaseScheduler):
    """
    Ticks, and says every few seconds that it does, whether a worker hears the ticks or not:
    so a dead beat shows beside a living worker, and a dead worker beside a living beat.

    It takes no lease. Two of them double the ticks, and a tick only drains rows that are
    claimed one by one; a lease would add minutes in which a dead holder keeps the living out.
    """

    _beaten = _counted = 0.0
    _waiting = 0

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        pause = super().tick(*args, **kwargs)
        if time.monotonic() - self._beaten > EVERY:
            try:
                beat("beat", max_age=MAX_AGE)
                self._beaten = time.monotonic()
            except Error as error:
                log.warning("Beat cannot say that it lives (%s).", error)
        return pause

    @cached_property
    def connection(self) -> Connection:
        return self.app.connection_for_write(transport_options={"socket_timeout": PATIENCE})

    def apply_async(self, entry: Any, *args: Any, **kwargs: Any) -> Any:
        if self._is_backed_up():
            return None
        try:
            return super().apply_async(entry, *args, **kwargs)
        except Exception:
            self._hang_up()
            raise

    def _hang_up(self) -> None:
        """Let go of a connection that failed: Celery keeps its broken channel for ever."""
        self.__dict__.pop("producer", None)
        connection = self.__dict__.pop("connection", None)
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.release()

    def _is_backed_up(self) -> bool:
        if time.monotonic() - self._counted > EVERY:
            self._counted = time.monotonic()
            try:
                queue = self.app.conf.task_default_queue
                declared = self.producer.channel.queue_declare(queue, passive=True)
                self._waiting = declared.message_count
            except Exception:
                # No queue yet, or no broker: sending the tick tells.
                self._waiting = 0
                self._hang_up()
        return self._waiting > MOST_TICKS

    def close(self) -> None:
        # Called twice at the end, the second time without a database.
        if self._beaten:
            self._beaten = 0.0
            try:
                retire("beat")
            except Error as error:
                log.warning("Beat cannot say that it stops (%s).", error)
        super().close()
