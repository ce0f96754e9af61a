"""Match reviews over HTTP: those of leads that one may see, deciding and undoing."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts.models import Account
from reps.api import MaySetUp, Moment
from routing.api.ledgers import LedgerViewSet
from routing.models import MatchCandidate, MatchReview
from routing.reviews import decisions
from routing.visibility import visible_reviews

DRIVER = "api"


class MatchCandidateSerializer(serializers.ModelSerializer):
    class Meta:
        model = MatchCandidate
        fields = ["account", "position", "confidence", "evidence", "beaten_by"]
        read_only_fields = fields


class MatchReviewSerializer(serializers.ModelSerializer):
    candidates = MatchCandidateSerializer(many=True, read_only=True)

    class Meta:
        model = MatchReview
        fields = [
            "id",
            "lead",
            "state",
            "is_contest",
            "opened_at",
            "candidates",
            "account",
            "decided_at",
            "decided_by",
            "decided_with",
            "reason",
            "taught",
            "became",
        ]
        read_only_fields = fields


class DecideSerializer(serializers.Serializer):
    """`account` null means net new; `also` are other waiting reviews of the same company."""

    account = serializers.PrimaryKeyRelatedField(
        queryset=Account.objects.filter(is_active=True), allow_null=True
    )
    reason = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)
    teach_name = serializers.BooleanField(required=False, default=True)
    teach_domain = serializers.BooleanField(required=False, default=True)
    also = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=10**15),
        required=False,
        default=list,
        max_length=decisions.MOST_TOGETHER - 1,
    )


class MatchReviewViewSet(Moment, LedgerViewSet):
    """Leads whose account the matcher was not sure of, with the candidates, and the decision."""

    queryset = MatchReview.objects.prefetch_related("candidates")
    serializer_class = MatchReviewSerializer
    permission_classes = [MaySetUp]
    filterset_fields = ["lead", "state", "account", "is_contest"]

    @extend_schema(
        summary="Decide it",
        request=DecideSerializer,
        responses=MatchReviewSerializer(many=True),
        filters=False,
    )
    @action(detail=True, methods=["post"], pagination_class=None)
    def decide(self, request, pk):
        row = self.get_object()
        sent = DecideSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        data = dict(sent.validated_data)
        account = data.pop("account")
        seen = visible_reviews(request.user).filter(pk__in=data.pop("also"))
        decided = decisions.decide(
            review_id=row.pk,
            account_id=account.pk if account else None,
            also=list(seen.values_list("pk", flat=True)),
            by=request.user,
            at=self.at,
            driver=DRIVER,
            **data,
        )
        return Response(self.get_serializer(decided, many=True).data)

    @extend_schema(
        summary="Take the decision back",
        request=None,
        responses=MatchReviewSerializer(many=True),
        filters=False,
    )
    @action(detail=True, methods=["post"], pagination_class=None)
    def undo(self, request, pk):
        row = self.get_object()
        undone = decisions.undo(review_id=row.pk, by=request.user, at=self.at, driver=DRIVER)
        return Response(self.get_serializer(undone, many=True).data)
