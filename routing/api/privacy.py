"""What is held about a person, over the API: hand it out, erase it. RevOps and admins only."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import permissions, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from reps import access
from reps.api import PK, Moment
from routing.models import Erasure, Prospect
from routing.privacy.erase import erase
from routing.privacy.export import export


class IsRevOps(permissions.BasePermission):
    """RevOps and admins."""

    message = "Only RevOps and admins see and do this."

    def has_permission(self, request, view) -> bool:
        user = request.user
        return bool(user and user.is_authenticated and access.is_revops(user))


class EraseSerializer(serializers.Serializer):
    reason = serializers.CharField(
        max_length=200, help_text="Kept with the erasure; write no names."
    )


class ErasureSerializer(serializers.ModelSerializer):
    """That a person was erased: `counts` says how many rows of each place."""

    class Meta:
        model = Erasure
        fields = ["id", "prospect", "at", "by", "reason", "counts"]
        read_only_fields = fields


class ProspectViewSet(Moment, viewsets.GenericViewSet):
    """The person behind a lead, by the number that the lead names as `prospect`."""

    permission_classes = [IsRevOps]
    lookup_value_regex = PK
    queryset = Prospect.objects.all()
    serializer_class = ErasureSerializer

    @extend_schema(summary="Everything held about a person", responses=OpenApiTypes.OBJECT)
    @action(detail=True, methods=["get"])
    def export(self, request, pk):
        """That it was handed out goes on record. Colleagues are not named in it."""
        return Response(export(prospect=self.get_object(), by=request.user, at=self.at))

    @extend_schema(summary="Erase a person", request=EraseSerializer, responses=ErasureSerializer)
    @action(detail=True, methods=["post"])
    def erase(self, request, pk):
        """
        Everywhere at once, for good; the trail stays whole. Done twice it is done. A legal hold
        answers 409 with the code `held_by_law`.
        """
        sent = EraseSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        done = erase(
            prospect_id=self.get_object().pk, by=request.user, at=self.at, **sent.validated_data
        )
        return Response(ErasureSerializer(done).data)
