"""The receipt: what came through a door, as it came."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from routing.models.source import LeadForm, Mode, Source


class Submission(models.Model):
    """
    Everything that a door acknowledged, committed before the door answered.

    Raw bytes first; parsing comes after and may fail without loss:
    RECEIVED → PROCESSED (it is a lead or a touch) or QUARANTINED (it could not be read, or
    looks like spam; a person mends `corrected` and replays it) or DISMISSED by a person.
    Holds personal data, is not tracked, and can be erased.
    """

    class State(models.TextChoices):
        RECEIVED = "RECEIVED", _("Received")
        PROCESSED = "PROCESSED", _("Processed")
        QUARANTINED = "QUARANTINED", _("Needs mending")
        DISMISSED = "DISMISSED", _("Dismissed")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="submissions")
    form = models.ForeignKey(
        LeadForm, null=True, on_delete=models.PROTECT, related_name="submissions"
    )
    mode = models.CharField(max_length=8, choices=Mode.choices)
    idempotency_key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    content_type = models.CharField(max_length=100, blank=True)
    raw = models.BinaryField()
    corrected = models.TextField(blank=True)
    # What the way in knew beside the body: page, campaign, for imports the given time and
    # the given owner.
    context = models.JSONField(default=dict)
    received_at = models.DateTimeField()
    occurred_at = models.DateTimeField(
        null=True, help_text="When the sender says it happened; clocks start at received_at."
    )
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    state = models.CharField(max_length=11, choices=State.choices, default=State.RECEIVED)
    due_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    errors = models.JSONField(default=list)
    lead = models.ForeignKey(
        "routing.Lead", null=True, on_delete=models.PROTECT, related_name="submissions"
    )
    processed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "idempotency_key"], name="routing_one_submission_per_key"
            ),
            models.CheckConstraint(
                condition=(Q(state="RECEIVED") & Q(due_at__isnull=False))
                | (~Q(state="RECEIVED") & Q(due_at__isnull=True)),
                name="routing_received_submission_is_due",
            ),
            models.CheckConstraint(
                condition=~Q(state="PROCESSED") | Q(lead__isnull=False),
                name="routing_processed_submission_has_a_lead",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at", "id"],
                name="routing_submission_due",
                condition=Q(state="RECEIVED"),
            ),
            models.Index(
                fields=["-received_at"],
                name="routing_submission_broken",
                condition=Q(state="QUARANTINED"),
            ),
        ]

    def __str__(self) -> str:
        return f"Submission {self.public_id}"
