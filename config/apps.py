"""Wiring that belongs to the whole: the admin site and the doorbell."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class BackOfficeConfig(AppConfig):
    name = "config"
    verbose_name = "Back office"

    def ready(self) -> None:
        from config import checks  # noqa: F401
        from config.celery import bell
        from reps.due import doorbell

        doorbell.connect(bell)


class BackOfficeAdminConfig(AdminConfig):
    """Django's admin, under Unfold's skin."""
