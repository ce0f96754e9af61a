"""The Celery application: the first driver of due work (`reps.due`)."""

import os

from celery import Celery

from config.watchdog import Watchdog

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("lead_routing")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["consumer"].add(Watchdog)

# A web request may ring, so a frozen broker may cost it this much and no more; workers
# keep their own, patient connections.
BELL_TIMEOUT = 0.2
_bell = Celery("lead_routing_bell", set_as_current=False)
_bell.config_from_object("django.conf:settings", namespace="CELERY")


def warm_up() -> None:
    """Read the broker's client, half a second of code, before a first request waits for it."""
    _ = _bell.connection_for_write().transport


def bell(job: str) -> None:
    """Tell a worker that work of this kind is due; raises at once when the broker is away."""
    options = dict(_bell.conf.broker_transport_options)
    if _bell.conf.broker_url.startswith("redis"):
        options |= {"socket_connect_timeout": BELL_TIMEOUT, "socket_timeout": BELL_TIMEOUT}
        # kombu would try again to connect, with pauses of 6 s together; the sweep is quicker.
        options |= {"max_retries": 0}
        _bell.conf.broker_transport_options = options
    _bell.send_task("reps.drain", kwargs={"job": job}, retry=False, expires=30)
