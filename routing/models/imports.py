"""Files of leads on their way in, row by row."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from routing.models.source import Mode, Source


class ImportJob(models.Model):
    """
    An uploaded file and how far it is. Every row becomes one submission under the key
    `import-<job>-<row>`, so that an import which died goes on where it was.
    """

    class State(models.TextChoices):
        PREVIEW = "PREVIEW", _("Waiting for you to start it")
        RUNNING = "RUNNING", _("Running")
        DONE = "DONE", _("Done")
        CANCELLED = "CANCELLED", _("Cancelled")

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="imports")
    file_name = models.CharField(max_length=200)
    content = models.BinaryField()
    mapping = models.JSONField(default=dict)
    mode = models.CharField(max_length=8, choices=Mode.choices, default=Mode.LIVE)
    state = models.CharField(max_length=9, choices=State.choices, default=State.PREVIEW)
    rows = models.PositiveIntegerField(default=0)
    next_row = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["due_at"], name="routing_import_due", condition=Q(state="RUNNING"))
        ]

    def __str__(self) -> str:
        return self.file_name
