"""What the product said, to whom, and whether it arrived; for each person their own inbox."""

from typing import Any

from django.contrib import messages as flash
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from reps import access
from reps.due.clock import database_now
from reps.filters import MessageFilter
from reps.models import Delivery, Message
from reps.post import channels, deliver, digest, health, kinds
from reps.views import wires

PAGE = 50
MARKS = {
    Message.State.PENDING: "risk",
    Message.State.SENT: "ok",
    Message.State.DROPPED: "paused",
    Message.State.DEAD: "breach",
    Message.State.DIGESTED: "ok",
}
OUTCOMES = {
    Delivery.Outcome.TAKEN: "ok",
    Delivery.Outcome.CONFIRMED: "ok",
    Delivery.Outcome.FAILED: "risk",
    Delivery.Outcome.REFUSED: "breach",
}
# A mail is drawn in a frame of its own, where nothing runs, loads or leads anywhere.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox"
)


def _visible(request: HttpRequest) -> QuerySet[Message]:
    """RevOps and admins see every message, everybody else their own."""
    rows = Message.objects.select_related("recipient")
    return rows if access.is_revops(request.user) else rows.filter(recipient=request.user)


def _filtered(request: HttpRequest, rows: QuerySet[Message], at) -> MessageFilter:
    return MessageFilter(request.GET, queryset=rows, request=request, at=at)


def outbox(request: HttpRequest) -> HttpResponse:
    """Messages, newest first: the outbox for RevOps, their own inbox for anybody else."""
    at, may_see_all = database_now(), access.is_revops(request.user)
    mine = may_see_all and request.GET.get("mine") == "1"
    sees_all = may_see_all and not mine
    rows = _visible(request).filter(**({"recipient": request.user} if mine else {}))
    chosen = _filtered(request, rows, at)
    if not sees_all:
        del chosen.form.fields["person"]
    rows = chosen.qs
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
            "at": at,
            "sees_all": sees_all,
            "may_see_all": may_see_all,
            "mine": mine,
            "filter": chosen,
            "filtered": any(request.GET.get(name) for name in chosen.form.fields),
            "health": health.of_channels(at=at) if sees_all else [],
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
            "may_replay": sees_all and state == Message.State.DEAD and bool(shown),
        },
    )


def _line(message: Message, line: str) -> dict[str, Any]:
    kind = kinds.label_of(message.kind)
    if not line and message.kind in kinds.collectable():
        # It tells lines, but not this one to this reader.
        line = _("About a lead that you do not see now")
    return {
        "message": message,
        "line": line or kind,
        "kind": kind,
        "mark": MARKS[Message.State(message.state)],
        "channels": [channels.label(name) for name in sorted(message.delivered)],
    }


def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One message: what it says, and how its delivery went. Reading one's own marks it read."""
    message = get_object_or_404(_visible(request).select_related("digest"), pk=pk)
    at = database_now()
    if message.recipient_id == request.user.pk and message.read_at is None:
        Message.objects.filter(pk=pk, read_at__isnull=True).update(read_at=at)
    text, why_not = _read(message, request)
    attempts = list(message.deliveries.all())
    return TemplateResponse(
        request,
        "reps/message.html",
        {
            "at": at,
            "message": message,
            "kind": kinds.label_of(message.kind),
            "text": text,
            # The link as it was sent leads to this product by its public address; on a page
            # only links of our own making are followed.
            "url": text.url if text and message.kind != digest.KIND and _leads(text.url) else "",
            "why_not": why_not,
            "mark": MARKS[Message.State(message.state)],
            "attempts": [
                {
                    "delivery": row,
                    "label": channels.label(row.channel),
                    "mark": OUTCOMES[Delivery.Outcome(row.outcome)],
                }
                for row in attempts
            ],
            "channels": [channels.label(name) for name in sorted(message.delivered)],
            # What was sent says as much as the text does.
            "wires": wires.drawn(attempts) if text else [],
            "told": digest.told_by(message, reader=request.user) if text else [],
            "may_replay": access.is_revops(request.user) and message.state == Message.State.DEAD,
        },
    )


def _leads(url: str) -> bool:
    return url.startswith(("https://", "http://")) or url_has_allowed_host_and_scheme(
        url, allowed_hosts=None
    )


def _read(message: Message, request: HttpRequest) -> tuple[kinds.Text | None, str]:
    """What a message says to this reader, or why it cannot be shown."""
    try:
        kind = kinds.get(message.kind)
    except kinds.UnknownKind as error:
        return None, str(error)
    if kind.secret and message.recipient_id != request.user.pk:
        return None, _("It holds a link that is for its recipient only.")
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


def mail(request: HttpRequest, pk: int) -> HttpResponse:
    """The HTML of a mail that the outbox kept, for the frame in which the page shows it."""
    row = get_object_or_404(Delivery.objects.filter(message__in=_visible(request)), pk=pk)
    text, _why_not = _read(row.message, request)
    html = (row.body or {}).get("html") if row.channel == "email" and text else None
    if html is None:
        raise Http404("Nothing was kept that you may see.")
    response = HttpResponse(html)
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


@require_POST
def replay(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a message that was given up another round of attempts."""
    message = get_object_or_404(_visible(request), pk=pk)
    if not access.is_revops(request.user):
        flash.error(request, _("RevOps replays messages."))
    elif deliver.replay(Message.objects.filter(pk=message.pk), by=request.user, at=database_now()):
        flash.success(request, _("It will be tried again now."))
    else:
        flash.info(request, _("This message has not been given up; there is nothing to replay."))
    return redirect("message", pk=pk)


@require_POST
def replay_all(request: HttpRequest) -> HttpResponse:
    """The same for all that were given up and fit the filters of the page."""
    if not access.is_revops(request.user):
        flash.error(request, _("RevOps replays messages."))
        return redirect("outbox")
    at = database_now()
    number = deliver.replay(_filtered(request, _visible(request), at).qs, by=request.user, at=at)
    flash.success(
        request,
        ngettext(
            "%(n)s message will be tried again now.",
            "%(n)s messages will be tried again now.",
            number,
        )
        % {"n": number},
    )
    return redirect(f"{reverse('outbox')}?state={Message.State.DEAD}")


urlpatterns = [
    path("outbox/", outbox, name="outbox"),
    path("outbox/replay/", replay_all, name="outbox_replay"),
    path("outbox/mail/<int:pk>/", mail, name="message_mail"),
    path("outbox/<int:pk>/", one, name="message"),
    path("outbox/<int:pk>/replay/", replay, name="message_replay"),
]
