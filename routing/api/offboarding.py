"""Offboarding over HTTP: plan, look, choose, start, undo."""

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.response import Response

from reps import access
from reps.api import PK, MaySetUp, Moment
from reps.models import Rep
from routing.models import Offboarding, OffboardingItem, Pool
from routing.models.offboarding import Way
from routing.offboarding import carry, plan, registry
from routing.offboarding.registry import USER
from routing.offboarding_forms import may_leave, plans_of

DRIVER = "api"


class OffboardingSerializer(serializers.ModelSerializer):
    """`defaults` says per kind how its rows go; `items/` lists the rows."""

    class Meta:
        model = Offboarding
        fields = [
            "id",
            "rep",
            "successor",
            "reason",
            "effective_at",
            "closes_account",
            "state",
            "defaults",
            "planned_by",
            "planned_at",
            "approved_at",
            "started_at",
            "done_at",
            "undone_at",
        ]
        read_only_fields = fields


class OffboardSerializer(serializers.Serializer):
    rep = serializers.PrimaryKeyRelatedField(queryset=Rep.objects.all())
    successor = serializers.PrimaryKeyRelatedField(
        queryset=Rep.objects.active(), required=False, allow_null=True, default=None
    )
    reason = serializers.CharField(max_length=200)
    effective_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    closes_account = serializers.BooleanField(required=False, default=True)


class OffboardingItemSerializer(serializers.ModelSerializer):
    class Meta:
        model = OffboardingItem
        fields = ["id", "kind", "row_id", "label", "how", "to_rep", "to_user", "state", "note"]
        read_only_fields = fields


class KindChoiceSerializer(serializers.Serializer):
    """How the rows of one kind go; `to` is a rep, or a user where the kind is about people."""

    kind = serializers.CharField(max_length=30)
    how = serializers.ChoiceField(choices=Way.choices)
    to = serializers.IntegerField(required=False, allow_null=True, default=None)
    pool = serializers.PrimaryKeyRelatedField(
        queryset=Pool.objects.all(), required=False, allow_null=True, default=None
    )

    def validate_kind(self, value):
        if value not in {kind.name for kind in registry.kinds()}:
            raise serializers.ValidationError("There is no such kind.")
        return value


class RowChoiceSerializer(serializers.Serializer):
    item = serializers.IntegerField()
    how = serializers.ChoiceField(choices=Way.choices)
    to = serializers.IntegerField(required=False, allow_null=True, default=None)


class ChooseSerializer(serializers.Serializer):
    kinds = KindChoiceSerializer(many=True, required=False, default=list)
    items = RowChoiceSerializer(many=True, required=False, default=list)


class WhenSerializer(serializers.Serializer):
    effective_at = serializers.DateTimeField(allow_null=True)


class OffboardingViewSet(
    Moment, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """Plans by which reps leave, newest first."""

    permission_classes = [MaySetUp]
    lookup_value_regex = PK
    queryset = Offboarding.objects.all()
    serializer_class = OffboardingSerializer
    filterset_fields = ["rep", "state"]

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return Offboarding.objects.none()
        return plans_of(self.request.user)

    @extend_schema(
        summary="Plan how a rep leaves",
        request=OffboardSerializer,
        responses={201: OffboardingSerializer},
    )
    def create(self, request):
        asked = OffboardSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        if not may_leave(request.user).filter(pk=asked.validated_data["rep"].pk).exists():
            raise PermissionDenied("Only whoever manages this rep may do this.")
        made = plan.make(**asked.validated_data, by=request.user, at=self.at)
        return Response(OffboardingSerializer(made).data, status=201)

    @extend_schema(
        summary="What names the rep, to whom each goes, and what became of it",
        responses=OffboardingItemSerializer(many=True),
        filters=False,
    )
    @action(detail=True, filterset_fields=None)
    def items(self, request, pk):
        page = self.paginate_queryset(self.get_object().items.order_by("position", "pk"))
        return self.get_paginated_response(OffboardingItemSerializer(page, many=True).data)

    @extend_schema(
        summary="Choose how kinds and single rows go",
        request=ChooseSerializer,
        responses=OffboardingSerializer,
    )
    @action(detail=True, methods=["post"])
    def choose(self, request, pk):
        asked = ChooseSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        kinds = {}
        for one in asked.validated_data["kinds"]:
            key = "user" if registry.get(one["kind"]).takes == USER else "rep"
            pool = one["pool"].pk if one["pool"] else None
            kinds[one["kind"]] = plan.Choice(one["how"], pool=pool, **{key: one["to"]})
        items = {one["item"]: (one["how"], one["to"]) for one in asked.validated_data["items"]}
        row = plan.choose(
            offboarding=self._managed(), kinds=kinds, items=items, by=request.user, at=self.at
        )
        return Response(OffboardingSerializer(row).data)

    @extend_schema(
        summary="Let it take effect at a moment by itself; none: when somebody starts it",
        request=WhenSerializer,
        responses=OffboardingSerializer,
    )
    @action(detail=True, methods=["post"])
    def schedule(self, request, pk):
        asked = WhenSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        row = plan.reschedule(
            offboarding=self._managed(), **asked.validated_data, by=request.user, at=self.at
        )
        return Response(OffboardingSerializer(row).data)

    @extend_schema(summary="Start it now", request=None, responses=OffboardingSerializer)
    @action(detail=True, methods=["post"])
    def start(self, request, pk):
        row = carry.start(offboarding=self._managed(), by=request.user, at=self.at, driver=DRIVER)
        return Response(OffboardingSerializer(row).data)

    @extend_schema(summary="Give the plan up", request=None, responses=OffboardingSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request, pk):
        row = plan.cancel(offboarding=self._managed(), by=request.user, at=self.at)
        return Response(OffboardingSerializer(row).data)

    @extend_schema(
        summary="Undo it: what nobody changed since goes back",
        request=None,
        responses=OffboardingSerializer,
    )
    @action(detail=True, methods=["post"])
    def undo(self, request, pk):
        row = carry.undo(offboarding=self._managed(), by=request.user, at=self.at, driver=DRIVER)
        return Response(OffboardingSerializer(row).data)

    def _managed(self) -> Offboarding:
        row = self.get_object()
        if row.rep.user_id == self.request.user.pk or not access.manages(
            self.request.user, row.rep
        ):
            raise PermissionDenied("Only whoever manages this rep may do this.")
        return row
