"""Rule sets, their rules and golden leads: draft, try, approve, publish, roll back."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from reps.api import MaySetUp, SetUpViewSet, TrackedSerializer
from routing import engine
from routing.models import GoldenLead, Organisation, Rule, RuleSet
from routing.models.ruleset import PublishedRulesAreFixed
from routing.qualify.facts import KINDS
from routing.rules import approval, golden, lifecycle, schedule, trial
from routing.rules.lint import lint
from routing.rules.refusals import RulesRefused

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
            "expires_at",
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
            "approval_asked_at",
            "approval_asked_by",
            "approved_at",
            "approved_by",
            "publish_at",
            "publish_by",
            "publish_error",
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


class RulesReasonSerializer(serializers.Serializer):
    reason = serializers.CharField(max_length=LONGEST_REASON)


class RollbackSerializer(RulesReasonSerializer):
    takes_over = serializers.BooleanField(default=False)


class PublishSerializer(serializers.Serializer):
    """`takes_over`: leads that wait under an earlier version are decided by this one."""

    takes_over = serializers.BooleanField(default=False)


class ScheduleSerializer(PublishSerializer):
    when = serializers.DateTimeField(allow_null=True, help_text="null takes the plan back.")


class ApproveSerializer(serializers.Serializer):
    """`digest` of the content that was looked at; approval of another one is refused."""

    digest = serializers.RegexField(r"^[0-9a-f]{64}$")


class StandingSerializer(serializers.Serializer):
    """How many percent of last month's leads a draft moves, and whether that needs approval."""

    digest = serializers.CharField()
    percent = serializers.FloatField(source="blast.percent")
    looked_at = serializers.IntegerField(source="blast.looked_at")
    total = serializers.IntegerField(source="blast.total")
    simulation = serializers.IntegerField(source="blast.simulation", allow_null=True)
    above = serializers.IntegerField()
    is_needed = serializers.BooleanField()
    is_approved = serializers.BooleanField()


class GoldenLeadSerializer(TrackedSerializer):
    class Meta:
        model = GoldenLead
        fields = [
            "id",
            "ruleset",
            "name",
            "facts",
            "at",
            "expect_rule",
            "expect_outcome",
            "expect_rep",
            "expect_pool",
            "expect_queue",
        ]

    def check_row(self, row: GoldenLead) -> None:
        try:
            golden.check_facts(row.facts)
        except engine.InvalidPart as error:
            raise serializers.ValidationError({"facts": str(error)}) from error

    def create(self, validated_data):
        return self._saved(None, validated_data)

    def update(self, instance, validated_data):
        return self._saved(instance, validated_data)

    def _saved(self, row: GoldenLead | None, values: dict) -> GoldenLead:
        if row is not None and values.get("ruleset", row.ruleset).pk != row.ruleset_id:
            raise RulesRefused("A golden lead stays with its version.")

        def kept(name):
            return values[name] if name in values else getattr(row, name, None)

        return golden.save(
            ruleset=kept("ruleset"),
            golden=row,
            name=kept("name"),
            known=kept("facts") or {},
            moment=kept("at"),
            expect_rule=kept("expect_rule") or "",
            expect_outcome=kept("expect_outcome") or "",
            expect_rep=kept("expect_rep"),
            expect_pool=kept("expect_pool"),
            expect_queue=kept("expect_queue"),
            by=self.acts["by"],
            at=self.acts["at"],
        )


class GoldenResultSerializer(serializers.Serializer):
    """A golden lead, whether it comes out as written, and what came instead."""

    golden_lead = GoldenLeadSerializer(source="golden")
    passed = serializers.BooleanField()
    got = serializers.CharField()
    wrong = serializers.ListField(child=serializers.CharField())


class TestSerializer(serializers.Serializer):
    """Facts of a lead by name, as golden leads have them."""

    facts = serializers.DictField(default=dict)


class TriedSerializer(serializers.Serializer):
    """What a version does with the lead, with the whole explanation."""

    ruleset = serializers.IntegerField(source="ruleset.pk")
    words = serializers.CharField()
    explanation = serializers.SerializerMethodField()

    def get_explanation(self, row) -> dict:
        return row.told.to_json()


