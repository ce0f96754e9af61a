"""
What is answered when a request breaks.

While the database is away, has no connection left or no room, that is nobody's mistake and soon
over: 503 with a Retry-After, so that senders come again with the same key. Anything else is 500.
"""

import sys
from http import HTTPStatus

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader
from django.views.decorators.csrf import requires_csrf_token

RETRY_AFTER = 5


@requires_csrf_token
def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for the error in flight; Django calls this while it handles it."""
    error = sys.exc_info()[1]
    if isinstance(error, OperationalError | InterfaceError):
        answer = _say(
            request,
            HTTPStatus.SERVICE_UNAVAILABLE,
            code="database_away",
            detail="Nothing was taken in. Send it again in a moment, with the same key.",
        )
        answer.headers["Retry-After"] = str(RETRY_AFTER)
        return answer
    return _say(
        request,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        code="server_error",
        detail="Something broke on our side. Send it again, with the same key.",
    )


def _say(request: HttpRequest, status: HTTPStatus, *, code: str, detail: str) -> HttpResponse:
    if not request.path.startswith("/api/"):
        # Without context: whatever would ask the database for it may be what broke.
        return HttpResponse(loader.get_template(f"{status.value}.html").render(), status=status)
    return JsonResponse(
        {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "code": code,
            "detail": detail,
        },
        status=status,
        content_type="application/problem+json",
    )
