"""How leads and their custody are written out. Output only; input lies beside each verb."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from reps.due.clock import database_now
from routing.enrich import shown
from routing.models import Assignment, Decision, Enrichment, Lead, Prospect


class ProspectSerializer(serializers.ModelSerializer):
    """The person; only ever inside a lead that the reader may see."""

    name = serializers.CharField(read_only=True)

    class Meta:
        model = Prospect
        fields = [
            "name",
            "first_name",
            "last_name",
            "email",
            "phone",
            "linkedin_url",
            "title",
            "company",
            "website",
            "country",
            "region",
            "city",
            "postal_code",
        ]
        read_only_fields = fields


class NamedSerializer(serializers.Serializer):
    """An id and what to call it."""

    id = serializers.IntegerField(source="pk")
    name = serializers.SerializerMethodField()

    def get_name(self, row) -> str:
        return str(row)


class ClaimableSerializer(serializers.ModelSerializer):
    """A lead that may be claimed: what it is about, not yet who it is."""

    epoch = serializers.IntegerField(source="owner_epoch")
    source = serializers.CharField(source="source.slug")
    queue = NamedSerializer()
    country = serializers.CharField(source="prospect.country")

    class Meta:
        model = Lead
        fields = [
            "id",
            "epoch",
            "queue",
            "source",
            "channel",
            "score",
            "tier",
            "is_hand_raise",
            "product_interest",
            "industry",
            "employees",
            "country",
            "received_at",
            "due_at",
            "due_what",
        ]
        read_only_fields = fields


class LeadSerializer(serializers.ModelSerializer):
    """A lead. Send `epoch` back with every act on it."""

    epoch = serializers.IntegerField(source="owner_epoch")
    prospect = ProspectSerializer()
    source = serializers.CharField(source="source.slug")
    owner = NamedSerializer(allow_null=True)
    queue = NamedSerializer(allow_null=True)
    account = NamedSerializer(allow_null=True)

    class Meta:
        model = Lead
        fields = [
            "id",
            "epoch",
            "place",
            "state",
            "state_reason",
            "waiting",
            "mode",
            "owner",
            "queue",
            "account",
            "prospect",
            "source",
            "channel",
            "motion",
            "campaign",
            "score",
            "tier",
            "is_hand_raise",
            "product_interest",
            "budget_range",
            "timeline",
            "employees",
            "industry",
            "expected_value",
            "value",
            "received_at",
            "assigned_at",
            "acknowledged_at",
            "contacted_at",
            "closed_at",
            "due_at",
            "due_what",
            "paused_until",
        ]
        read_only_fields = fields


class KnownSerializer(serializers.Serializer):
    """One thing that was added to a lead: its value, who said so, how sure (percent), how old."""

    field = serializers.CharField(source="field.name")
    value = extend_schema_field({})(serializers.JSONField)(source="value.value")
    provider = serializers.CharField(source="value.provider")
    confidence = serializers.IntegerField(source="value.confidence")
    fetched_at = serializers.DateTimeField(source="value.fetched_at")
    expires_at = serializers.DateTimeField(source="value.expires_at", allow_null=True)
    is_checked = serializers.BooleanField(help_text="A person confirmed or corrected it.")
    is_old = serializers.BooleanField(help_text="Past its time: it counts no more.")


class LeadDetailSerializer(LeadSerializer):
    """A lead with how its score and its match came about, and what was added to it."""

    score_parts = serializers.JSONField(read_only=True)
    match_evidence = serializers.JSONField(read_only=True)
    enrichment = serializers.SerializerMethodField()
    profiles = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta(LeadSerializer.Meta):
        fields = [
            *LeadSerializer.Meta.fields,
            "score_parts",
            "fit",
            "engagement",
            "profiles",
            "score_model",
            "arrival_score",
            "mql_at",
            "sql_at",
            "match_confidence",
            "match_evidence",
            "enrichment",
        ]
        read_only_fields = fields

    @extend_schema_field(KnownSerializer(many=True))
    def get_enrichment(self, lead) -> list[dict]:
        row = Enrichment.objects.filter(pk=lead.pk).first()
        known = shown.of_lead(row, names={}, at=database_now())
        return KnownSerializer(known, many=True).data


class ScoreLineSerializer(serializers.Serializer):
    """One contribution: its points now; of events, `was` without decay and cap."""

    name = serializers.CharField()
    kind = serializers.CharField(help_text="icp, fit, event, learnt or base; empty if stored.")
    points = serializers.FloatField()
    was = serializers.FloatField(allow_null=True)
    count = serializers.IntegerField()
    seconds_ago = serializers.SerializerMethodField(help_text="Since the newest event.")

    def get_seconds_ago(self, line) -> int | None:
        return None if line.ago is None else int(line.ago.total_seconds())


class LeadScoreSerializer(serializers.Serializer):
    """What a lead scores at this moment; `stored` is what lists say."""

    value = serializers.IntegerField()
    tier = serializers.CharField()
    stored = serializers.IntegerField()
    fit = serializers.FloatField()
    engagement = serializers.FloatField()
    profiles = serializers.ListField(child=serializers.CharField())
    version = serializers.CharField()
    lines = ScoreLineSerializer(many=True)


class AssignmentSerializer(serializers.ModelSerializer):
    """One epoch of a lead: who or what held it, from when until when, and why."""

    rep = NamedSerializer(allow_null=True)
    from_rep = NamedSerializer(allow_null=True)
    queue = NamedSerializer(allow_null=True)
    by = serializers.SerializerMethodField()

    class Meta:
        model = Assignment
        fields = [
            "id",
            "lead",
            "epoch",
            "place",
            "rep",
            "queue",
            "from_rep",
            "from_place",
            "started_at",
            "ended_at",
            "reason_code",
            "reason",
            "by",
            "driver",
            "decision",
        ]
        read_only_fields = fields

    def get_by(self, row) -> str | None:
        return row.by.label if row.by else None


class DecisionSerializer(serializers.ModelSerializer):
    """What the engine answered, and the facts it was allowed to keep."""

    rule = NamedSerializer(allow_null=True)
    rep = NamedSerializer(allow_null=True)
    ruleset_version = serializers.IntegerField(source="batch.ruleset.version")
    engine = serializers.CharField(source="batch.engine")
    driver = serializers.CharField(source="batch.driver")
    facts = serializers.JSONField()

    class Meta:
        model = Decision
        fields = [
            "id",
            "lead",
            "outcome",
            "rule",
            "rep",
            "applied",
            "facts",
            "ruleset_version",
            "engine",
            "driver",
            "decided_at",
        ]
        read_only_fields = fields


class ChangeSerializer(serializers.Serializer):
    """One history row: when, by whom, why, and the columns that differ from the row before."""

    at = serializers.DateTimeField()
    kind = serializers.CharField()
    by = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    changed = serializers.DictField(child=extend_schema_field({})(serializers.JSONField()))


class HistorySerializer(serializers.Serializer):
    """Custody and model history of a lead, oldest first."""

    lead = serializers.IntegerField()
    custody = AssignmentSerializer(many=True)
    changes = ChangeSerializer(many=True)


class ExplanationSerializer(serializers.Serializer):
    """A decision run again, with everything that led to it."""

    lead = serializers.IntegerField()
    decision_id = serializers.IntegerField()
    decided_at = serializers.DateTimeField()
    ruleset_version = serializers.IntegerField()
    rep = serializers.IntegerField(allow_null=True)
    explanation = serializers.DictField(
        allow_null=True, help_text="Null where the decision cannot be run again as it was."
    )
    smallest_change = serializers.DictField(
        allow_null=True,
        help_text="Of the rep asked about: the smallest single change that would have made them "
        "win; `change` is null where none of the `tried` would have been enough.",
    )
    check = serializers.DictField(
        help_text="What came of running it again: `agrees`, `differences`, and which stored "
        "inputs were `altered`.",
    )
