"""The first driver: Celery drains what is due, woken by the doorbell and by beat."""

import logging
from typing import Any

from celery import shared_task
from celery.signals import task_unknown, worker_init, worker_shutting_down
from django.db import Error, connection

from reps.due import alarms, guard, holds, jobs
from reps.due.clock import database_now
from reps.due.heartbeats import beat, retire

log = logging.getLogger(__name__)

# How long one kind of work may keep a worker from the others.
PER_KIND = 10.0


@shared_task(name="reps.drain", acks_late=True, expires=30)
def drain(*, job: str) -> int:
    """Handle all due work of one kind; running it twice does nothing the second time."""
    if not isinstance(job, str) or job not in jobs.names():
        _dropped(f"work of a kind that is not known here ({_printable(job)})")
        return 0
    now = guard.checked_now()
    handled = jobs.drain(job, driver="celery", due_before=now, seconds=PER_KIND)
    if job == "clocks":
        # Beat ticks every kind once a second; one of them carries the sign of life.
        beat("celery", max_age=15, detail={job: handled})
    return handled


@worker_init.connect(dispatch_uid="reps.celery_starts")
def look_first(**kwargs: Any) -> None:
    """
    Look at the clock, and hold effects back after a restore, before any child is forked.

    Children inherit the look, so that not even the first thing they do is judged by a clock
    that jumped after this worker started.
    """
    try:
        holds.hold_if_restored()
        guard.checked_now()
    except Error as error:
        log.warning("The worker starts without the database (%s).", error)
    finally:
        # A connection must not be shared with the children.
        connection.close()


@worker_shutting_down.connect(dispatch_uid="reps.celery_stops")
def stop_beating(**kwargs: Any) -> None:
    """A worker that is stopped on purpose is no alarm; another one beats again at once."""
    retire("celery")


@task_unknown.connect(dispatch_uid="reps.celery_unknown")
def drop_unknown(name: str = "", **kwargs: Any) -> None:
    """A message of another version, or a forged one: Celery drops it, and a person hears."""
    _dropped(f"a task that is not known here ({_printable(name)})")


def _dropped(what: str) -> None:
    text = f"The broker brought {what}; it was dropped. An old version may still be running."
    try:
        alarms.raise_("broker/unknown", text, at=database_now())
    except Error as error:
        log.warning("The broker brought %s, and the database is away (%s).", what, error)


def _printable(name: object) -> str:
    return "".join(letter for letter in str(name)[:60] if letter.isprintable())
