"""Pools of reps with their rotation, shared queues, and each rep's load."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from reps.models import Rep, TrackedModel
from routing.models.desk import Desk


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


class PoolStanding(models.Model):
    """
    Where a member stands in the rotation: a counter, moved only while the desk is locked.

    `balance` is in units of `routing.engine.rotation.UNIT` per lead; the balances of the
    members of a pool add up to zero. `turn` is the ordinal of the last turn, 0 for none.
    """

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="standings")
    rep = models.ForeignKey(Rep, on_delete=models.CASCADE, related_name="standings")
    balance = models.BigIntegerField(default=0)
    turn = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "rep"], name="routing_one_standing_per_member")
        ]

    def __str__(self) -> str:
        return f"{self.rep_id} in {self.pool_id}: {self.balance}"


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
