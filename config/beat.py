"""Beat's clockwork: that of django-celery-beat, with a sign of life of its own."""

import logging
import time
from typing import Any

from django.db import Error
from django_celery_beat.schedulers import DatabaseScheduler

from reps.due.heartbeats import beat, retire

log = logging.getLogger(__name__)

EVERY = 5.0
MAX_AGE = 20
# With more ticks than this in the queue nobody takes them, and more would only fill the broker.
MOST_TICKS = 1000


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

    def apply_async(self, entry: Any, *args: Any, **kwargs: Any) -> Any:
        return None if self._is_backed_up() else super().apply_async(entry, *args, **kwargs)

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
