"""What every resource of the API shares, and the resources that people's time is made of."""

import copy
from typing import Any

from django.db import transaction
from django.utils.functional import cached_property
from drf_spectacular.utils import extend_schema_field
from rest_framework import permissions, serializers, viewsets

from reps import access, trail
from reps.due.clock import database_now
from reps.models import Skill, TrackedModel, WorkCalendar
from reps.plain import problem_with
from reps.services import configuration

EDITED = "Edited by API"
PK = r"\d{1,18}"


class SetUpOrReadOnly(permissions.BasePermission):
    """Everybody who is signed in reads; whoever sets up writes."""

    message = "Only managers, RevOps and admins set this up."

    def has_permission(self, request, view) -> bool:
        user = request.user
        if not (user and user.is_authenticated and user.is_active):
            return False
        return request.method in permissions.SAFE_METHODS or access.may_set_up(user)


class MaySetUp(permissions.BasePermission):
    """Managers, RevOps and admins, to read and to write."""

    message = "Only managers, RevOps and admins see and do this."

    def has_permission(self, request, view) -> bool:
        user = request.user
        return bool(user and user.is_authenticated and user.is_active and access.may_set_up(user))


@extend_schema_field({})
class PlainJSONField(serializers.JSONField):
    """JSON that both databases can store."""

    def to_internal_value(self, data):
        value = super().to_internal_value(data)
        if problem := problem_with(value):
            raise serializers.ValidationError(problem)
        return value


class TrackedSerializer(serializers.ModelSerializer):
    """
    A tracked row. Input is checked by the model's own `clean()`; saving leaves one history
    row and one audit event, and none if nothing changed.
    """

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        **{
            field: PlainJSONField
            for field, kind in serializers.ModelSerializer.serializer_field_mapping.items()
            if kind is serializers.JSONField
        },
    }

    def validate(self, attrs):
        row = copy.copy(self.instance) if self.instance else self.Meta.model()
        for name, value in attrs.items():
            setattr(row, name, value)
        row.clean()
        self.check_row(row)
        return attrs

    def check_row(self, row: TrackedModel) -> None:
        """Refuse what `clean()` does not know; subclasses add to it."""

    @cached_property
    def acts(self) -> dict[str, Any]:
        """Who acts, when and why, for every row that one request writes."""
        view = self.context["view"]
        return {"by": self.context["request"].user, "at": view.at, "reason": EDITED}

    @transaction.atomic
    def create(self, validated_data):
        row = self.Meta.model(**validated_data)
        trail.save(row, **self.acts)
        return row

    @transaction.atomic
    def update(self, instance, validated_data):
        row = type(instance)._base_manager.select_for_update(no_key=True).get(pk=instance.pk)
        changed = [name for name, value in validated_data.items() if getattr(row, name) != value]
        for name in changed:
            setattr(row, name, validated_data[name])
        if changed:
            trail.save(row, **self.acts)
        return row


class Moment:
    """A view that reads the clock once per request, from the database."""

    @cached_property
    def at(self):
        return database_now()


class SetUpViewSet(Moment, viewsets.ModelViewSet):
    """Read by everybody who is signed in, written by whoever sets up."""

    permission_classes = [SetUpOrReadOnly]
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    lookup_value_regex = PK

    def perform_destroy(self, instance: TrackedModel) -> None:
        configuration.delete(instance, by=self.request.user, at=self.at, reason="Deleted by API")


class SkillSerializer(TrackedSerializer):
    class Meta:
        model = Skill
        fields = ["id", "slug", "name", "category", "criteria"]


class SkillViewSet(SetUpViewSet):
    """What leads may need and reps can have."""

    queryset = Skill.objects.all()
    serializer_class = SkillSerializer
    filterset_fields = ["slug", "category"]


class CalendarSerializer(TrackedSerializer):
    class Meta:
        model = WorkCalendar
        fields = [
            "id",
            "name",
            "time_zone",
            "weekly",
            "holiday_country",
            "holiday_region",
            "overrides",
            "breaks",
        ]


class CalendarViewSet(SetUpViewSet):
    """Working hours."""

    queryset = WorkCalendar.objects.all()
    serializer_class = CalendarSerializer
    filterset_fields = ["name", "time_zone"]
