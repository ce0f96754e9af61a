"""The bell on every page: what is new for me, asked again every few seconds."""

import hashlib
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import path
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_GET, require_POST

from reps.due.clock import database_now
from reps.models import Message, User
from reps.post import digest, kinds

# What is older is looked for in the inbox.
PERIOD = timedelta(days=14)
# More than this many is "many".
MOST = 100
LINES = 8
# An urgent message is called out for this long; each page shows it once.
FRESH = timedelta(seconds=60)


def unread(user: User, *, at: datetime) -> list[tuple[Message, str]]:
    """
    A person's newest unread messages, each with its line; only what they may see now.

    At once, whatever else a message waits for. The number of statements is constant.
    """
    rows = Message.objects.filter(
        recipient=user, read_at__isnull=True, created_at__gt=at - PERIOD, created_at__lte=at
    ).exclude(state=Message.State.DROPPED)
    newest = list(rows.exclude(kind=digest.KIND).order_by("-created_at", "-pk")[:MOST])
    said = kinds.lines(newest, reader=user)
    return [(message, said[message.pk]) for message in newest if message.pk in said]


@require_GET
def bell(request: HttpRequest) -> HttpResponse:
    """The bell's content, or 304 where nothing has changed."""
    at = database_now()
    found = unread(request.user, at=at)
    fresh = [one for one in found if one[0].urgent and one[0].created_at > at - FRESH]
    stamp = repr([(message.pk, line) for message, line in found] + [len(fresh)])
    etag = f'"{hashlib.sha256(stamp.encode()).hexdigest()[:32]}"'
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged is not None:
        return unchanged
    context = {
        "at": at,
        "count": len(found),
        "is_many": len(found) == MOST,
        "urgent": any(message.urgent for message, _line in found),
        "lines": found[:LINES],
        "fresh": fresh,
    }
    html = render_to_string("reps/_bell.html", context, request=request)
    return HttpResponse(html, headers={"ETag": etag})


@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark everything read that has been written so far."""
    at = database_now()
    rows = Message.objects.filter(recipient=request.user, read_at__isnull=True, created_at__lte=at)
    rows.update(read_at=at)
    return redirect("bell" if request.htmx else "outbox")


urlpatterns = [
    path("outbox/bell/", bell, name="bell"),
    path("outbox/bell/read/", read_all, name="bell_read"),
]
