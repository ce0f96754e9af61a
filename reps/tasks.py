"""The first driver: Celery drains what is due, woken by the doorbell and by beat."""

from celery import shared_task

from reps.due import jobs
from reps.due.clock import database_now
from reps.due.heartbeats import beat


@shared_task(name="reps.drain", acks_late=True, expires=30)
def drain(*, job: str) -> int:
    """Handle all due work of one kind; running it twice does nothing the second time."""
    handled = jobs.drain(job, driver="celery", due_before=database_now())
    if job == "clocks":
        # Beat ticks every kind once a second; one of them carries the sign of life.
        beat("celery", max_age=15, detail={job: handled})
    return handled
