"""What a channel's message looks like to its reader, drawn from exactly what was to be sent."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reps.models import Delivery
from reps.post import channels

BOLD = re.compile(r"\*([^*\n]+)\*")


@dataclass(frozen=True, slots=True)
class Drawn:
    """One attempt's message: the template that draws it, what it finds there, and the JSON."""

    delivery: Delivery
    label: str
    template: str
    shown: Mapping[str, Any]
    raw: str


def drawn(attempts: Iterable[Delivery]) -> list[Drawn]:
    """Draw what these attempts were to send: cards first, then notes, mails last, by width."""
    found = [one for row in attempts if (one := _draw(row)) is not None]
    places = {name: place for place, name in enumerate(DRAWINGS)}
    return sorted(found, key=lambda one: places.get(one.delivery.channel, len(places)))


def _draw(delivery: Delivery) -> Drawn | None:
    if not isinstance(delivery.body, dict):
        return None
    drawing = DRAWINGS.get(delivery.channel)
    return Drawn(
        delivery=delivery,
        label=channels.label(delivery.channel),
        template=f"reps/wire/{delivery.channel}.html" if drawing else "",
        shown=drawing(delivery.body) if drawing else {},
        raw=json.dumps(delivery.body, ensure_ascii=False, indent=2),
    )


# --- Slack: Block Kit -----------------------------------------------------------------------


def _slack(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"blocks": [_block(block) for block in body.get("blocks", [])]}


def _block(block: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "runs": _mrkdwn(block["text"]["text"]) if "text" in block else [],
        "fields": [
            [(text.strip(), bold) for text, bold in _mrkdwn(field["text"])]
            for field in block.get("fields", [])
        ],
        "buttons": [
            {"text": one["text"]["text"], "style": one.get("style", "")}
            for one in block.get("elements", [])
            if one.get("type") == "button"
        ],
    }


def _mrkdwn(text: str) -> list[tuple[str, bool]]:
    """Slack's text as runs of (text, bold), its three escapes undone."""
    parts = BOLD.split(text)
    return [(_plain(part), n % 2 == 1) for n, part in enumerate(parts) if part]


def _plain(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


# --- Teams: an Adaptive Card ----------------------------------------------------------------


def _teams(body: Mapping[str, Any]) -> Mapping[str, Any]:
    card = body["attachments"][0]["content"]
    parts = []
    for part in card.get("body", []):
        if part["type"] == "TextBlock":
            parts.append({"text": _unescaped(part["text"]), "bold": part.get("weight") == "Bolder"})
        elif part["type"] == "FactSet":
            facts = [(_unescaped(one["title"]), _unescaped(one["value"])) for one in part["facts"]]
            parts.append({"facts": facts})
    return {"parts": parts, "actions": [one["title"] for one in card.get("actions", [])]}


def _unescaped(text: str) -> str:
    return re.sub(r"\\([\\\[\]*_`])", r"\1", text)


def _as_it_is(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return body


# In the order in which a page shows them: those of one width stand side by side.
DRAWINGS: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
    "slack": _slack,
    "teams": _teams,
    "push": _as_it_is,
    "sms": _as_it_is,
    "whatsapp": _as_it_is,
    "email": _as_it_is,
}
