"""Leads: read what you may see, and work what is yours. POST is the door (`doors`)."""

from dataclasses import asdict
from typing import Any

import django_filters
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ParseError, PermissionDenied
from rest_framework.response import Response

from reps import access
from reps.api import PK, Moment
from reps.models import Rep
from routing import why_not, work
from routing.api import doors, outputs
from routing.checked import words
from routing.dispatch import replay
from routing.enrich import check, fields
from routing.enrich.panel import may_check
from routing.fairness.undo import undo
from routing.models import Assignment, Decision, Lead, Outcome
from routing.ownership import custody
from routing.scoring import lead as lead_score
from routing.visibility import may_move, visible_leads, visible_reps
from routing.work.claim import queues_of
from routing.work.contact import Way

DRIVER = "api"


class LeadFilter(django_filters.FilterSet):
    """The questions a list of leads can be asked."""

    source = django_filters.CharFilter(field_name="source__slug")
    owner = django_filters.NumberFilter(field_name="owner_id")
    queue = django_filters.NumberFilter(field_name="queue_id")
    account = django_filters.NumberFilter(field_name="account_id")
    received_after = django_filters.IsoDateTimeFilter(field_name="received_at", lookup_expr="gte")
    received_before = django_filters.IsoDateTimeFilter(field_name="received_at", lookup_expr="lt")
    unacknowledged = django_filters.BooleanFilter(
        field_name="acknowledged_at", lookup_expr="isnull"
    )
    email = django_filters.CharFilter(field_name="prospect__email", lookup_expr="iexact")

    class Meta:
        model = Lead
        fields = ["place", "state", "tier", "mode", "channel", "waiting"]


class StepSerializer(serializers.Serializer):
    """Every act names the epoch that the caller saw, so that it fails if the lead moved."""

    epoch = serializers.IntegerField(min_value=0, max_value=2_000_000_000)


class ReasonSerializer(StepSerializer):
    reason = serializers.CharField(max_length=300)


class ContactSerializer(StepSerializer):
    way = serializers.ChoiceField(choices=Way.choices)
    reached = serializers.BooleanField(help_text="Whether they answered; otherwise an attempt.")
    note = serializers.CharField(max_length=5000, required=False, default="", allow_blank=True)


class OutcomeInputSerializer(StepSerializer):
    kind = serializers.ChoiceField(choices=Outcome.Kind.choices)
    value = serializers.DecimalField(
        max_digits=14, decimal_places=2, min_value=0, required=False, allow_null=True
    )
    reason = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class RequestInputSerializer(ReasonSerializer):
    wanted = serializers.PrimaryKeyRelatedField(
        queryset=Rep.objects.active(), required=False, allow_null=True
    )


class DeclineSerializer(ReasonSerializer):
    not_a_lead = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Spam or a test: the turn is given back, and it does not count.",
    )


class ReassignSerializer(ReasonSerializer):
    to = serializers.PrimaryKeyRelatedField(queryset=Rep.objects.none())

    def get_fields(self):
        fields = super().get_fields()
        request = self.context.get("request")
        if request and request.user.is_authenticated:
            fields["to"].queryset = visible_reps(request.user)
        return fields


class CheckSerializer(serializers.Serializer):
    """What is right; without `value` what is known is confirmed."""

    field = serializers.ChoiceField(choices=sorted(fields.BY_NAME))
    value = serializers.CharField(max_length=300, required=False, allow_null=True, default=None)


class RequestSerializer(serializers.Serializer):
    """A request that now waits for the manager."""

    id = serializers.IntegerField(source="pk")
    lead = serializers.IntegerField(source="lead_id")
    request_state = serializers.CharField(source="state")


class NoDecisionYet(Http404):
    """The lead is there, but nothing has decided about it."""

    problem_code = "no_decision_yet"
    problem_text = "Nothing has been decided about this lead yet."


def step(words: str, asks: type[serializers.Serializer] = StepSerializer):
    """Declare a verb on a lead: its input, and the lead as its answer."""
    return extend_schema(summary=words, request=asks, responses=outputs.LeadDetailSerializer)


