"""Rule sets and their rules: draft, publish, roll back."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from reps.api import SetUpViewSet, TrackedSerializer
from routing import engine
from routing.models import Organisation, Rule, RuleSet
from routing.models.ruleset import PublishedRulesAreFixed
from routing.qualify.facts import KINDS
from routing.rules import lifecycle
from routing.rules.lint import lint

# The reason is kept with each history row, which has room for 100 characters in all.
LONGEST_REASON = 80


class RuleSerializer(TrackedSerializer):
    class Meta:
        model = Rule
        fields = [
            "id",
            "ruleset",
            "position",
            "name",
            "reasoning",
            "owner",
            "review_on",
            "condition",
            "path",
            "is_fallback",
        ]

    def update(self, instance, validated_data):
        # Saving asks only the rule set that it would go to; a published one loses no rule.
        if instance.ruleset.state != RuleSet.State.DRAFT:
            raise PublishedRulesAreFixed(
                "Published rules never change. Make a draft from them and publish that."
            )
        return super().update(instance, validated_data)

    def check_row(self, row: Rule) -> None:
        for name, read in (
            ("condition", lambda value: engine.parse(value, KINDS)),
            ("path", engine.parse_path),
        ):
            try:
                read(getattr(row, name))
            except engine.InvalidPart as error:
                raise serializers.ValidationError({name: str(error)}) from error


class RuleSetSerializer(serializers.ModelSerializer):
    rules = RuleSerializer(many=True, read_only=True)
    is_live = serializers.SerializerMethodField()

    class Meta:
        model = RuleSet
        fields = [
            "id",
            "version",
            "state",
            "is_live",
            "note",
            "based_on",
            "created_by",
            "published_at",
            "published_by",
            "rules",
        ]
        read_only_fields = fields

    def get_is_live(self, row) -> bool:
        return row.pk == self.context.get("live")


class DraftSerializer(TrackedSerializer):
    """What can be said about a draft; its rules are resources of their own."""

    class Meta:
        model = RuleSet
        fields = ["note"]

    def update(self, instance, validated_data):
        if instance.state != RuleSet.State.DRAFT:
            raise PublishedRulesAreFixed("A published rule set never changes.")
        return super().update(instance, validated_data)


class RollbackSerializer(serializers.Serializer):
    reason = serializers.CharField(max_length=LONGEST_REASON)


class NoInputSerializer(serializers.Serializer):
    """No input."""


class FindingSerializer(serializers.Serializer):
    code = serializers.CharField()
    message = serializers.CharField()
    rule_id = serializers.IntegerField(allow_null=True)
    is_error = serializers.BooleanField()


class RuleSetViewSet(SetUpViewSet):
    """Versions of the rules. POST returns the open draft, or makes one from the live rules."""

    http_method_names = ["get", "post", "patch", "head", "options"]
    queryset = RuleSet.objects.prefetch_related("rules")
    serializer_class = RuleSetSerializer
    filterset_fields = ["state", "version"]

    def get_serializer_context(self):
        live = Organisation.objects.values_list("live_ruleset_id", flat=True).first()
        return {**super().get_serializer_context(), "live": live}

    @extend_schema(request=DraftSerializer, responses={201: RuleSetSerializer})
    def create(self, request, *args, **kwargs):
        asked = DraftSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        Organisation.get()
        made = lifecycle.draft(
            by=request.user, at=self.at, note=asked.validated_data.get("note", "")
        )
        return self._written(made, status=201)

    @extend_schema(request=DraftSerializer, responses=RuleSetSerializer)
    def partial_update(self, request, *args, **kwargs):
        asked = DraftSerializer(
            self.get_object(),
            data=request.data,
            partial=True,
            context=self.get_serializer_context(),
        )
        asked.is_valid(raise_exception=True)
        return self._written(asked.save())

    @extend_schema(
        summary="What is wrong with these rules, errors first",
        responses=FindingSerializer(many=True),
        filters=False,
    )
    @action(detail=True, pagination_class=None, filterset_fields=None)
    def findings(self, request, pk):
        return Response(FindingSerializer(lint(self.get_object()), many=True).data)

    @extend_schema(
        summary="Make a draft live", request=NoInputSerializer, responses=RuleSetSerializer
    )
    @action(detail=True, methods=["post"])
    def publish(self, request, pk):
        made = lifecycle.publish(ruleset=self.get_object(), by=request.user, at=self.at)
        return self._written(made)

    @extend_schema(
        summary="Make an earlier version live again",
        request=RollbackSerializer,
        responses=RuleSetSerializer,
    )
    @action(detail=True, methods=["post"])
    def rollback(self, request, pk):
        asked = RollbackSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        made = lifecycle.roll_back(
            to=self.get_object(), by=request.user, at=self.at, **asked.validated_data
        )
        return self._written(made)

    def _written(self, ruleset: RuleSet, *, status: int = 200) -> Response:
        fresh = self.get_queryset().get(pk=ruleset.pk)
        context = self.get_serializer_context()
        return Response(RuleSetSerializer(fresh, context=context).data, status=status)


class RuleViewSet(SetUpViewSet):
    """The rules of a draft, and to read those of every version."""

    queryset = Rule.objects.all()
    serializer_class = RuleSerializer
    filterset_fields = ["ruleset", "is_fallback"]
