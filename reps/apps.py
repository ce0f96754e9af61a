"""The app of people, their time, and what every app records about acts."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class RepsConfig(AppConfig):
    name = "reps"
    verbose_name = "People"

    def ready(self) -> None:
        from reps import invariants  # noqa: F401 - registers them
        from reps.due import jobs
        from reps.feeds import drain as feeds
        from reps.post import deliver
        from reps.services import invitations  # noqa: F401 - registers its message
        from reps.trail import history  # noqa: F401 - its receiver

        post_migrate.connect(_sync_groups, sender=self, dispatch_uid="reps.groups")
        jobs.register(jobs.Job("outbox", deliver.drain, deliver.oldest))
        jobs.register(jobs.Job("feeds", feeds.drain, feeds.oldest))


def _sync_groups(using: str, **kwargs: object) -> None:
    from django.apps import apps
    from django.contrib.auth.management import create_permissions

    from reps.access import sync_groups

    # Django makes each app's permissions in a receiver of its own, for this app and those
    # after it only when ours has been; so they are made here, or the groups would lack them.
    for config in apps.get_app_configs():
        create_permissions(config, verbosity=0, using=using)
    sync_groups()
