"""
Slack, by incoming webhook: a JSON body with `text` (the fallback) and `blocks`.

Wire format: Slack's "Sending messages using incoming webhooks" and Block Kit references
(section fields hold at most 10 items; `&`, `<`, `>` are escaped). Slack answers 200 "ok".
"""

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from reps.models import NotificationPreference, User
from reps.post.kinds import Text

TIMEOUT = 10
MOST_FIELDS = 10


class SlackRefused(RuntimeError):
    """Slack did not take the message."""


class ForeignWebhook(RuntimeError):
    """The address is not one of Slack's, so nothing is sent there."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


class Slack:
    name = "slack"

    def wanted(self, user: User, preference: NotificationPreference) -> bool:
        return preference.by_slack and bool(preference.slack_webhook_url)

    def send(self, text: Text, *, to: User, key: str) -> None:
        url = to.notification_preference.slack_webhook_url
        check_address(url)
        request = urllib.request.Request(
            url,
            data=json.dumps(payload(text)).encode(),
            headers={"Content-Type": "application/json", "X-Message-Key": key},
            method="POST",
        )
        opener = urllib.request.build_opener(_NoRedirects)
        try:
            with opener.open(request, timeout=TIMEOUT) as answer:
                answer.read(1024)
        except urllib.error.HTTPError as error:
            # The error is the answer, and holds its connection open.
            error.close()
            raise SlackRefused(f"Slack answered {error.code}.") from error


def check_address(url: str) -> None:
    """
    Refuse any address but the hosts in `SLACK_HOSTS`: a rep may enter a webhook, and must
    not be able to make this server call whatever they like.

    :raises ForeignWebhook: for another host, or for plain HTTP outside of tests and demo
    """
    parts = urlsplit(url)
    if parts.netloc not in settings.SLACK_HOSTS:
        raise ForeignWebhook(f"{parts.netloc or 'This address'} is not a Slack webhook host.")
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
        raise ForeignWebhook("A Slack webhook address starts with https://.")


def payload(text: Text) -> dict[str, Any]:
    """Return the body for one message."""
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"*{_escape(text.subject)}*"}},
    ]
    if text.body:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": _escape(text.body)}})
    if text.facts:
        blocks.append(
            {
                "type": "section",
                "fields": [
                    {"type": "mrkdwn", "text": f"*{_escape(name)}*\n{_escape(value)}"}
                    for name, value in text.facts[:MOST_FIELDS]
                ],
            }
        )
    if text.url:
        blocks.append(
            {
                "type": "actions",
                "elements": [
                    {
                        "type": "button",
                        "text": {"type": "plain_text", "text": text.action or "Open"},
                        "url": text.url,
                        "style": "primary",
                    }
                ],
            }
        )
    return {"text": f"{text.subject} {text.url}".strip(), "blocks": blocks}


def _escape(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
