"""What is promised for which leads, and what happens on the way to a breach."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from reps.models import TrackedModel
from sla import chain, targets


def any_lead() -> dict:
    """The condition of a policy that holds for every lead."""
    return {"all": []}


class Policy(TrackedModel):
    """
    A time limit for leads that meet a condition, with an escalation chain.

    Per metric the first active policy by position whose condition holds applies. Clocks
    keep the limit, the chain and the hours they were started with; editing a policy moves
    none, it only raises `version`.

    `hours` says which time counts. REP: the holder's calendar (their own, else their team's)
    without their absences. TEAM: the calendar of the nearest team up the parents that has
    one, whoever of it is away. A lead without a holder (ASSIGN, CLAIM) has neither: for it
    both mean the hours in which anybody of the pool works who may claim from its queue. Where
    there is no such calendar, time counts around the clock.
    """

    class Metric(models.TextChoices):
        ACKNOWLEDGE = "ACKNOWLEDGE", _("acknowledge")
        CONTACT = "CONTACT", _("first contact")
        CLAIM = "CLAIM", _("claim from the queue")
        ASSIGN = "ASSIGN", _("find an owner")
        FOLLOW_UP = "FOLLOW_UP", _("follow up")

    class Scope(models.TextChoices):
        LEAD = "LEAD", _("Lead: runs on across owners")
        HOLD = "HOLD", _("Holder: starts anew with each owner")

    class Hours(models.TextChoices):
        REP = "REP", _("the rep's working hours")
        TEAM = "TEAM", _("the team's working hours")
        ALWAYS = "ALWAYS", _("around the clock")

    name = models.CharField(_("name"), max_length=120, unique=True)
    position = models.PositiveIntegerField(_("position"), default=10)
    metric = models.CharField(
        _("promise"), max_length=11, choices=Metric.choices, default=Metric.ACKNOWLEDGE
    )
    scope = models.CharField(_("clock"), max_length=4, choices=Scope.choices, default=Scope.LEAD)
    hours = models.CharField(
        _("counted in"),
        max_length=6,
        choices=Hours.choices,
        default=Hours.REP,
        help_text=_(
            "While nobody holds the lead: the hours of whoever may claim it; "
            "around the clock where there are none."
        ),
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
    most_hops = models.PositiveSmallIntegerField(
        _("hand-overs at most"),
        default=3,
        help_text=_("How often an escalation may change the owner; then people are only told."),
    )
    pausable = models.BooleanField(
        _("may be paused"), default=True, help_text=_("By the owner, for a reason from the list.")
    )
    target_percent = models.PositiveSmallIntegerField(
        _("target"),
        default=80,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("Percent of its clocks that should end in time."),
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    is_active = models.BooleanField(_("active"), default=True)

    history = HistoricalRecords()

    class Meta:
        verbose_name_plural = _("policies")
        ordering = ["metric", "position", "pk"]

    def __str__(self) -> str:
        return self.name

    def save(self, **kwargs):
        # Whoever changes it (page, API, admin), clocks tell by which version they were started.
        if not self._state.adding:
            self.version += 1
        super().save(**kwargs)

    def clean(self) -> None:
        super().clean()
        try:
            targets.check(chain.parse(self.steps, budget=self.budget))
        except chain.ChainError as error:
            problem = ValidationError(str(error), params={"step": error.step})
            raise ValidationError({"steps": problem}) from error


class PauseReason(TrackedModel):
    """Why a clock may stand still, and for how long at most."""

    # What most organisations start with: name, and seconds at most.
    USUAL = (
        ("Waiting for the prospect", 7 * 86_400),
        ("A meeting is booked", 14 * 86_400),
        ("They asked to hear from us later", 30 * 86_400),
        ("Waiting for a colleague", 2 * 86_400),
    )

    name = models.CharField(_("name"), max_length=120, unique=True)
    longest = models.PositiveIntegerField(
        _("at most"),
        default=7 * 86_400,
        validators=[MinValueValidator(60)],
        help_text=_("Seconds."),
    )
    is_active = models.BooleanField(_("active"), default=True)

    history = HistoricalRecords()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name
