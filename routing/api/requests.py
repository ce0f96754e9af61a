"""Requests for reassignment: those about leads that one may see, and deciding one's own."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.response import Response

from reps.api import Moment
from reps.models import Rep
from routing import work
from routing.api.ledgers import LedgerViewSet
from routing.models import ReassignmentRequest
from routing.visibility import requests_to_decide

DRIVER = "api"


class ReassignmentRequestSerializer(serializers.ModelSerializer):
    class Meta:
        model = ReassignmentRequest
        fields = [
            "id",
            "lead",
            "epoch",
            "requested_by",
            "wanted",
            "reason",
            "state",
            "requested_at",
            "answers",
            "decide_by",
            "passed_on",
            "decided_at",
            "decided_by",
            "answer",
        ]
        read_only_fields = fields


class GrantSerializer(serializers.Serializer):
    """Without `to` it goes where it was asked to go, else the rules find somebody."""

    to = serializers.PrimaryKeyRelatedField(
        queryset=Rep.objects.active(), required=False, allow_null=True, default=None
    )
    answer = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)


class TurnDownSerializer(serializers.Serializer):
    answer = serializers.CharField(max_length=300)


class ReassignmentRequestViewSet(Moment, LedgerViewSet):
    """Who asked to pass a lead on, whose turn it is to decide until when, and the answer."""

    queryset = ReassignmentRequest.objects.all()
    serializer_class = ReassignmentRequestSerializer
    filterset_fields = ["lead", "requested_by", "state"]

    @extend_schema(
        summary="Grant it", request=GrantSerializer, responses=ReassignmentRequestSerializer
    )
    @action(detail=True, methods=["post"])
    def approve(self, request, pk):
        sent = self._to_decide(GrantSerializer)
        return self._written(
            work.approve(request_id=int(pk), by=request.user, at=self.at, driver=DRIVER, **sent)
        )

    @extend_schema(
        summary="Turn it down", request=TurnDownSerializer, responses=ReassignmentRequestSerializer
    )
    @action(detail=True, methods=["post"])
    def refuse(self, request, pk):
        sent = self._to_decide(TurnDownSerializer)
        return self._written(work.refuse(request_id=int(pk), by=request.user, at=self.at, **sent))

    def _to_decide(self, asks: type[serializers.Serializer]) -> dict:
        """Read the input, once it is clear that the request is the caller's to decide."""
        row = self.get_object()
        pending = row.state == ReassignmentRequest.State.PENDING
        if pending and not requests_to_decide(self.request.user).filter(pk=row.pk).exists():
            raise PermissionDenied("This request is not yours to decide.")
        serializer = asks(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _written(self, row: ReassignmentRequest) -> Response:
        return Response(self.get_serializer(row).data)
