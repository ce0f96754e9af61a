"""What would have been, over the API: ask for a simulation, watch it, read its leads."""

from typing import Any

import django_filters
from django.db.models import Q
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.response import Response
from rest_framework.views import APIView

from reps.api import PK, MaySetUp, Moment
from routing.models import RuleSet, SimulatedLead, Simulation
from routing.simulation import work
from routing.visibility import visible_leads


class AskSerializer(serializers.Serializer):
    since = serializers.DateTimeField()
    until = serializers.DateTimeField(required=False)


class SimulationSerializer(serializers.ModelSerializer):
    """`result` is filled when the state is DONE; `done` of `total` leads say how far it is."""

    class Meta:
        model = Simulation
        fields = [
            "id",
            "draft",
            "live",
            "draft_digest",
            "since",
            "until",
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


class SimulatedLeadSerializer(serializers.ModelSerializer):
    class Meta:
        model = SimulatedLead
        exclude = ["id", "simulation"]


class SimulationFilter(django_filters.FilterSet):
    class Meta:
        model = Simulation
        fields = ["state", "draft"]


class SimulatedLeadFilter(django_filters.FilterSet):
    rep = django_filters.NumberFilter(method="of_rep", label="live or draft gives it to this rep")

    class Meta:
        model = SimulatedLead
        fields = ["moves", "agrees", "tier", "differs"]

    def of_rep(self, rows: Any, name: str, value: Any) -> Any:
        return rows.filter(Q(live_rep=int(value)) | Q(draft_rep=int(value)))


class SimulationViewSet(
    Moment, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """Simulations that were asked for, newest first."""

    permission_classes = [MaySetUp]
    lookup_value_regex = PK
    queryset = Simulation.objects.all()
    serializer_class = SimulationSerializer
    filterset_class = SimulationFilter

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return Simulation.objects.none()
        return work.visible_simulations(self.request.user).defer(
            "draft_rules", "progress", "upload"
        )

    @extend_schema(
        summary="The leads of a simulation that you may see, in order of time",
        responses=SimulatedLeadSerializer(many=True),
        filters=False,
        parameters=[
            OpenApiParameter("moves", bool),
            OpenApiParameter("agrees", bool),
            OpenApiParameter("differs", bool),
            OpenApiParameter("tier", str),
            OpenApiParameter("rep", int),
        ],
    )
    @action(detail=True, filterset_class=None)
    def leads(self, request, pk):
        row = get_object_or_404(self.get_queryset(), pk=pk)
        seen = visible_leads(request.user).order_by().values("pk")
        rows = row.leads.filter(Q(lead__isnull=True) | Q(lead__in=seen)).order_by("place")
        chosen = SimulatedLeadFilter(request.query_params, queryset=rows, request=request)
        if not chosen.is_valid():
            raise serializers.ValidationError(chosen.errors)
        page = self.paginate_queryset(chosen.qs)
        return self.get_paginated_response(SimulatedLeadSerializer(page, many=True).data)

    @extend_schema(
        summary="Stop a simulation", request=None, responses=SimulationSerializer, filters=False
    )
    @action(detail=True, methods=["post"], filterset_class=None)
    def cancel(self, request, pk):
        row = get_object_or_404(self.get_queryset(), pk=pk)
        return Response(SimulationSerializer(work.cancel(simulation=row, at=self.at)).data)


class SimulateView(Moment, APIView):
    """Compare a version of the rules with the live one over a past period."""

    permission_classes = [MaySetUp]

    @extend_schema(
        summary="Simulate a version over a past period",
        request=AskSerializer,
        responses={202: OpenApiResponse(SimulationSerializer)},
    )
    def post(self, request, pk):
        ruleset = get_object_or_404(RuleSet.objects.all(), pk=pk)
        asked = AskSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        made = work.start(ruleset=ruleset, by=request.user, at=self.at, **asked.validated_data)
        return Response(SimulationSerializer(made).data, status=202)


urlpatterns = [
    path("v1/rulesets/<int:pk>/simulate/", SimulateView.as_view(), name="api-ruleset-simulate"),
]
