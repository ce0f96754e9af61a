"""What realignments do to leads: looked at before, moved batch by batch, moved back."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import TerritoryPlan
from reps.models import Rep
from routing.models.lead import Lead


class TerritoryStudy(models.Model):
    """
    A look at every open and recent lead and every account: what a plan would move (PREVIEW), or
    what each territory brings, with a proposal that evens it out (WORKLOAD).

    Worked on in steps by the due job "studies", so that it resumes where it was.
    """

    class Kind(models.TextChoices):
        PREVIEW = "PREVIEW", _("Preview of a plan")
        WORKLOAD = "WORKLOAD", _("Workload and proposal")

    class State(models.TextChoices):
        WAITING = "WAITING", _("Waiting")
        RUNNING = "RUNNING", _("Running")
        DONE = "DONE", _("Done")
        FAILED = "FAILED", _("Failed")

    kind = models.CharField(max_length=8, choices=Kind.choices)
    plan = models.ForeignKey(
        TerritoryPlan, null=True, on_delete=models.CASCADE, related_name="studies"
    )
    digest = models.CharField(max_length=64, blank=True, help_text="Of the plan that it is about.")
    stamp = models.BigIntegerField(default=0, help_text="Of the roster that it is about.")
    options = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField(null=True)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    progress = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    error = models.CharField(max_length=300, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = _("territory studies")
        ordering = ["-asked_at", "-pk"]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="routing_study_due",
                condition=Q(due_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"

    @property
    def is_unended(self) -> bool:
        return self.state in (self.State.WAITING, self.State.RUNNING)


class Realignment(models.Model):
    """
    The moving of open leads after a plan took effect, or (`is_back`) after it was undone.

    Done in batches by the due job "realignments"; `cursor` is the last lead looked at, so that
    a crash costs one batch at most.
    """

    plan = models.ForeignKey(TerritoryPlan, on_delete=models.PROTECT, related_name="realignments")
    is_back = models.BooleanField(default=False)
    due_at = models.DateTimeField(null=True)
    cursor = models.BigIntegerField(default=0)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "is_back"], name="routing_one_realignment_per_plan_and_way"
            )
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="routing_realignment_due",
                condition=Q(due_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"Leads of plan {self.plan_id}{' back' if self.is_back else ''}"


class RealignedLead(models.Model):
    """A lead that a plan moved, or should have; with what it needs to go back exactly."""

    class State(models.TextChoices):
        MOVED = "MOVED", _("Moved")
        KEPT = "KEPT", _("Stayed where it was")
        RETURNED = "RETURNED", _("Moved back")
        STAYED = "STAYED", _("Not moved back")

    plan = models.ForeignKey(TerritoryPlan, on_delete=models.PROTECT, related_name="leads_moved")
    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="+")
    from_rep = models.ForeignKey(Rep, on_delete=models.PROTECT, related_name="+")
    to_rep = models.ForeignKey(Rep, null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices)
    epoch = models.PositiveIntegerField(help_text="Of the lead after it moved.")
    before = models.JSONField(default=dict, help_text="Columns of the lead before it moved.")
    why = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["plan", "lead"]
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "lead"], name="routing_lead_realigned_once_per_plan"
            )
        ]

    def __str__(self) -> str:
        return f"Lead {self.lead_id} in plan {self.plan_id}"
