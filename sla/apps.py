"""The app of promises about time."""

from django.apps import AppConfig


class SlaConfig(AppConfig):
    name = "sla"
    verbose_name = "Promises about time"

    def ready(self) -> None:
        from reps.due import jobs
        from routing import promise
        from routing.simulation import promises
        from sla import (
            invariants,  # noqa: F401
            messages,  # noqa: F401 - registers its kinds
            receivers,  # noqa: F401
            rule_checks,  # noqa: F401 - tells the linter what is promised
            setup_step,  # noqa: F401 - registers its step of the guide
            timeline,  # noqa: F401 - registers its sources
        )
        from sla.services import deadlines, escalate, policies

        promises.register(policies.limits)
        promise.register(deadlines.answer_by)
        jobs.register(jobs.Job("clocks", escalate.drain, escalate.oldest))
