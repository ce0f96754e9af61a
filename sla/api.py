"""Policies, and to read: the clocks and escalations of the leads that you may see."""

from rest_framework import serializers

from reps.api import SetUpViewSet, TrackedSerializer
from routing import engine
from routing.api.ledgers import LedgerViewSet
from routing.qualify.facts import KINDS
from sla.models import Clock, Escalation, Policy


class PolicySerializer(TrackedSerializer):
    class Meta:
        model = Policy
        fields = [
            "id",
            "name",
            "position",
            "metric",
            "scope",
            "hours",
            "condition",
            "budget",
            "steps",
            "is_active",
        ]

    def check_row(self, row: Policy) -> None:
        try:
            engine.parse(row.condition, KINDS)
        except engine.InvalidPart as error:
            raise serializers.ValidationError({"condition": str(error)}) from error


class ClockSerializer(serializers.ModelSerializer):
    class Meta:
        model = Clock
        fields = [
            "id",
            "lead",
            "policy",
            "metric",
            "scope",
            "epoch",
            "holder",
            "state",
            "started_at",
            "due_at",
            "next_at",
            "breached_at",
            "ended_at",
        ]
        read_only_fields = fields


class EscalationSerializer(serializers.ModelSerializer):
    class Meta:
        model = Escalation
        fields = [
            "id",
            "clock",
            "lead",
            "step",
            "action",
            "due_at",
            "fired_at",
            "driver",
            "recipients",
            "effect",
        ]
        read_only_fields = fields


class PolicyViewSet(SetUpViewSet):
    """What is promised for which leads."""

    queryset = Policy.objects.all()
    serializer_class = PolicySerializer
    filterset_fields = ["metric", "is_active"]


class ClockViewSet(LedgerViewSet):
    """Promises about leads, running and ended."""

    queryset = Clock.objects.all()
    serializer_class = ClockSerializer
    filterset_fields = ["lead", "metric", "state", "holder"]


class EscalationViewSet(LedgerViewSet):
    """What was done when a promise was about to break, or broke."""

    queryset = Escalation.objects.all()
    serializer_class = EscalationSerializer
    filterset_fields = ["lead", "action"]
