"""What was added to leads, who was asked for it, and how those who are asked are doing."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from reps.models import TrackedModel
from routing.models.decision import Decision
from routing.models.lead import Lead
from routing.models.prospect import Prospect


class EnrichmentProvider(TrackedModel):
    """
    Somebody outside who is asked about leads over HTTP. No secrets: headers name them.

    `mapping` is field → path in the answer; `sends` what is said about the person beside the
    company; `overwrites` the fields in which this provider goes before all others.
    """

    class Kind(models.TextChoices):
        HTTP = "HTTP", _("HTTP")
        DEMO = "DEMO", _("Demo: invented data, nothing leaves")

    class Method(models.TextChoices):
        GET = "GET", "GET"
        POST = "POST", "POST"

    slug = models.SlugField(_("key"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=4, choices=Kind.choices, default=Kind.HTTP)
    is_active = models.BooleanField(_("asked"), default=True)
    position = models.PositiveSmallIntegerField(_("place in the order"), default=1)
    only_missing = models.BooleanField(
        _("only asked for what is not known"),
        default=True,
        help_text=_("Not asked about leads of which everything that it tells is known already."),
    )
    method = models.CharField(max_length=4, choices=Method.choices, default=Method.GET)
    url = models.CharField(_("address"), max_length=500, blank=True)
    headers = models.JSONField(default=dict, blank=True)
    signing_secret = models.CharField(max_length=60, blank=True)
    sends = models.JSONField(default=list, blank=True)
    mapping = models.JSONField(default=dict, blank=True)
    overwrites = models.JSONField(default=list, blank=True)
    confidence = models.PositiveSmallIntegerField(_("how sure (percent)"), default=80)
    timeout = models.PositiveIntegerField(_("time-out"), default=2500, help_text=_("Milliseconds."))
    retries = models.PositiveSmallIntegerField(_("further attempts"), default=2)
    ttl_days = models.PositiveSmallIntegerField(_("an answer counts for"), default=90)

    history = HistoricalRecords()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(confidence__gte=1, confidence__lte=100, ttl_days__gte=1)
                & Q(timeout__gte=100, timeout__lte=10_000, retries__lte=5),
                name="routing_provider_within_bounds",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ProviderBreaker(models.Model):
    """Where a provider's breaker stands (`routing.enrich.breaker`), for all workers."""

    provider = models.OneToOneField(
        EnrichmentProvider, primary_key=True, on_delete=models.CASCADE, related_name="breaker"
    )
    state = models.CharField(max_length=9, default="CLOSED")
    failures = models.PositiveIntegerField(default=0)
    opens = models.PositiveIntegerField(default=0)
    until = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Breaker of {self.provider_id}"


class Enrichment(models.Model):
    """
    Everything that is known beyond what a lead's person said, with where each value came from.

    `values` holds one entry for each provider and field (`routing.enrich.waterfall.Value`); it is
    about a person, so the row is not tracked, and erasure empties it. `asked` are the providers of
    our own that had something to look at. A lead waits until `deadline_at` at most, if that is
    set; `settled_at` says when it stopped waiting for answers. `recheck_at` is due work: data
    came after the lead was routed.
    """

    lead = models.OneToOneField(
        Lead, primary_key=True, on_delete=models.CASCADE, related_name="enrichment"
    )
    values = models.JSONField(default=list)
    asked = models.JSONField(default=list)
    made_at = models.DateTimeField()
    deadline_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    recheck_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["recheck_at"],
                name="routing_enrichment_recheck",
                condition=Q(recheck_at__isnull=False),
            ),
            models.Index(fields=["made_at"], name="routing_enrichment_recent"),
        ]

    def __str__(self) -> str:
        return f"Enrichment of {self.lead_id}"


class Enquiry(models.Model):
    """
    One question to one provider about one lead. What is asked is read from the lead when it is
    asked, so this row holds nothing about the person.
    """

    class State(models.TextChoices):
        WAITING = "WAITING", _("waiting")
        ANSWERED = "ANSWERED", _("answered")
        EMPTY = "EMPTY", _("knows nothing")
        FAILED = "FAILED", _("failed")

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="enquiries")
    provider = models.ForeignKey(
        EnrichmentProvider, on_delete=models.CASCADE, related_name="enquiries"
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    # Whether the lead waits for this answer, up to its deadline.
    blocks = models.BooleanField(default=False)
    due_at = models.DateTimeField(null=True)
    made_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    ended_at = models.DateTimeField(null=True)
    ms = models.PositiveIntegerField(null=True)
    is_late = models.BooleanField(default=False)
    from_cache = models.BooleanField(default=False)
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name_plural = _("enquiries")
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "provider"], name="routing_one_enquiry_of_a_lead"
            ),
            models.CheckConstraint(
                condition=Q(state="WAITING", due_at__isnull=False)
                | (~Q(state="WAITING") & Q(due_at__isnull=True)),
                name="routing_waiting_enquiry_is_due",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at", "id"],
                name="routing_enquiry_due",
                condition=Q(due_at__isnull=False),
            ),
            models.Index(fields=["provider", "-made_at"], name="routing_enquiry_recent"),
        ]

    def __str__(self) -> str:
        return f"Enquiry {self.pk}"


class ProviderAnswer(models.Model):
    """
    What a provider said, kept for its time to live, so that nobody is asked twice.

    `key` is a digest of all that was sent. Where that was about a person and not a company only,
    `prospect` says whose it is: erasing them deletes it.
    """

    provider = models.ForeignKey(
        EnrichmentProvider, on_delete=models.CASCADE, related_name="answers"
    )
    key = models.CharField(max_length=64)
    prospect = models.ForeignKey(Prospect, null=True, on_delete=models.CASCADE, related_name="+")
    values = models.JSONField(default=dict)
    confidence = models.PositiveSmallIntegerField(null=True)
    fetched_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "key"], name="routing_one_answer_a_question"
            )
        ]
        indexes = [models.Index(fields=["expires_at"], name="routing_answer_expires")]

    def __str__(self) -> str:
        return f"Answer {self.pk}"


class LateFinding(models.Model):
    """
    Data that came after a lead was routed, and whether the answer would have been another.

    `before` and `after` are the outcome with the ids of rule, rep and queue; `fields` and
    `providers` are names only.
    """

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="late_findings")
    decision = models.OneToOneField(Decision, on_delete=models.CASCADE, related_name="late_finding")
    at = models.DateTimeField()
    providers = models.JSONField(default=list)
    fields = models.JSONField(default=list)
    changed = models.BooleanField()
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    rerouted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["-at"], name="routing_late_recent", condition=Q(changed=True))
        ]

    def __str__(self) -> str:
        return f"Late data of {self.lead_id}"


class FieldCheck(models.Model):
    """
    That a person confirmed or corrected a value, and which providers had said the same.

    The value itself stands with the lead's other values; here is nothing about the person.
    """

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="field_checks")
    field = models.CharField(max_length=30)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    verdicts = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["lead", "field"], name="routing_one_check_of_a_field")
        ]
        indexes = [models.Index(fields=["-at"], name="routing_check_recent")]

    def __str__(self) -> str:
        return f"{self.field} of lead {self.lead_id}"
