"""Disputes over HTTP: contest, answer, rule, withdraw."""

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts.models import Account
from reps.api import PK, Moment
from reps.models import Rep
from routing.disputes import opening, ruling
from routing.models import Dispute, Lead
from routing.visibility import contestable_leads, visible_disputes, visible_reps

DRIVER = "api"


class DisputeSerializer(serializers.ModelSerializer):
    class Meta:
        model = Dispute
        fields = [
            "id",
            "kind",
            "lead",
            "account",
            "claimant",
            "holder",
            "ground",
            "claim",
            "opened_by",
            "opened_at",
            "reply",
            "policy",
            "decider",
            "decide_by",
            "state",
            "winner",
            "ruling",
            "decided_by",
            "decided_at",
        ]
        read_only_fields = fields


class ContestSerializer(serializers.Serializer):
    """One `lead` or one `account`, for a rep for whom one may speak."""

    lead = serializers.PrimaryKeyRelatedField(
        queryset=Lead.objects.none(), required=False, allow_null=True, default=None
    )
    account = serializers.PrimaryKeyRelatedField(
        queryset=Account.objects.filter(is_active=True),
        required=False,
        allow_null=True,
        default=None,
    )
    claimant = serializers.PrimaryKeyRelatedField(queryset=Rep.objects.none())
    ground = serializers.ChoiceField(choices=Dispute.Ground.choices)
    claim = serializers.CharField(max_length=500)

    def get_fields(self):
        fields = super().get_fields()
        request = self.context.get("request")
        if request is not None and request.user.is_authenticated:
            # Neither is there for whoever may not name it.
            fields["lead"].queryset = contestable_leads(request.user)
            fields["claimant"].queryset = visible_reps(request.user).active()
        return fields

    def validate(self, attrs):
        if bool(attrs["lead"]) == bool(attrs["account"]):
            raise serializers.ValidationError({"lead": "Name one lead or one account."})
        return attrs


class ReplySerializer(serializers.Serializer):
    reply = serializers.CharField(max_length=500)


class RulingSerializer(serializers.Serializer):
    """For one of the two, or for whom the policy named, with the reason."""

    winner = serializers.IntegerField(min_value=1, max_value=10**15)
    ruling = serializers.CharField(max_length=500)


class DisputeViewSet(Moment, mixins.ListModelMixin, mixins.RetrieveModelMixin,
                     viewsets.GenericViewSet):  # fmt: skip
    """What is contested, by whom against whom, who decides until when, and the ruling."""

    queryset = Dispute.objects.all()
    serializer_class = DisputeSerializer
    lookup_value_regex = PK
    filterset_fields = ["state", "kind", "ground", "lead", "account", "claimant", "holder"]

    def get_queryset(self):
        rows = super().get_queryset().order_by("-pk")
        if getattr(self, "swagger_fake_view", False):
            return rows.none()
        return visible_disputes(self.request.user).order_by("-pk")

    @extend_schema(
        summary="Contest a lead or an account",
        request=ContestSerializer,
        responses={201: DisputeSerializer},
    )
    def create(self, request):
        sent = ContestSerializer(data=request.data, context=self.get_serializer_context())
        sent.is_valid(raise_exception=True)
        data = dict(sent.validated_data)
        lead, account = data.pop("lead"), data.pop("account")
        common = {**data, "by": request.user, "at": self.at}
        if lead is not None:
            made = opening.contest_lead(lead_id=lead.pk, **common)
        else:
            made = opening.contest_account(account_id=account.pk, **common)
        return Response(self.get_serializer(made).data, status=201)

    @extend_schema(
        summary="State the holder's claim", request=ReplySerializer, responses=DisputeSerializer
    )
    @action(detail=True, methods=["post"])
    def reply(self, request, pk):
        row, sent = self.get_object(), self._sent(ReplySerializer)
        return self._written(
            opening.reply(dispute_id=row.pk, text=sent["reply"], by=request.user, at=self.at)
        )

    @extend_schema(summary="Rule", request=RulingSerializer, responses=DisputeSerializer)
    @action(detail=True, methods=["post"])
    def rule(self, request, pk):
        row, sent = self.get_object(), self._sent(RulingSerializer)
        return self._written(
            ruling.rule(
                dispute_id=row.pk,
                winner_id=sent["winner"],
                ruling=sent["ruling"],
                by=request.user,
                at=self.at,
                driver=DRIVER,
            )
        )

    @extend_schema(summary="Take the claim back", request=None, responses=DisputeSerializer)
    @action(detail=True, methods=["post"])
    def withdraw(self, request, pk):
        row = self.get_object()
        return self._written(opening.withdraw(dispute_id=row.pk, by=request.user, at=self.at))

    def _sent(self, asks: type[serializers.Serializer]) -> dict:
        serializer = asks(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _written(self, row: Dispute) -> Response:
        return Response(self.get_serializer(row).data)
