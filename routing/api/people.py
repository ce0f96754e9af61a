"""
Reps and teams. Who may see which rep follows from who may see which lead
(`routing.visibility`), which is why these resources lie here and not in `reps`.
"""

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.response import Response

from reps import access
from reps.api import SetUpViewSet, TrackedSerializer
from reps.models import Rep, RepSkill, Team
from reps.services import people
from routing.visibility import visible_reps


class RepSerializer(serializers.ModelSerializer):
    """A rep. Pausing, leaving and coming back are acts of their own."""

    name = serializers.CharField(source="user.label", read_only=True)
    open_leads = serializers.IntegerField(source="load.open", default=0, read_only=True)

    class Meta:
        model = Rep
        fields = [
            "id",
            "name",
            "user",
            "team",
            "role",
            "calendar",
            "capacity",
            "open_leads",
            "backup",
            "seniority",
            "country",
            "postal_code",
            "is_active",
            "paused_at",
            "paused_until",
            "pause_reason",
            "pause_is_own",
        ]
        read_only_fields = fields


class RepInputSerializer(TrackedSerializer):
    class Meta:
        model = Rep
        fields = [
            "user",
            "team",
            "role",
            "calendar",
            "capacity",
            "backup",
            "seniority",
            "country",
            "postal_code",
        ]

    def validate_user(self, user):
        if self.instance is not None and self.instance.user_id != user.pk:
            raise serializers.ValidationError("A rep stays the same person; add another rep.")
        return user

    def validate_country(self, country):
        return country.upper()

    def validate_team(self, team):
        user = self.context["request"].user
        if not access.is_revops(user) and team.pk not in access.teams_of(user):
            raise serializers.ValidationError("Choose a team that you manage.")
        return team

    @transaction.atomic
    def update(self, instance, validated_data):
        # Capacity has its own service, for whoever waits for room must hear of it.
        capacity = validated_data.pop("capacity", instance.capacity)
        changes = {
            name: value
            for name, value in validated_data.items()
            if name != "user" and getattr(instance, name) != value
        }
        by, at = self.acts["by"], self.acts["at"]
        if changes:
            people.change_rep(rep=instance, changes=changes, by=by, at=at)
        return people.set_capacity(rep=instance, capacity=capacity, by=by, at=at)


class PauseSerializer(serializers.Serializer):
    until = serializers.DateTimeField(required=False, allow_null=True, default=None)
    reason = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class LeaveSerializer(serializers.Serializer):
    reason = serializers.CharField(max_length=100)


class NothingSerializer(serializers.Serializer):
    """No input."""


class RepPermission(BasePermission):
    """Reading and acting is decided per rep; adding and editing is for whoever sets up."""

    def has_permission(self, request, view) -> bool:
        user = request.user
        if not (user and user.is_authenticated and user.is_active):
            return False
        return view.action not in ("create", "partial_update") or access.may_set_up(user)


class RepViewSet(SetUpViewSet):
    """Reps: all, those of your teams, or yourself."""

    permission_classes = [RepPermission]
    http_method_names = ["get", "post", "patch", "head", "options"]
    queryset = Rep.objects.none()
    serializer_class = RepSerializer
    filterset_fields = ["team", "role", "is_active"]

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return Rep.objects.none()
        return visible_reps(self.request.user).select_related("load")

    @extend_schema(request=RepInputSerializer, responses={201: RepSerializer})
    def create(self, request, *args, **kwargs):
        asked = RepInputSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        return self._written(asked.save(), status=201)

    @extend_schema(request=RepInputSerializer, responses=RepSerializer)
    def partial_update(self, request, *args, **kwargs):
        asked = RepInputSerializer(
            self._managed(),
            data=request.data,
            partial=True,
            context=self.get_serializer_context(),
        )
        asked.is_valid(raise_exception=True)
        return self._written(asked.save())

    @extend_schema(
        summary="Give them no new leads", request=PauseSerializer, responses=RepSerializer
    )
    @action(detail=True, methods=["post"])
    def pause(self, request, pk):
        rep, sent = self._managed(or_self=True), self._sent(PauseSerializer)
        return self._written(people.pause(rep=rep, by=request.user, at=self.at, **sent))

    @extend_schema(
        summary="Give them leads again", request=NothingSerializer, responses=RepSerializer
    )
    @action(detail=True, methods=["post"])
    def resume(self, request, pk):
        rep = self._managed(or_self=True)
        return self._written(people.resume(rep=rep, by=request.user, at=self.at))

    @extend_schema(
        summary="Let them leave; what they hold is placed anew",
        request=LeaveSerializer,
        responses=RepSerializer,
    )
    @action(detail=True, methods=["post"])
    def deactivate(self, request, pk):
        rep, sent = self._managed(), self._sent(LeaveSerializer)
        return self._written(
            people.deactivate(rep=rep, by=request.user, at=self.at, driver="api", **sent)
        )

    @extend_schema(summary="Take them back in", request=NothingSerializer, responses=RepSerializer)
    @action(detail=True, methods=["post"])
    def reactivate(self, request, pk):
        return self._written(people.reactivate(rep=self._managed(), by=request.user, at=self.at))

    def _managed(self, *, or_self: bool = False) -> Rep:
        """The rep of this address, if the caller manages them (or, for some acts, is them)."""
        rep = self.get_object()
        is_self = or_self and rep.user_id == self.request.user.pk
        if not (is_self or access.manages(self.request.user, rep)):
            raise PermissionDenied("Only whoever manages this rep may do this.")
        return rep

    def _sent(self, asks: type[serializers.Serializer]) -> dict:
        serializer = asks(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _written(self, rep: Rep, *, status: int = 200) -> Response:
        fresh = Rep.objects.select_related("user", "load").get(pk=rep.pk)
        return Response(RepSerializer(fresh).data, status=status)


class OfVisibleReps(SetUpViewSet):
    """Rows about reps: only about those that you may see."""

    def get_queryset(self):
        rows = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return rows.none()
        return rows.filter(rep__in=visible_reps(self.request.user).order_by().values("pk"))


class OfVisibleRepSerializer(TrackedSerializer):
    def validate_rep(self, rep):
        if not visible_reps(self.context["request"].user).filter(pk=rep.pk).exists():
            raise serializers.ValidationError(
                f'Invalid pk "{rep.pk}" - object does not exist.', code="does_not_exist"
            )
        return rep


class RepSkillSerializer(OfVisibleRepSerializer):
    class Meta:
        model = RepSkill
        fields = ["id", "rep", "skill", "level", "evidence", "review_on"]


class RepSkillViewSet(OfVisibleReps):
    """Who can do what, and how well."""

    queryset = RepSkill.objects.order_by("rep", "skill", "pk")
    serializer_class = RepSkillSerializer
    filterset_fields = ["rep", "skill"]


class TeamSerializer(TrackedSerializer):
    class Meta:
        model = Team
        fields = ["id", "name", "parent", "manager", "calendar"]


class TeamViewSet(SetUpViewSet):
    """Teams and who manages them."""

    queryset = Team.objects.all()
    serializer_class = TeamSerializer
    filterset_fields = ["name", "parent", "manager"]
