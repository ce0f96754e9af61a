"""
Buttons and words that come back from Slack and Teams, signed by them.

They have no session and no CSRF token; the provider's signature over the raw body stands for
both, and the token inside says who acts (`routing.onetap`). A body that is no provider's is
answered with a number and nothing else.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils.html import strip_tags
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from reps.due.clock import database_now
from reps.post import outbox, signatures, webhooks
from reps.post.channels.slack import SlackReply
from reps.views import raw
from routing import onetap

# What people write to the bot: "@Routing ack <token>".
WRITTEN = re.compile(r"\b(ack|acknowledge|claim)\s+([\w.-]+)\s*$")
VERBS = {"ack": onetap.ACKNOWLEDGE, "acknowledge": onetap.ACKNOWLEDGE, "claim": onetap.CLAIM}


@dataclass(frozen=True, slots=True)
class Press:
    """A pressed button: its token, and where Slack wants to hear what came of it."""

    token: str
    response_url: str


@login_not_required
@csrf_exempt
@require_POST
def slack(request: HttpRequest) -> HttpResponse:
    """
    Do what a pressed button stands for, and answer at once ("Handling user interaction": an
    empty 200 within three seconds). What came of it replaces the message later, by the outbox.
    """
    body = raw.body(request)
    if body is None:
        return HttpResponse(status=413)
    at = database_now()
    if not signatures.slack(
        body,
        timestamp=request.headers.get("X-Slack-Request-Timestamp", ""),
        signature=request.headers.get("X-Slack-Signature", ""),
        secrets=settings.SLACK_SIGNING_SECRETS,
        now=at.timestamp(),
    ):
        return HttpResponse(status=401)
    press = _press(body)
    tap = _tap(press.token) if press else None
    if press is None or tap is None:
        # A link's button reports its press too; there is nothing to do.
        return HttpResponse(status=200)
    # One transaction: the act and its answer, which is one message however often it is replayed.
    with transaction.atomic():
        answer = onetap.act(tap, at=at, driver="slack")
        if press.response_url:
            outbox.put(
                [
                    outbox.Draft(
                        key=f"slack-{hashlib.sha256(body).hexdigest()[:40]}",
                        kind="slack_answer",
                        to=tap.user_id,
                        payload={
                            "lead": tap.lead_id,
                            "outcome": answer.outcome.value,
                            "words": answer.words,
                            "response_url": press.response_url,
                        },
                        urgent=True,
                        about=f"routing.lead:{tap.lead_id}",
                    )
                ],
                at=at,
            )
    return HttpResponse(status=200)


def _press(body: bytes) -> Press | None:
    try:
        payload = json.loads(parse_qs(body.decode())["payload"][0])
        (action,) = payload["actions"]
        token = action["value"] if action["action_id"] in onetap.LABELS else ""
    except (ValueError, KeyError, TypeError):
        return None
    if payload.get("type") != "block_actions" or not isinstance(token, str) or not token:
        return None
    return Press(token, _reply_address(payload))


def _reply_address(payload: Mapping[str, Any]) -> str:
    """Where the answer may go: Slack's own hosts only, even though Slack has signed it."""
    try:
        return SlackReply().check_address(str(payload.get("response_url", "")))
    except webhooks.ForeignWebhook:
        return ""


def _tap(token: str) -> onetap.Tap | None:
    try:
        return onetap.read(token)
    except onetap.LinkRefused:
        return None


@login_not_required
@csrf_exempt
@require_POST
def teams(request: HttpRequest) -> HttpResponse:
    """
    Do what somebody writes to the bot of an outgoing webhook, and answer in the same thread:
    Teams shows the `text` of a message that comes back within five seconds.
    """
    body = raw.body(request)
    if body is None:
        return HttpResponse(status=413)
    if not signatures.teams(
        body,
        authorization=request.headers.get("Authorization", ""),
        secrets=settings.TEAMS_OUTGOING_SECRETS,
    ):
        return HttpResponse(status=401)
    return JsonResponse({"type": "message", "text": _written(body)})


def _written(body: bytes) -> str:
    try:
        text = strip_tags(str(json.loads(body)["text"])).replace("\xa0", " ").strip()
    except (ValueError, KeyError, TypeError):
        text = ""
    found = WRITTEN.search(text)
    if found is None:
        return _("Write “ack” or “claim” and the code that stands in the message.")
    try:
        tap = onetap.read(found[2])
    except onetap.LinkRefused as refused:
        return str(refused)
    if tap.verb != VERBS[found[1]]:
        return _("This code is for something else: write “%(verb)s” before it.") % {
            "verb": tap.verb
        }
    return onetap.act(tap, at=database_now(), driver="teams").words


urlpatterns = [
    path("hooks/slack/", slack, name="hook_slack"),
    path("hooks/teams/", teams, name="hook_teams"),
]
