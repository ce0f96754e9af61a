"""The app of leads and who gets them."""

from django.apps import AppConfig


class RoutingConfig(AppConfig):
    name = "routing"
    verbose_name = "Leads and routing"

    def ready(self) -> None:
        from reps.due import jobs, routines
        from routing import (
            account_counts,  # noqa: F401 - registers itself
            canary,
            cover,  # registers its kind too
            cover_named,  # the same
            invariants,  # noqa: F401
            messages,  # noqa: F401 - registers its kinds
            receivers,  # noqa: F401
            repairs,  # noqa: F401 - registers them
            timeline,  # noqa: F401 - registers its sources
        )
        from routing.dispatch import batch, poison
        from routing.fairness import (
            members,  # noqa: F401 - hears of members
            weights,
        )
        from routing.intake import imports, process
        from routing.offboarding import carry
        from routing.offboarding import setup as offboarding
        from routing.privacy import (
            held,  # noqa: F401 - registers its places
            ledger,
            panel,  # noqa: F401 - registers itself
            retention,  # noqa: F401 - registers what is kept
        )
        from routing.rules import (
            news,  # noqa: F401 - registers its kinds
            schedule,
        )
        from routing.rules.lint import live as lint
        from routing.rules.lint import news as lint_news  # noqa: F401 - registers its kind
        from routing.simulation import work as simulations
        from routing.work import requests

        jobs.register(jobs.Job("imports", imports.drain, imports.oldest))
        jobs.register(jobs.Job("intake", process.drain, process.oldest))
        jobs.register(
            jobs.Job(
                "route", batch.drain, batch.oldest, is_paused=batch.is_paused, retry=poison.retry
            )
        )
        jobs.register(jobs.Job("rules", schedule.drain, schedule.oldest))
        jobs.register(jobs.Job("lint", lint.drain, lint.oldest))
        jobs.register(jobs.Job("weights", weights.drain, weights.oldest))
        jobs.register(jobs.Job("cover", cover.drain, cover.oldest))
        jobs.register(jobs.Job(cover_named.JOB, cover_named.drain, cover_named.oldest))
        jobs.register(jobs.Job(carry.JOB, carry.drain, carry.oldest))
        offboarding.register()
        jobs.register(jobs.Job("requests", requests.drain, requests.oldest, reaches_out=True))
        jobs.register(jobs.Job("simulations", simulations.drain, simulations.oldest))
        routines.register(routines.Work("canary", canary.run, routines.every(seconds=canary.REST)))
        routines.register(
            routines.Work("erasures", ledger.write_missing, routines.every(minutes=5))
        )
