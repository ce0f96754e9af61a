"""When reps are away, and the calendars that say so: one's own, and of the reps one manages."""

from typing import Any

from django.db import transaction
from rest_framework import mixins, serializers, viewsets
from rest_framework.exceptions import PermissionDenied

from reps import access
from reps.api import PK, Moment, TrackedSerializer
from reps.models import Absence, CalendarFeed, Rep
from reps.services import absences, feeds
from reps.services.people import PeopleRefused
from routing.visibility import visible_reps


def may_arrange(user: Any, rep: Rep) -> bool:
    """Whether a person may say when a rep is away: their own, and of those they manage."""
    return rep.user_id == user.pk or (access.may_set_up(user) and access.manages(user, rep))


class OfReps(Moment, viewsets.GenericViewSet):
    """Rows about the time of reps: read of those you see, written for those you manage."""

    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    lookup_value_regex = PK
    filterset_fields = ["rep"]

    def get_queryset(self):
        rows = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return rows.none()
        return rows.filter(rep__in=visible_reps(self.request.user).order_by().values("pk"))

    def get_object(self):
        row = super().get_object()
        reading = self.request.method in ("GET", "HEAD", "OPTIONS")
        if not reading and not may_arrange(self.request.user, row.rep):
            raise PermissionDenied("Only the rep and whoever manages them may do this.")
        return row


class TimeOffSerializer(TrackedSerializer):
    def validate_rep(self, rep):
        user = self.context["request"].user
        if not visible_reps(user).filter(pk=rep.pk).exists():
            raise serializers.ValidationError(
                f'Invalid pk "{rep.pk}" - object does not exist.', code="does_not_exist"
            )
        if not may_arrange(user, rep):
            raise PermissionDenied("Only the rep and whoever manages them may do this.")
        if self.instance is not None and self.instance.rep_id != rep.pk:
            raise serializers.ValidationError("This stays with its rep; make another one.")
        return rep


class AbsenceSerializer(TimeOffSerializer):
    class Meta:
        model = Absence
        fields = [
            "id",
            "rep",
            "starts_at",
            "ends_at",
            "reason",
            "delegate",
            "cover",
            "cover_started_at",
            "cover_ended_at",
        ]
        read_only_fields = ["cover_started_at", "cover_ended_at"]

    def create(self, validated_data):
        return absences.add(
            absence=Absence(**validated_data), by=self.acts["by"], at=self.acts["at"]
        )

    def update(self, instance, validated_data):
        changes = {
            name: value
            for name, value in validated_data.items()
            if getattr(instance, name) != value
        }
        if not changes:
            return instance
        return absences.change(
            absence=instance, changes=changes, by=self.acts["by"], at=self.acts["at"]
        )


class AbsenceViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    OfReps,
):
    """Out of office. Leads that were moved for an absence come back when it is deleted."""

    queryset = Absence.objects.select_related("rep").order_by("starts_at", "pk")
    serializer_class = AbsenceSerializer

    def perform_destroy(self, instance: Absence) -> None:
        absences.remove(absence=instance, reason="Deleted by API", by=self.request.user, at=self.at)


class FeedSerializer(TimeOffSerializer):
    """A calendar feed. Its address goes in and never comes out: only its host does."""

    url = serializers.CharField(max_length=1000, write_only=True)
    host = serializers.CharField(read_only=True)

    class Meta:
        model = CalendarFeed
        fields = ["id", "rep", "url", "host", "is_active", "fetched_at", "failures", "error"]
        read_only_fields = ["is_active", "fetched_at", "failures", "error"]
        # One per rep: a second one takes the place of the first.
        extra_kwargs = {"rep": {"validators": []}}

    def validate_url(self, url):
        try:
            return feeds.check(url)
        except PeopleRefused as refused:
            raise serializers.ValidationError(str(refused)) from refused

    @transaction.atomic
    def create(self, validated_data):
        return feeds.connect(by=self.acts["by"], at=self.acts["at"], **validated_data)


class FeedViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.DestroyModelMixin,
    OfReps,
):
    """Calendars of reps, read every ten minutes. Connecting another one replaces the first."""

    http_method_names = ["get", "post", "delete", "head", "options"]
    queryset = CalendarFeed.objects.select_related("rep").order_by("rep", "pk")
    serializer_class = FeedSerializer

    def perform_destroy(self, instance: CalendarFeed) -> None:
        feeds.disconnect(feed=instance, by=self.request.user, at=self.at)
