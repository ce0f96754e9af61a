"""The app of leads and who gets them."""

from django.apps import AppConfig


class RoutingConfig(AppConfig):
    name = "routing"
    verbose_name = "Leads and routing"

    def ready(self) -> None:
        from reps.due import jobs
        from routing import (
            cover,  # registers its kind too
            invariants,  # noqa: F401
            messages,  # noqa: F401 - registers its kinds
            receivers,  # noqa: F401
            timeline,  # noqa: F401 - registers its sources
        )
        from routing.dispatch import batch
        from routing.fairness import (
            members,  # noqa: F401 - hears of members
            weights,
        )
        from routing.intake import imports, process
        from routing.rules import (
            news,  # noqa: F401 - registers its kinds
            schedule,
        )
        from routing.rules.lint import live as lint
        from routing.rules.lint import news as lint_news  # noqa: F401 - registers its kind
        from routing.simulation import work as simulations

        jobs.register(jobs.Job("imports", imports.drain, imports.oldest))
        jobs.register(jobs.Job("intake", process.drain, process.oldest))
        jobs.register(jobs.Job("route", batch.drain, batch.oldest))
        jobs.register(jobs.Job("rules", schedule.drain, schedule.oldest))
        jobs.register(jobs.Job("lint", lint.drain, lint.oldest))
        jobs.register(jobs.Job("weights", weights.drain, weights.oldest))
        jobs.register(jobs.Job("cover", cover.drain, cover.oldest))
        jobs.register(jobs.Job("simulations", simulations.drain, simulations.oldest))
