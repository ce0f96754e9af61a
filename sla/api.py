"""Policies, pauses, and to read: clocks, escalations, what is at risk and what was kept."""

from datetime import timedelta

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from reps.api import MaySetUp, Moment, SetUpViewSet, TrackedSerializer
from reps.due.clock import database_now
from routing import engine
from routing.api.leads import ActsOnLeads, StepSerializer, step
from routing.api.ledgers import LedgerViewSet
from routing.qualify.facts import KINDS
from routing.visibility import visible_leads
from sla import outlook
from sla.filters import PromisedFilter
from sla.models import Clock, Escalation, PauseReason, Policy
from sla.services import attainment, forecast, pauses, recompute

# Of the clocks at risk, what one answer lists; the buckets count all.
MOST_AT_RISK = 200
LONGEST_OUTLOOK, LONGEST_PERIOD = 48, 366


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
            "most_hops",
            "pausable",
            "target_percent",
            "version",
            "is_active",
        ]
        read_only_fields = ["version"]

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
            "told",
            "effect",
        ]
        read_only_fields = fields


class MovedStepSerializer(serializers.Serializer):
    """A step that would be taken at another instant; null: it is new, or gone."""

    do = serializers.CharField()
    before = serializers.DateTimeField(allow_null=True)
    after = serializers.DateTimeField(allow_null=True)


class ClockChangeSerializer(serializers.Serializer):
    """What recomputing would make of one running clock."""

    clock = serializers.IntegerField(source="clock.pk")
    lead = serializers.IntegerField(source="clock.lead_id")
    due_at = serializers.DateTimeField(source="clock.due_at")
    would_be_due_at = serializers.DateTimeField(source="due_at")
    changes = serializers.BooleanField()
    fires_at_once = serializers.SerializerMethodField()
    steps = MovedStepSerializer(source="moved", many=True)

    def get_fires_at_once(self, one) -> bool:
        return one.fires_at_once(self.context["at"])


class RecomputeSerializer(serializers.Serializer):
    clocks = serializers.ListField(
        child=serializers.IntegerField(min_value=1),
        required=False,
        allow_empty=False,
        max_length=10_000,
        help_text="Ids of clocks; left out, all that change.",
    )
    reason = serializers.CharField(max_length=300)


class RecomputedSerializer(serializers.Serializer):
    changed = serializers.IntegerField()


class PolicyViewSet(SetUpViewSet):
    """What is promised for which leads."""

    queryset = Policy.objects.all()
    serializer_class = PolicySerializer
    filterset_fields = ["metric", "is_active"]

    @extend_schema(
        methods=["get"],
        summary="What recomputing would make of its running clocks; nothing is changed",
        responses=ClockChangeSerializer(many=True),
        filters=False,
    )
    @extend_schema(
        methods=["post"],
        summary="Move its running clocks to what it and the calendars say now",
        request=RecomputeSerializer,
        responses=RecomputedSerializer,
    )
    @action(detail=True, methods=["get", "post"], permission_classes=[MaySetUp])
    def recompute(self, request, pk):
        policy = self.get_object()
        changes = recompute.preview(policy, leads=visible_leads(request.user), at=self.at)
        if request.method == "GET":
            page = self.paginate_queryset(changes)
            context = {**self.get_serializer_context(), "at": self.at}
            return self.get_paginated_response(
                ClockChangeSerializer(page, many=True, context=context).data
            )
        sent = RecomputeSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        asked = sent.validated_data.get("clocks")
        # Clocks of leads that the person may not see are not there.
        clocks = [
            one.clock.pk
            for one in changes
            if one.changes and (asked is None or one.clock.pk in asked)
        ]
        changed = recompute.recompute(
            policy=policy,
            clocks=clocks,
            reason=sent.validated_data["reason"],
            by=request.user,
            at=self.at,
        )
        return Response(RecomputedSerializer({"changed": changed}).data)


class PauseReasonSerializer(TrackedSerializer):
    class Meta:
        model = PauseReason
        fields = ["id", "name", "longest", "is_active"]


class PauseReasonViewSet(SetUpViewSet):
    """For what a lead's clocks may stand still."""

    queryset = PauseReason.objects.all()
    serializer_class = PauseReasonSerializer
    filterset_fields = ["is_active"]


class ClockPauseSerializer(StepSerializer):
    reason = serializers.PrimaryKeyRelatedField(
        queryset=PauseReason.objects.filter(is_active=True), help_text="Of `pause-reasons`."
    )
    until = serializers.DateTimeField(help_text="When the clocks go on by themselves.")
    note = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)


class LeadPauseViewSet(ActsOnLeads, viewsets.GenericViewSet):
    """Let the clocks of a lead stand still, and go on."""

    @step("Let its clocks stand still", ClockPauseSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request, pk):
        return self._did(pauses.pause, self._sent(ClockPauseSerializer))

    @step("Let its clocks go on")
    @action(detail=True, methods=["post"])
    def resume(self, request, pk):
        return self._did(pauses.resume, self._sent(StepSerializer))


