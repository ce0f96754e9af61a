"""Territories over HTTP: the plan, its picture, its coverage, hand-overs and files."""

from django.db import transaction
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from accounts.models import Territory
from accounts.models.territory import text_list
from accounts.services import territory_files
from accounts.services.territory_rows import COLUMNS
from reps import tables
from reps.api import MaySetUp, PlainJSONField, SetUpViewSet, TrackedSerializer
from reps.models import Rep
from routing import exports
from routing.territories import editing, handover
from routing.territories.coverage import coverage
from routing.territories.picture import COLOURS, NoSuchPlace, picture


class BackupsField(serializers.ListField):
    """Reps by id in their order, read from the rows that hold it."""

    child = serializers.PrimaryKeyRelatedField(queryset=Rep.objects.all())

    def to_representation(self, data):
        return [one.rep_id for one in data.all()]


class TerritorySerializer(TrackedSerializer):
    further_backups = BackupsField(
        required=False, help_text="Who stands in after `backup`, in this order."
    )
    countries = PlainJSONField(required=False, validators=[text_list])
    regions = PlainJSONField(required=False, validators=[text_list])
    postal_prefixes = PlainJSONField(required=False, validators=[text_list])
    industries = PlainJSONField(required=False, validators=[text_list])

    class Meta:
        model = Territory
        fields = [
            "id",
            "name",
            "description",
            "parent",
            "owner",
            "backup",
            "further_backups",
            "countries",
            "regions",
            "postal_prefixes",
            "postal_ranges",
            "industries",
            "employees_min",
            "employees_max",
            "conditions",
            "rank",
            "is_active",
        ]

    def validate(self, attrs):
        return {**attrs, **super().validate(_without_backups(attrs))}

    @transaction.atomic
    def create(self, validated_data):
        row = super().create(_without_backups(validated_data))
        return self._stand_in(row, validated_data)

    @transaction.atomic
    def update(self, instance, validated_data):
        row = super().update(instance, _without_backups(validated_data))
        return self._stand_in(row, validated_data)

    def _stand_in(self, row, given):
        if "further_backups" in given:
            acts = self.acts
            editing.set_further_backups(row, given["further_backups"], by=acts["by"], at=acts["at"])
        return row


def _without_backups(values):
    return {name: value for name, value in values.items() if name != "further_backups"}


class FiguresSerializer(serializers.Serializer):
    open = serializers.IntegerField()
    promised = serializers.IntegerField()
    late = serializers.IntegerField()
    recent = serializers.IntegerField(help_text="Leads that came in the last 90 days.")
    accounts = serializers.IntegerField()


class PlaceSerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()
    territory = serializers.IntegerField(source="territory.pk", default=None, allow_null=True)
    who = serializers.CharField(source="serving.words")
    mark = serializers.CharField(source="mark.kind")
    says = serializers.CharField(source="mark.words")
    inside = serializers.ListField(child=serializers.IntegerField())
    figures = FiguresSerializer()


class PictureSerializer(serializers.Serializer):
    within = serializers.CharField()
    colour = serializers.CharField()
    figures = FiguresSerializer()
    uncovered = FiguresSerializer()
    rows = PlaceSerializer(many=True)


class CoverageSerializer(serializers.Serializer):
    counts = serializers.DictField(child=serializers.IntegerField())
    covered = FiguresSerializer()
    uncovered = FiguresSerializer()
    gaps = serializers.SerializerMethodField()
    doubles = serializers.SerializerMethodField()
    rules = serializers.SerializerMethodField()
    nobody = serializers.SerializerMethodField()
    left = serializers.SerializerMethodField()
    no_backup = serializers.SerializerMethodField()

    def get_gaps(self, found) -> list[dict]:
        return [
            {
                "country": gap.country,
                "region": gap.region,
                "words": gap.words,
                "figures": FiguresSerializer(gap.figures).data,
            }
            for gap in found.gaps
        ]

    def get_doubles(self, found) -> list[dict]:
        return [
            {
                "winner": one.winner.pk,
                "other": one.other.pk,
                "because": one.because,
                "is_tie": one.is_tie,
                "figures": FiguresSerializer(one.figures).data,
            }
            for one in found.doubles
        ]

    def get_rules(self, found) -> list[dict]:
        return [{"rule": one.rule_id, "message": one.message} for one in found.rules]

    def get_nobody(self, found) -> list[int]:
        return [one.territory.pk for one in found.nobody]

    def get_left(self, found) -> list[int]:
        return [one.territory.pk for one in found.left]

    def get_no_backup(self, found) -> list[int]:
        return [one.territory.pk for one in found.no_backup]


