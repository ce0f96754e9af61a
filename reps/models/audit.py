"""The append-only, hash-chained audit trail."""

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models


class TrailIsAppendOnly(RuntimeError):
    """An audit event is never changed or deleted."""


class AuditQuerySet(models.QuerySet):
    def update(self, **fields):
        raise TrailIsAppendOnly("Audit events are never changed.")

    def delete(self):
        raise TrailIsAppendOnly("Audit events are never deleted.")

    def bulk_update(self, *args, **kwargs):
        raise TrailIsAppendOnly("Audit events are never changed.")


class AuditEvent(models.Model):
    """
    One act on one subject: who, when, what, why. Written once, in the transaction of the act.

    Events of a subject form a chain: `hash` covers the event and its predecessor's hash, so
    that an edit, a gap or a swap shows (`reps.trail.audit.broken`). No personal data of a
    prospect is ever in here; ids, field names and codes only.
    """

    chain = models.CharField(max_length=80)
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=40)
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty: the system.",
    )
    actor_label = models.CharField(max_length=200)
    reason_code = models.CharField(max_length=40)
    reason = models.CharField(max_length=500, blank=True)
    # The model and id whose history row this event answers for; false for events that
    # change no tracked row (a reminder, a refused approval).
    subject = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    writes_history = models.BooleanField(default=True)
    data = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    prev_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    objects = AuditQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chain", "seq"], name="reps_audit_one_event_per_place")
        ]
        indexes = [
            models.Index(fields=["subject", "subject_id"], name="reps_audit_subject"),
            models.Index(fields=["at"], name="reps_audit_at"),
        ]

    def __str__(self) -> str:
        return f"{self.chain}#{self.seq} {self.kind}"

    def save(self, **kwargs):
        raise TrailIsAppendOnly("Append with reps.trail.audit.append().")

    def delete(self, **kwargs):
        raise TrailIsAppendOnly("Audit events are never deleted.")


class AuditHead(models.Model):
    """The last place and hash of a chain; where the next event is hooked in."""

    chain = models.CharField(max_length=80, primary_key=True)
    seq = models.PositiveIntegerField()
    hash = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.chain}#{self.seq}"
