"""A counter that moves whenever something changes who may get a lead."""

from django.db import models


class RosterStamp(models.Model):
    """
    One row. Its version rises in the transaction of every change of a model with
    `shapes_roster`, so that a process knows when its roster snapshot is stale.
    """

    version = models.BigIntegerField(default=1)

    def __str__(self) -> str:
        return f"roster {self.version}"

    @classmethod
    def current(cls) -> int:
        """Return the version; 0 before anything was ever recorded."""
        return cls.objects.values_list("version", flat=True).first() or 0

    @classmethod
    def bump(cls) -> None:
        """Raise the version, in the caller's transaction."""
        if not cls.objects.filter(pk=1).update(version=models.F("version") + 1):
            cls.objects.bulk_create([cls(pk=1)], ignore_conflicts=True)
