"""The app of people, their time, and what every app records about acts."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class RepsConfig(AppConfig):
    name = "reps"
    verbose_name = "People"

    def ready(self) -> None:
        from reps import invariants  # noqa: F401 - registers them
        from reps.due import jobs
        from reps.post import deliver
        from reps.services import invitations  # noqa: F401 - registers its message
        from reps.trail import history  # noqa: F401 - its receiver

        post_migrate.connect(_sync_groups, sender=self, dispatch_uid="reps.groups")
        jobs.register(jobs.Job("outbox", deliver.drain, deliver.oldest))


def _sync_groups(**kwargs: object) -> None:
    from reps.access import sync_groups

    sync_groups()
