"""The outbox: whatever leaves the product, and each person's own inbox."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class NotificationPreference(models.Model):
    """When a person does not want to be disturbed. By which ways they are told: ChannelChoice."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notification_preference"
    )
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True)
    urgent_when_quiet = models.BooleanField(
        _("urgent messages even then"),
        default=True,
        help_text=_("A hot lead or a breach is told at once, in quiet hours too."),
    )

    def __str__(self) -> str:
        return f"Preferences of {self.user}"

    def clean(self) -> None:
        super().clean()
        if (self.quiet_from is None) != (self.quiet_until is None):
            name = "quiet_until" if self.quiet_until is None else "quiet_from"
            raise ValidationError({name: _("Quiet hours have a beginning and an end.")})
        if self.quiet_from is not None and self.quiet_from == self.quiet_until:
            raise ValidationError({"quiet_until": _("Quiet hours end at another time.")})


class ChannelChoice(models.Model):
    """
    One way to reach a person, and for what: their rows in order are how they are told.

    ALWAYS takes every message, URGENT the urgent ones, FALLBACK what another way could not
    deliver. In-app is the message row itself, needs no row here and is always on.
    """

    class Mode(models.TextChoices):
        ALWAYS = "ALWAYS", _("every message")
        URGENT = "URGENT", _("urgent messages only")
        FALLBACK = "FALLBACK", _("if another way fails")
        OFF = "OFF", _("never")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="channel_choices"
    )
    channel = models.CharField(_("channel"), max_length=12)
    mode = models.CharField(_("used for"), max_length=8, choices=Mode.choices, default=Mode.ALWAYS)
    place = models.PositiveSmallIntegerField(default=10)
    address = models.CharField(
        _("address"),
        max_length=500,
        blank=True,
        help_text=_("Webhook or phone number; e-mail and push know theirs."),
    )

    class Meta:
        ordering = ["place", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["user", "channel"], name="reps_one_choice_per_channel")
        ]

    def __str__(self) -> str:
        return f"{self.channel} of {self.user}"


class PushSubscription(models.Model):
    """A browser that a person allowed to be told by web push (RFC 8030), with its keys."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="push_subscriptions"
    )
    endpoint = models.CharField(max_length=1000, unique=True)
    p256dh = models.CharField(max_length=120)
    auth = models.CharField(max_length=60)
    device = models.CharField(_("device"), max_length=120, blank=True)
    created_at = models.DateTimeField()
    last_sent_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["created_at", "pk"]

    def __str__(self) -> str:
        return self.device or f"Device of {self.user}"


class Message(models.Model):
    """
    Something to tell one person, written in the transaction of the change it tells of.

    `payload` holds ids only; the text is rendered when it is sent, so that a former owner
    is never told and nothing stale is said. One row fans out over the person's channels;
    `delivered` says which have it, so that a retry repeats only what failed. At least
    once, same `key`.

    PENDING → SENT | DROPPED (no longer wanted) | DEAD (given up, visible, replayable)
    | DIGESTED (one of many; `digest` is the message that told them together).
    """

    class State(models.TextChoices):
        PENDING = "PENDING", _("Waiting")
        SENT = "SENT", _("Sent")
        DROPPED = "DROPPED", _("No longer wanted")
        DEAD = "DEAD", _("Given up")
        DIGESTED = "DIGESTED", _("Told in a digest")

    class Waits(models.TextChoices):
        """What a message waits for beyond its turn."""

        RETRY = "RETRY", _("another attempt")
        QUIET = "QUIET", _("the end of quiet hours")
        REST = "REST", _("a channel that rests")
        DIGEST = "DIGEST", _("the next digest")

    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=40)
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="messages"
    )
    payload = models.JSONField(default=dict)
    about = models.CharField(
        max_length=60, blank=True, help_text="The row it tells of, such as routing.lead:12."
    )
    urgent = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    waits_for = models.CharField(max_length=6, choices=Waits.choices, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    delivered = models.JSONField(default=dict)
    last_error = models.CharField(max_length=300, blank=True)
    done_at = models.DateTimeField(null=True)
    driver = models.CharField(max_length=20, blank=True)
    read_at = models.DateTimeField(null=True)
    digest = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="collected"
    )

    class Meta:
        indexes = [
            models.Index(fields=["about"], name="reps_message_about", condition=~Q(about="")),
            models.Index(
                fields=["due_at", "id"],
                name="reps_message_due",
                condition=Q(state="PENDING"),
            ),
            # Everybody's navigation and the watch count them all the time.
            models.Index(fields=["due_at"], name="reps_message_dead", condition=Q(state="DEAD")),
            models.Index(fields=["recipient", "-created_at"], name="reps_message_inbox"),
        ]

    def __str__(self) -> str:
        return self.key


class Delivery(models.Model):
    """
    One attempt to hand a message over by one channel: what went, and what came back.

    `body` is kept only where nothing really leaves (the demo), to show what would have been
    sent; it may hold personal data and is erased with the prospect.
    """

    class Outcome(models.TextChoices):
        TAKEN = "TAKEN", _("Taken by the provider")
        CONFIRMED = "CONFIRMED", _("Arrived")
        FAILED = "FAILED", _("Failed")
        REFUSED = "REFUSED", _("Refused for good")

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=12)
    at = models.DateTimeField()
    seconds = models.FloatField(default=0.0)
    outcome = models.CharField(max_length=9, choices=Outcome.choices)
    detail = models.CharField(max_length=300, blank=True)
    provider_id = models.CharField(max_length=120, blank=True)
    body = models.JSONField(null=True)
    driver = models.CharField(max_length=20, blank=True)

    class Meta:
        ordering = ["at", "pk"]
        verbose_name_plural = _("deliveries")
        indexes = [
            models.Index(
                fields=["provider_id"],
                name="reps_delivery_of_provider",
                condition=~Q(provider_id=""),
            ),
            models.Index(fields=["channel", "-at"], name="reps_delivery_of_channel"),
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.outcome}"
