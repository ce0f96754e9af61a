"""Pools, their members, and queues."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from reps.api import SetUpViewSet, TrackedSerializer
from routing.api.fairness import LaneSerializer, LineSerializer, PeriodSerializer
from routing.fairness import report
from routing.fairness.ledger import lines_of
from routing.models import Pool, PoolMember, Queue
from routing.models.pool import TIERS
from routing.pool_forms import whole
from routing.visibility import visible_reps


class PoolMemberSerializer(TrackedSerializer):
    class Meta:
        model = PoolMember
        fields = [
            "id",
            "pool",
            "rep",
            "weight",
            "position",
            "ramp_from",
            "ramp_days",
            "protected_percent",
            "applied_weight",
            "weight_cause",
            "above_band",
        ]
        read_only_fields = ["applied_weight", "weight_cause", "above_band"]


class PoolSerializer(TrackedSerializer):
    members = PoolMemberSerializer(many=True, read_only=True)

    class Meta:
        model = Pool
        fields = [
            "id",
            "name",
            "territory",
            "lanes",
            "bound",
            "catch_up",
            "rebalances",
            "band",
            "rewards_performance",
            "least_percent",
            "most_percent",
            "members",
        ]


class QueueSerializer(TrackedSerializer):
    class Meta:
        model = Queue
        fields = ["id", "name", "pool", "responsible", "max_unworked"]


class PoolViewSet(SetUpViewSet):
    """Reps who share one rotation."""

    queryset = Pool.objects.prefetch_related("members")
    serializer_class = PoolSerializer
    filterset_fields = ["name", "territory"]

    @extend_schema(
        summary="What was promised and got, by lane; members that you may see",
        parameters=[PeriodSerializer],
        responses=LaneSerializer(many=True),
    )
    @action(detail=True, methods=["get"], pagination_class=None, filter_backends=[])
    def standings(self, request, pk):
        period = PeriodSerializer(data=request.query_params)
        period.is_valid(raise_exception=True)
        lanes = report.lanes(self.get_object(), since=self.at - period.length, until=self.at)
        seen = set(visible_reps(request.user).values_list("pk", flat=True))
        return Response(LaneSerializer(lanes, many=True, context={"seen": seen}).data)

    @extend_schema(
        summary="A member's balance line by line, newest first",
        parameters=[
            OpenApiParameter("rep", int, required=True),
            OpenApiParameter("lane", str, enum=["", *TIERS]),
        ],
        responses=LineSerializer(many=True),
    )
    @action(detail=True, methods=["get"], filter_backends=[])
    def ledger(self, request, pk):
        number = whole(request.query_params.get("rep", ""))
        if number is None:
            raise serializers.ValidationError({"rep": "Name the rep by id: ?rep=7."})
        rep = get_object_or_404(visible_reps(request.user), pk=number)
        lines = lines_of(self.get_object(), rep, request.query_params.get("lane"))
        return self.get_paginated_response(
            LineSerializer(self.paginate_queryset(lines), many=True).data
        )


class PoolMemberViewSet(SetUpViewSet):
    """Who takes turns in which pool, and how many."""

    queryset = PoolMember.objects.order_by("pool", "position", "pk")
    serializer_class = PoolMemberSerializer
    filterset_fields = ["pool", "rep"]


class QueueViewSet(SetUpViewSet):
    """Where leads wait to be claimed, or for routing."""

    queryset = Queue.objects.all()
    serializer_class = QueueSerializer
    filterset_fields = ["name", "pool"]
