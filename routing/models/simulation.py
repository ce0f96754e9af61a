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
    One lead of a simulation: what production did, what the live rules do in a ledger of their
    own, what the draft does in another. Of several decisions the last of the period counts.

    `agrees`: production's decisions, recomputed where they were made, gave what was stored;
    None where there is nothing to compare with (an uploaded row, erased personal facts).
    `is_compared` is False where erased facts keep the rules from being asked.
    `at_once`: a rule other than the fallback gave it to a person when it came. `in_time`: that
    person could answer before the deadline; None if nothing is promised.
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
    is_compared = models.BooleanField(default=True)
    was_moved = models.BooleanField(default=False, help_text="A person changed who holds it.")

    actual_outcome = models.CharField(max_length=7, blank=True)
    actual_rep = models.ForeignKey(Rep, null=True, on_delete=models.CASCADE, related_name="+")
    actual_queue = models.BigIntegerField(null=True)

    live_outcome = models.CharField(max_length=7)
    live_rule = models.BigIntegerField(null=True)
    live_rep = models.ForeignKey(Rep, null=True, on_delete=models.CASCADE, related_name="+")
    live_queue = models.BigIntegerField(null=True)
    live_pool = models.BigIntegerField(null=True)
    live_at_once = models.BooleanField(default=False)
    live_in_time = models.BooleanField(null=True)

    draft_outcome = models.CharField(max_length=7)
    draft_rule = models.BigIntegerField(null=True)
    draft_rep = models.ForeignKey(Rep, null=True, on_delete=models.CASCADE, related_name="+")
    draft_queue = models.BigIntegerField(null=True)
    draft_pool = models.BigIntegerField(null=True)
    draft_at_once = models.BooleanField(default=False)
    draft_in_time = models.BooleanField(null=True)

    moves = models.BooleanField(default=False)
    differs = models.BooleanField(
        default=False, help_text="The live rules in their own ledger differ from production."
    )

    class Meta:
        ordering = ["place"]
        constraints = [
            models.UniqueConstraint(
                fields=["simulation", "place"], name="routing_one_simulated_lead_a_place"
            ),
            models.UniqueConstraint(
                fields=["simulation", "lead"],
                condition=models.Q(lead__isnull=False),
                name="routing_lead_once_per_simulation",
            ),
        ]

    def __str__(self) -> str:
        return f"Lead {self.lead_id} in simulation {self.simulation_id}"
