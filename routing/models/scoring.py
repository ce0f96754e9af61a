"""The score: its model in versions, what is called MQL and SQL, and what was learnt."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from reps.models import TrackedModel
from routing.models.ruleset import always
from routing.qualify import score_body


class PublishedScoresAreFixed(ValidationError):
    """A published version of the score is never edited; a new draft is made from it."""


def empty_body() -> dict[str, Any]:
    """The body of a model that gives nobody anything."""
    return score_body.empty()


class ScoreModel(TrackedModel):
    """
    A version of the points model. DRAFT → PUBLISHED; published, it never changes again.

    `body` has the form of `routing.qualify.score_body`. The one that scores is
    `Organisation.live_score_model`; leads remember the version they were scored by.
    """

    class State(models.TextChoices):
        DRAFT = "DRAFT", _("Draft")
        PUBLISHED = "PUBLISHED", _("Published")

    version = models.PositiveIntegerField(_("version"), unique=True)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.DRAFT)
    note = models.CharField(_("why"), max_length=300, blank=True)
    body = models.JSONField(_("the model"), default=empty_body)
    based_on = models.ForeignKey(
        "self", verbose_name=_("made from"), null=True, blank=True, on_delete=models.PROTECT
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    history = HistoricalRecords()

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="DRAFT"), name="routing_one_score_draft"
            ),
            models.CheckConstraint(
                condition=Q(state="DRAFT", published_at__isnull=True)
                | Q(state="PUBLISHED", published_at__isnull=False),
                name="routing_published_score_has_a_date",
            ),
        ]

    def __str__(self) -> str:
        return f"s{self.version}"

    def save(self, **kwargs):
        self._refuse_if_published()
        super().save(**kwargs)

    def delete(self, **kwargs):
        self._refuse_if_published()
        return super().delete(**kwargs)

    def _refuse_if_published(self) -> None:
        stored = type(self).objects.filter(pk=self.pk, state=self.State.PUBLISHED)
        if self.pk is not None and stored.exists():
            raise PublishedScoresAreFixed(
                _("A published version of the score never changes. Make a draft from it.")
            )


class FunnelDefinition(TrackedModel):
    """
    What marketing and sales agreed to call an MQL, or an SQL: words, and the condition that
    stamps a lead. Each edit is a new version, of which the newest holds; words and condition
    never change. Signed by both sides, two people, for one version of the score; a change of
    the score takes the signatures off.
    """

    class Kind(models.TextChoices):
        MQL = "MQL", _("Marketing-qualified lead")
        SQL = "SQL", _("Sales-qualified lead")

    class Side(models.TextChoices):
        MARKETING = "MARKETING", _("Marketing")
        SALES = "SALES", _("Sales")

    kind = models.CharField(max_length=3, choices=Kind.choices)
    version = models.PositiveIntegerField(_("version"))
    text = models.TextField(_("definition"), max_length=4000)
    condition = models.JSONField(_("condition"), default=always)
    reached = models.CharField(
        _("once it is"),
        max_length=12,
        blank=True,
        help_text=_("The state that a lead must have reached too; empty: any."),
    )
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    made_at = models.DateTimeField()
    score_model = models.ForeignKey(
        ScoreModel,
        verbose_name=_("signed for the score"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    marketing_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    marketing_at = models.DateTimeField(_("signed by marketing"), null=True)
    sales_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    sales_at = models.DateTimeField(_("signed by sales"), null=True)

    history = HistoricalRecords()

    class Meta:
        ordering = ["kind", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "version"], name="routing_one_definition_a_version"
            ),
            models.CheckConstraint(
                condition=Q(marketing_by__isnull=True, marketing_at__isnull=True)
                | Q(marketing_by__isnull=False, marketing_at__isnull=False),
                name="routing_marketing_signature_has_a_date",
            ),
            models.CheckConstraint(
                condition=Q(sales_by__isnull=True, sales_at__isnull=True)
                | Q(sales_by__isnull=False, sales_at__isnull=False),
                name="routing_sales_signature_has_a_date",
            ),
            models.CheckConstraint(
                condition=Q(marketing_by__isnull=True)
                | Q(sales_by__isnull=True)
                | ~Q(marketing_by=F("sales_by")),
                name="routing_two_people_sign_a_definition",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.version}"

    @property
    def is_signed(self) -> bool:
        """Whether both sides have signed."""
        return self.marketing_at is not None and self.sales_at is not None


class LearntScore(models.Model):
    """
    A score that was learnt from outcomes: coefficients as plain JSON, and how it did on leads
    held back from learning, beside the points. Written once by `train_score`.
    """

    class Target(models.TextChoices):
        WON = "WON", _("Won")
        MEETING = "MEETING", _("Meeting booked or better")
        QUALIFIED = "QUALIFIED", _("Qualified or better")

    version = models.PositiveIntegerField(_("version"), unique=True)
    target = models.CharField(_("learns"), max_length=9, choices=Target.choices)
    horizon_days = models.PositiveSmallIntegerField(_("within days"))
    body = models.JSONField(_("coefficients"))
    report = models.JSONField(_("on held-back leads"))
    trained_at = models.DateTimeField(_("trained"))
    trained_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["-version"]

    def __str__(self) -> str:
        return f"l{self.version}"


class ScoreReview(models.Model):
    """Somebody looked at the calibration of the score, and what they found. Append-only."""

    score_model = models.ForeignKey(ScoreModel, on_delete=models.PROTECT, related_name="reviews")
    at = models.DateTimeField(_("reviewed"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.CharField(_("what was found"), max_length=1000)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"Review {self.pk}"