class OutlookQuerySerializer(serializers.Serializer):
    hours = serializers.IntegerField(min_value=1, max_value=LONGEST_OUTLOOK, default=8)
    team = serializers.IntegerField(required=False)
    rep = serializers.IntegerField(required=False)
    metric = serializers.ChoiceField(choices=Policy.Metric.choices, required=False)


class AtRiskSerializer(serializers.Serializer):
    """A running clock that is late or soon due."""

    clock = serializers.IntegerField(source="found.clock.pk")
    lead = serializers.IntegerField(source="found.lead.pk")
    metric = serializers.CharField(source="found.clock.metric")
    due_at = serializers.DateTimeField(source="found.clock.due_at")
    seconds_left = serializers.IntegerField(source="found.seconds_left")
    rep = serializers.IntegerField(source="found.lead.owner_id", allow_null=True)
    rep_opens_at = serializers.DateTimeField(
        source="found.holder_opens_at", allow_null=True, help_text="Null: at work now, or nobody."
    )
    works_in_time = serializers.BooleanField(source="found.works_in_time")
    why = serializers.CharField()
    next_do = serializers.CharField(source="found.next_do", allow_null=True)
    next_at = serializers.DateTimeField(source="found.next_at", allow_null=True)


class HourSerializer(serializers.Serializer):
    """How many clocks come due in the hour that begins then."""

    begins_at = serializers.DateTimeField()
    due = serializers.IntegerField()


class OutlookSerializer(serializers.Serializer):
    """The forecast: how many per bucket, by the hour, and the tightest first."""

    buckets = serializers.DictField(child=serializers.IntegerField())
    by_hour = HourSerializer(many=True)
    total = serializers.IntegerField()
    clocks = AtRiskSerializer(many=True)


class ClockViewSet(LedgerViewSet):
    """Promises about leads, running and ended."""

    queryset = Clock.objects.all()
    serializer_class = ClockSerializer
    filterset_fields = ["lead", "metric", "state", "holder"]

    @extend_schema(
        summary="Clocks that are late or soon due, and why",
        parameters=[OutlookQuerySerializer],
        responses=OutlookSerializer,
        filters=False,
    )
    @action(detail=False, url_path="at-risk", filterset_fields=None, pagination_class=None)
    def at_risk(self, request):
        asked = OutlookQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        at = database_now()
        filtered = PromisedFilter(
            request.query_params, queryset=visible_leads(request.user), request=request
        )
        if not filtered.is_valid():
            raise serializers.ValidationError(filtered.errors)
        found = forecast.at_risk(
            filtered.qs, at, asked.validated_data["hours"], metric=filtered.metric_chosen
        )
        shown = {
            "buckets": found.buckets,
            "by_hour": [{"begins_at": hour, "due": due} for hour, due in found.by_hour],
            "total": len(found.rows),
            "clocks": outlook.lines(found.rows[:MOST_AT_RISK], at=at),
        }
        return Response(OutlookSerializer(shown).data)


class AttainmentQuerySerializer(serializers.Serializer):
    by = serializers.ChoiceField(
        choices=["policy", "rep", "team", "rule", "channel"], default="policy"
    )
    days = serializers.IntegerField(min_value=1, max_value=LONGEST_PERIOD, default=30)


class AttainmentSerializer(serializers.Serializer):
    """Promises of one policy, rep, team, rule or channel; shares are parts of 1."""

    key = serializers.CharField(allow_null=True, help_text="Its id; null: nobody, no rule.")
    label = serializers.CharField()
    kept = serializers.IntegerField()
    late = serializers.IntegerField()
    share = serializers.FloatField()
    low = serializers.FloatField(help_text="Of the share's 95 % interval (Wilson).")
    high = serializers.FloatField()
    target = serializers.FloatField(help_text="Per cent.")


class AttainmentViewSet(Moment, viewsets.ViewSet):
    """How many promises were kept."""

    @extend_schema(
        summary="Kept and late, of the leads that you may see",
        parameters=[AttainmentQuerySerializer],
        responses=AttainmentSerializer(many=True),
    )
    def list(self, request):
        asked = AttainmentQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        since = self.at - timedelta(days=asked.validated_data["days"])
        rows = attainment.attainment(
            visible_leads(request.user), since, self.at, by=asked.validated_data["by"]
        )
        return Response(AttainmentSerializer(rows, many=True).data)


class EscalationViewSet(LedgerViewSet):
    """What was done when a promise was about to break, or broke."""

    queryset = Escalation.objects.all()
    serializer_class = EscalationSerializer
    filterset_fields = ["lead", "action"]
