"""
The door for machines: `POST leads/`, and what became of a submission.

The body is read as bytes, whatever they are, and committed before the answer; what cannot
be used is kept for a person to mend and answered with the fields that are wrong.
"""

import logging
import re
from datetime import datetime
from typing import Any

from django.http import Http404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, ParseError, PermissionDenied
from rest_framework.response import Response
from rest_framework.views import APIView

from reps import access
from routing import canary
from routing.intake import doors
from routing.intake.decode import MOST_BYTES, Problem, Undecodable, decode
from routing.intake.normalise import Refused, normalise
from routing.models import Source, Submission
from routing.models.source import Mode
from routing.tokens import HasSourceOrIsSignedIn
from routing.visibility import visible_leads

log = logging.getLogger(__name__)

KEY = re.compile(r"[\x21-\x7e]{1,200}")


class IdempotencyKeyMissing(APIException):
    """Without a key nobody could tell a repeated lead from a second one."""

    status_code = 400
    default_code = "idempotency_key_missing"
    default_detail = (
        "Send an Idempotency-Key header of 1 to 200 visible characters: the same for every try "
        "of one lead, another for the next lead."
    )


class ModeNotAllowed(APIException):
    """The source may not send in this mode."""

    status_code = 400
    default_code = "mode_not_allowed"


class ReceiptSerializer(serializers.Serializer):
    """What the door acknowledges. `replayed`: it had been received before."""

    submission = serializers.UUIDField()
    status_url = serializers.URLField()
    replayed = serializers.BooleanField()


class SubmissionSerializer(serializers.Serializer):
    """What became of a submission."""

    submission = serializers.UUIDField(source="public_id")
    state = serializers.CharField(
        help_text="RECEIVED, PROCESSED, QUARANTINED (kept for mending) or DISMISSED."
    )
    mode = serializers.CharField()
    received_at = serializers.DateTimeField()
    errors = serializers.ListField(child=serializers.DictField())
    lead = serializers.IntegerField(source="lead_id", allow_null=True)
    place = serializers.CharField(source="lead.place", default=None, allow_null=True)
    owner = serializers.SerializerMethodField()
    decided_at = serializers.SerializerMethodField(
        help_text="When it was decided who gets the lead, after this submission."
    )

    def get_decided_at(self, row) -> datetime | None:
        return canary.decided_at(row)

    def get_owner(self, row) -> str | None:
        return str(row.lead.owner) if row.lead and row.lead.owner else None


class DoorMixin:
    """Gives the leads resource its `POST`."""

    def initialize_request(self, request, *args, **kwargs):
        # Before anything can ask for the parsed body: what was sent must reach us as it is.
        # One byte more than allowed is enough to know that it is too large.
        if request.method == "POST" and not kwargs:
            try:
                self.raw = request.read(MOST_BYTES + 1)
            except OSError:
                self.raw = b""
        return super().initialize_request(request, *args, **kwargs)

    def get_permissions(self):
        if self.action == "create":
            return [HasSourceOrIsSignedIn()]
        return super().get_permissions()

    @extend_schema(
        summary="Send a lead",
        description=(
            "A JSON object or a URL-encoded form: email, phone or linkedin_url, and e.g. "
            "first_name, last_name, company, country, employees, message; other names are kept "
            "as answers. What the person did before: events, a list of objects with a name such "
            "as pricing_page and the time (at, ISO 8601). Signed in instead of with a source's "
            "key, name the source: ?source=slug."
        ),
        request={
            "application/json": OpenApiTypes.OBJECT,
            "application/x-www-form-urlencoded": OpenApiTypes.OBJECT,
        },
        parameters=[
            OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, required=True),
            OpenApiParameter("mode", str, enum=[mode.lower() for mode in Mode.values]),
            OpenApiParameter("source", str, description="For people: the key of the source."),
        ],
        responses={
            202: ReceiptSerializer,
            400: OpenApiResponse(description="Kept for mending; `errors` name the fields."),
            413: OpenApiResponse(description="Larger than 256 KiB; its start is kept."),
            422: OpenApiResponse(description="The key came with another body before."),
        },
        filters=False,
    )
    def create(self, request, *args, **kwargs):
        source = source_of(request)
        key = request.headers.get("Idempotency-Key", "").strip()
        if not KEY.fullmatch(key):
            raise IdempotencyKeyMissing
        mode = mode_of(request, source)
        content_type = printable(request.META.get("CONTENT_TYPE", ""))
        problems = problems_of(self.raw, content_type, at=self.at)
        too_large = len(self.raw) > MOST_BYTES
        receipt = doors.receive(
            source=source,
            raw=self.raw[: doors.KEPT_OF_TOO_LARGE] if too_large else self.raw,
            content_type=content_type,
            key=key,
            at=self.at,
            mode=mode,
            context={"door": "api"},
            by=request.user if request.user.is_authenticated else None,
            problems=problems,
        )
        # A repeated body that a person has mended meanwhile is as good as any other.
        kept = receipt.submission.state in (
            Submission.State.QUARANTINED,
            Submission.State.DISMISSED,
        )
        if problems and kept:
            return refused(request, receipt, problems, status=413 if too_large else 400)
        return Response(acknowledged(request, receipt), status=202)


