"""Custody: who held a lead from when until when, and why it changed hands."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from reps.models import Rep, TrackedModel
from routing.models.decision import Decision
from routing.models.lead import Lead
from routing.models.pool import Queue


class Reason(models.TextChoices):
    """Why a lead changed its place. Codes, so that the review can filter by them."""

    ROUTED = "ROUTED", _("Routed by a rule")
    PARKED = "PARKED", _("Waits for a rep")
    CLAIMED = "CLAIMED", _("Claimed")
    CORRECTED = "CORRECTED", _("Moved by hand")
    REQUESTED = "REQUESTED", _("Reassignment approved")
    DECLINED = "DECLINED", _("Declined")
    ESCALATED = "ESCALATED", _("Late, escalated")
    LEAVER = "LEAVER", _("Owner left")
    REJOINED = "REJOINED", _("Owner's leaving undone")
    IMPORTED = "IMPORTED", _("Imported with its owner")
    CLOSED = "CLOSED", _("Closed")
    RECYCLED = "RECYCLED", _("Recycled")
    MERGED = "MERGED", _("Merged")
    UNMERGED = "UNMERGED", _("Merge undone")
    REOPENED = "REOPENED", _("Came back, opened again")
    UNDONE = "UNDONE", _("Assignment taken back")
    REPAIRED = "REPAIRED", _("Routed again, rules repaired")
    COVERED = "COVERED", _("Cover for an absence")
    RETURNED = "RETURNED", _("Back from cover")
    REALIGNED = "REALIGNED", _("Territories realigned")
    FAILED = "FAILED", _("Could not be decided")
    ENRICHED = "ENRICHED", _("Routed again, late data")
    MATCHED = "MATCHED", _("Match decided")
    RULED = "RULED", _("Dispute decided")


class Assignment(models.Model):
    """
    One epoch of a lead: one place, one reason, at most one decision behind it.

    Epochs count from 1 without gap and touch in time: one ends when the next starts, so
    custody adds up exactly. Rows are written by `routing.ownership` only; the end is set
    once. `opened_seq`/`closed_seq` are the rep's gapless load numbers, `load_after` and
    `cap` prove that the cap held at that moment.
    """

    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="assignments")
    epoch = models.PositiveIntegerField()
    place = models.CharField(max_length=10, choices=Lead.Place.choices)
    rep = models.ForeignKey(Rep, null=True, on_delete=models.PROTECT, related_name="assignments")
    queue = models.ForeignKey(
        Queue, null=True, on_delete=models.PROTECT, related_name="assignments"
    )
    from_rep = models.ForeignKey(Rep, null=True, on_delete=models.PROTECT, related_name="+")
    from_place = models.CharField(max_length=10, choices=Lead.Place.choices)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    reason_code = models.CharField(max_length=10, choices=Reason.choices)
    reason = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    driver = models.CharField(
        max_length=20, help_text="What did it: celery, sweep, web, api, command."
    )
    decision = models.OneToOneField(
        Decision, null=True, on_delete=models.PROTECT, related_name="assignment"
    )
    opened_seq = models.BigIntegerField(null=True)
    closed_seq = models.BigIntegerField(null=True)
    load_after = models.PositiveIntegerField(null=True)
    cap = models.PositiveIntegerField(null=True)
    pool = models.ForeignKey(
        "routing.Pool", null=True, on_delete=models.PROTECT, related_name="assignments"
    )
    tier = models.CharField(max_length=4, blank=True)
    counts = models.BooleanField(
        default=True, help_text="Whether it counts toward limits per period."
    )
    moved = models.JSONField(
        default=dict,
        help_text="The counters it moved: points, value, and the rotation's charges by rep.",
    )
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lead", "epoch"], name="routing_one_holder_per_epoch"),
            models.UniqueConstraint(
                fields=["lead"],
                condition=Q(ended_at__isnull=True),
                name="routing_one_live_assignment_per_lead",
            ),
            models.UniqueConstraint(
                fields=["rep", "opened_seq"],
                condition=Q(opened_seq__isnull=False),
                name="routing_load_number_opens_once",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")),
                name="routing_assignment_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=Q(place="OWNER", rep__isnull=False, opened_seq__isnull=False)
                | (~Q(place="OWNER") & Q(rep__isnull=True, opened_seq__isnull=True)),
                name="routing_rep_in_custody_has_a_load_number",
            ),
            models.CheckConstraint(
                condition=Q(load_after__isnull=True) | Q(load_after__lte=F("cap")),
                name="routing_cap_held_when_assigned",
            ),
        ]
        indexes = [
            models.Index(fields=["-started_at", "-id"], name="routing_assignment_recent"),
            models.Index(fields=["rep", "ended_at"], name="routing_assignment_of_rep"),
            models.Index(
                fields=["rep", "started_at"],
                name="routing_assignment_counted",
                condition=Q(counts=True, rep__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Lead {self.lead_id}, epoch {self.epoch}"


class ReassignmentRequest(TrackedModel):
    """A rep asks for a lead to go elsewhere. Until it is decided the rep keeps answering."""

    class State(models.TextChoices):
        PENDING = "PENDING", _("Waiting for the manager")
        APPROVED = "APPROVED", _("Approved")
        REFUSED = "REFUSED", _("Refused")
        STALE = "STALE", _("Overtaken")
        EXPIRED = "EXPIRED", _("Nobody decided")

    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="requests")
    epoch = models.PositiveIntegerField()
    requested_by = models.ForeignKey(Rep, on_delete=models.PROTECT, related_name="requests")
    wanted = models.ForeignKey(
        Rep, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(_("reason"), max_length=300)
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    requested_at = models.DateTimeField()
    answers = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Whose turn it is to decide."),
    )
    decide_by = models.DateTimeField(null=True)
    passed_on = models.PositiveSmallIntegerField(default=0)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    answer = models.CharField(max_length=300, blank=True)

    history = HistoricalRecords()

    class Meta:
        ordering = ["-requested_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["lead"], condition=Q(state="PENDING"), name="routing_one_request_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(state="PENDING", decided_at__isnull=True)
                | (~Q(state="PENDING") & Q(decided_at__isnull=False)),
                name="routing_decided_request_has_a_date",
            ),
        ]
        indexes = [
            models.Index(
                fields=["decide_by", "id"],
                name="routing_request_due",
                condition=Q(state="PENDING"),
            )
        ]

    def __str__(self) -> str:
        return f"Request for lead {self.lead_id}"
