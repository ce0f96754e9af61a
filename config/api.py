"""
The HTTP API: who may call it, how lists are paged, and what a refusal looks like.

A refusal is a problem detail (RFC 9457, `application/problem+json`) with a stable `code`:
the snake_case name of the exception, e.g. `epoch_passed`, `cap_reached`, `not_yours`.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError, IntegrityError
from django.db.models import ProtectedError
from django.http import Http404
from rest_framework import exceptions, pagination, permissions
from rest_framework.response import Response

from accounts.services.plans.refusals import PlanConflict, PlanRefused
from reps.services.people import PeopleRefused
from routing import ownership, states, work
from routing.dedupe.merging import MergeRefused
from routing.dispatch.replay import FactsAltered, FactsErased
from routing.engine import InvalidPart
from routing.enrich.check import CheckRefused
from routing.intake.doors import DoorRefused, KeyReused, SourceClosed
from routing.models.desk import NotSetUp
from routing.models.ruleset import PublishedRulesAreFixed
from routing.privacy.erase import HeldByLaw
from routing.realign.study import StudyRefused
from routing.rules.lifecycle import RulesRefused
from routing.scoring.refusals import ScoreRefused
from routing.simulation.work import SimulationRefused

log = logging.getLogger(__name__)

# Refusal → status. The first class that fits counts, so the narrower ones come first.
REFUSALS: tuple[tuple[type[Exception], int], ...] = (
    (KeyReused, 422),
    (SourceClosed, 403),
    (DoorRefused, 409),
    (work.WorkRefused, 409),
    (ownership.OwnershipRefused, 409),
    (states.WrongState, 409),
    (RulesRefused, 409),
    (ScoreRefused, 409),
    (PublishedRulesAreFixed, 409),
    (SimulationRefused, 409),
    (StudyRefused, 409),
    (PlanConflict, 409),
    (PlanRefused, 409),
    (PeopleRefused, 409),
    (NotSetUp, 409),
    (HeldByLaw, 409),
    (MergeRefused, 409),
    (FactsAltered, 409),
    (CheckRefused, 409),
    (FactsErased, 410),
)
NOTHING_HERE = "There is nothing here that you may see."


class IsSignedIn(permissions.BasePermission):
    """Somebody who has signed in. Source keys are nobody: only the doors let them in."""

    def has_permission(self, request, view) -> bool:
        return bool(request.user and request.user.is_authenticated and request.user.is_active)


class Pages(pagination.PageNumberPagination):
    """Pages of 50, up to 200 with `?page_size=`."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


def problem(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """
    Answer every expected error as a problem detail; None lets the unexpected through.

    A thing that is not there and one that may not be seen get the same body.
    """
    from rest_framework.views import set_rollback  # which itself needs this module

    answer = _answer(error)
    if answer is not None:
        set_rollback()
    return answer


def _answer(error: Exception) -> Response | None:
    if isinstance(error, Http404 | exceptions.NotFound):
        code = getattr(error, "problem_code", "not_found")
        return detail(404, code, getattr(error, "problem_text", NOTHING_HERE))
    if isinstance(error, PermissionDenied):
        return detail(403, "permission_denied", str(error) or "You may not do this.")
    if isinstance(error, exceptions.ValidationError):
        return invalid(list(_flat(error.get_full_details())))
    if isinstance(error, exceptions.APIException):
        return _of_framework(error)
    for kind, status in REFUSALS:
        if isinstance(error, kind):
            return detail(status, snake_case(type(error).__name__), _words(error), _findings(error))
    return _of_values(error)


def _of_framework(error: exceptions.APIException) -> Response:
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(int(error.wait) + 1)
    code = error.get_codes()
    return detail(
        error.status_code,
        code if isinstance(code, str) else error.default_code,
        str(error.detail),
        headers=headers,
    )


def _of_values(error: Exception) -> Response | None:
    """Errors of what was sent, as the layers below raise them."""
    if isinstance(error, InvalidPart):
        return invalid([_error(error.path, "invalid_part", error.message)])
    if isinstance(error, DjangoValidationError):
        return invalid(list(of_django(error)))
    if isinstance(error, ProtectedError):
        return detail(409, "in_use", "Something else still refers to this; it cannot be deleted.")
    if isinstance(error, IntegrityError):
        # Two writers at once, or a rule that only the database checks.
        log.info("The database refused a change: %s", type(error).__name__)
        return detail(409, "conflict", "This contradicts what is there already; read it again.")
    if isinstance(error, OverflowError | DataError):
        return detail(400, "out_of_range", "A number is larger than anything here can be.")
    if isinstance(error, RecursionError):
        return detail(400, "parse_error", "The body is nested too deeply.")
    if isinstance(error, RequestDataTooBig):
        return detail(413, "too_large", "The body is too large.")
    return None


def detail(
    status: int,
    code: str,
    text: str,
    errors: list[dict[str, str]] | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """A problem detail: the status in words, a stable code, and a sentence for a person."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": text,
        **more,
    }
    if errors:
        body["errors"] = errors
    return Response(body, status=status, headers=headers, content_type="application/problem+json")


def invalid(errors: list[dict[str, str]]) -> Response:
    return detail(400, "invalid", "Some fields cannot be used; see errors.", errors)


def snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def of_django(error: DjangoValidationError) -> Iterator[dict[str, str]]:
    """The errors of a model's `clean()`, one per message."""
    if hasattr(error, "error_dict"):
        for name, parts in error.error_dict.items():
            for part in parts:
                for message in part.messages:
                    yield _error("" if name == "__all__" else name, part.code or "invalid", message)
    else:
        for message in error.messages:
            yield _error("", getattr(error, "code", None) or "invalid", message)


def _error(field: str, code: str, message: str) -> dict[str, str]:
    return {"field": field, "code": str(code), "message": str(message)}


def _flat(details: Any, field: str = "") -> Iterator[dict[str, str]]:
    """Flatten the framework's nested errors into (field, code, message)."""
    if isinstance(details, Mapping) and set(details) == {"message", "code"}:
        yield _error(field, details["code"], details["message"])
    elif isinstance(details, Mapping):
        for name, part in details.items():
            inner = "" if name == "non_field_errors" else str(name)
            yield from _flat(part, ".".join(filter(None, (field, inner))))
    else:
        for part in details:
            yield from _flat(part, field)


def _words(error: Exception) -> str:
    if isinstance(error, DjangoValidationError):
        return " ".join(error.messages)
    return str(error)


def _findings(error: Exception) -> list[dict[str, str]] | None:
    return [
        _error(f"rules.{finding.rule_id}" if finding.rule_id else "", finding.code, finding.message)
        for finding in getattr(error, "findings", [])
    ] or None