class HandOverSerializer(serializers.Serializer):
    owner = serializers.PrimaryKeyRelatedField(queryset=Rep.objects.all(), allow_null=True)
    reason = serializers.CharField(max_length=300)
    move_leads = serializers.BooleanField(default=False)


class FileSerializer(serializers.Serializer):
    csv = serializers.CharField(max_length=5_000_000, help_text="The file as text, with a header.")
    dry_run = serializers.BooleanField(default=True)


class TookSerializer(serializers.Serializer):
    rows = serializers.IntegerField()
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    written = serializers.BooleanField()
    problems = serializers.ListField(child=serializers.DictField())


class TerritoryViewSet(SetUpViewSet):
    """Parts of the market and who takes them."""

    queryset = Territory.objects.prefetch_related("further_backups")
    serializer_class = TerritorySerializer
    filterset_fields = ["name", "parent", "owner", "is_active"]

    @extend_schema(
        summary="The plan as the map shows it, of the world or of a place",
        parameters=[
            OpenApiParameter("within", str, description="Empty, a country, or US- and a state."),
            OpenApiParameter("colour", str, enum=list(COLOURS)),
        ],
        responses=PictureSerializer,
    )
    @action(
        detail=False,
        methods=["get"],
        permission_classes=[MaySetUp],
        pagination_class=None,
        filter_backends=[],
    )
    def picture(self, request):
        try:
            drawn = picture(
                user=request.user,
                at=self.at,
                within=request.query_params.get("within", ""),
                colour=request.query_params.get("colour", COLOURS[0]),
            )
        except NoSuchPlace as error:
            raise NotFound("There is no such place on the map.") from error
        return Response(PictureSerializer(drawn).data)

    @extend_schema(summary="What the plan leaves open", responses=CoverageSerializer)
    @action(
        detail=False,
        methods=["get"],
        permission_classes=[MaySetUp],
        pagination_class=None,
        filter_backends=[],
    )
    def coverage(self, request):
        return Response(CoverageSerializer(coverage(user=request.user, at=self.at)).data)

    @extend_schema(
        summary="Hand a territory to another owner, its open leads too if asked",
        request=HandOverSerializer,
        responses=TerritorySerializer,
    )
    @action(detail=True, methods=["post"], filter_backends=[])
    def reassign(self, request, pk):
        asked = HandOverSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        row = self.get_object()
        leads = ()
        if given["move_leads"]:
            leads = handover.concerned(territory=row, user=request.user, at=self.at).movable
        handover.give(
            territory_id=row.pk,
            seen_owner=row.owner_id,
            to=given["owner"],
            reason=given["reason"],
            by=request.user,
            at=self.at,
            driver="api",
            leads=leads,
        )
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        summary="Take in a file of territories; by default only say what would change",
        request=FileSerializer,
        responses=TookSerializer,
    )
    @action(detail=False, methods=["post"], url_path="import", filter_backends=[])
    def take_in(self, request):
        asked = FileSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        try:
            table = tables.read("csv", given["csv"].encode())
            if given["dry_run"]:
                made = territory_files.plan(table)
            else:
                made = territory_files.apply(table, by=request.user, at=self.at)
        except (tables.BadFile, territory_files.FileRefused) as error:
            raise serializers.ValidationError({"csv": str(error)}) from error
        told = {
            "rows": made.rows,
            "created": len(made.created),
            "updated": len(made.changed),
            "unchanged": made.unchanged,
            "written": not given["dry_run"],
            "problems": [
                {"row": one.row, "column": one.column, "message": one.message}
                for one in made.problems
            ],
        }
        return Response(TookSerializer(told).data)

    @extend_schema(
        summary="The whole plan as the file that import reads",
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    @action(
        detail=False,
        methods=["get"],
        permission_classes=[MaySetUp],
        pagination_class=None,
        filter_backends=[],
    )
    def export(self, request):
        exports.note_export(what="territories", filters={}, by=request.user, at=self.at)
        return exports.csv_response("territories.csv", COLUMNS, territory_files.export())
