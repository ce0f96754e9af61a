"""Pools of reps with their rotation, shared queues, and each rep's load."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q, Sum
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from reps.models import Rep, TrackedModel
from routing.models.desk import Desk
from routing.models.lead import Lead

TIERS = tuple(Lead.Tier.values)


class Pool(TrackedModel):
    """Reps who share one rotation."""

    shapes_roster = True

    name = models.CharField(_("name"), max_length=120, unique=True)
    desk = models.ForeignKey(
        Desk,
        verbose_name=_("desk"),
        on_delete=models.PROTECT,
        related_name="pools",
        default=Desk.default_pk,
        editable=False,
    )
    territory = models.ForeignKey(
        "accounts.Territory",
        verbose_name=_("territory"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="pools",
        help_text=_("The territory whose leads this pool takes, if it serves one."),
    )
    lanes = models.JSONField(
        _("tiers shared on their own"),
        default=list,
        blank=True,
        help_text=_("Each of these tiers has a rotation of its own, so that it is shared fairly."),
    )
    bound = models.PositiveSmallIntegerField(
        _("owed at most"),
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(50)],
        help_text=_("Leads that the rotation may owe a member, or be owed."),
    )
    catch_up = models.PositiveSmallIntegerField(
        _("catching up"),
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(50)],
        help_text=_("Who is owed leads gets at most one extra in so many."),
    )
    # Dynamic weights: see routing.fairness.weights, in order of precedence.
    rebalances = models.BooleanField(
        _("pull back who drifts"),
        default=False,
        help_text=_("Members above the band get 20 % of the new leads together, the others 80 %."),
    )
    band = models.PositiveSmallIntegerField(
        _("band"),
        default=20,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("How many percent a member's load may differ from their share."),
    )
    rewards_performance = models.BooleanField(
        _("weigh by performance"),
        default=False,
        help_text=_("Up to 1.2, down to 0.8, by closings and late-stage load."),
    )
    least_percent = models.PositiveSmallIntegerField(
        _("weight at least"),
        default=20,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("Percent of the set weight that no automatic change goes below."),
    )
    most_percent = models.PositiveSmallIntegerField(
        _("weight at most"),
        default=400,
        validators=[MinValueValidator(100), MaxValueValidator(1000)],
        help_text=_("Percent of the set weight that no automatic change goes above."),
    )

    history = HistoricalRecords()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["territory"],
                condition=Q(territory__isnull=False),
                name="routing_one_pool_per_territory",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def is_staffed(self) -> bool:
        """Whether anybody who has not left takes turns in it."""
        return self.members.filter(rep__is_active=True).exists()

    def clean(self) -> None:
        """
        Refuse lanes for anything but tiers, each once.

        :raises django.core.exceptions.ValidationError: naming the field
        """
        # An emptied JSON field says None.
        self.lanes = self.lanes or []
        known = isinstance(self.lanes, list) and all(tier in TIERS for tier in self.lanes)
        if not known or len(set(self.lanes)) != len(self.lanes):
            raise ValidationError(
                {"lanes": _("A list of tiers, each once: %(tiers)s.") % {"tiers": ", ".join(TIERS)}}
            )


# Percent of a pool's leads that may be promised to single members, together.
MOST_PROTECTED = 90


def too_much_protected(*, most: int) -> str:
    """Why a protected share cannot be kept, and what could."""
    return str(
        _("The protected shares of a pool are at most 90 percent together; %(most)s is left.")
        % {"most": most}
    )


class PoolMember(TrackedModel):
    """That a rep takes turns in a pool, and how many: weight 2 means twice the leads."""

    shapes_roster = True

    pool = models.ForeignKey(
        Pool, verbose_name=_("pool"), on_delete=models.CASCADE, related_name="members"
    )
    rep = models.ForeignKey(
        Rep, verbose_name=_("rep"), on_delete=models.PROTECT, related_name="memberships"
    )
    weight = models.PositiveSmallIntegerField(
        _("weight"), default=1, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    position = models.PositiveSmallIntegerField(
        _("position"), default=0, help_text=_("Breaks the last tie; lower goes first.")
    )
    ramp_from = models.DateField(_("ramps up from"), null=True, blank=True)
    ramp_days = models.PositiveSmallIntegerField(
        _("days to full weight"), default=0, help_text=_("0: full weight at once.")
    )
    protected_percent = models.PositiveSmallIntegerField(
        _("protected share"),
        default=0,
        validators=[MaxValueValidator(MOST_PROTECTED)],
        help_text=_("Percent of the pool's leads that this member gets at least; 0: none."),
    )
    applied_weight = models.PositiveIntegerField(
        _("weight in force"),
        null=True,
        editable=False,
        validators=[MinValueValidator(1)],
        help_text=_(
            "In hundredths, after ramp, performance and rebalancing. Empty: the set weight."
        ),
    )
    weight_cause = models.CharField(max_length=200, blank=True, editable=False)
    above_band = models.BooleanField(
        default=False,
        editable=False,
        help_text=_("Carries more than their share, until back inside half the band."),
    )

    history = HistoricalRecords()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["pool", "rep"], name="routing_member_once_per_pool"),
            models.CheckConstraint(
                condition=Q(weight__gte=1, weight__lte=100), name="routing_weight_1_to_100"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rep} in {self.pool}"

    def clean(self) -> None:
        """
        Refuse a protected share that leaves the others of the pool too little.

        :raises django.core.exceptions.ValidationError: naming the field and what is left
        """
        if not self.protected_percent or self.pool_id is None:
            return
        others = PoolMember.objects.filter(pool=self.pool_id).exclude(pk=self.pk)
        taken = others.aggregate(sum=Sum("protected_percent"))["sum"] or 0
        if self.protected_percent + taken > MOST_PROTECTED:
            raise ValidationError(
                {"protected_percent": too_much_protected(most=max(0, MOST_PROTECTED - taken))}
            )


class PoolStanding(models.Model):
    """
    Where a member stands in the rotation: a counter, moved only while the desk is locked.

    `balance` is in units of `routing.engine.rotation.UNIT` per lead; the balances of the
    members of a pool's lane add up to zero. `turn` is the ordinal of the last turn, 0 for none.
    """

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="standings")
    rep = models.ForeignKey(Rep, on_delete=models.CASCADE, related_name="standings")
    lane = models.CharField(max_length=4, default="", blank=True)
    balance = models.BigIntegerField(default=0)
    turn = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pool", "rep", "lane"], name="routing_one_standing_per_member"
            )
        ]

    def __str__(self) -> str:
        return f"{self.rep_id} in {self.pool_id}: {self.balance}"


class BalanceLine(models.Model):
    """
    One line of the fairness ledger: what changed a member's balance, and what it was then.

    The lines of a seat (pool, rep, lane) add up to its `PoolStanding.balance` at every moment.
    A batch of leads is one line per seat; `leads` of them were this member's, in `shared` they
    took part. Append-only.
    """

    class Kind(models.TextChoices):
        LEADS = "LEADS", _("Leads shared out")
        SETTLED = "SETTLED", _("Settled by a manager")
        UNDONE = "UNDONE", _("An assignment taken back")
        ENTERED = "ENTERED", _("Joined the pool")
        LEFT = "LEFT", _("Left the pool")
        SHARED_OUT = "SHARED_OUT", _("Share of what a change left over")

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="lines")
    rep = models.ForeignKey(Rep, on_delete=models.CASCADE, related_name="balance_lines")
    lane = models.CharField(max_length=4, default="", blank=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    units = models.BigIntegerField()
    balance_after = models.BigIntegerField()
    leads = models.PositiveIntegerField(default=0)
    shared = models.PositiveIntegerField(default=0)
    batch = models.ForeignKey(
        "routing.Batch", null=True, on_delete=models.PROTECT, related_name="lines"
    )
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["pool", "rep", "-id"], name="routing_line_of_seat")]

    def __str__(self) -> str:
        return f"{self.kind} {self.units} for {self.rep_id} in {self.pool_id}"


class Limit(TrackedModel):
    """
    A cap beside a rep's count of open leads: for a rep, for a rep in one pool, or (no rep) for
    every member of a pool. Never exceeded.
    """

    shapes_roster = True

    class Kind(models.TextChoices):
        POINTS = "points", _("Open leads weighted by stage")
        VALUE = "value", _("Expected value of open leads")
        FLOW = "flow", _("New leads in a period")
        TIER_SHARE = "tier_share", _("Percent of a tier's leads")

    class Window(models.TextChoices):
        HOUR = "HOUR", _("hour")
        DAY = "DAY", _("day")
        WEEK = "WEEK", _("week")

    rep = models.ForeignKey(
        Rep,
        verbose_name=_("rep"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="limits",
        help_text=_("Empty: every member of the pool."),
    )
    pool = models.ForeignKey(
        Pool,
        verbose_name=_("pool"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="limits",
        help_text=_("Only leads from this pool. Empty: all leads."),
    )
    kind = models.CharField(_("what is limited"), max_length=10, choices=Kind.choices)
    most = models.PositiveIntegerField(
        _("at most"), help_text=_("Points, whole currency units, leads, or percent.")
    )
    window = models.CharField(
        _("per"), max_length=4, choices=Window.choices, blank=True, default=""
    )
    rolling = models.BooleanField(
        _("rolling"),
        default=False,
        help_text=_("The last so many hours, instead of the calendar's in the rep's zone."),
    )
    tier = models.CharField(_("only of tier"), max_length=4, blank=True, default="")

    history = HistoricalRecords()

    class Meta:
        ordering = ["rep", "pool", "kind", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(rep__isnull=False) | Q(pool__isnull=False),
                name="routing_limit_is_somebodys",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["flow", "tier_share"]) | ~Q(window=""),
                name="routing_flow_limit_has_a_window",
            ),
            models.CheckConstraint(
                condition=~Q(kind="tier_share")
                | Q(pool__isnull=False, most__gte=1, most__lte=100) & ~Q(tier=""),
                name="routing_tier_share_names_pool_and_tier",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.most}"

    @property
    def sentence(self) -> str:
        """The whole limit in words, without what everybody on its page knows: the pool."""
        parts = [f"{self}" + (" %" if self.kind == self.Kind.TIER_SHARE else "")]
        if self.window:
            parts.append(
                str(_("rolling %s") if self.rolling else _("per %s")) % self.get_window_display()
            )
        if self.tier:
            parts.append(str(Lead.Tier(self.tier).label))
        parts.append(str(self.rep) if self.rep_id else str(_("every member")))
        return ", ".join(parts)

    def clean(self) -> None:
        """
        Refuse what could not be counted.

        :raises django.core.exceptions.ValidationError: naming each field and the way out
        """
        found = {}
        counts_a_period = self.kind in (self.Kind.FLOW, self.Kind.TIER_SHARE)
        if self.rep_id is None and self.pool_id is None:
            found["rep"] = _("Choose a rep, or a pool whose every member it holds for.")
        if self.most is not None and self.most < 1:
            found["most"] = _("At least 1. Who shall get no leads is paused or leaves the pool.")
        if counts_a_period and not self.window:
            found["window"] = _("Choose the period: per hour, day or week.")
        if not counts_a_period and self.window:
            found["window"] = _("Open leads are counted at every moment: leave the period empty.")
        if self.kind == self.Kind.TIER_SHARE:
            if self.pool_id is None:
                found["pool"] = _("A share is counted among a pool's leads: choose the pool.")
            if not self.tier:
                found["tier"] = _("Choose the tier whose leads are shared.")
            if self.most is not None and self.most > 100:
                found["most"] = _("A share is at most 100 percent.")
            if not self.rolling:
                found["rolling"] = _("A share is counted over the last so many hours: tick it.")
        elif self.rolling and not self.window:
            found["rolling"] = _("Only what has a period can roll: choose one, or untick it.")
        if self.tier and self.tier not in TIERS:
            found["tier"] = _("No such tier; there are %(tiers)s.") % {"tiers": ", ".join(TIERS)}
        if found:
            raise ValidationError(found)


class RepLoad(models.Model):
    """
    How many open leads a rep holds, and a gapless number for every time that changed.

    Each assignment keeps the number and the load it made, so that the cap can be proven
    for every instant of the past (invariant I5).
    """

    rep = models.OneToOneField(Rep, primary_key=True, on_delete=models.CASCADE, related_name="load")
    open = models.PositiveIntegerField(default=0)
    seq = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.rep_id}: {self.open}"


class Queue(TrackedModel):
    """Leads that wait for whoever of a pool claims them, or (no pool) for routing."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    pool = models.ForeignKey(
        Pool,
        verbose_name=_("who may claim"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="queues",
        help_text=_("Members of this pool. Empty: a waiting room, nobody claims."),
    )
    responsible = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("answers for it"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    max_unworked = models.PositiveSmallIntegerField(
        _("unworked claims at most"),
        default=3,
        help_text=_("Claimed and not yet acknowledged leads that a rep may hold; 0: no limit."),
    )

    history = HistoricalRecords()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    def is_staffed(self) -> bool:
        """Whether there is anybody who may claim from it."""
        return self.pool is not None and self.pool.is_staffed()
