"""The app of leads and who gets them."""

from django.apps import AppConfig


class RoutingConfig(AppConfig):
    name = "routing"
    verbose_name = "Leads and routing"

    def ready(self) -> None:
        from reps.due import jobs
        from routing import (
            invariants,  # noqa: F401
            messages,  # noqa: F401 - registers its kinds
            receivers,  # noqa: F401
            timeline,  # noqa: F401 - registers its sources
        )
        from routing.dispatch import batch
        from routing.intake import imports, process

        jobs.register(jobs.Job("imports", imports.drain, imports.oldest))
        jobs.register(jobs.Job("intake", process.drain, process.oldest))
        jobs.register(jobs.Job("route", batch.drain, batch.oldest))
