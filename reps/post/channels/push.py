"""
Web push: a note on a person's own devices, encrypted for each, by the browser's push service.

Wire format: RFC 8030 (POST to the subscription's endpoint with TTL, Urgency and Topic; 201;
404 or 410 once the subscription is gone), RFC 8291 with RFC 8188 (`aes128gcm`, a record of at
most 4,096 bytes) and RFC 8292 (VAPID: who sends, signed). The text inside is ours:
`static/js/sw.js` reads it.
"""

import base64
import hashlib
import json
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec

from reps.models import ChannelChoice, Message, PushSubscription, User
from reps.net.addresses import AddressRefused, place_of
from reps.net.post import PORTS
from reps.post import http, vapid
from reps.post.channels.base import ChannelRefused, Taken, Wire, without_tokens
from reps.post.kinds import Text

# After that nobody needs to be told any more: links are valid for a day, leads move on sooner.
TTL_SECONDS = 4 * 3600
# Of the 4,096 bytes, 86 are the header, 16 the tag and one the end of the padding.
MOST_BYTES = 3900
LONGEST_BODY = 400
GONE = (404, 410)


class Push:
    name = "push"
    label = "This product on your devices"
    address = ""

    def is_set_up(self) -> bool:
        return True

    def reaches(self, user: User, choice: ChannelChoice) -> bool:
        return bool(user.push_subscriptions.all())

    def check_address(self, address: str) -> str:
        """Return the endpoint of a push service; browsers give them, people never see them."""
        try:
            place_of(address, ports=PORTS)
        except AddressRefused as refused:
            raise ValueError(str(refused)) from None
        return address

    def build(self, text: Text, *, to: User, choice: ChannelChoice, message: Message) -> list[Wire]:
        content = payload(text, key=message.key)
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Encoding": "aes128gcm",
            "TTL": str(TTL_SECONDS),
            "Urgency": "high" if message.urgent else "normal",
            # The same message sent twice replaces the first while the device is away.
            "Topic": _base64url(hashlib.sha256(message.key.encode()).digest())[:32],
        }
        return [
            Wire(
                url=device.endpoint,
                body=encrypt(json.dumps(content, ensure_ascii=False).encode(), device),
                headers={**headers, "Authorization": vapid.authorization(device.endpoint)},
                shown=without_tokens(_shown(content, device), text),
            )
            for device in to.push_subscriptions.all()
        ]

    def hand_over(self, wire: Wire) -> Taken:
        try:
            answer = http.hand_over(wire, who="The push service")
        except ChannelRefused as refused:
            if refused.status in GONE:
                PushSubscription.objects.filter(endpoint=wire.url).delete()
            raise
        return Taken(provider_id=answer.headers.get("location", "")[-120:])


def payload(text: Text, *, key: str) -> dict[str, Any]:
    """What the service worker shows; the body gives way so that the rest always fits."""
    facts = " · ".join(
        value for name, value in text.facts if name in ("Company", "Title", "Interest")
    )
    content: dict[str, Any] = {
        "title": text.subject[:200],
        "body": "\n".join(part for part in (facts, text.body) if part)[:LONGEST_BODY],
        "url": text.url,
        "tag": key,
        "actions": [
            {"action": act.name, "title": act.label, "token": act.token} for act in text.acts
        ],
    }
    while len(json.dumps(content, ensure_ascii=False).encode()) > MOST_BYTES and content["body"]:
        content["body"] = content["body"][: len(content["body"]) // 2]
    return content


def encrypt(content: bytes, device: PushSubscription) -> bytes:
    """Encrypt for one device (RFC 8291), with a key pair made for this message."""
    return http_ece.encrypt(
        content,
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=decoded(device.p256dh),
        auth_secret=decoded(device.auth),
        version="aes128gcm",
    )


def decoded(text: str) -> bytes:
    """
    Return what base64url text without padding stands for.

    :raises ValueError: if it is none
    """
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _shown(content: dict[str, Any], device: PushSubscription) -> dict[str, Any]:
    actions = [{"action": one["action"], "title": one["title"]} for one in content["actions"]]
    shown = {name: content[name] for name in ("title", "body", "url")}
    return {**shown, "actions": actions, "device": str(device)}
