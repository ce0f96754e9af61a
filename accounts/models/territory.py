"""Territories: a tree of criteria, each with an owner and who stands in."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from accounts import conditions
from accounts.geography import postal_code
from reps.models import Rep, TrackedModel


def text_list(value: object) -> None:
    """Refuse anything but a list of non-empty texts."""
    if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
        raise ValidationError(_('Write a list of texts, e.g. ["US", "CA"].'))


LONGEST_CODE = 12


def range_list(value: object) -> None:
    """Refuse anything but a list of pairs of postal codes, the lower one first."""
    if not isinstance(value, list):
        raise ValidationError(_('Write a list of pairs, e.g. [["94000", "94999"]].'))
    for pair in value:
        if (
            not isinstance(pair, list)
            or len(pair) != 2
            or not all(isinstance(end, str) and postal_code("", end) for end in pair)
        ):
            raise ValidationError(_('Write a list of pairs, e.g. [["94000", "94999"]].'))
        low, high = (postal_code("", end) for end in pair)
        if max(len(low), len(high)) > LONGEST_CODE:
            raise ValidationError(
                _("No postal code is as long as %(code)s."), params={"code": high}
            )
        if low > high:
            raise ValidationError(
                _("%(low)s comes after %(high)s; write the lower code first."),
                params={"low": low, "high": high},
            )


def readable_conditions(value: object) -> None:
    """Refuse conditions that nobody could ask."""
    try:
        conditions.read(value)
    except conditions.Unreadable as error:
        raise ValidationError(str(error)) from error


class Territory(TrackedModel):
    """
    A part of the market. A lead belongs to the most specific territory that fits it, in the
    order that `accounts.areas` states.

    Empty criteria accept everything; a child also asks for all that its parents ask for. The
    pool that shares a territory is named by the pool (`routing.Pool.territory`), because this
    app knows no pools.
    """

    shapes_roster = True

    name = models.CharField(_("name"), max_length=120, unique=True)
    description = models.CharField(
        _("description"),
        max_length=500,
        blank=True,
        help_text=_("What it is for, and why it was cut so."),
    )
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
    postal_ranges = models.JSONField(
        _("postal code ranges"), default=list, blank=True, validators=[range_list]
    )
    industries = models.JSONField(_("industries"), default=list, blank=True, validators=[text_list])
    employees_min = models.PositiveIntegerField(_("employees from"), null=True, blank=True)
    employees_max = models.PositiveIntegerField(_("employees up to"), null=True, blank=True)
    conditions = models.JSONField(
        _("further conditions"),
        default=dict,
        blank=True,
        validators=[readable_conditions],
        help_text=_("On any other fact of a lead, as in rules. Each counts as one criterion."),
    )
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
        # The API and imports set columns without running the validators of forms.
        for field, check in (
            ("postal_ranges", range_list),
            ("conditions", readable_conditions),
        ):
            try:
                check(getattr(self, field))
            except ValidationError as error:
                raise ValidationError({field: error}) from error
        low, high = self.employees_min, self.employees_max
        if low is not None and high is not None and high < low:
            raise ValidationError({"employees_max": _("The upper end is below the lower.")})
        ancestor = self.parent
        while ancestor is not None:
            if ancestor.pk == self.pk and self.pk is not None:
                raise ValidationError({"parent": _("A territory cannot be part of itself.")})
            ancestor = ancestor.parent


class TerritoryBackup(TrackedModel):
    """
    Who stands in where the owner of a territory and its first backup are away, in order of
    `position`: a holiday of both must not leave its leads waiting.
    """

    shapes_roster = True

    territory = models.ForeignKey(
        Territory,
        verbose_name=_("territory"),
        on_delete=models.CASCADE,
        related_name="further_backups",
    )
    rep = models.ForeignKey(
        Rep, verbose_name=_("rep"), on_delete=models.PROTECT, related_name="further_backup_of"
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    history = HistoricalRecords()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["territory", "rep"], name="accounts_backup_once_per_territory"
            )
        ]

    def __str__(self) -> str:
        return f"{self.rep} for {self.territory}"


class TerritoryImport(models.Model):
    """
    A file of territories between its preview and its confirmation, and then that it was taken.

    The content is dropped once it has been applied; what it changed is in the history.
    """

    file_name = models.CharField(_("file"), max_length=200)
    content = models.BinaryField(null=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(_("uploaded"))
    applied_at = models.DateTimeField(_("applied"), null=True)
    said = models.CharField(_("what it did"), max_length=200, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.file_name
