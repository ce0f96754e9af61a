"""
Microsoft Teams, by the webhook of a workflow: an Adaptive Card in a message's envelope.

Wire format: Microsoft's "Create Incoming Webhooks" (section "Send Adaptive Cards using an
Incoming Webhook") and "Create and send messages": workflows take Adaptive Cards only, as
`{"type": "message", "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive",
"contentUrl": null, "content": card}]}`; a workflow answers 202, a connector 200. The addresses
are those that Power Automate gives to "When a Teams webhook request is received":
`….logic.azure.com`, since 2025 `….environment.api.powerplatform.com`, and the older
`….webhook.office.com` (settings.TEAMS_HOSTS).

Such a webhook has no way back: of all card actions only Action.OpenUrl works, so the acts are
links to the page with that one button. The way back that Teams does sign is an outgoing
webhook, which people write to (`/hooks/teams/`).
"""

import json
from typing import Any

from django.conf import settings

from reps.models import ChannelChoice, Message, User
from reps.post import http, webhooks
from reps.post.channels.base import Taken, Wire, without_tokens
from reps.post.kinds import Text

SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"
# What Teams shows everywhere, on phones too.
VERSION = "1.4"
# A message may have 28 KB; names and facts are far from it, a body might not be.
LONGEST_TEXT = 4000


class Teams:
    name = "teams"
    label = "Microsoft Teams"
    address = "webhook"

    def is_set_up(self) -> bool:
        return True

    def reaches(self, user: User, choice: ChannelChoice) -> bool:
        return bool(choice.address)

    def check_address(self, address: str) -> str:
        return webhooks.check(address, hosts=settings.TEAMS_HOSTS, provider="Teams")

    def build(self, text: Text, *, to: User, choice: ChannelChoice, message: Message) -> list[Wire]:
        body = envelope(text)
        return [
            Wire(
                url=choice.address,
                body=json.dumps(body).encode(),
                headers={"Content-Type": "application/json", "X-Message-Key": message.key},
                shown=without_tokens(body, text),
            )
        ]

    def hand_over(self, wire: Wire) -> Taken:
        http.hand_over(wire, who="Teams", hosts=settings.TEAMS_HOSTS)
        return Taken()


def envelope(text: Text) -> dict[str, Any]:
    """Return the body for one message."""
    card: dict[str, Any] = {
        "$schema": SCHEMA,
        "type": "AdaptiveCard",
        "version": VERSION,
        "body": [_words(text.subject, weight="Bolder", size="Medium")],
        "actions": [
            *({"type": "Action.OpenUrl", "title": act.label, "url": act.url} for act in text.acts),
            *(
                [{"type": "Action.OpenUrl", "title": text.action or "Open", "url": text.url}]
                if text.url
                else []
            ),
        ],
    }
    if text.body:
        card["body"].append(_words(text.body))
    if text.acts and settings.TEAMS_OUTGOING_SECRETS:
        # Whoever cannot follow links from Teams writes the code to the bot (`/hooks/teams/`).
        codes = (f"{act.name} {act.token}" for act in text.acts)
        card["body"].append(_words(" · ".join(codes), size="Small", isSubtle=True))
    if text.facts:
        facts = [{"title": name, "value": _plain(value)} for name, value in text.facts]
        card["body"].append({"type": "FactSet", "facts": facts})
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": card,
            }
        ],
    }


def _words(text: str, **look: Any) -> dict[str, Any]:
    return {"type": "TextBlock", "text": _plain(text[:LONGEST_TEXT]), "wrap": True, **look}


def _plain(text: str) -> str:
    """A card's texts are Markdown; what a prospect entered must not become a link in it."""
    return text.replace("[", "\\[").replace("]", "\\]")
