"""Possible duplicates, merges and the way back, for managers and RevOps."""

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, permissions, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from reps import access
from reps.api import PK, Moment
from routing.dedupe import deciding, merging, unmerging, words
from routing.intake.identify import COLUMNS
from routing.models import DuplicatePair, Merge, Prospect

DRIVER = "api"


class MayDecide(permissions.BasePermission):
    """Managers, RevOps and admins."""

    message = "Managers and RevOps decide about duplicates."

    def has_permission(self, request, view) -> bool:
        user = request.user
        return bool(user and user.is_authenticated and access.may_set_up(user))


class DuplicateSerializer(serializers.ModelSerializer):
    """Two people, by their numbers; `evidence` in words, those beginning with "but" against it."""

    evidence = serializers.SerializerMethodField()

    class Meta:
        model = DuplicatePair
        fields = [
            "id",
            "first",
            "second",
            "confidence",
            "evidence",
            "state",
            "found_at",
            "decided_at",
            "decided_by",
            "reason",
        ]
        read_only_fields = fields

    def get_evidence(self, pair: DuplicatePair) -> list[str]:
        found = words.evidence(pair.evidence)
        return [piece.words if piece.speaks_for else f"but {piece.words}" for piece in found]


class WhyMergedSerializer(serializers.Serializer):
    reason = serializers.CharField(
        max_length=200, required=False, default="", allow_blank=True, help_text="No names."
    )


class MergePairSerializer(WhyMergedSerializer):
    """
    `winner`: whose row stays. `take`: the fields in which the other's value is kept; without it
    only what the winner's row does not say. `keep`: leads that stay open where two are.
    """

    winner = serializers.IntegerField(min_value=1)
    take = serializers.ListField(
        child=serializers.ChoiceField(choices=COLUMNS), required=False, allow_null=True
    )
    keep = serializers.ListField(child=serializers.IntegerField(), required=False)


class MergePeopleSerializer(MergePairSerializer):
    loser = serializers.IntegerField(min_value=1)


class MergeSerializer(serializers.ModelSerializer):
    """`moved`: the ids that moved; `closed_leads`: those that gave way to another open one."""

    closed_leads = serializers.SerializerMethodField()

    class Meta:
        model = Merge
        fields = [
            "id",
            "winner",
            "loser",
            "at",
            "by",
            "reason",
            "policy_version",
            "moved",
            "closed_leads",
            "undone_at",
            "undone_by",
            "undone_reason",
        ]
        read_only_fields = fields

    def get_closed_leads(self, row: Merge) -> list[int]:
        return [one["lead"] for one in row.closed]


class DuplicateViewSet(Moment, viewsets.ReadOnlyModelViewSet):
    """Those who may be one person, the surest first."""

    permission_classes = [MayDecide]
    lookup_value_regex = PK
    queryset = DuplicatePair.objects.all()
    serializer_class = DuplicateSerializer
    filterset_fields = ["state"]

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return DuplicatePair.objects.none()
        return deciding.visible_pairs(self.request.user).order_by("-confidence", "pk")

    @extend_schema(summary="Merge the two", request=MergePairSerializer, responses=MergeSerializer)
    @action(detail=True, methods=["post"])
    def merge(self, request, pk):
        """
        Nothing is deleted, and it can be undone. Refusals: `already_merged`, `person_erased`,
        `merge_refused`.
        """
        pair = self.get_object()
        sent = MergePairSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        two = {pair.first_id, pair.second_id}
        if sent.validated_data["winner"] not in two:
            raise serializers.ValidationError({"winner": "Is neither of the two."})
        (loser,) = two - {sent.validated_data["winner"]}
        return Response(MergeSerializer(_merge(request, sent, loser=loser, at=self.at)).data)

    @extend_schema(
        summary="Keep them apart", request=WhyMergedSerializer, responses=DuplicateSerializer
    )
    @action(detail=True, methods=["post"], url_path="keep-apart")
    def keep_apart(self, request, pk):
        """They are not suggested again, nor anybody who is merged into either of them."""
        pair = self.get_object()
        sent = WhyMergedSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        done = deciding.keep_apart(
            one_id=pair.first_id,
            other_id=pair.second_id,
            by=request.user,
            at=self.at,
            **sent.validated_data,
        )
        return Response(self.get_serializer(done).data)


class MergeViewSet(
    Moment, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """Merges of people, newest first; made of any two whom one may see, and undone."""

    permission_classes = [MayDecide]
    lookup_value_regex = PK
    queryset = Merge.objects.all()
    serializer_class = MergeSerializer
    filterset_fields = ["winner", "loser"]

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return Merge.objects.none()
        return deciding.visible_merges(self.request.user).order_by("-pk")

    @extend_schema(
        summary="Merge two people", request=MergePeopleSerializer, responses={201: MergeSerializer}
    )
    def create(self, request):
        """Also where nobody suggested it; managers those of whom they see a lead."""
        sent = MergePeopleSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        loser = sent.validated_data["loser"]
        people = [
            get_object_or_404(Prospect, pk=pk) for pk in (sent.validated_data["winner"], loser)
        ]
        if not deciding.may_merge(request.user, *people):
            raise PermissionDenied("You may merge people of whom you see a lead.")
        done = _merge(request, sent, loser=loser, at=self.at)
        return Response(MergeSerializer(done).data, status=201)

    @extend_schema(summary="Undo a merge", request=WhyMergedSerializer, responses=MergeSerializer)
    @action(detail=True, methods=["post"])
    def undo(self, request, pk):
        """
        Everything that moved goes back. Refusals: `not_merged`, `merged_on`,
        `later_merge_first`, `lead_in_the_way`, `person_erased`.
        """
        row = self.get_object()
        sent = WhyMergedSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        done = unmerging.unmerge(
            merge_id=row.pk, by=request.user, at=self.at, driver=DRIVER, **sent.validated_data
        )
        return Response(MergeSerializer(done).data)


def _merge(request, sent: MergePairSerializer, *, loser: int, at) -> Merge:
    given = sent.validated_data
    return merging.merge(
        winner_id=given["winner"],
        loser_id=loser,
        by=request.user,
        at=at,
        driver=DRIVER,
        reason=given["reason"],
        take=given.get("take"),
        keep=given.get("keep", ()),
    )
