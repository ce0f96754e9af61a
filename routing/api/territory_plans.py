"""Realignments over the API: read them, ask what moves, approve, undo; and workload proposals."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts.models import PlannedTerritory, TerritoryPlan
from accounts.services.plans import approval, effect
from reps.api import PK, MaySetUp, Moment
from routing.models import TerritoryStudy
from routing.realign import study
from routing.visibility import visible_leads


class PlannedTerritorySerializer(serializers.ModelSerializer):
    """`territory` is null for one that is to be made; `changed` names what the plan writes."""

    changed = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = PlannedTerritory
        fields = ["id", "territory", "before", "after", "changed"]
        read_only_fields = fields


class TerritoryPlanSerializer(serializers.ModelSerializer):
    changes = PlannedTerritorySerializer(many=True, read_only=True)

    class Meta:
        model = TerritoryPlan
        fields = [
            "id",
            "name",
            "reason",
            "leads",
            "state",
            "effective_at",
            "digest",
            "author",
            "drafted_at",
            "asked_by",
            "asked_at",
            "approved_by",
            "approved_at",
            "took_effect_at",
            "undone_by",
            "undone_at",
            "undo_reason",
            "exceptions",
            "error",
            "changes",
        ]
        read_only_fields = fields


class StudySerializer(serializers.ModelSerializer):
    """`result` is filled when the state is DONE; leads in it are those that you may see."""

    result = serializers.SerializerMethodField()

    class Meta:
        model = TerritoryStudy
        fields = [
            "id",
            "kind",
            "plan",
            "digest",
            "options",
            "state",
            "total",
            "done",
            "result",
            "error",
            "asked_by",
            "asked_at",
            "ended_at",
        ]
        read_only_fields = fields

    def get_result(self, row: TerritoryStudy) -> dict[str, Any]:
        found = dict(row.result)
        moving = found.pop("moving", None)
        if moving is not None:
            leads = visible_leads(self.context["request"].user)
            seen = set(leads.filter(pk__in=[one[0] for one in moving]).values_list("pk", flat=True))
            found["moving"] = [
                {"lead": lead, "from": a, "to": b, "acknowledged": known, "points": points}
                for lead, a, b, known, points in moving
                if lead in seen
            ]
        return found


class ApprovePlanSerializer(serializers.Serializer):
    digest = serializers.CharField(
        max_length=64, help_text="Of the plan that you read; refused if it has changed since."
    )


class UndoPlanSerializer(serializers.Serializer):
    reason = serializers.CharField(max_length=300)


class TerritoryPlanViewSet(
    Moment, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """Realignments, newest first."""

    permission_classes = [MaySetUp]
    lookup_value_regex = PK
    queryset = TerritoryPlan.objects.prefetch_related("changes")
    serializer_class = TerritoryPlanSerializer
    filterset_fields = ["state", "leads"]

    @extend_schema(
        summary="Ask what a plan would move; read the answer under territory-studies",
        request=None,
        responses={202: OpenApiResponse(StudySerializer)},
        filters=False,
    )
    @action(detail=True, methods=["post"], filter_backends=[])
    def preview(self, request, pk):
        made = study.preview(plan=self.get_object(), by=request.user, at=self.at)
        return Response(StudySerializer(made, context={"request": request}).data, status=202)

    @extend_schema(
        summary="Approve a plan that somebody else asked for",
        request=ApprovePlanSerializer,
        responses=TerritoryPlanSerializer,
        filters=False,
    )
    @action(detail=True, methods=["post"], filter_backends=[])
    def approve(self, request, pk):
        given = ApprovePlanSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        row = approval.approve(
            plan=self.get_object(),
            by=request.user,
            at=self.at,
            digest_seen=given.validated_data["digest"],
        )
        return Response(self.get_serializer(row).data)

    @extend_schema(
        summary="Undo the latest plan in effect",
        request=UndoPlanSerializer,
        responses=TerritoryPlanSerializer,
        filters=False,
    )
    @action(detail=True, methods=["post"], filter_backends=[])
    def undo(self, request, pk):
        given = UndoPlanSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        row = effect.undo(
            plan=self.get_object(),
            by=request.user,
            at=self.at,
            reason=given.validated_data["reason"],
        )
        return Response(self.get_serializer(row).data)


class TerritoryStudyViewSet(
    Moment, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """Previews of plans, and workload with proposals, newest first."""

    permission_classes = [MaySetUp]
    lookup_value_regex = PK
    queryset = TerritoryStudy.objects.defer("progress")
    serializer_class = StudySerializer
    filterset_fields = ["kind", "plan", "state"]
