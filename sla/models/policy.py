"""What is promised for which leads, and what happens on the way to a breach."""

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from reps.models import TrackedModel
from sla import chain


def any_lead() -> dict:
    """The condition of a policy that holds for every lead."""
    return {"all": []}


class Policy(TrackedModel):
    """
    A time limit for leads that meet a condition, with an escalation chain.

    Per metric the first active policy by position whose condition holds applies. Clocks
    keep the limit and the chain they were started with; editing a policy moves none.
    """

    class Metric(models.TextChoices):
        ACKNOWLEDGE = "ACKNOWLEDGE", _("acknowledge")
        CONTACT = "CONTACT", _("first contact")
        CLAIM = "CLAIM", _("claim from the queue")

    class Scope(models.TextChoices):
        LEAD = "LEAD", _("Lead: runs on across owners")
        HOLD = "HOLD", _("Holder: starts anew with each owner")

    class Hours(models.TextChoices):
        REP = "REP", _("the rep's working hours")
        ALWAYS = "ALWAYS", _("around the clock")

    name = models.CharField(_("name"), max_length=120, unique=True)
    position = models.PositiveIntegerField(_("position"), default=10)
    metric = models.CharField(
        _("promise"), max_length=11, choices=Metric.choices, default=Metric.ACKNOWLEDGE
    )
    scope = models.CharField(_("clock"), max_length=4, choices=Scope.choices, default=Scope.LEAD)
    hours = models.CharField(
        _("counted in"), max_length=6, choices=Hours.choices, default=Hours.REP
    )
    condition = models.JSONField(_("for which leads"), default=any_lead, blank=True)
    budget = models.PositiveIntegerField(
        _("time limit"), default=900, validators=[MinValueValidator(1)], help_text=_("Seconds.")
    )
    steps = models.JSONField(
        _("escalation"),
        default=chain.standard,
        blank=True,
        help_text=_('Steps such as {"at_percent": 100, "do": "tell_manager"}.'),
    )
    is_active = models.BooleanField(_("active"), default=True)

    history = HistoricalRecords()

    class Meta:
        verbose_name_plural = _("policies")
        ordering = ["metric", "position", "pk"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        super().clean()
        try:
            chain.parse(self.steps)
        except chain.ChainError as error:
            raise ValidationError({"steps": str(error)}) from error
