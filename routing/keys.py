"""API keys of sources: shown once, kept as a hash."""

import hashlib
import secrets
from datetime import datetime

from django.db import transaction

from reps import trail
from reps.models import User
from routing.models import Source

PREFIX = "lr_"
# 30 random bytes are 40 URL-safe characters.
RANDOM_BYTES = 30
# How much of a key stays readable, so that people can tell keys apart.
SHOWN = 10


def hash_key(text: str) -> str:
    """
    Return what is kept of a key.

    Plain SHA-256 is enough: a key has 240 random bits, so there is nothing to guess.
    """
    return hashlib.sha256(text.strip().encode()).hexdigest()


@transaction.atomic
def issue_key(*, source: Source, by: User, at: datetime) -> str:
    """
    Give a source a new API key and return it: the only time that it can be read.

    The key before it stops working at once.
    """
    key = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    row = Source.objects.select_for_update(no_key=True).get(pk=source.pk)
    row.key_prefix, row.key_hash = key[:SHOWN], hash_key(key)
    trail.save(row, by=by, at=at, reason="key issued", kind="key_issued")
    return key


@transaction.atomic
def revoke_key(*, source: Source, by: User, at: datetime) -> None:
    """Let a source's key work no longer."""
    row = Source.objects.select_for_update(no_key=True).get(pk=source.pk)
    if not row.key_hash:
        return
    row.key_prefix = row.key_hash = ""
    trail.save(row, by=by, at=at, reason="key revoked", kind="key_revoked")
