"""Signs of life of the processes that must not fall silent."""

from django.db import models


class Heartbeat(models.Model):
    """When a loop last finished a round, and how long its silence may last."""

    name = models.CharField(max_length=60, primary_key=True)
    at = models.DateTimeField()
    max_age = models.PositiveIntegerField(help_text="Seconds of silence after which it is red.")
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.name
