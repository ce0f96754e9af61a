"""Running clocks, and what was done when one reached a step."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from reps.models import Rep
from routing.models import Lead
from sla.models.policy import PauseReason, Policy


class ClockHours(models.Model):
    """
    The working time a clock was started with: calendar and absences, as they were then.

    Kept by digest, so that a later edit of a calendar moves no running deadline, and a clock
    that was paused goes on in the hours it was promised in.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    body = models.JSONField()

    def __str__(self) -> str:
        return self.digest[:12]


class Clock(models.Model):
    """
    One promise about one lead, running. A row; nothing but rows keeps the deadline.

    RUNNING → MET (done, in time or late: see `breached_at`) | STOPPED (no longer asked
    for). While `paused_at` is set it stands still: no step is due, and when it goes on, its
    deadline and steps move by the working time that was left. The chain is frozen in `steps`,
    each with its instant; `next_at` is the instant of the next step and what the sweep looks
    for. A HOLD clock belongs to one epoch, a LEAD clock runs on across owners.
    """

    class State(models.TextChoices):
        RUNNING = "RUNNING", _("Running")
        MET = "MET", _("Met")
        STOPPED = "STOPPED", _("Stopped")

    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="clocks")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="clocks")
    metric = models.CharField(max_length=11, choices=Policy.Metric.choices)
    scope = models.CharField(max_length=4, choices=Policy.Scope.choices)
    epoch = models.PositiveIntegerField()
    holder = models.ForeignKey(Rep, null=True, on_delete=models.PROTECT, related_name="clocks")
    state = models.CharField(max_length=7, choices=State.choices, default=State.RUNNING)
    budget = models.PositiveIntegerField(default=0, help_text="Seconds of its working time.")
    policy_version = models.PositiveIntegerField(default=1)
    hours = models.ForeignKey(
        ClockHours,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty: around the clock.",
    )
    started_at = models.DateTimeField()
    first_due_at = models.DateTimeField(
        null=True, help_text="The deadline as it was when the clock started."
    )
    due_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True)
    steps = models.JSONField(default=list)
    next_step = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    breached_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "metric", "scope"],
                condition=Q(state="RUNNING"),
                name="sla_one_running_clock_per_promise",
            ),
            models.CheckConstraint(
                condition=Q(state="RUNNING", ended_at__isnull=True)
                | (~Q(state="RUNNING") & Q(ended_at__isnull=False, next_at__isnull=True)),
                name="sla_ended_clock_has_no_next_step",
            ),
            models.CheckConstraint(
                condition=Q(breached_at__isnull=True) | Q(breached_at__gte=F("due_at")),
                name="sla_no_breach_before_the_deadline",
            ),
            models.CheckConstraint(
                condition=Q(paused_at__isnull=True) | Q(state="RUNNING", next_at__isnull=True),
                name="sla_paused_clock_takes_no_step",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_at", "id"], name="sla_clock_due", condition=Q(next_at__isnull=False)
            ),
            models.Index(fields=["lead", "state"], name="sla_clock_of_lead"),
        ]

    def __str__(self) -> str:
        return f"{self.metric} of lead {self.lead_id}"


class Escalation(models.Model):
    """That a step of a clock was taken: what, when, who was told, what came of it. Once."""

    clock = models.ForeignKey(Clock, on_delete=models.PROTECT, related_name="escalations")
    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="escalations")
    step = models.PositiveSmallIntegerField()
    action = models.CharField(max_length=20)
    due_at = models.DateTimeField()
    fired_at = models.DateTimeField()
    driver = models.CharField(max_length=20)
    recipients = models.PositiveSmallIntegerField()
    told = models.JSONField(default=list, help_text="Ids of the users told.")
    effect = models.CharField(max_length=200)

    class Meta:
        ordering = ["-fired_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["clock", "step"], name="sla_a_step_fires_once"),
            models.CheckConstraint(
                condition=Q(fired_at__gte=F("due_at")), name="sla_no_step_fires_early"
            ),
            models.CheckConstraint(
                condition=Q(recipients__gte=1), name="sla_a_step_reaches_somebody"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} for lead {self.lead_id}"


class Pause(models.Model):
    """
    A lead's clocks stand still, for a reason from the list, until a stated moment at most.

    A row with a due time: whoever sweeps ends it at `resume_at`, even if nobody remembers.
    """

    class Ended(models.TextChoices):
        TIME = "TIME", _("Time was up")
        BY_HAND = "BY_HAND", _("Resumed by hand")
        MOVED = "MOVED", _("The lead changed hands")
        DONE = "DONE", _("Nothing left to wait for")

    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="pauses")
    epoch = models.PositiveIntegerField()
    reason = models.ForeignKey(PauseReason, on_delete=models.PROTECT, related_name="pauses")
    clocks = models.JSONField(default=list, help_text="Ids of the clocks that stand still.")
    note = models.CharField(max_length=300, blank=True)
    started_at = models.DateTimeField()
    resume_at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    ended = models.CharField(max_length=8, choices=Ended.choices, blank=True)

    class Meta:
        ordering = ["started_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["lead"],
                condition=Q(ended_at__isnull=True),
                name="sla_one_pause_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(resume_at__gt=F("started_at")), name="sla_pause_ends_after_it_starts"
            ),
        ]
        indexes = [
            models.Index(
                fields=["resume_at", "id"],
                name="sla_pause_due",
                condition=Q(ended_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"Pause of lead {self.lead_id}"
