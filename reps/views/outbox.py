"""What the product said, to whom, and whether it arrived; for each person their own inbox."""

from typing import Any

from django.contrib import messages as flash
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from reps import access
from reps.due.clock import database_now
from reps.models import Message
from reps.post import deliver, kinds

PAGE = 50
MARKS = {
    Message.State.PENDING: "risk",
    Message.State.SENT: "ok",
    Message.State.DROPPED: "paused",
    Message.State.DEAD: "breach",
}


def _visible(request: HttpRequest) -> QuerySet[Message]:
    """RevOps and admins see every message, everybody else their own."""
    rows = Message.objects.select_related("recipient")
    return rows if access.is_revops(request.user) else rows.filter(recipient=request.user)


def outbox(request: HttpRequest) -> HttpResponse:
    """Messages, newest first: the outbox for RevOps, their own inbox for anybody else."""
    sees_all = access.is_revops(request.user)
    rows = _visible(request)
    mine = sees_all and request.GET.get("mine") == "1"
    if mine:
        rows = rows.filter(recipient=request.user)
    counts = dict(rows.order_by().values_list("state").annotate(n=Count("pk")))
    state = request.GET.get("state", "")
    if state in Message.State.values:
        rows = rows.filter(state=state)
    page = Paginator(rows.order_by("-created_at", "-pk"), PAGE).get_page(request.GET.get("page"))
    shown = list(page)
    said = kinds.lines(shown, reader=request.user)
    return TemplateResponse(
        request,
        "reps/outbox.html",
        {
            "at": database_now(),
            "sees_all": sees_all and not mine,
            "may_see_all": sees_all,
            "mine": mine,
            "page": page,
            "rows": [_line(message, said.get(message.pk, "")) for message in shown],
            "tabs": [
                ("", _("All"), sum(counts.values()), not state),
                *(
                    (value, label, counts.get(value, 0), value == state)
                    for value, label in Message.State.choices
                ),
            ],
            "state": state,
        },
    )


def _line(message: Message, line: str) -> dict[str, Any]:
    return {
        "message": message,
        "line": line or message.kind.replace("_", " ").capitalize(),
        "mark": MARKS[Message.State(message.state)],
        "channels": sorted(message.delivered),
    }


def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One message: what it says, and how its delivery went. Reading one's own marks it read."""
    message = get_object_or_404(_visible(request), pk=pk)
    at = database_now()
    if message.recipient_id == request.user.pk and message.read_at is None:
        Message.objects.filter(pk=pk, read_at__isnull=True).update(read_at=at)
    text, why_not = _read(message, request)
    return TemplateResponse(
        request,
        "reps/message.html",
        {
            "at": at,
            "message": message,
            "text": text,
            # The link as it was sent leads to this product by its public address; on a page
            # only links of our own making are followed.
            "url": text.url if text and _is_address(text.url) else "",
            "why_not": why_not,
            "mark": MARKS[Message.State(message.state)],
            "deliveries": sorted(message.delivered.items()),
            "may_replay": access.is_revops(request.user) and message.state == Message.State.DEAD,
        },
    )


def _is_address(url: str) -> bool:
    return url.startswith(("https://", "http://")) or url_has_allowed_host_and_scheme(
        url, allowed_hosts=None
    )


def _read(message: Message, request: HttpRequest) -> tuple[kinds.Text | None, str]:
    """What a message says to this reader, or why it cannot be shown."""
    try:
        kind = kinds.get(message.kind)
    except kinds.UnknownKind as error:
        return None, str(error)
    allowed = access.is_revops(request.user) or kind.lines is None
    try:
        if not allowed and message.pk not in kind.lines([message], request.user):
            return None, _("It is about a lead that is not yours to see any more.")
        return kind.render(message), ""
    except Exception as error:
        # Whatever a renderer stumbles over, such as a row that is gone, the page stands.
        return None, _("It cannot be put into words any more (%(error)s).") % {
            "error": type(error).__name__
        }


@require_POST
def replay(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a message that was given up another round of attempts."""
    message = get_object_or_404(_visible(request), pk=pk)
    if not access.is_revops(request.user):
        flash.error(request, _("RevOps replays messages."))
    elif message.state != Message.State.DEAD:
        flash.info(request, _("This message has not been given up; there is nothing to replay."))
    else:
        deliver.replay(message=message, at=database_now())
        flash.success(request, _("It will be tried again now."))
    return redirect("message", pk=pk)


urlpatterns = [
    path("outbox/", outbox, name="outbox"),
    path("outbox/<int:pk>/", one, name="message"),
    path("outbox/<int:pk>/replay/", replay, name="message_replay"),
]
