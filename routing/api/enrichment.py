"""How good the data are, for programs (requirement ENR-4)."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.response import Response
from rest_framework.views import APIView

from reps import access
from reps.api import Moment
from routing.enrich import report


class ShareSerializer(serializers.Serializer):
    """`hits` of `of`; `bounds` hold with 95 percent (Wilson)."""

    hits = serializers.IntegerField()
    of = serializers.IntegerField()
    percent = serializers.FloatField(allow_null=True)
    bounds = serializers.ListField(child=serializers.FloatField())


class ProviderQualitySerializer(serializers.Serializer):
    """One provider over the last 30 days; times in milliseconds."""

    provider = serializers.CharField(source="slug")
    complete = ShareSerializer()
    accurate = ShareSerializer()
    below_target = serializers.BooleanField(source="is_flagged")
    breaker = serializers.CharField(source="breaker.state", default=None, allow_null=True)
    asked = serializers.IntegerField()
    answered = serializers.IntegerField()
    empty = serializers.IntegerField()
    failed = serializers.IntegerField()
    late = serializers.IntegerField()
    p50_ms = serializers.IntegerField(source="p50", allow_null=True)
    p95_ms = serializers.IntegerField(source="p95", allow_null=True)


class ChannelQualitySerializer(serializers.Serializer):
    """The leads of one channel."""

    channel = serializers.CharField()
    leads = serializers.IntegerField()
    complete = ShareSerializer()
    accurate = ShareSerializer()
    below_target = serializers.BooleanField(source="is_flagged")


class QualitySerializer(serializers.Serializer):
    """Completeness and accuracy by provider and by channel, and what late data changed."""

    since = serializers.DateTimeField()
    leads = serializers.IntegerField()
    providers = ProviderQualitySerializer(many=True)
    channels = ChannelQualitySerializer(many=True)
    late_looked_at = serializers.IntegerField()
    late_changed = serializers.IntegerField()


class QualityView(Moment, APIView):
    """For managers, RevOps and admins."""

    @extend_schema(summary="How good the added data are", responses=QualitySerializer)
    def get(self, request):
        if not access.may_set_up(request.user):
            raise PermissionDenied("Managers and RevOps look after this.")
        return Response(QualitySerializer(report.quality(at=self.at)).data)
