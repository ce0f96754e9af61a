"""What pools promised and gave, the ledger of the rotation, and limits."""

from datetime import timedelta

from django.db.models import Q
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS

from reps import access
from reps.api import SetUpViewSet, TrackedSerializer
from routing.engine.rotation import UNIT
from routing.models import BalanceLine, Limit
from routing.visibility import visible_reps

LONGEST_PERIOD = 366


class PeriodSerializer(serializers.Serializer):
    days = serializers.IntegerField(min_value=1, max_value=LONGEST_PERIOD, default=30)

    @property
    def length(self) -> timedelta:
        return timedelta(days=self.validated_data["days"])


class ShareSerializer(serializers.Serializer):
    """A member in one lane. Shares are parts of 1; balances are in leads, above 0 if owed."""

    rep = serializers.IntegerField(source="rep.pk")
    name = serializers.CharField(source="rep.user.label")
    set_weight = serializers.IntegerField(source="member.weight")
    weight = serializers.FloatField(help_text="In force, in set weights.")
    cause = serializers.CharField(help_text="Why it is not the set one.")
    promised = serializers.FloatField()
    got = serializers.IntegerField(help_text="Leads in the period.")
    share = serializers.FloatField()
    low = serializers.FloatField(help_text="Of the share's 95 % interval (Wilson).")
    high = serializers.FloatField()
    balance = serializers.SerializerMethodField()
    last_turn = serializers.DateTimeField(allow_null=True)

    def get_balance(self, one) -> float:
        return round(one.balance / UNIT, 6)


class LaneSerializer(serializers.Serializer):
    """One rotation of a pool; tier "" is that of all tiers without one of their own."""

    tier = serializers.CharField()
    total = serializers.IntegerField(help_text="Leads of all members in the period.")
    gini = serializers.FloatField(help_text="0: the same by weight; towards 1: all to one.")
    members = serializers.SerializerMethodField()

    def get_members(self, lane) -> list[dict]:
        seen = self.context["seen"]
        return ShareSerializer([one for one in lane.shares if one.rep.pk in seen], many=True).data


class LineSerializer(serializers.ModelSerializer):
    """A line of the ledger: lines of a member and lane add up to the balance."""

    change = serializers.SerializerMethodField(help_text="In leads.")
    balance = serializers.SerializerMethodField(help_text="After it, in leads.")
    by = serializers.CharField(source="by.label", default=None, allow_null=True)

    class Meta:
        model = BalanceLine
        fields = [
            "id",
            "rep",
            "lane",
            "kind",
            "change",
            "balance",
            "leads",
            "shared",
            "batch",
            "at",
            "by",
            "reason",
        ]
        read_only_fields = fields

    def get_change(self, line) -> float:
        return round(line.units / UNIT, 6)

    def get_balance(self, line) -> float:
        return round(line.balance_after / UNIT, 6)


class LimitSerializer(TrackedSerializer):
    class Meta:
        model = Limit
        fields = ["id", "rep", "pool", "kind", "most", "window", "rolling", "tier"]

    def validate_rep(self, rep):
        user = self.context["request"].user
        seen = visible_reps(user)
        if rep is not None and not seen.filter(pk=rep.pk).exists():
            raise serializers.ValidationError(
                f'Invalid pk "{rep.pk}" - object does not exist.', code="does_not_exist"
            )
        must_manage(user, rep)
        return rep


def must_manage(user, rep) -> None:
    """A manager sees their own rep too, but does not set its limits."""
    if rep is not None and not access.manages(user, rep):
        raise PermissionDenied("Only whoever manages this rep sets their limits.")


class LimitViewSet(SetUpViewSet):
    """Caps beside the number of open leads: of reps that you may see, and of whole pools."""

    queryset = Limit.objects.order_by("pk")
    serializer_class = LimitSerializer
    filterset_fields = ["rep", "pool", "kind"]

    def get_queryset(self):
        rows = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return rows.none()
        seen = visible_reps(self.request.user).order_by().values("pk")
        return rows.select_related("rep").filter(Q(rep__isnull=True) | Q(rep__in=seen))

    def get_object(self):
        row = super().get_object()
        if self.request.method not in SAFE_METHODS:
            must_manage(self.request.user, row.rep)
        return row
