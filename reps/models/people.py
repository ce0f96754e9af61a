"""Teams, reps and what they can do."""

import re

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from reps.models.tracked import TrackedModel, TrackedQuerySet


class Team(TrackedModel):
    """A group of reps under one manager; a parent makes it part of an office or region."""

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
    manager = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("manager"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="managed_teams",
        help_text=_("Approves reassignments and is told of late leads."),
    )
    deputy = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("deputy"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="deputy_of",
        help_text=_("Answers in the manager's place while the manager is away."),
    )
    calendar = models.ForeignKey(
        "reps.WorkCalendar",
        verbose_name=_("working hours"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="teams",
        help_text=_("For reps without hours of their own. Empty: around the clock."),
    )

    history = HistoricalRecords()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class RepQuerySet(TrackedQuerySet):
    def active(self):
        return self.filter(is_active=True)


class Rep(TrackedModel):
    """
    Someone who can own leads, with a hard cap on how many open ones.

    Leaving is `reps.services.people.deactivate`, pausing `pause`: both are announced, so
    that what the rep holds finds a new place. Reps are never deleted.
    """

    shapes_roster = True

    class Role(models.TextChoices):
        SDR = "SDR", _("SDR")
        AE = "AE", _("Account executive")
        SE = "SE", _("Solutions engineer")
        FIELD = "FIELD", _("Field rep")
        MANAGER = "MANAGER", _("Manager")
        AI_AGENT = "AI_AGENT", _("AI agent")

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.PROTECT,
        related_name="rep",
    )
    team = models.ForeignKey(
        Team, verbose_name=_("team"), on_delete=models.PROTECT, related_name="reps"
    )
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.SDR)
    calendar = models.ForeignKey(
        "reps.WorkCalendar",
        verbose_name=_("working hours"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="reps",
        help_text=_("Empty: the team's."),
    )
    capacity = models.PositiveIntegerField(
        _("capacity"),
        default=40,
        validators=[MaxValueValidator(100_000)],
        help_text=_("Hard cap on open leads. Never exceeded."),
    )
    backup = models.ForeignKey(
        "self",
        verbose_name=_("backup"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="backs_up",
        help_text=_("Takes over when this rep is away or late."),
    )

    class Seniority(models.IntegerChoices):
        UNSAID = 0, _("not said")
        JUNIOR = 1, _("junior")
        MID = 2, _("mid-level")
        SENIOR = 3, _("senior")
        PRINCIPAL = 4, _("principal")

    seniority = models.PositiveSmallIntegerField(
        _("seniority"), choices=Seniority.choices, default=Seniority.UNSAID
    )
    country = models.CharField(
        _("country"), max_length=2, blank=True, help_text=_("Where the rep is, two letters.")
    )
    postal_code = models.CharField(
        _("postal code"),
        max_length=12,
        blank=True,
        help_text=_("Where the rep is, for rules that prefer whoever is nearest."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    paused_at = models.DateTimeField(_("paused since"), null=True, blank=True)
    paused_until = models.DateTimeField(_("paused until"), null=True, blank=True)
    pause_reason = models.CharField(_("reason for the pause"), max_length=200, blank=True)
    pause_is_own = models.BooleanField(
        _("paused by themselves"),
        default=True,
        help_text=_("If not, the company keeps the rep's share of the rotation for them."),
    )

    objects = RepQuerySet.as_manager()

    history = HistoricalRecords()

    class Meta:
        ordering = ["user__first_name", "user__last_name", "user__username", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(paused_at__isnull=False)
                | (Q(paused_until__isnull=True) & Q(pause_reason="")),
                name="reps_pause_has_a_start",
            ),
            models.CheckConstraint(
                condition=Q(backup__isnull=True) | ~Q(backup=models.F("pk")),
                name="reps_nobody_backs_up_themselves",
            ),
        ]

    def __str__(self) -> str:
        return self.user.label

    def clean(self) -> None:
        super().clean()
        if self.country and not re.fullmatch(r"[A-Za-z]{2}", self.country):
            raise ValidationError({"country": _("Write the country as two letters, e.g. US.")})

    def is_paused(self, at) -> bool:
        """Whether the rep takes no new leads at this moment."""
        return self.paused_at is not None and (self.paused_until is None or at < self.paused_until)


class Skill(TrackedModel):
    """Something a lead may need and a rep can have: a language, an industry, a product."""

    shapes_roster = True

    class Category(models.TextChoices):
        LANGUAGE = "LANGUAGE", _("Language")
        INDUSTRY = "INDUSTRY", _("Industry")
        PRODUCT = "PRODUCT", _("Product")
        SEGMENT = "SEGMENT", _("Segment")
        OTHER = "OTHER", _("Other")

    slug = models.SlugField(
        _("key"), max_length=60, unique=True, help_text=_("How rules name it, e.g. french.")
    )
    name = models.CharField(_("name"), max_length=120)
    category = models.CharField(
        _("category"), max_length=10, choices=Category.choices, default=Category.OTHER
    )
    criteria = models.TextField(
        _("what each level means"), blank=True, help_text=_("Written criteria, level by level.")
    )

    history = HistoricalRecords()

    class Meta:
        ordering = ["category", "name", "pk"]

    def __str__(self) -> str:
        return self.name


class RepSkill(TrackedModel):
    """That a rep has a skill, how well, by which evidence, and when that is looked at again."""

    shapes_roster = True

    rep = models.ForeignKey(
        Rep, verbose_name=_("rep"), on_delete=models.CASCADE, related_name="skills"
    )
    skill = models.ForeignKey(
        Skill, verbose_name=_("skill"), on_delete=models.PROTECT, related_name="holders"
    )
    level = models.PositiveSmallIntegerField(
        _("level"),
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(5)],
        help_text=_("1 (basic) to 5 (native, expert)."),
    )
    evidence = models.CharField(_("evidence"), max_length=200, blank=True)
    review_on = models.DateField(_("review on"), null=True, blank=True)

    history = HistoricalRecords()

    class Meta:
        ordering = ["skill__name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["rep", "skill"], name="reps_one_level_per_skill"),
            models.CheckConstraint(
                condition=Q(level__gte=1, level__lte=5), name="reps_skill_level_1_to_5"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.skill} {self.level}"
