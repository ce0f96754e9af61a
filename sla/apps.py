"""The app of promises about time."""

from django.apps import AppConfig


class SlaConfig(AppConfig):
    name = "sla"
    verbose_name = "Promises about time"

    def ready(self) -> None:
        from reps.due import jobs
        from sla import (
            invariants,  # noqa: F401
            messages,  # noqa: F401 - registers its kinds
            receivers,  # noqa: F401
            setup_step,  # noqa: F401 - registers its step of the guide
            timeline,  # noqa: F401 - registers its sources
        )
        from sla.services import escalate

        jobs.register(jobs.Job("clocks", escalate.drain, escalate.oldest))
