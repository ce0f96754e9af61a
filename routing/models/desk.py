"""The organisation's settings, and the row at which routing decisions queue up."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from reps.models import TrackedModel


class NotSetUp(LookupError):
    """The organisation has no settings row yet; the set-up guide makes it."""


def stage_points() -> dict[str, int]:
    """The points a new organisation starts with: ten for a lead that is being worked on."""
    return {"NEW": 10, "WORKING": 10, "CONTACTED": 8, "MEETING": 6, "QUALIFIED": 4}


def segments() -> list[dict[str, Any]]:
    """The bands of employees that a new organisation starts with."""
    return [
        {"slug": "small_business", "from": 0, "to": 49},
        {"slug": "mid_market", "from": 50, "to": 500},
        {"slug": "enterprise", "from": 501, "to": None},
    ]


class ScoresBy(models.TextChoices):
    """What makes the score of a lead."""

    POINTS = "POINTS", _("the points")
    BLEND = "BLEND", _("points and learnt score, half each")
    LEARNT = "LEARNT", _("the learnt score")


class ReviewHandover(models.TextChoices):
    """What becomes of a temporary owner once a person has said which account a lead has."""

    UNWORKED = "UNWORKED", _("Hand over unless the person was contacted")
    ALWAYS = "ALWAYS", _("Always hand over")
    NEVER = "NEVER", _("The temporary owner keeps it")


class Organisation(TrackedModel):
    """The one organisation of this installation: what runs, and who answers at the end."""

    name = models.CharField(_("name"), max_length=120)
    live_ruleset = models.ForeignKey(
        "routing.RuleSet",
        verbose_name=_("live rule set"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Set by publishing."),
    )
    intake_queue = models.ForeignKey(
        "routing.Queue",
        verbose_name=_("waiting room"),
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Where a lead stays until a rule places it."),
    )
    responsible = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("answers for every lead without an owner"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    leadership = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("alerted last"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Told when an escalation reaches leadership. Empty: who answers for leads."),
    )
    request_timeout = models.PositiveIntegerField(
        _("time to decide a reassignment"),
        default=14_400,
        help_text=_("Seconds until a request that nobody decides goes to the next in line."),
    )
    sticky_days = models.PositiveSmallIntegerField(
        _("former owner preferred for"),
        default=90,
        help_text=_("Days after closing in which a returning lead prefers its former owner."),
    )
    named_inbound = models.CharField(
        _("inbound leads of a named account go to"),
        max_length=6,
        choices=[("OWNER", _("the owner (AE), else the SDR")), ("SDR", _("the SDR, else the AE"))],
        default="OWNER",
    )
    named_outbound = models.CharField(
        _("outbound leads of a named account go to"),
        max_length=6,
        choices=[("OWNER", _("the owner (AE), else the SDR")), ("SDR", _("the SDR, else the AE"))],
        default="OWNER",
    )
    approval_above = models.PositiveSmallIntegerField(
        _("second person above"),
        default=20,
        help_text=_(
            "Percent of last month's leads that a new version of the rules may move to somebody "
            "else before a second person has to approve it. 100: never asked."
        ),
    )
    stage_points = models.JSONField(
        _("points of an open lead by stage"),
        default=stage_points,
        blank=True,
        help_text=_("What an open lead weighs where a rep's load is limited in points."),
    )
    segments = models.JSONField(
        _("segments by employees"),
        default=segments,
        blank=True,
        help_text=_('Bands such as {"slug": "mid_market", "from": 50, "to": 500}, in order.'),
    )
    enrich_deadline = models.PositiveIntegerField(
        _("a lead waits for outside data at most"),
        default=3000,
        help_text=_("Milliseconds. Then it is routed on what is known."),
    )
    enrich_deadline_hot = models.PositiveIntegerField(
        _("a hot lead waits at most"),
        default=500,
        help_text=_("Milliseconds, for hand-raises and hot leads. 0: never."),
    )
    enrich_reroutes = models.BooleanField(
        _("route again when late data change the answer"),
        default=False,
        help_text=_("Only while nobody has acknowledged the lead. Otherwise it is only shown."),
    )
    # The score: set by publishing, by choosing a learnt one, and on the page of definitions.
    live_score_model = models.ForeignKey(
        "routing.ScoreModel",
        verbose_name=_("live score"),
        null=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
    )
    scores_by = models.CharField(
        _("scores by"), max_length=6, choices=ScoresBy.choices, default="POINTS", editable=False
    )
    learnt_score = models.ForeignKey(
        "routing.LearntScore",
        verbose_name=_("learnt score"),
        null=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
    )
    score_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("looks after the score"),
        null=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Reminded to review it each quarter. Empty: who answers for leads."),
    )
    marketing_signer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("signs for marketing"),
        null=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
    )
    sales_signer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("signs for sales"),
        null=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
    )
    review_handover = models.CharField(
        _("once a match is decided"),
        max_length=8,
        choices=ReviewHandover.choices,
        default=ReviewHandover.UNWORKED,
        help_text=_("Whether the rightful owner takes the lead from its temporary one."),
    )
    dispute_timeout = models.PositiveIntegerField(
        _("time to rule in a dispute"),
        default=172_800,
        help_text=_("Seconds until the policy's answer applies to a dispute nobody ruled in."),
    )
    # Of which rules, and of which state of the roster, the linter has spoken last.
    linted_stamp = models.BigIntegerField(default=0, editable=False)
    linted_at = models.DateTimeField(null=True, editable=False)
    linted_ruleset = models.ForeignKey(
        "routing.RuleSet",
        null=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
    )
    routing_paused_at = models.DateTimeField(_("routing paused since"), null=True, blank=True)
    routing_paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("paused by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    history = HistoricalRecords(excluded_fields=["linted_stamp", "linted_at", "linted_ruleset"])

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="routing_one_organisation"),
            models.CheckConstraint(
                condition=Q(routing_paused_at__isnull=True, routing_paused_by__isnull=True)
                | Q(routing_paused_at__isnull=False, routing_paused_by__isnull=False),
                name="routing_pause_has_an_author",
            ),
            models.CheckConstraint(
                condition=Q(enrich_deadline__lte=60_000, enrich_deadline_hot__lte=60_000),
                name="routing_no_lead_waits_longer_than_a_minute",
            ),
            models.CheckConstraint(
                condition=Q(scores_by="POINTS") | Q(learnt_score__isnull=False),
                name="routing_learnt_scores_have_a_version",
            ),
            models.CheckConstraint(
                condition=Q(marketing_signer__isnull=True)
                | Q(sales_signer__isnull=True)
                | ~Q(marketing_signer=models.F("sales_signer")),
                name="routing_two_people_sign",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, **kwargs):
        self.pk = 1
        super().save(**kwargs)

    @classmethod
    def get(cls) -> "Organisation":
        """
        Return the organisation.

        :raises NotSetUp: before the set-up guide made it
        """
        found = cls.objects.select_related("intake_queue").first()
        if found is None:
            raise NotSetUp("This installation has no organisation yet; open the set-up guide.")
        return found


class Desk(models.Model):
    """
    Where decisions queue up: whoever decides locks this row, so that counters are read
    and moved by one decider at a time. One desk serves all pools that share a rep.
    """

    name = models.CharField(_("name"), max_length=60, unique=True)
    # When the weights in force were last worked out, and from which roster.
    weighed_at = models.DateTimeField(null=True, editable=False)
    weighed_stamp = models.BigIntegerField(default=0, editable=False)

    def __str__(self) -> str:
        return self.name

    @classmethod
    def default_pk(cls) -> int:
        """The desk that a new pool gets."""
        return cls.objects.get_or_create(name="Main desk")[0].pk
