"""
The key by which push services know this installation (VAPID, RFC 8292).

A browser subscribes for one key; another key makes every subscription useless. So it is set
in `VAPID_PRIVATE_KEY`, or made once and kept in `var/vapid.pem` for a single machine.
"""

import os
import tempfile
import time
from email.utils import parseaddr
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from py_vapid import Vapid
from py_vapid.utils import b64urlencode

# RFC 8292 allows a day; shorter, so that clocks may differ.
VALID_SECONDS = 12 * 3600


def public_key() -> str:
    """What a browser wants as `applicationServerKey`: the point, uncompressed, base64url."""
    key = _key().public_key
    return b64urlencode(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def authorization(endpoint: str) -> str:
    """The Authorization header for one push service: who sends, signed, for 12 hours."""
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int(time.time()) + VALID_SECONDS,
        "sub": _subject(),
    }
    return _key().sign(claims)["Authorization"]


def _subject() -> str:
    if settings.VAPID_SUBJECT:
        return settings.VAPID_SUBJECT
    return f"mailto:{parseaddr(settings.DEFAULT_FROM_EMAIL)[1]}"


def _key() -> Vapid:
    return _read(settings.VAPID_PRIVATE_KEY, settings.VAR / "vapid.pem")


@lru_cache(maxsize=4)
def _read(given: str, path: Path) -> Vapid:
    if given:
        return Vapid.from_string(given)
    if not path.exists():
        _make(path)
    return Vapid.from_pem(path.read_bytes())


def _make(path: Path) -> None:
    """Write a new key, whole or not at all; of two processes at once the first one's stays."""
    made = Vapid()
    made.generate_keys()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(made.private_pem())
    try:
        os.link(file.name, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(file.name)
