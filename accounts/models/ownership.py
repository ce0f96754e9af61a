"""Named accounts: who owns which company, from when until when."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from accounts.models.account import Account
from reps.models import Rep, TrackedModel


class AccountOwner(TrackedModel):
    """
    That a rep owns an account from `starts_on` until before `ends_on` (empty: no end).

    Ends rather than being edited, so that who owned what on any day stays readable. At
    most one holder per role without an end.
    """

    class Role(models.TextChoices):
        OWNER = "OWNER", _("Owner")
        BACKUP = "BACKUP", _("Backup")

    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.CASCADE, related_name="owners"
    )
    rep = models.ForeignKey(
        Rep, verbose_name=_("rep"), on_delete=models.PROTECT, related_name="owned_accounts"
    )
    role = models.CharField(_("role"), max_length=6, choices=Role.choices, default=Role.OWNER)
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until before"), null=True, blank=True)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("named account")
        ordering = ["account__name", "role", "-starts_on", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
                name="accounts_ownership_ends_after_it_starts",
            ),
            models.UniqueConstraint(
                fields=["account", "role"],
                condition=Q(ends_on__isnull=True),
                name="accounts_one_open_owner_per_role",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account}: {self.rep}"

    def clean(self) -> None:
        super().clean()
        if self.ends_on and self.starts_on and self.ends_on < self.starts_on:
            raise ValidationError({"ends_on": _("The end must not be before the start.")})
        if self.rep_id and not self.rep.is_active and self.ends_on is None:
            raise ValidationError({"rep": _("This rep has left; choose an active one.")})
