"""
Whether a callback really comes from the provider: pure functions over what was received.

Every comparison takes the same time whatever differs, and of several secrets (while a new one
replaces the old) any will do.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence

# Slack: "If the timestamp is more than five minutes from local time, it could be a replay."
WINDOW_SECONDS = 300


def slack(
    body: bytes, *, timestamp: str, signature: str, secrets: Sequence[str], now: float
) -> bool:
    """
    Slack's "Verifying requests from Slack": `v0=` and the hex HMAC-SHA256 of `v0:timestamp:body`,
    the body as it was received, at most five minutes old.
    """
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        return False
    if abs(now - int(timestamp)) > WINDOW_SECONDS:
        return False
    signed = b"v0:" + timestamp.encode() + b":" + body
    return _is_one_of(
        signature,
        (
            "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
            for secret in secrets
        ),
    )


def twilio(
    url: str, form: Mapping[str, Sequence[str]], *, signature: str, secrets: Sequence[str]
) -> bool:
    """
    Twilio's "Webhooks security": the base64 HMAC-SHA1 of the full address with every form
    parameter, name and value, appended in the order of the names; the auth token is the key.
    """
    parts = [f"{name}{value}" for name in sorted(form) for value in sorted(set(form[name]))]
    signed = (url + "".join(parts)).encode()
    return _is_one_of(
        signature, (_base64(hmac.new(secret.encode(), signed, "sha1")) for secret in secrets)
    )


def teams(body: bytes, *, authorization: str, secrets: Sequence[str]) -> bool:
    """
    Microsoft's "Create Outgoing Webhooks": `HMAC ` and the base64 HMAC-SHA256 of the body; the
    key is the security token, decoded from base64.
    """
    keys = [key for secret in secrets if (key := _decoded(secret))]
    return _is_one_of(
        authorization,
        ("HMAC " + _base64(hmac.new(key, body, hashlib.sha256)) for key in keys),
    )


def _is_one_of(given: str, expected: Iterable[str]) -> bool:
    # All are compared, so that the time does not tell which secret fits.
    found = [hmac.compare_digest(given.encode(), one.encode()) for one in expected]
    return True in found


def _base64(made: hmac.HMAC) -> str:
    return base64.b64encode(made.digest()).decode()


def _decoded(secret: str) -> bytes:
    try:
        return base64.b64decode(secret, validate=True)
    except binascii.Error:
        return b""
