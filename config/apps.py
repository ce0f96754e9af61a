"""Wiring that belongs to the whole: the admin site and the doorbell."""

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import AdminConfig

NO_BROKER = "memory://"


class BackOfficeConfig(AppConfig):
    name = "config"
    verbose_name = "Back office"

    def ready(self) -> None:
        from config import checks  # noqa: F401
        from config.celery import bell
        from reps.due import doorbell

        # Without a broker there is nobody to wake; the sweep does the work.
        doorbell.connect(bell if settings.CELERY_BROKER_URL != NO_BROKER else None)


class BackOfficeAdminConfig(AdminConfig):
    """Django's admin, under Unfold's skin."""
