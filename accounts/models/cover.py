"""Temporary cover of an account or a territory: who stands in, until when."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from accounts.models.account import Account
from accounts.models.territory import Territory
from reps.models import Rep, TrackedModel


class Cover(TrackedModel):
    """
    That somebody stands in for `rep` in one account or one territory, half-open
    [starts_at, ends_at). It ends by itself; ending it early moves `ends_at`.

    New leads go to `stand_in` while it runs. With OPEN the rep's open leads there move too and
    come back; `moved` says which, with the epoch in which each left. `moved_at` and
    `returned_at` say when it was begun and ended. All of a rep is covered by an absence
    (`reps.Absence`).
    """

    class What(models.TextChoices):
        NEW = "NEW", _("New leads only")
        OPEN = "OPEN", _("Open leads too; they come back")

    account = models.ForeignKey(
        Account,
        verbose_name=_("account"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="covers",
    )
    territory = models.ForeignKey(
        Territory,
        verbose_name=_("territory"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="covers",
    )
    rep = models.ForeignKey(
        Rep, verbose_name=_("in place of"), on_delete=models.PROTECT, related_name="covered"
    )
    stand_in = models.ForeignKey(
        Rep, verbose_name=_("who stands in"), on_delete=models.PROTECT, related_name="covers"
    )
    what = models.CharField(_("what"), max_length=4, choices=What.choices, default=What.NEW)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    reason = models.CharField(_("reason"), max_length=120, blank=True)
    moved_at = models.DateTimeField(null=True, editable=False)
    returned_at = models.DateTimeField(null=True, editable=False)
    moved = models.JSONField(default=dict, editable=False)

    history = HistoricalRecords()

    class Meta:
        ordering = ["starts_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(account__isnull=False, territory__isnull=True)
                | Q(account__isnull=True, territory__isnull=False),
                name="accounts_cover_is_of_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="accounts_cover_ends_after_it_starts"
            ),
            models.CheckConstraint(
                condition=~Q(stand_in=F("rep")), name="accounts_nobody_covers_themselves"
            ),
        ]
        indexes = [
            models.Index(
                fields=["starts_at"],
                name="accounts_cover_begins",
                condition=Q(moved_at__isnull=True),
            ),
            models.Index(
                fields=["ends_at"],
                name="accounts_cover_ends",
                condition=Q(moved_at__isnull=False, returned_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.of}: {self.stand_in} for {self.rep}"

    @property
    def of(self) -> Account | Territory:
        """What is covered."""
        return self.account or self.territory

    def clean(self) -> None:
        super().clean()
        if (self.account_id is None) == (self.territory_id is None):
            raise ValidationError(_("Choose an account or a territory, one of the two."))
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise ValidationError({"ends_at": _("The end must be after the start.")})
        if self.stand_in_id is None or self.rep_id is None:
            return
        if self.stand_in_id == self.rep_id:
            raise ValidationError({"stand_in": _("Nobody can stand in for themselves.")})
        if not self.stand_in.is_active:
            raise ValidationError({"stand_in": _("This rep has left; choose one who is here.")})
        if self.starts_at and self.ends_at:
            self._refuse_overlap()

    def _refuse_overlap(self) -> None:
        others = Cover.objects.filter(
            account=self.account_id,
            territory=self.territory_id,
            starts_at__lt=self.ends_at,
            ends_at__gt=self.starts_at,
        )
        other = others.exclude(pk=self.pk).select_related("stand_in__user").first()
        if other is not None:
            raise ValidationError(
                _("%(who)s covers it in that time already. End that cover first."),
                params={"who": other.stand_in},
            )