def source_of(request) -> Source:
    """
    Whose lead this is: the key's source, or the one that somebody in set-up names.

    :raises PermissionDenied: for people who may not set up
    :raises ParseError: if no open source is named
    """
    if isinstance(request.auth, Source):
        return request.auth
    if not access.may_set_up(request.user):
        raise PermissionDenied("Send leads with the key of a source.")
    slug = printable(request.query_params.get("source", ""))
    source = Source.objects.filter(slug=slug).first()
    if source is None:
        raise ParseError("Name the source of this lead: ?source= and its key, e.g. website.")
    return source


def mode_of(request, source: Source) -> str:
    """
    The mode asked for, which may only be narrower than the source's own.

    :raises ModeNotAllowed: if it is unknown, or wider
    """
    asked = request.query_params.get("mode")
    if asked is None:
        return source.mode
    mode = asked.upper()
    if mode not in Mode.values:
        raise ModeNotAllowed("mode is one of live, shadow, test and backfill.")
    if mode != source.mode and source.mode != Mode.LIVE:
        raise ModeNotAllowed(f"This source sends {source.mode.lower()} leads only.")
    return mode


def problems_of(raw: bytes, content_type: str, *, at: datetime) -> list[Problem]:
    """Everything that keeps a body from becoming a lead."""
    try:
        normalise(decode(raw, content_type), received_at=at)
    except Undecodable as error:
        return [error.problem]
    except Refused as error:
        return error.problems
    except Exception:
        # A mistake of ours must not turn a lead away: intake looks again, and keeps what it
        # cannot read for a person.
        log.exception("A body could not be checked at the door")
    return []


def printable(text: str) -> str:
    """What a header or a parameter may carry into the database."""
    return "".join(character for character in text if character.isprintable())[:100]


def acknowledged(request, receipt: doors.Receipt) -> dict[str, Any]:
    public_id = receipt.submission.public_id
    return {
        "submission": str(public_id),
        "status_url": request.build_absolute_uri(reverse("api-submission", args=[public_id])),
        "replayed": receipt.replayed,
    }


def refused(request, receipt: doors.Receipt, problems: list[Problem], *, status: int) -> Response:
    """The body is no lead yet, but it is kept: say what is wrong and where it lies."""
    code, title = (
        ("too_large", "Content Too Large") if status == 413 else ("invalid", "Bad Request")
    )
    return Response(
        {
            "type": "about:blank",
            "title": title,
            "status": status,
            "code": code,
            "detail": "This cannot become a lead yet. It is kept, so that a person can mend it.",
            "errors": [problem.as_json() for problem in problems],
            **acknowledged(request, receipt),
        },
        status=status,
        content_type="application/problem+json",
    )


class SubmissionView(APIView):
    """What became of a submission, for its source and for whoever may see its lead."""

    permission_classes = [HasSourceOrIsSignedIn]

    @extend_schema(summary="What became of a submission", responses=SubmissionSerializer)
    def get(self, request, public_id):
        rows = Submission.objects.select_related("lead__owner__user")
        submission = rows.filter(public_id=public_id).first()
        if submission is None or not may_read(request, submission):
            raise Http404
        return Response(SubmissionSerializer(submission).data)


def may_read(request, submission: Submission) -> bool:
    """Whether the caller sent it, or may see the lead that it became."""
    if isinstance(request.auth, Source):
        return submission.source_id == request.auth.pk
    if access.is_revops(request.user) or submission.submitted_by_id == request.user.pk:
        return True
    return (
        submission.lead_id is not None
        and visible_leads(request.user).filter(pk=submission.lead_id).exists()
    )
