"""The append-only, hash-chained audit trail."""

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models


class TrailIsAppendOnly(RuntimeError):
    """What is on record is never changed or deleted."""


class AppendOnlyQuerySet(models.QuerySet):
    def update(self, **fields):
        raise TrailIsAppendOnly(f"{self.model.__name__} rows are never changed.")

    def delete(self):
        raise TrailIsAppendOnly(f"{self.model.__name__} rows are never deleted.")

    def bulk_update(self, *args, **kwargs):
        raise TrailIsAppendOnly(f"{self.model.__name__} rows are never changed.")


class AppendOnly(models.Model):
    """A row that is written once. PostgreSQL refuses too (`reps.trail.triggers`)."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, **kwargs):
        if not self._state.adding:
            raise TrailIsAppendOnly(f"{type(self).__name__} rows are never changed.")
        super().save(**kwargs)

    def delete(self, **kwargs):
        raise TrailIsAppendOnly(f"{type(self).__name__} rows are never deleted.")


class AuditEvent(AppendOnly):
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


class AuditHead(models.Model):
    """The last place and hash of a chain; where the next event is hooked in."""

    chain = models.CharField(max_length=80, primary_key=True)
    seq = models.PositiveIntegerField()
    hash = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.chain}#{self.seq}"


class AuditAnchor(AppendOnly):
    """
    A day of the trail, sealed: one hash over the events of a range of ids and the anchor
    before it, so that even a chain rewritten as a whole shows.
    """

    day = models.DateField(unique=True)
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    events = models.PositiveIntegerField()
    prev_root = models.CharField(max_length=64, blank=True)
    root = models.CharField(max_length=64)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["day"]

    def __str__(self) -> str:
        return f"{self.day} {self.root[:12]}"


class ChangeLog(AppendOnly):
    """
    What the database itself saw of tracked tables: written by triggers (PostgreSQL only).

    `digest` is the MD5 of the tracked columns after the change; `transaction` tells which
    changes were one act. Compared with the history, which the product writes
    (`reps.trail.compare`). A mark (verb S) begins the comparison of a table anew: `row_id` is
    its newest history row, `digest` stands for its columns.
    """

    table_name = models.CharField(max_length=63)
    row_id = models.BigIntegerField()
    verb = models.CharField(max_length=1)
    digest = models.CharField(max_length=32, blank=True)
    transaction = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["table_name", "row_id", "id"], name="reps_changelog_row"),
            # What the auditor has yet to compare.
            models.Index(fields=["at"], name="reps_changelog_at"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.table_name} {self.row_id}"
