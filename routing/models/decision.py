"""Decisions, stored so that each can be run again (design rule 5)."""

from django.db import models
from django.db.models import Q

from reps.models import Rep
from routing.models.desk import Desk
from routing.models.lead import Lead
from routing.models.ruleset import Rule, RuleSet


class RosterSnapshot(models.Model):
    """Pools, weights, skills, caps and open hours as they stood; one row per content."""

    digest = models.CharField(max_length=64, unique=True)
    body = models.TextField()
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.digest[:12]


class Batch(models.Model):
    """
    Leads decided in one transaction, in order, from these counters on.

    `counters` holds loads, standings and who was away as read under the desk's lock. The
    digests are of those counters and of the rules as they were stored; "" in batches from
    before there were any. `asked` is the one rule, numbered 0, that an escalation asked in place
    of the version's: "somebody of this pool".
    """

    desk = models.ForeignKey(Desk, on_delete=models.PROTECT, related_name="batches")
    ruleset = models.ForeignKey(RuleSet, on_delete=models.PROTECT, related_name="batches")
    roster = models.ForeignKey(RosterSnapshot, on_delete=models.PROTECT, related_name="batches")
    at = models.DateTimeField()
    driver = models.CharField(max_length=20)
    engine = models.CharField(max_length=20)
    counters = models.TextField()
    counters_digest = models.CharField(max_length=64, blank=True)
    rules_digest = models.CharField(max_length=64, blank=True)
    asked = models.JSONField(null=True)
    size = models.PositiveIntegerField()

    class Meta:
        verbose_name_plural = "batches"

    def __str__(self) -> str:
        return f"Batch {self.pk}"


class Decision(models.Model):
    """
    What the engine answered for one lead. Append-only.

    `facts` are the allow-listed, non-personal ones; the personal ones lie apart and can be
    erased, their digest stays. `body` is the engine's answer as canonical JSON: running it
    again must give the same bytes. `inputs_digest` stands for everything that the answer was
    made from (`routing.dispatch.inputs`) and is in the audit trail too; "" in decisions from
    before there was one.
    """

    class Outcome(models.TextChoices):
        ASSIGN = "assign"
        QUEUE = "queue"
        NURTURE = "nurture"
        PARK = "park"

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="decisions")
    place = models.PositiveIntegerField(help_text="Place in the batch, from 0.")
    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="decisions")
    rule = models.ForeignKey(Rule, null=True, on_delete=models.PROTECT, related_name="decisions")
    outcome = models.CharField(max_length=7, choices=Outcome.choices)
    rep = models.ForeignKey(Rep, null=True, on_delete=models.PROTECT, related_name="+")
    branch = models.CharField(
        max_length=70, blank=True, help_text="Experiment and side, as name:a or name:b."
    )
    applied = models.BooleanField(default=True, help_text="False for shadow leads.")
    facts = models.JSONField()
    facts_digest = models.CharField(max_length=64, blank=True)
    personal_digest = models.CharField(max_length=64, blank=True)
    inputs_digest = models.CharField(max_length=64, blank=True)
    body = models.TextField()
    decided_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "place"], name="routing_one_decision_a_place"),
            models.CheckConstraint(
                condition=~Q(outcome="assign") | Q(rep__isnull=False),
                name="routing_assigning_decision_names_a_rep",
            ),
        ]
        indexes = [
            models.Index(fields=["lead", "-id"], name="routing_decision_of_lead"),
            # Counts of last month's leads, and simulations, read a stretch of time.
            models.Index(fields=["decided_at"], name="routing_decision_recent"),
            models.Index(
                fields=["branch"], name="routing_decision_of_branch", condition=~Q(branch="")
            ),
        ]

    def __str__(self) -> str:
        return f"Decision {self.pk}"


class PersonalFacts(models.Model):
    """The personal facts a decision used. Deleted by erasure; the decision keeps a digest."""

    decision = models.OneToOneField(
        Decision, primary_key=True, on_delete=models.CASCADE, related_name="personal"
    )
    facts = models.JSONField()

    class Meta:
        verbose_name_plural = "personal facts"

    def __str__(self) -> str:
        return f"Facts of decision {self.decision_id}"
