"""Rules, in versions that never change once published."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from reps.models import TrackedModel


class PublishedRulesAreFixed(ValidationError):
    """A published rule set is never edited; a new draft is made from it."""


class RuleSet(TrackedModel):
    """
    A version of the ordered rules. DRAFT → PUBLISHED; published, it never changes again.

    The one that routes is `Organisation.live_ruleset`.
    """

    class State(models.TextChoices):
        DRAFT = "DRAFT", _("Draft")
        PUBLISHED = "PUBLISHED", _("Published")

    version = models.PositiveIntegerField(_("version"), unique=True)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.DRAFT)
    note = models.CharField(
        _("what changes"), max_length=300, blank=True, help_text=_("Shown beside the version.")
    )
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

    # The way to publication. A change of the rules voids what was approved: the digest of the
    # rules says which content it was.
    approval_asked_at = models.DateTimeField(null=True, blank=True)
    approval_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_digest = models.CharField(max_length=64, blank=True)
    publish_at = models.DateTimeField(_("goes live"), null=True, blank=True)
    publish_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    takes_over = models.BooleanField(
        _("takes over who waits"),
        default=False,
        help_text=_("Leads that wait under an earlier version are decided by this one."),
    )
    publish_error = models.CharField(max_length=500, blank=True)

    history = HistoricalRecords()

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="DRAFT"), name="routing_one_draft"
            ),
            models.CheckConstraint(
                condition=Q(state="DRAFT", published_at__isnull=True)
                | Q(state="PUBLISHED", published_at__isnull=False),
                name="routing_published_rules_have_a_date",
            ),
            models.CheckConstraint(
                condition=Q(publish_at__isnull=True, publish_by__isnull=True)
                | Q(state="DRAFT", publish_at__isnull=False, publish_by__isnull=False),
                name="routing_scheduled_draft_has_an_author",
            ),
        ]
        indexes = [
            models.Index(
                fields=["publish_at"],
                name="routing_ruleset_due",
                condition=Q(publish_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"v{self.version}"


def always() -> dict:
    """The condition of a rule that takes every lead."""
    return {"all": []}


class PartOfAVersion(TrackedModel):
    """A row that stands in a rule set and is fixed with it. Subclasses have `ruleset`."""

    class Meta:
        abstract = True

    def save(self, **kwargs):
        self._refuse_if_published()
        super().save(**kwargs)

    def delete(self, **kwargs):
        self._refuse_if_published()
        return super().delete(**kwargs)

    def _refuse_if_published(self) -> None:
        # Where it stands and where it should go: nothing leaves a published set either. A new
        # one stands nowhere yet.
        stands = type(self).objects.filter(pk=self.pk).values("ruleset")
        sets = RuleSet.objects.filter(Q(pk=self.ruleset_id) | Q(pk__in=stands))
        if sets.exclude(state=RuleSet.State.DRAFT).exists():
            raise PublishedRulesAreFixed(
                _("Published rules and their golden leads never change. Make a draft from them.")
            )


class Rule(PartOfAVersion):
    """
    If its condition holds, leads take its path. First match wins; a path that finds nobody
    falls through or waits, as it says. `condition` and `path` have the documented JSON
    forms of `routing.engine` and are checked on save.
    """

    ruleset = models.ForeignKey(
        RuleSet, verbose_name=_("rule set"), on_delete=models.CASCADE, related_name="rules"
    )
    position = models.PositiveIntegerField(_("position"))
    name = models.CharField(_("name"), max_length=120)
    reasoning = models.TextField(_("why this rule"), blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("rule owner"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    review_on = models.DateField(_("review on"), null=True, blank=True)
    expires_at = models.DateTimeField(
        _("holds until"),
        null=True,
        blank=True,
        help_text=_("For an exception: from then on the rule is skipped."),
    )
    condition = models.JSONField(_("condition"), default=always, blank=True)
    path = models.JSONField(_("path"))
    is_fallback = models.BooleanField(
        _("fallback"), default=False, help_text=_("The last rule, which takes whatever is left.")
    )

    history = HistoricalRecords()

    class Meta:
        ordering = ["ruleset", "position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["ruleset", "position"],
                name="routing_one_rule_per_position",
            )
        ]

    def __str__(self) -> str:
        return self.name


class GoldenLead(PartOfAVersion):
    """
    An example that a version of the rules must decide as written: a lead, and who gets it.

    Decided with the roster as it is, from empty counters, at `at` (or at the moment of asking).
    Expectations left empty are not checked.
    """

    ruleset = models.ForeignKey(
        RuleSet, verbose_name=_("rule set"), on_delete=models.CASCADE, related_name="golden_leads"
    )
    name = models.CharField(_("name"), max_length=160)
    facts = models.JSONField(_("what is known about the lead"), default=dict, blank=True)
    at = models.DateTimeField(_("arrives"), null=True, blank=True)
    expect_rule = models.CharField(_("decided by the rule"), max_length=120, blank=True)
    expect_outcome = models.CharField(_("outcome"), max_length=7, blank=True)
    expect_rep = models.ForeignKey(
        "reps.Rep",
        verbose_name=_("goes to"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    expect_pool = models.ForeignKey(
        "routing.Pool",
        verbose_name=_("goes to a member of"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    expect_queue = models.ForeignKey(
        "routing.Queue",
        verbose_name=_("goes to the queue"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    history = HistoricalRecords()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class RuleFinding(models.Model):
    """
    What the linter found in the live rules: since when, until when, and when the rule's owner
    was told. Open ones have no end.
    """

    ruleset = models.ForeignKey(RuleSet, on_delete=models.CASCADE, related_name="findings")
    rule = models.ForeignKey(Rule, null=True, on_delete=models.CASCADE, related_name="findings")
    code = models.CharField(max_length=40)
    message = models.CharField(max_length=500)
    is_error = models.BooleanField(default=True)
    found_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-found_at", "-pk"]
        indexes = [
            models.Index(
                fields=["ruleset"], name="routing_open_finding", condition=Q(gone_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return self.message
