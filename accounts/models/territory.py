"""Territories: a tree of criteria, each with an owner and a backup."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from reps.models import Rep, TrackedModel


def text_list(value: object) -> None:
    """Refuse anything but a list of non-empty texts."""
    if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
        raise ValidationError(_('Write a list of texts, e.g. ["US", "CA"].'))


class Territory(TrackedModel):
    """
    A part of the market. A lead belongs to the most specific territory that fits it:
    more criteria first, then narrower geography, then depth in the tree, then rank.

    Empty criteria accept everything; a child also asks for all that its parents ask for.
    """

    shapes_roster = True

    name = models.CharField(_("name"), max_length=120, unique=True)
    parent = models.ForeignKey(
        "self",
        verbose_name=_("part of"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="children",
    )
    owner = models.ForeignKey(
        Rep,
        verbose_name=_("owner"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="territories",
    )
    backup = models.ForeignKey(
        Rep,
        verbose_name=_("backup owner"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="backup_territories",
        help_text=_("Takes the leads while the owner is away. Empty: the owner's own backup."),
    )
    countries = models.JSONField(_("countries"), default=list, blank=True, validators=[text_list])
    regions = models.JSONField(
        _("states or regions"), default=list, blank=True, validators=[text_list]
    )
    postal_prefixes = models.JSONField(
        _("postal code prefixes"), default=list, blank=True, validators=[text_list]
    )
    industries = models.JSONField(_("industries"), default=list, blank=True, validators=[text_list])
    employees_min = models.PositiveIntegerField(_("employees from"), null=True, blank=True)
    employees_max = models.PositiveIntegerField(_("employees up to"), null=True, blank=True)
    rank = models.IntegerField(
        _("rank"), default=0, help_text=_("Breaks a tie between equally specific ones; lower wins.")
    )
    is_active = models.BooleanField(_("active"), default=True)

    history = HistoricalRecords()

    class Meta:
        verbose_name_plural = _("territories")
        ordering = ["name", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(employees_min__isnull=True)
                | Q(employees_max__isnull=True)
                | Q(employees_max__gte=F("employees_min")),
                name="accounts_territory_size_from_to",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        super().clean()
        low, high = self.employees_min, self.employees_max
        if low is not None and high is not None and high < low:
            raise ValidationError({"employees_max": _("The upper end is below the lower.")})
        ancestor = self.parent
        while ancestor is not None:
            if ancestor.pk == self.pk and self.pk is not None:
                raise ValidationError({"parent": _("A territory cannot be part of itself.")})
            ancestor = ancestor.parent