class TestedSerializer(serializers.Serializer):
    """The draft beside what is live; `live` is null before anything was."""

    differs = serializers.BooleanField()
    draft = TriedSerializer()
    live = TriedSerializer(allow_null=True)


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
    @action(
        detail=True, pagination_class=None, filterset_fields=None, permission_classes=[MaySetUp]
    )
    def findings(self, request, pk):
        return Response(FindingSerializer(lint(self.get_object()), many=True).data)

    @extend_schema(
        summary="Make a draft live", request=PublishSerializer, responses=RuleSetSerializer
    )
    @action(detail=True, methods=["post"])
    def publish(self, request, pk):
        asked = _read(PublishSerializer, request)
        made = lifecycle.publish(ruleset=self.get_object(), by=request.user, at=self.at, **asked)
        return self._written(made)

    @extend_schema(
        summary="Make an earlier version live again",
        request=RollbackSerializer,
        responses=RuleSetSerializer,
    )
    @action(detail=True, methods=["post"])
    def rollback(self, request, pk):
        asked = _read(RollbackSerializer, request)
        made = lifecycle.roll_back(to=self.get_object(), by=request.user, at=self.at, **asked)
        return self._written(made)

    @extend_schema(
        summary="Let a draft go live at a time, or take that back with null",
        request=ScheduleSerializer,
        responses=RuleSetSerializer,
    )
    @action(detail=True, methods=["post"])
    def schedule(self, request, pk):
        asked, ruleset = _read(ScheduleSerializer, request), self.get_object()
        if asked["when"] is None:
            made = schedule.cancel(ruleset=ruleset, by=request.user, at=self.at)
        else:
            made = schedule.plan(ruleset=ruleset, by=request.user, at=self.at, **asked)
        return self._written(made)

    @extend_schema(
        summary="How many leads a draft moves, and whether a second person has to approve it",
        responses=StandingSerializer,
        filters=False,
    )
    @action(
        detail=True, pagination_class=None, filterset_fields=None, permission_classes=[MaySetUp]
    )
    def standing(self, request, pk):
        return Response(StandingSerializer(approval.standing(self.get_object(), at=self.at)).data)

    @extend_schema(
        summary="Ask whoever may publish to approve a draft",
        request=NoInputSerializer,
        responses=RuleSetSerializer,
    )
    @action(detail=True, methods=["post"])
    def ask_approval(self, request, pk):
        made = approval.ask(ruleset=self.get_object(), by=request.user, at=self.at)
        return self._written(made)

    @extend_schema(
        summary="Approve a draft as a second person",
        request=ApproveSerializer,
        responses=RuleSetSerializer,
    )
    @action(detail=True, methods=["post"])
    def approve(self, request, pk):
        asked = _read(ApproveSerializer, request)
        made = approval.approve(
            ruleset=self.get_object(), by=request.user, at=self.at, digest_seen=asked["digest"]
        )
        return self._written(made)

    @extend_schema(
        summary="Do not approve a draft", request=RulesReasonSerializer, responses=RuleSetSerializer
    )
    @action(detail=True, methods=["post"])
    def refuse_approval(self, request, pk):
        asked = _read(RulesReasonSerializer, request)
        made = approval.refuse(ruleset=self.get_object(), by=request.user, at=self.at, **asked)
        return self._written(made)

    @extend_schema(
        summary="What becomes of each golden lead of a version now",
        responses=GoldenResultSerializer(many=True),
        filters=False,
    )
    @action(
        detail=True, pagination_class=None, filterset_fields=None, permission_classes=[MaySetUp]
    )
    def golden_leads(self, request, pk):
        found = golden.run(self.get_object(), at=self.at)
        return Response(GoldenResultSerializer(found, many=True).data)

    @extend_schema(
        summary="What a version, and what is live, would do with a lead now",
        request=TestSerializer,
        responses=TestedSerializer,
    )
    @action(detail=True, methods=["post"])
    def test(self, request, pk):
        known = golden.check_facts(_read(TestSerializer, request)["facts"])
        return Response(TestedSerializer(trial.run(self.get_object(), known, at=self.at)).data)

    def _written(self, ruleset: RuleSet, *, status: int = 200) -> Response:
        fresh = self.get_queryset().get(pk=ruleset.pk)
        context = self.get_serializer_context()
        return Response(RuleSetSerializer(fresh, context=context).data, status=status)


def _read(kind: type[serializers.Serializer], request) -> dict:
    asked = kind(data=request.data)
    asked.is_valid(raise_exception=True)
    return asked.validated_data


class GoldenLeadViewSet(SetUpViewSet):
    """Examples that a version must decide as written; those of a draft can be changed."""

    queryset = GoldenLead.objects.all()
    serializer_class = GoldenLeadSerializer
    permission_classes = [MaySetUp]
    filterset_fields = ["ruleset"]

    def perform_destroy(self, instance: GoldenLead) -> None:
        golden.delete(golden=instance, by=self.request.user, at=self.at)


class RuleViewSet(SetUpViewSet):
    """The rules of a draft, and to read those of every version."""

    queryset = Rule.objects.all()
    serializer_class = RuleSerializer
    filterset_fields = ["ruleset", "is_fallback"]
