"""The API of one's own preferences: `GET` and `PUT /api/v1/me/channels/`."""

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from reps.api import Moment
from reps.models import ChannelChoice, NotificationPreference, User
from reps.post import channels
from reps.services import preferences
from reps.services.preferences import Wish


class WishSerializer(serializers.Serializer):
    """One channel: what it is used for, and its address where it needs one."""

    channel = serializers.CharField(max_length=12)
    mode = serializers.ChoiceField(choices=ChannelChoice.Mode.choices)
    address = serializers.CharField(max_length=500, allow_blank=True, default="")

    def validate(self, attrs):
        there = {channel.name: channel for channel in channels.set_up()}
        channel = there.get(attrs["channel"])
        if channel is None:
            raise serializers.ValidationError(
                {"channel": f"Not set up here; there is {', '.join(there)}."}, code="not_set_up"
            )
        try:
            attrs["address"] = preferences.checked_address(
                channel, mode=attrs["mode"], address=attrs["address"]
            )
        except ValueError as error:
            raise serializers.ValidationError({"address": str(error)}) from error
        return attrs


class ToldSerializer(serializers.Serializer):
    """How a person is told: their channels in order, and their quiet hours."""

    channels = WishSerializer(many=True, max_length=20)
    quiet_from = serializers.TimeField(allow_null=True, format="%H:%M")
    quiet_until = serializers.TimeField(allow_null=True, format="%H:%M")
    urgent_when_quiet = serializers.BooleanField()

    def validate_channels(self, wishes):
        names = [wish["channel"] for wish in wishes]
        if len(set(names)) < len(names):
            raise serializers.ValidationError("Each channel once.", code="twice")
        return wishes

    def validate(self, attrs):
        quiet = {name: value for name, value in attrs.items() if name != "channels"}
        NotificationPreference(**quiet).clean()
        return attrs


class MyChannelsView(Moment, APIView):
    """How I am told. The order of channels is the order in which they are tried."""

    @extend_schema(responses=ToldSerializer)
    def get(self, request: Request) -> Response:
        return Response(_told(request.user))

    @extend_schema(request=ToldSerializer, responses=ToldSerializer)
    def put(self, request: Request) -> Response:
        given = ToldSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wishes = [Wish(**wish) for wish in given.validated_data.pop("channels")]
        quiet = _preference(request.user)
        for name, value in given.validated_data.items():
            setattr(quiet, name, value)
        preferences.save(user=request.user, wishes=wishes, quiet=quiet, at=self.at)
        return Response(_told(request.user))


def _preference(user: User) -> NotificationPreference:
    own = NotificationPreference.objects.filter(user=user).first()
    return own or NotificationPreference(user=user)


def _told(user: User) -> dict:
    quiet = _preference(user)
    return ToldSerializer(
        {
            "channels": preferences.of(user),
            "quiet_from": quiet.quiet_from,
            "quiet_until": quiet.quiet_until,
            "urgent_when_quiet": quiet.urgent_when_quiet,
        }
    ).data


urlpatterns = [path("v1/me/channels/", MyChannelsView.as_view(), name="api-my-channels")]
