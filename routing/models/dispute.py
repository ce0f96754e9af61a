"""Two who each say that a lead or an account is theirs, and who decides it until when."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from accounts.models import Account
from reps.models import Rep, TrackedModel
from routing.models.lead import Lead


class Dispute(TrackedModel):
    """
    A contested lead or account. Whoever holds it keeps it, with every clock, until a ruling.

    `decider` may rule until `decide_by`; then the policy's answer, worked out anew at that
    moment, applies. `policy` is that answer as it stood when the dispute was opened.
    """

    class Kind(models.TextChoices):
        LEAD = "LEAD", _("Lead")
        ACCOUNT = "ACCOUNT", _("Account")

    class Ground(models.TextChoices):
        """On what a claim rests; the owner order's own terms first."""

        IDENTITY = "IDENTITY", _("I work with this person already")
        OPPORTUNITY = "OPPORTUNITY", _("I have an open deal with them")
        NAMED = "NAMED", _("It is my named account")
        PARENT = "PARENT", _("It belongs to a group of mine")
        TERRITORY = "TERRITORY", _("It lies in my territory")
        WORKED = "WORKED", _("I worked it before")
        OTHER = "OTHER", _("Something else")

    class State(models.TextChoices):
        OPEN = "OPEN", _("Open")
        RULED = "RULED", _("Ruled")
        LAPSED = "LAPSED", _("Decided by the policy")
        WITHDRAWN = "WITHDRAWN", _("Withdrawn")
        OVERTAKEN = "OVERTAKEN", _("Overtaken")

    kind = models.CharField(_("about"), max_length=7, choices=Kind.choices)
    lead = models.ForeignKey(
        Lead, null=True, blank=True, on_delete=models.PROTECT, related_name="disputes"
    )
    # Of a disputed lead: the account it had when the dispute was opened, for precedents.
    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.PROTECT, related_name="disputes"
    )
    claimant = models.ForeignKey(Rep, on_delete=models.PROTECT, related_name="claims")
    holder = models.ForeignKey(
        Rep,
        null=True,
        on_delete=models.PROTECT,
        related_name="contested",
        help_text=_("Who has it until the ruling; nobody, if nobody does."),
    )
    ground = models.CharField(_("ground"), max_length=11, choices=Ground.choices)
    claim = models.CharField(_("claim"), max_length=500)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    opened_at = models.DateTimeField(_("opened"))
    reply = models.CharField(_("the holder's claim"), max_length=500, blank=True)
    replied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    policy = models.JSONField(default=dict)
    decider = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("decides"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    decide_by = models.DateTimeField(_("until"))
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.OPEN)
    winner = models.ForeignKey(
        Rep, null=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("it is for")
    )
    ruling = models.CharField(_("ruling"), max_length=500, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(_("decided"), null=True)

    history = HistoricalRecords()

    class Meta:
        ordering = ["-opened_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="LEAD", lead__isnull=False)
                | Q(kind="ACCOUNT", lead__isnull=True, account__isnull=False),
                name="routing_dispute_is_about_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(state="OPEN", decided_at__isnull=True)
                | (~Q(state="OPEN") & Q(decided_at__isnull=False)),
                name="routing_decided_dispute_has_a_date",
            ),
            models.UniqueConstraint(
                fields=["lead"],
                condition=Q(state="OPEN", kind="LEAD"),
                name="routing_one_open_dispute_per_lead",
            ),
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(state="OPEN", kind="ACCOUNT"),
                name="routing_one_open_dispute_per_account",
            ),
        ]
        indexes = [
            models.Index(
                fields=["decide_by", "id"],
                name="routing_dispute_due",
                condition=Q(state="OPEN"),
            )
        ]

    def __str__(self) -> str:
        about = f"lead {self.lead_id}" if self.kind == self.Kind.LEAD else self.account
        return f"Dispute {self.pk} about {about}"

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN
