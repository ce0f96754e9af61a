"""The app of people, their time, and what every app records about acts."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class RepsConfig(AppConfig):
    name = "reps"
    verbose_name = "People"

    def ready(self) -> None:
        from reps import (
            invariants,  # noqa: F401 - registers them
            retention,
        )
        from reps.due import auditor, jobs, routines, watch
        from reps.feeds import drain as feeds
        from reps.post import (
            alarming,  # noqa: F401 - registers its kind, hears of alarms
            deliver,
            probes,  # noqa: F401 - registers its kinds
        )
        from reps.services import invitations  # noqa: F401 - registers its message
        from reps.trail import anchors, history

        history.guard_histories()
        post_migrate.connect(_sync_groups, sender=self, dispatch_uid="reps.groups")
        post_migrate.connect(_watch_tables, sender=self, dispatch_uid="reps.triggers")
        jobs.register(
            jobs.Job(
                "outbox",
                deliver.drain,
                deliver.oldest,
                reaches_out=True,
                while_held=deliver.drain_alarms,
            )
        )
        jobs.register(jobs.Job("feeds", feeds.drain, feeds.oldest))
        jobs.register(jobs.Job("routines", routines.drain, routines.oldest))
        every = routines.every
        routines.register(routines.Work("watch", watch.run, every(seconds=15)))
        routines.register(routines.Work("audit", auditor.run, every(minutes=5)))
        routines.register(routines.Work("verify", auditor.start_whole, auditor.tonight))
        routines.register(routines.Work("anchor", anchors.run, anchors.next_at))
        routines.register(routines.Work("retention", retention.run, retention.tonight))


def _sync_groups(using: str, **kwargs: object) -> None:
    from django.apps import apps
    from django.contrib.auth.management import create_permissions

    from reps.access import sync_groups

    # Django makes each app's permissions in a receiver of its own, for this app and those
    # after it only when ours has been; so they are made here, or the groups would lack them.
    for config in apps.get_app_configs():
        create_permissions(config, verbosity=0, using=using)
    sync_groups()


def _watch_tables(using: str, **kwargs: object) -> None:
    from reps.trail import triggers

    # Every app's tables are there by now: Django migrates all of them, then tells each app.
    triggers.install(using)
