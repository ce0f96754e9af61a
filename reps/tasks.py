"""The first driver: Celery drains what is due, woken by the doorbell and by beat."""

from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down

from reps.due import jobs
from reps.due.clock import database_now
from reps.due.heartbeats import beat, retire


@shared_task(name="reps.drain", acks_late=True, expires=30)
def drain(*, job: str) -> int:
    """Handle all due work of one kind; running it twice does nothing the second time."""
    handled = jobs.drain(job, driver="celery", due_before=database_now())
    if job == "clocks":
        # Beat ticks every kind once a second; one of them carries the sign of life.
        beat("celery", max_age=15, detail={job: handled})
    return handled


@worker_shutting_down.connect(dispatch_uid="reps.celery_stops")
def stop_beating(**kwargs: Any) -> None:
    """A worker that is stopped on purpose is no alarm; another one beats again at once."""
    retire("celery")
