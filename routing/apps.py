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
            ownership_panel,  # noqa: F401 - registers itself
            receivers,  # noqa: F401
            repairs,  # noqa: F401 - registers them
            timeline,  # noqa: F401 - registers its sources
        )
        from routing.dedupe import panel as duplicates_panel  # noqa: F401 - registers itself
        from routing.dedupe import suggest
        from routing.dedupe import timeline as merges  # noqa: F401 - registers its source
        from routing.dispatch import batch, poison
        from routing.disputes import messages as dispute_messages  # noqa: F401 - its kinds
        from routing.disputes import ruling
        from routing.enrich import drain as enrich
        from routing.enrich import (
            keeping,  # noqa: F401 - registers what is kept
            late,
        )
        from routing.enrich import (
            panel as enrichment_panel,  # noqa: F401 - registers itself
        )
        from routing.enrich import (
            privacy as enrichment_privacy,  # noqa: F401 - registers its place
        )
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
        from routing.realign import moves as realignments
        from routing.realign import news as realign_news  # noqa: F401 - registers its kinds
        from routing.realign import study as studies
        from routing.reviews import held as reviews_held  # noqa: F401 - registers its place
        from routing.rules import (
            news,  # noqa: F401 - registers its kinds
            schedule,
        )
        from routing.rules.lint import live as lint
        from routing.rules.lint import news as lint_news  # noqa: F401 - registers its kind
        from routing.scoring import rescore
        from routing.scoring import review as score_review  # registers its kind too
        from routing.simulation import work as simulations
        from routing.territories import asking  # noqa: F401 - registers itself
        from routing.work import requests

        jobs.register(jobs.Job("imports", imports.drain, imports.oldest))
        jobs.register(jobs.Job("intake", process.drain, process.oldest))
        jobs.register(
            jobs.Job(
                "route", batch.drain, batch.oldest, is_paused=batch.is_paused, retry=poison.retry
            )
        )
        jobs.register(jobs.Job("enrich", enrich.drain, enrich.oldest, reaches_out=True))
        jobs.register(jobs.Job("late_data", late.drain, late.oldest))
        jobs.register(jobs.Job("duplicates", suggest.drain, suggest.oldest))
        jobs.register(jobs.Job("rules", schedule.drain, schedule.oldest))
        jobs.register(jobs.Job("lint", lint.drain, lint.oldest))
        jobs.register(jobs.Job("weights", weights.drain, weights.oldest))
        jobs.register(jobs.Job("cover", cover.drain, cover.oldest))
        jobs.register(jobs.Job("scores", rescore.drain, rescore.oldest))
        jobs.register(jobs.Job(cover_named.JOB, cover_named.drain, cover_named.oldest))
        jobs.register(jobs.Job(carry.JOB, carry.drain, carry.oldest))
        offboarding.register()
        jobs.register(jobs.Job("requests", requests.drain, requests.oldest, reaches_out=True))
        jobs.register(jobs.Job(ruling.JOB, ruling.drain, ruling.oldest, reaches_out=True))
        jobs.register(jobs.Job("simulations", simulations.drain, simulations.oldest))
        jobs.register(jobs.Job("realignments", realignments.drain, realignments.oldest))
        jobs.register(jobs.Job("studies", studies.drain, studies.oldest))
        routines.register(routines.Work("canary", canary.run, routines.every(seconds=canary.REST)))
        routines.register(
            routines.Work("erasures", ledger.write_missing, routines.every(minutes=5))
        )
        routines.register(
            routines.Work("score_review", score_review.remind, routines.every(hours=6))
        )
