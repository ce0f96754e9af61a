"""How the installation is doing: what is held back, what is wrong, what runs by itself."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from reps.models.tracked import TrackedModel


class Hold(models.Model):
    """
    Effects are held back: nothing is sent and no clock fires until a person releases it.

    Doors go on answering and leads go on being assigned; only what reaches out waits.
    """

    class Kind(models.TextChoices):
        RESTORED = "RESTORED", _("restored from a backup")
        CLOCK_JUMP = "CLOCK_JUMP", _("the database's clock has jumped")
        BY_HAND = "BY_HAND", _("held by hand")

    kind = models.CharField(max_length=10, choices=Kind.choices)
    since = models.DateTimeField()
    reason = models.CharField(max_length=300, blank=True)
    detail = models.JSONField(default=dict)
    released_at = models.DateTimeField(null=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["-since", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind"],
                condition=Q(released_at__isnull=True),
                name="reps_one_hold_of_a_kind",
            )
        ]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class Alarm(models.Model):
    """Something is wrong that a person should know: told once, gone when it is right again."""

    key = models.CharField(max_length=120)
    text = models.CharField(max_length=500)
    since = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When it was last found to be so.")
    cleared_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-since", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["key"],
                condition=Q(cleared_at__isnull=True),
                name="reps_one_alarm_of_a_kind",
            )
        ]

    def __str__(self) -> str:
        return self.text


class Routine(models.Model):
    """
    Housekeeping that comes round again, as a row with a due time: one run per slot, whoever
    drives and however many clocks tick.
    """

    name = models.CharField(max_length=40, primary_key=True)
    next_at = models.DateTimeField(db_index=True)
    last_at = models.DateTimeField(null=True)
    seconds = models.FloatField(default=0.0)
    detail = models.JSONField(default=dict)
    failures = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)
    driver = models.CharField(max_length=20, blank=True)

    def __str__(self) -> str:
        return self.name


class Strike(models.Model):
    """
    How often a piece of due work has failed. After three it is given up, set aside where a
    person sees it, and an alarm is raised: a poisonous row must not stop the others.
    """

    job = models.CharField(max_length=20)
    row_id = models.BigIntegerField()
    failures = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)
    last_at = models.DateTimeField()
    given_up_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "row_id"], name="reps_strikes_of_a_row")
        ]

    def __str__(self) -> str:
        return f"{self.job} {self.row_id}: {self.failures}"


class RetentionRule(TrackedModel):
    """How many days something is kept. What there is to keep is a registry in code."""

    what = models.SlugField(_("what"), max_length=40, unique=True)
    days = models.PositiveIntegerField(_("days"))
    is_active = models.BooleanField(_("active"), default=True)

    history = HistoricalRecords()

    class Meta:
        ordering = ["what"]

    def __str__(self) -> str:
        return f"{self.what}: {self.days}"
