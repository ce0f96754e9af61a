"""Whether a lead belongs to an account, where a person has to say so."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from accounts.models import Account
from reps.models import TrackedModel
from routing.models.lead import Lead


class MatchReview(TrackedModel):
    """
    A lead whose account the matcher was not sure of, until a person decides.

    Meanwhile the lead is routed without an account: its owner is temporary and every clock runs.
    No company name is kept here, only marks of it (see `routing.reviews.marks`), by which
    reviews of one company find each other.
    """

    class State(models.TextChoices):
        PENDING = "PENDING", _("To decide")
        MATCHED = "MATCHED", _("Matched")
        NET_NEW = "NET_NEW", _("Net new")
        OVERTAKEN = "OVERTAKEN", _("Overtaken")

    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="match_reviews")
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.PENDING)
    is_contest = models.BooleanField(
        _("contest"), default=False, help_text=_("Two accounts were nearly as likely.")
    )
    name_mark = models.CharField(max_length=64, blank=True)
    domain_mark = models.CharField(max_length=64, blank=True)
    opened_at = models.DateTimeField(_("opened"))
    account = models.ForeignKey(
        Account,
        verbose_name=_("decided for"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    decided_at = models.DateTimeField(_("decided"), null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    decided_with = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.PROTECT,
        related_name="others",
        help_text=_("The review of the same company whose decision this one shares."),
    )
    # What undoing has to put back: what the account learned, and where the lead was.
    taught = models.JSONField(default=dict)
    before = models.JSONField(default=dict)
    handed_epoch = models.PositiveIntegerField(null=True)
    became = models.CharField(
        max_length=300, blank=True, help_text=_("What the decision meant for the owner, and why.")
    )

    history = HistoricalRecords()

    class Meta:
        ordering = ["opened_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["lead"], condition=Q(state="PENDING"), name="routing_one_review_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(state="PENDING", decided_at__isnull=True)
                | (~Q(state="PENDING") & Q(decided_at__isnull=False)),
                name="routing_decided_review_has_a_date",
            ),
            models.CheckConstraint(
                condition=Q(state="MATCHED", account__isnull=False)
                | (~Q(state="MATCHED") & Q(account__isnull=True)),
                name="routing_matched_review_names_its_account",
            ),
        ]
        indexes = [
            models.Index(
                fields=["opened_at", "id"],
                name="routing_review_pending",
                condition=Q(state="PENDING"),
            ),
            models.Index(fields=["name_mark"], name="routing_review_name"),
            models.Index(fields=["domain_mark"], name="routing_review_domain"),
        ]

    def __str__(self) -> str:
        return f"Review of lead {self.lead_id}"


class MatchCandidate(models.Model):
    """
    One account that a lead may belong to, as the matcher saw it. Written once.

    `evidence` holds the account's side and figures only: what the lead said stays with the
    prospect.
    """

    review = models.ForeignKey(MatchReview, on_delete=models.CASCADE, related_name="candidates")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveSmallIntegerField()
    confidence = models.FloatField()
    evidence = models.JSONField(default=list)
    beaten_by = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["review", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["review", "position"], name="routing_candidate_has_its_place"
            ),
            models.UniqueConstraint(fields=["review", "account"], name="routing_candidate_once"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} for review {self.review_id}"


class MatchRefusal(models.Model):
    """
    "Not this one": that a company, known by its mark, is not this account. Goes with the
    decision that said so, and ends when that is undone.
    """

    review = models.ForeignKey(MatchReview, on_delete=models.CASCADE, related_name="refusals")
    mark = models.CharField(max_length=64)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["review", "mark", "account"], name="routing_refusal_once"
            )
        ]
        indexes = [models.Index(fields=["mark"], name="routing_refusal_mark")]

    def __str__(self) -> str:
        return f"Not account {self.account_id}"
