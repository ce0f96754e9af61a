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
            offboarding,  # noqa: F401 - says what goes on naming who left
            panels,  # noqa: F401 - registers its panels
            privacy,  # noqa: F401 - registers what it holds about a person
            receivers,  # noqa: F401
            rule_checks,  # noqa: F401 - tells the linter what is promised
            setup_step,  # noqa: F401 - registers its step of the guide
            timeline,  # noqa: F401 - registers its sources
            verbs,  # noqa: F401 - registers what it lets people do with leads
        )
        from sla.services import (
            deadlines,
            escalate,
            pauses,
            policies,
            weekly,  # noqa: F401 - registers its kind and its routine
        )

        promises.register(policies.limits)
        promise.register(deadlines.answer_by)
        # Before the clocks, which go on where a pause ends.
        jobs.register(jobs.Job("pauses", pauses.drain, pauses.oldest, reaches_out=True))
        jobs.register(jobs.Job("clocks", escalate.drain, escalate.oldest, reaches_out=True))
