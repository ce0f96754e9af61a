"""The ledgers of routing: read-only, and only about leads that the reader may see."""

import django_filters
from rest_framework import viewsets

from reps.api import PK
from routing.api import outputs
from routing.models import Assignment, Decision
from routing.visibility import visible_leads


class LedgerViewSet(viewsets.ReadOnlyModelViewSet):
    """Rows about leads, newest first."""

    lookup_value_regex = PK

    def get_queryset(self):
        rows = super().get_queryset().order_by("-pk")
        if getattr(self, "swagger_fake_view", False):
            return rows.none()
        return rows.filter(lead__in=visible_leads(self.request.user).order_by().values("pk"))


class AssignmentFilter(django_filters.FilterSet):
    lead = django_filters.NumberFilter(field_name="lead_id")
    rep = django_filters.NumberFilter(field_name="rep_id")
    started_after = django_filters.IsoDateTimeFilter(field_name="started_at", lookup_expr="gte")
    started_before = django_filters.IsoDateTimeFilter(field_name="started_at", lookup_expr="lt")

    class Meta:
        model = Assignment
        fields = ["reason_code", "place", "driver"]


class AssignmentViewSet(LedgerViewSet):
    """Who held which lead, from when until when, and why."""

    queryset = Assignment.objects.select_related("rep__user", "from_rep__user", "queue", "by")
    serializer_class = outputs.AssignmentSerializer
    filterset_class = AssignmentFilter


class DecisionFilter(django_filters.FilterSet):
    lead = django_filters.NumberFilter(field_name="lead_id")
    rule = django_filters.NumberFilter(field_name="rule_id")
    rep = django_filters.NumberFilter(field_name="rep_id")

    class Meta:
        model = Decision
        fields = ["outcome", "applied"]


class DecisionViewSet(LedgerViewSet):
    """What the engine decided."""

    queryset = Decision.objects.select_related("rule", "rep__user", "batch__ruleset")
    serializer_class = outputs.DecisionSerializer
    filterset_class = DecisionFilter
