"""The outbox: whatever leaves the product, and each person's own inbox."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class NotificationPreference(models.Model):
    """Where a person wants to be told. In-app is always on."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notification_preference"
    )
    by_email = models.BooleanField(_("e-mail"), default=True)
    by_slack = models.BooleanField(_("Slack"), default=False)
    slack_webhook_url = models.URLField(
        _("Slack incoming webhook"),
        blank=True,
        max_length=500,
        help_text=_("From Slack: Apps, Incoming Webhooks, your own direct message or channel."),
    )

    def __str__(self) -> str:
        return f"Channels of {self.user}"


class Message(models.Model):
    """
    Something to tell one person, written in the transaction of the change it tells of.

    `payload` holds ids only; the text is rendered when it is sent, so that a former owner
    is never told and nothing stale is said. One row fans out over the person's channels;
    `delivered` says which have it, so that a retry repeats only what failed. At least
    once, same `key`.

    PENDING → SENT | DROPPED (no longer wanted) | DEAD (given up, visible, replayable).
    """

    class State(models.TextChoices):
        PENDING = "PENDING", _("Waiting")
        SENT = "SENT", _("Sent")
        DROPPED = "DROPPED", _("No longer wanted")
        DEAD = "DEAD", _("Given up")

    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=40)
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="messages"
    )
    payload = models.JSONField(default=dict)
    urgent = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    delivered = models.JSONField(default=dict)
    last_error = models.CharField(max_length=300, blank=True)
    done_at = models.DateTimeField(null=True)
    driver = models.CharField(max_length=20, blank=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at", "id"],
                name="reps_message_due",
                condition=Q(state="PENDING"),
            ),
            models.Index(fields=["recipient", "-created_at"], name="reps_message_inbox"),
        ]

    def __str__(self) -> str:
        return self.key
