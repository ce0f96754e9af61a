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
    most one holder per role on any day. Dates to come take effect by themselves: whoever
    asks, asks for a day.

    OWNER is the account executive, who owns the account; the SDR works its inbound or outbound
    leads where the organisation says so (`Organisation.named_inbound`); the backup takes them
    while neither can.
    """

    class Role(models.TextChoices):
        OWNER = "OWNER", _("Owner (AE)")
        SDR = "SDR", _("SDR")
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
        if self.account_id and self.starts_on:
            self._refuse_two_at_once()

    def _refuse_two_at_once(self) -> None:
        others = AccountOwner.objects.filter(account=self.account_id, role=self.role)
        others = others.exclude(pk=self.pk).exclude(ends_on=F("starts_on"))
        others = others.filter(Q(ends_on__isnull=True) | Q(ends_on__gt=self.starts_on))
        if self.ends_on is not None:
            others = others.filter(starts_on__lt=self.ends_on)
        other = others.select_related("rep__user").order_by("starts_on").first()
        if other is not None and self.ends_on != self.starts_on:
            raise ValidationError(
                {
                    "starts_on": ValidationError(
                        _("%(rep)s holds this role from %(day)s on. End that first."),
                        params={"rep": other.rep, "day": other.starts_on},
                    )
                }
            )
