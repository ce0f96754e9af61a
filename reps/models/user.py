"""Who can sign in."""

import zoneinfo

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from django.dispatch import receiver
from django.utils.translation import gettext_lazy as _


def validate_time_zone(value: str) -> None:
    """Refuse a name that the time zone database does not know."""
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise ValidationError(
            _("%(zone)s is not a time zone; write it like Europe/Berlin."),
            params={"zone": value},
        ) from error


class UserCannotBeDeleted(RuntimeError):
    """A user's acts are on record; close the account instead (`is_active`)."""


class User(AbstractUser):
    """
    A person who can sign in. Closed by `is_active`, never deleted: the trail names them.
    """

    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        default="UTC",
        validators=[validate_time_zone],
        help_text=_("Times are shown in this zone."),
    )
    away_until = models.DateTimeField(
        _("away until"),
        null=True,
        blank=True,
        help_text=_("Until then a deputy answers for what you decide, such as reassignments."),
    )

    def delete(self, *args, **kwargs):
        raise UserCannotBeDeleted(
            f"{self} has a place in the audit trail; set the account inactive instead."
        )

    @property
    def label(self) -> str:
        """The name to show and to write into the trail."""
        return self.get_full_name() or self.get_username()

    @property
    def initials(self) -> str:
        words = self.label.split()
        return (words[0][:1] + (words[-1][:1] if len(words) > 1 else words[0][1:2])).upper()


@receiver(models.signals.pre_delete, sender=User, dispatch_uid="reps.user")
def refuse_to_delete(sender, instance, **kwargs) -> None:
    """Query sets and cascades come by here too, which do not ask the row's own `delete`."""
    instance.delete()
