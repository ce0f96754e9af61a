"""What-if: a past period, or an uploaded file, routed again by a draft and by the live rules."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from reps.models import Rep
from routing.models.lead import Lead
from routing.models.ruleset import RuleSet


class Simulation(models.Model):
    """
    One comparison of two versions of the rules. Worked on in steps by the due job
    "simulations", so that it resumes where it was; `progress` says where that is.
    """

    class State(models.TextChoices):
        WAITING = "WAITING", _("Waiting")
        RUNNING = "RUNNING", _("Running")
        DONE = "DONE", _("Done")
        FAILED = "FAILED", _("Failed")
        CANCELLED = "CANCELLED", _("Cancelled")

    draft = models.ForeignKey(RuleSet, on_delete=models.CASCADE, related_name="simulations")
    # The rules of the draft as they were when it was asked for: a draft goes on changing.
    draft_rules = models.JSONField()
    draft_digest = models.CharField(max_length=64)
    live = models.ForeignKey(RuleSet, on_delete=models.CASCADE, related_name="+")
    since = models.DateTimeField(_("from"), null=True)
    until = models.DateTimeField(_("until"), null=True)
    upload = models.JSONField(
        null=True, help_text="Rows of an uploaded file instead of a period: facts by name."
    )
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField(null=True)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    progress = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    error = models.CharField(max_length=500, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-asked_at", "-pk"]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="routing_simulation_due",
                condition=models.Q(due_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"Simulation {self.pk}"


class SimulatedLead(models.Model):
    """
    One lead of a simulation: who got it, what the live rules say again, what the draft says.

    `agrees`: the live rules, run again, gave byte for byte what production decided; None where
    there is nothing to compare with (an uploaded row).
    """

    simulation = models.ForeignKey(Simulation, on_delete=models.CASCADE, related_name="leads")
    place = models.PositiveIntegerField()
    lead = models.ForeignKey(Lead, null=True, on_delete=models.CASCADE, related_name="+")
    decision = models.ForeignKey(
        "routing.Decision", null=True, on_delete=models.CASCADE, related_name="+"
    )
    label = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()
    tier = models.CharField(max_length=4, blank=True)
    territory = models.BigIntegerField(null=True)
    agrees = models.BooleanField(null=True)
    live_outcome = models.CharField(max_length=7)
    live_rule = models.BigIntegerField(null=True)
    live_rep = models.ForeignKey(Rep, null=True, on_delete=models.CASCADE, related_name="+")
    draft_outcome = models.CharField(max_length=7)
    draft_rule = models.BigIntegerField(null=True)
    draft_rep = models.ForeignKey(Rep, null=True, on_delete=models.CASCADE, related_name="+")
    moves = models.BooleanField(default=False)

    class Meta:
        ordering = ["place"]
        constraints = [
            models.UniqueConstraint(
                fields=["simulation", "place"], name="routing_one_simulated_lead_a_place"
            )
        ]

    def __str__(self) -> str:
        return f"Lead {self.lead_id} in simulation {self.simulation_id}"
