"""A lead: one person's present interest, its place, its state and its clocks' promise."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from reps.models import Rep, TrackedModel, TrackedQuerySet
from routing.models.prospect import Prospect
from routing.models.source import Mode, Source


class LeadQuerySet(TrackedQuerySet):
    def open(self):
        return self.exclude(place=Lead.Place.CLOSED)

    def of_people(self):
        """Without the lead of our own health check, which is in no list and no figure."""
        canary = Source.objects.filter(slug=Source.CANARY)
        return self.exclude(mode=Mode.SHADOW, source__in=canary)

    def counted(self):
        """
        Without tests, shadows, and what gave way to another lead of the same person: what every
        figure is about.
        """
        return self.filter(mode__in=[Mode.LIVE, Mode.BACKFILL]).exclude(state=Lead.State.MERGED)

    def ready(self, at):
        """Waiting for a decision that is due at this moment."""
        return self.filter(route_at__lte=at)


class Lead(TrackedModel):
    """
    One person's interest, from the first touch to an outcome.

    Always in exactly one place, with a person who answers for it. `owner`, `queue`,
    `place` and `owner_epoch` are written by `routing.ownership.change_many` only; `state`
    moves along `routing.states`. No personal data: the person is the prospect.
    """

    class Place(models.TextChoices):
        OWNER = "OWNER", _("With a rep")
        QUEUE = "QUEUE", _("In a queue")
        NURTURE = "NURTURE", _("In nurture")
        REVIEW = "REVIEW", _("In review")
        SUPPRESSED = "SUPPRESSED", _("Suppressed")
        CLOSED = "CLOSED", _("Closed")

    class State(models.TextChoices):
        NEW = "NEW", _("New")
        WORKING = "WORKING", _("Working")
        CONTACTED = "CONTACTED", _("Contacted")
        MEETING = "MEETING", _("Meeting")
        QUALIFIED = "QUALIFIED", _("Qualified")
        CONVERTED = "CONVERTED", _("Converted")
        DISQUALIFIED = "DISQUALIFIED", _("Disqualified")
        RECYCLED = "RECYCLED", _("Recycled")
        MERGED = "MERGED", _("Merged")

    class Tier(models.TextChoices):
        HOT = "HOT", _("Hot")
        WARM = "WARM", _("Warm")
        COLD = "COLD", _("Cold")

    class Waiting(models.TextChoices):
        """Why a lead that should be routed has no rep yet."""

        NONE = "", _("Not waiting")
        CAPACITY = "CAPACITY", _("everyone who could take it is full")
        HOURS = "HOURS", _("nobody who could take it is working now")
        AWAY = "AWAY", _("everyone who could take it is away")
        NOBODY = "NOBODY", _("no rule found anybody")
        UNROUTED = "UNROUTED", _("there is no published rule set")

    prospect = models.ForeignKey(Prospect, on_delete=models.PROTECT, related_name="leads")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="leads")
    mode = models.CharField(max_length=8, choices=Mode.choices, default=Mode.LIVE)

    # where it is
    place = models.CharField(_("place"), max_length=10, choices=Place.choices)
    owner = models.ForeignKey(
        Rep, verbose_name=_("owner"), null=True, on_delete=models.PROTECT, related_name="leads"
    )
    queue = models.ForeignKey(
        "routing.Queue",
        verbose_name=_("queue"),
        null=True,
        on_delete=models.PROTECT,
        related_name="leads",
    )
    owner_epoch = models.PositiveIntegerField(default=0)
    responsible = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("answers for it"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    former_owner = models.ForeignKey(
        Rep, null=True, on_delete=models.PROTECT, related_name="former_leads"
    )

    # how far it is
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.NEW)
    state_reason = models.CharField(max_length=200, blank=True)
    received_at = models.DateTimeField(_("received"))
    assigned_at = models.DateTimeField(_("assigned"), null=True)
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True)
    contacted_at = models.DateTimeField(_("first contact"), null=True)
    closed_at = models.DateTimeField(_("closed"), null=True)
    value = models.DecimalField(_("value won"), max_digits=14, decimal_places=2, null=True)

    # what routing waits for
    route_at = models.DateTimeField(null=True)
    priority = models.PositiveSmallIntegerField(default=0)
    waiting = models.CharField(
        max_length=8, choices=Waiting.choices, default=Waiting.NONE, blank=True
    )
    wait_pool = models.ForeignKey(
        "routing.Pool", null=True, on_delete=models.PROTECT, related_name="+"
    )
    wait_rep = models.ForeignKey(Rep, null=True, on_delete=models.PROTECT, related_name="+")
    # The version of the rules that it waits under; a newer one does not take it over.
    wait_ruleset = models.ForeignKey(
        "routing.RuleSet", null=True, on_delete=models.PROTECT, related_name="+"
    )

    # what is known about it
    account = models.ForeignKey(
        "accounts.Account",
        verbose_name=_("account"),
        null=True,
        on_delete=models.PROTECT,
        related_name="leads",
    )
    match_confidence = models.FloatField(null=True)
    match_evidence = models.JSONField(default=list)
    score = models.PositiveSmallIntegerField(_("score"), default=0)
    score_parts = models.JSONField(default=list)
    tier = models.CharField(_("tier"), max_length=4, choices=Tier.choices, default=Tier.COLD)
    # What the score is made of, before it is bounded, and by which version.
    fit = models.IntegerField(_("fit"), default=0)
    engagement = models.IntegerField(_("engagement"), default=0)
    profiles = models.JSONField(_("fits the profiles"), default=list)
    score_model = models.ForeignKey(
        "routing.ScoreModel",
        verbose_name=_("scored by"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    learnt_score = models.ForeignKey(
        "routing.LearntScore",
        verbose_name=_("learnt score"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    arrival_score = models.PositiveSmallIntegerField(_("score on arrival"), default=0)
    mql_at = models.DateTimeField(_("became an MQL"), null=True)
    sql_at = models.DateTimeField(_("became an SQL"), null=True)
    # When time alone may next change the score.
    rescore_at = models.DateTimeField(null=True)
    is_hand_raise = models.BooleanField(default=False)
    channel = models.CharField(_("channel"), max_length=10, choices=Source.Channel.choices)
    motion = models.CharField(_("motion"), max_length=8, choices=Source.Motion.choices)
    campaign = models.CharField(_("campaign"), max_length=120, blank=True)
    product_interest = models.CharField(_("product interest"), max_length=80, blank=True)
    budget_range = models.CharField(_("budget"), max_length=40, blank=True)
    timeline = models.CharField(_("timeline"), max_length=40, blank=True)
    expected_value = models.DecimalField(
        _("expected value"), max_digits=14, decimal_places=2, null=True
    )
    employees = models.PositiveIntegerField(_("employees"), null=True)
    industry = models.CharField(_("industry"), max_length=80, blank=True)

    # what sla promises about it: the next deadline and its words, for lists
    due_at = models.DateTimeField(null=True)
    due_what = models.CharField(max_length=20, blank=True)
    due_from = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)

    # The promise columns move with clocks and are derived from them, so they stay out of
    # the history; so do the wake-up times, which a sweep may move every minute.
    objects = LeadQuerySet.as_manager()

    history = HistoricalRecords(
        excluded_fields=[
            "route_at",
            "rescore_at",
            "due_at",
            "due_what",
            "due_from",
            "paused_until",
        ]
    )

    class Meta:
        ordering = ["-received_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(place="OWNER", owner__isnull=False, queue__isnull=True)
                | Q(place="QUEUE", owner__isnull=True, queue__isnull=False)
                | (
                    Q(place__in=["NURTURE", "REVIEW", "SUPPRESSED", "CLOSED"])
                    & Q(owner__isnull=True, queue__isnull=True)
                ),
                name="routing_lead_is_in_one_place",
            ),
            models.CheckConstraint(
                condition=Q(place="CLOSED", closed_at__isnull=False)
                | (~Q(place="CLOSED") & Q(closed_at__isnull=True)),
                name="routing_closed_lead_has_a_date",
            ),
            models.CheckConstraint(
                condition=Q(route_at__isnull=True) | Q(place__in=["QUEUE", "NURTURE"]),
                name="routing_only_unowned_leads_wait_for_routing",
            ),
            models.UniqueConstraint(
                fields=["prospect", "mode"],
                condition=~Q(place="CLOSED"),
                name="routing_one_open_lead_per_person",
            ),
            models.CheckConstraint(
                condition=Q(score__gte=0, score__lte=100), name="routing_score_0_to_100"
            ),
        ]
        indexes = [
            models.Index(
                F("priority").desc(),
                "route_at",
                "id",
                name="routing_lead_ready",
                condition=Q(route_at__isnull=False),
            ),
            models.Index(
                fields=["owner", "due_at"],
                name="routing_lead_of_owner",
                condition=Q(place="OWNER"),
            ),
            models.Index(
                fields=["queue", "-priority", "received_at"],
                name="routing_lead_in_queue",
                condition=Q(place="QUEUE"),
            ),
            models.Index(
                fields=["wait_pool", "received_at"],
                name="routing_lead_wants_capacity",
                condition=Q(waiting="CAPACITY"),
            ),
            models.Index(
                fields=["rescore_at"],
                name="routing_lead_to_score",
                condition=Q(rescore_at__isnull=False) & ~Q(place="CLOSED"),
            ),
        ]

    def __str__(self) -> str:
        return f"Lead {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.place != self.Place.CLOSED


class Touch(models.Model):
    """
    Something a person did, or that was done to reach them. The time line's raw material.

    May hold personal data (a message, a page address), so it is not tracked and is erased
    with the prospect.
    """

    class Kind(models.TextChoices):
        SUBMITTED = "SUBMITTED", _("Filled in a form")
        CONTACT = "CONTACT", _("Was contacted")
        NOTE = "NOTE", _("Note")
        SIGNAL = "SIGNAL", _("Showed interest")

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="touches")
    prospect = models.ForeignKey(Prospect, on_delete=models.CASCADE, related_name="touches")
    source = models.ForeignKey(Source, null=True, on_delete=models.PROTECT, related_name="+")
    submission = models.OneToOneField(
        "routing.Submission", null=True, on_delete=models.SET_NULL, related_name="touch"
    )
    kind = models.CharField(max_length=12, choices=Kind.choices)
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    is_hand_raise = models.BooleanField(default=False)
    text = models.TextField(blank=True)
    answers = models.JSONField(default=dict)
    page_url = models.CharField(max_length=500, blank=True)
    name = models.CharField(
        max_length=60, blank=True, help_text="Of a signal: what was done, such as pricing_page."
    )

    class Meta:
        ordering = ["at", "pk"]
        verbose_name_plural = _("touches")
        indexes = [models.Index(fields=["lead", "at"], name="routing_touch_of_lead")]

    def __str__(self) -> str:
        return f"{self.kind} of lead {self.lead_id}"


class Outcome(models.Model):
    """What became of a lead, as it became known. Written once."""

    class Kind(models.TextChoices):
        MEETING = "MEETING", _("Meeting booked")
        SHOW = "SHOW", _("Meeting held")
        NO_SHOW = "NO_SHOW", _("Did not show up")
        OPPORTUNITY = "OPPORTUNITY", _("Opportunity opened")
        WON = "WON", _("Won")
        LOST = "LOST", _("Lost")

    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="outcomes")
    kind = models.CharField(max_length=11, choices=Kind.choices)
    value = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.kind} of lead {self.lead_id}"