class ActsOnLeads(Moment):
    """What every act on a lead does: whose it is comes first, then what was sent, then one call."""

    lookup_value_regex = PK

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return Lead.objects.none()
        return visible_leads(self.request.user).select_related(
            "prospect", "source", "owner__user", "queue", "account"
        )

    def _sent(self, asks: type[serializers.Serializer]) -> dict[str, Any]:
        """Read the input; whether the lead is theirs to see comes before what else is wrong."""
        self._seen(self._read(StepSerializer)["epoch"])
        return self._read(asks)

    def _read(self, asks: type[serializers.Serializer]) -> dict[str, Any]:
        serializer = asks(data=self.request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _seen(self, epoch: int) -> Lead | None:
        """
        Return the lead if the caller may see it; None if they could at this epoch, so that
        who was too slow reads “somebody was quicker” instead of “there is nothing”.

        :raises Http404: if it was never theirs to see
        """
        pk, user = int(self.kwargs["pk"]), self.request.user
        lead = visible_leads(user).filter(pk=pk).first()
        if lead is not None:
            return lead
        rep = access.rep_of(user)
        if rep is None:
            raise Http404
        theirs = Assignment.objects.filter(lead=pk, epoch=epoch)
        if (
            theirs.filter(rep=rep).exists()
            or theirs.filter(queue__in=queues_of(rep)).exists()
            or work.claimable(rep).filter(pk=pk).exists()
        ):
            return None
        raise Http404

    def _did(self, verb, sent: dict[str, Any], **more: Any) -> Response:
        """Make the one service call, and answer with the lead as it is now."""
        verb(lead_id=int(self.kwargs["pk"]), by=self.request.user, at=self.at, **sent, **more)
        lead = self.get_queryset().filter(pk=self.kwargs["pk"]).first()
        # Whoever hands a lead back does not see it any more.
        return self._written(lead) if lead else Response(status=204)

    def _written(self, lead: Lead) -> Response:
        context = self.get_serializer_context()
        return Response(outputs.LeadDetailSerializer(lead, context=context).data)


@extend_schema_view(
    list=extend_schema(summary="The leads that you may see"),
    retrieve=extend_schema(summary="One lead", responses=outputs.LeadDetailSerializer),
)
class LeadViewSet(
    ActsOnLeads,
    doors.DoorMixin,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    viewsets.GenericViewSet,
):
    """Leads, as far as you may see them."""

    queryset = Lead.objects.none()
    serializer_class = outputs.LeadSerializer
    filterset_class = LeadFilter

    def retrieve(self, request, *args, **kwargs):
        return self._written(self.get_object())

    @extend_schema(
        summary="The leads that you may claim, without the person",
        responses=outputs.ClaimableSerializer(many=True),
        filters=False,
    )
    @action(detail=False, filterset_class=None)
    def claimable(self, request):
        rep = access.rep_of(request.user)
        leads = work.claimable(rep) if rep else Lead.objects.none()
        page = self.paginate_queryset(leads)
        return self.get_paginated_response(outputs.ClaimableSerializer(page, many=True).data)

    @extend_schema(
        summary="What it scores now, line by line", responses=outputs.LeadScoreSerializer
    )
    @action(detail=True)
    def score(self, request, pk):
        lead = get_object_or_404(
            self.get_queryset().select_related("account__parent", "score_model"), pk=pk
        )
        return Response(outputs.LeadScoreSerializer(lead_score.standing(lead, at=self.at)).data)

    @extend_schema(
        summary="Why it went where it went",
        parameters=[
            OpenApiParameter(
                "rep", OpenApiTypes.INT, description="Why not this rep? Reps ask about themselves."
            )
        ],
        responses=outputs.ExplanationSerializer,
    )
    @action(detail=True)
    def explanation(self, request, pk):
        lead = self.get_object()
        rep_id = self._asked_about(request)
        decision = (
            Decision.objects.select_related("batch__ruleset")
            .filter(lead=lead)
            .order_by("-pk")
            .first()
        )
        if decision is None:
            raise NoDecisionYet
        try:
            story = replay.explain(decision, rep_id=rep_id)
            enough = self._enough(decision, rep_id)
        except (replay.FactsErased, replay.FactsAltered, ValueError):
            # What was decided stays on record; `check` says what is missing or was altered.
            story = enough = None
        checked = replay.check(decision)
        return Response(
            {
                "lead": lead.pk,
                "decision_id": decision.pk,
                "decided_at": decision.decided_at,
                "ruleset_version": decision.batch.ruleset.version,
                "rep": rep_id,
                "explanation": None if story is None else story.to_json(),
                "smallest_change": enough,
                "check": {**checked.to_json(), "in_words": words(checked)},
            }
        )

    def _enough(self, decision: Decision, rep_id: int | None) -> dict[str, Any] | None:
        """What would have been enough for the rep in question; None if nobody is."""
        rep = Rep.objects.select_related("user").filter(pk=rep_id).first() if rep_id else None
        if rep is None:
            return None
        answer = why_not.of_decision(decision, rep, me=access.rep_of(self.request.user))
        return {
            "verdict": answer.verdict,
            "detail": answer.detail,
            "change": None if answer.change is None else asdict(answer.change),
            "in_words": answer.enough,
            "tried": answer.tried,
            "is_complete": answer.is_complete,
        }

    def _asked_about(self, request) -> int | None:
        """The rep in question. A rep's question is always about themselves."""
        asked = request.query_params.get("rep")
        if asked is None:
            if access.may_set_up(request.user):
                return None
            own = access.rep_of(request.user)
            return own.pk if own else 0
        if not asked.isascii() or not asked.isdigit() or len(asked) > 18:
            raise ParseError("rep must be the id of a rep.")
        if not visible_reps(request.user).filter(pk=int(asked)).exists():
            raise Http404
        return int(asked)

    @extend_schema(
        summary="Who held it, and every change of the lead",
        responses=outputs.HistorySerializer,
    )
    @action(detail=True)
    def history(self, request, pk):
        lead = self.get_object()
        story = {"lead": lead.pk, "custody": custody(lead), "changes": changes_of(lead)}
        return Response(outputs.HistorySerializer(story).data)

    # --- work ---------------------------------------------------------------------------

    @step("Claim it from a queue")
    @action(detail=True, methods=["post"])
    def claim(self, request, pk):
        sent = self._sent(StepSerializer)
        if access.rep_of(request.user) is None:
            raise PermissionDenied("Only reps claim leads.")
        return self._did(work.claim, sent, driver=DRIVER)

    @step("Acknowledge it")
    @action(detail=True, methods=["post"])
    def acknowledge(self, request, pk):
        return self._did(work.acknowledge, self._sent(StepSerializer))

    @step("Log a contact", ContactSerializer)
    @action(detail=True, methods=["post"])
    def contact(self, request, pk):
        return self._did(work.log_contact, self._sent(ContactSerializer))

    @step("Hand it back", DeclineSerializer)
    @action(detail=True, methods=["post"])
    def decline(self, request, pk):
        return self._did(work.decline, self._sent(DeclineSerializer), driver=DRIVER)

    @step("Record what became of it", OutcomeInputSerializer)
    @action(detail=True, methods=["post"])
    def outcome(self, request, pk):
        return self._did(work.record_outcome, self._sent(OutcomeInputSerializer), driver=DRIVER)

    @step("Give it to a rep", ReassignSerializer)
    @action(detail=True, methods=["post"])
    def reassign(self, request, pk):
        lead = self._seen(self._read(StepSerializer)["epoch"])
        if lead is not None and not may_move(request.user, lead):
            raise PermissionDenied("Only managers give leads to somebody else.")
        return self._did(work.move_by_hand, self._read(ReassignSerializer), driver=DRIVER)

    @step("Take it back, as if it had not been given", ReasonSerializer)
    @action(detail=True, methods=["post"])
    def undo(self, request, pk):
        lead = self._seen(self._read(StepSerializer)["epoch"])
        if lead is not None and not may_move(request.user, lead):
            raise PermissionDenied("Only managers take leads back.")
        return self._did(undo, self._read(ReasonSerializer), driver=DRIVER)

    @step("Confirm or correct what was added to it", CheckSerializer)
    @action(detail=True, methods=["post"], url_path="check-value")
    def check_value(self, request, pk):
        lead = self.get_object()
        if not may_check(request.user, lead):
            raise PermissionDenied("Whoever holds the lead says what is right.")
        sent = self._read(CheckSerializer)
        check.check(
            lead_id=lead.pk,
            field=sent["field"],
            typed=sent["value"],
            by=request.user,
            at=self.at,
        )
        return self._written(lead)

    @extend_schema(
        summary="Ask the manager to give it to somebody else",
        request=RequestInputSerializer,
        responses={201: RequestSerializer},
    )
    @action(detail=True, methods=["post"], url_path="request-reassignment")
    def request_reassignment(self, request, pk):
        sent = self._sent(RequestInputSerializer)
        made = work.request_reassignment(lead_id=int(pk), by=request.user, at=self.at, **sent)
        return Response(RequestSerializer(made).data, status=201)


def changes_of(lead: Lead) -> list[dict[str, Any]]:
    """The lead's history rows, each with what it changed; one statement."""
    history = Lead.history.model
    names = [field.attname for field in history.tracked_fields]
    kinds = {"+": "created", "~": "changed", "-": "deleted"}
    found, before = [], None
    for row in lead.history.select_related("history_user").order_by("history_id"):
        values = {name: getattr(row, name) for name in names}
        found.append(
            {
                "at": row.history_date,
                "kind": kinds[row.history_type],
                "by": row.history_user.label if row.history_user else None,
                "reason": row.history_change_reason,
                "changed": {
                    name: value
                    for name, value in values.items()
                    if before is None or before[name] != value
                },
            }
        )
        before = values
    return found
