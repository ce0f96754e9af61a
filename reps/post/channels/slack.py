"""
Slack, by incoming webhook: a JSON body with `text` (the fallback) and `blocks`.

Wire format: Slack's "Sending messages using incoming webhooks" and the Block Kit reference:
a section's text holds 3,000 characters and its fields 10 of 2,000; a button's text 75, its
`action_id` 255 and its `value` 2,000; `&`, `<`, `>` are escaped. Slack answers 200 "ok", 4xx
for what will never be taken (`invalid_payload`, `no_service`, `channel_is_archived`) and 429
with Retry-After.

With a signing secret the acts are buttons whose `value` is the signed token: Slack sends
it back to `/hooks/slack/` ("Handling user interaction"). Without, they are links to the page
with that one button.
"""

import json
from typing import Any

from django.conf import settings

from reps.models import ChannelChoice, Message, User
from reps.post import http, webhooks
from reps.post.channels.base import Taken, Wire, without_tokens
from reps.post.kinds import Act, Text

MOST_FIELDS = 10
LONGEST_TEXT = 3000
LONGEST_FIELD = 2000
LONGEST_BUTTON = 75
# Where the answer to a pressed button goes ("response_url").
REPLY_HOSTS = ("hooks.slack.com", "hooks.slack-gov.com")


class Slack:
    name = "slack"
    label = "Slack"
    address = "webhook"

    def is_set_up(self) -> bool:
        return True

    def reaches(self, user: User, choice: ChannelChoice) -> bool:
        return bool(choice.address)

    def check_address(self, address: str) -> str:
        return webhooks.check(address, hosts=settings.SLACK_HOSTS, provider="Slack")

    def build(self, text: Text, *, to: User, choice: ChannelChoice, message: Message) -> list[Wire]:
        return [_wire(choice.address, payload(text), text=text, key=message.key)]

    def hand_over(self, wire: Wire) -> Taken:
        http.hand_over(wire, who=self.label, hosts=settings.SLACK_HOSTS)
        return Taken()


class SlackReply:
    """
    The answer to a pressed button: it replaces the message that held the button.

    Not a way that anybody chooses; messages of this kind name it (`Kind.only`), with the
    address that Slack gave (valid for 30 minutes and 5 answers) in their payload.
    """

    name = "slack_reply"
    label = "Slack (answer)"
    address = ""

    def is_set_up(self) -> bool:
        return True

    def reaches(self, user: User, choice: ChannelChoice) -> bool:
        return True

    def check_address(self, address: str) -> str:
        return webhooks.check(address, hosts=REPLY_HOSTS, provider="Slack")

    def build(self, text: Text, *, to: User, choice: ChannelChoice, message: Message) -> list[Wire]:
        body = {"replace_original": True, **payload(text)}
        return [_wire(message.payload["response_url"], body, text=text, key=message.key)]

    def hand_over(self, wire: Wire) -> Taken:
        http.hand_over(wire, who="Slack", hosts=REPLY_HOSTS)
        return Taken()


def _wire(url: str, body: dict[str, Any], *, text: Text, key: str) -> Wire:
    return Wire(
        url=url,
        body=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "X-Message-Key": key},
        shown=without_tokens(body, text),
    )


def payload(text: Text) -> dict[str, Any]:
    """Return the body for one message."""
    blocks: list[dict[str, Any]] = [_section(f"*{_escape(text.subject)}*")]
    if text.body:
        blocks.append(_section(_escape(text.body)))
    if text.facts:
        blocks.append(
            {
                "type": "section",
                "fields": [
                    {
                        "type": "mrkdwn",
                        "text": f"*{_escape(name)}*\n{_escape(value)}"[:LONGEST_FIELD],
                    }
                    for name, value in text.facts[:MOST_FIELDS]
                ],
            }
        )
    buttons = [_button(act) for act in text.acts]
    if text.url:
        buttons.append(_link(text.action or "Open", text.url))
    if buttons:
        buttons[0]["style"] = "primary"
        blocks.append({"type": "actions", "elements": buttons})
    return {"text": f"{_escape(text.subject)} {text.url}".strip(), "blocks": blocks}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:LONGEST_TEXT]}}


def _button(act: Act) -> dict[str, Any]:
    if not settings.SLACK_SIGNING_SECRETS:
        return _link(act.label, act.url)
    return {
        "type": "button",
        "text": {"type": "plain_text", "text": act.label[:LONGEST_BUTTON]},
        "action_id": act.name,
        "value": act.token,
    }


def _link(label: str, url: str) -> dict[str, Any]:
    return {
        "type": "button",
        "text": {"type": "plain_text", "text": label[:LONGEST_BUTTON]},
        "url": url,
    }


def _escape(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
