"""The score: its versions, the draft, what a body would change, publish and roll back."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from reps.api import PK, MaySetUp, Moment, PlainJSONField
from routing.models import Organisation, ScoreModel
from routing.qualify.score_body import BadModel
from routing.scoring import edit, preview
from routing.scoring.edit import LONGEST_REASON


class ScoreModelSerializer(serializers.ModelSerializer):
    """A version of the score; `body` has the form that docs/users/scoring.md describes."""

    body = PlainJSONField(read_only=True)
    is_live = serializers.SerializerMethodField()

    class Meta:
        model = ScoreModel
        fields = [
            "id",
            "version",
            "state",
            "is_live",
            "note",
            "body",
            "based_on",
            "published_at",
            "published_by",
        ]
        read_only_fields = fields

    def get_is_live(self, row) -> bool:
        return row.pk == self.context.get("live")


class ScoreBodySerializer(serializers.Serializer):
    body = PlainJSONField()


class ScorePublishSerializer(serializers.Serializer):
    """`again`: open leads are scored anew, and those in nurture that rise are routed."""

    reason = serializers.CharField(max_length=LONGEST_REASON)
    again = serializers.BooleanField(default=True)


class ScoreExampleSerializer(serializers.Serializer):
    lead = serializers.IntegerField()
    before = serializers.IntegerField()
    after = serializers.IntegerField()
    moved = PlainJSONField()


class ScorePreviewSerializer(serializers.Serializer):
    """The newest leads, scored by the live version and by the body."""

    leads = serializers.IntegerField()
    changed = serializers.IntegerField()
    other_tier = serializers.IntegerField()
    up = serializers.IntegerField(help_text="Cross the threshold upwards.")
    down = serializers.IntegerField()
    tiers = PlainJSONField()
    bands = PlainJSONField()
    examples = ScoreExampleSerializer(many=True)


def told(found: preview.Comparison) -> dict[str, Any]:
    """A comparison as plain values: ids of leads, and no person."""
    plain = {name: getattr(found, name) for name in ("leads", "changed", "other_tier")}
    return {
        **plain,
        "up": found.up,
        "down": found.down,
        "tiers": [
            {"tier": tier, "before": before, "after": after} for tier, before, after in found.tiers
        ],
        "bands": [
            {"from": low, "before": before, "after": after} for low, before, after in found.bands
        ],
        "examples": [
            {
                "lead": one.lead.pk,
                "before": one.before.value,
                "after": one.after.value,
                "moved": [
                    {"line": name, "before": round(before, 2), "after": round(after, 2)}
                    for name, before, after in one.moved
                ],
            }
            for one in found.examples
        ],
    }


class ScoreModelViewSet(Moment, viewsets.ReadOnlyModelViewSet):
    """Versions of the score: published ones never change."""

    queryset = ScoreModel.objects.all()
    serializer_class = ScoreModelSerializer
    permission_classes = [MaySetUp]
    filterset_fields = ["state", "version"]
    lookup_value_regex = PK

    def get_serializer_context(self):
        organisation = Organisation.objects.first()
        live = organisation.live_score_model_id if organisation else None
        return {**super().get_serializer_context(), "live": live}

    def _sent(self, asks: type[serializers.Serializer]) -> dict[str, Any]:
        serializer = asks(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _answer(self, row: ScoreModel) -> Response:
        return Response(ScoreModelSerializer(row, context=self.get_serializer_context()).data)

    @extend_schema(
        summary="Give the draft a body", request=ScoreBodySerializer, responses=ScoreModelSerializer
    )
    @action(detail=False, methods=["post"])
    def draft(self, request):
        body = self._sent(ScoreBodySerializer)["body"]
        return self._answer(edit.save_body(body=body, by=request.user, at=self.at))

    @extend_schema(
        summary="What a body would change, on recent leads",
        request=ScoreBodySerializer,
        responses=ScorePreviewSerializer,
        filters=False,
    )
    @action(detail=False, methods=["post"])
    def preview(self, request):
        body = self._sent(ScoreBodySerializer)["body"]
        try:
            found = preview.compare(body, user=request.user, at=self.at)
        except BadModel as bad:
            raise ValidationError({"body": str(bad)}) from bad
        return Response(told(found))

    @extend_schema(
        summary="Let the draft score",
        request=ScorePublishSerializer,
        responses=ScoreModelSerializer,
    )
    @action(detail=False, methods=["post"])
    def publish(self, request):
        sent = self._sent(ScorePublishSerializer)
        return self._answer(edit.publish(**sent, by=request.user, at=self.at))

    @extend_schema(
        summary="Let an earlier version score again",
        request=ScorePublishSerializer,
        responses=ScoreModelSerializer,
    )
    @action(detail=True, methods=["post"])
    def rollback(self, request, pk):
        sent = self._sent(ScorePublishSerializer)
        row = edit.roll_back(version=self.get_object().version, **sent, by=request.user, at=self.at)
        return self._answer(row)
