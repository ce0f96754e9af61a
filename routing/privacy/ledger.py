"""
The erasure ledger: who was erased, in a file outside of the database and its backups.

A backup that is older than an erasure brings the erased back. Whoever restores it erases them
again from this file, before anything is served (`repeat`). A line holds no personal data: the
prospect's id, the moment, and a keyed digest by which that prospect is told from another one
who got the same id after an earlier restore.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from routing.models import Erasure, Prospect


@dataclass(frozen=True, slots=True)
class Line:
    """One erasure, as the file has it."""

    prospect: int
    at: str
    digest: str


def keyed(text: str) -> str:
    """A digest that only this installation can make."""
    key = hashlib.sha256(b"erasure ledger" + settings.SECRET_KEY.encode()).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def digest_of(prospect: Prospect) -> str:
    """What stands for a prospect: their id and when they became known, which erasure keeps."""
    return keyed(f"{prospect.pk}|{prospect.created_at.isoformat()}")


def write_missing(at: datetime) -> dict[str, Any]:
    """
    Add every erasure that the file does not have yet, as a routine does.

    Written to the disk first, noted in the database after: a crash in between repeats a line,
    which does no harm.
    """
    waiting = list(
        Erasure.objects.filter(ledgered_at__isnull=True).select_related("prospect").order_by("pk")
    )
    if not waiting:
        return {}
    _append(
        [
            {
                "prospect": one.prospect_id,
                "at": one.at.isoformat(),
                "digest": digest_of(one.prospect),
            }
            for one in waiting
        ]
    )
    Erasure.objects.filter(pk__in=[one.pk for one in waiting]).update(ledgered_at=at)
    return {"written": len(waiting)}


def write_soon(at: datetime) -> None:
    """Write the file once the present transaction is through; if that fails, the routine will."""
    transaction.on_commit(lambda: write_missing(at), robust=True)


def read() -> Iterator[Line]:
    """Yield the lines of the file; one that was cut off by a crash was written again."""
    path = Path(settings.ERASURE_LEDGER)
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
            yield Line(int(row["prospect"]), str(row["at"]), str(row["digest"]))
        except (ValueError, KeyError, TypeError):
            continue


def _append(rows: list[dict[str, Any]]) -> None:
    path = Path(settings.ERASURE_LEDGER)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{json.dumps(row)}\n" for row in rows)
    with path.open("a+b") as file:
        file.seek(0, os.SEEK_END)
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                # The line before was cut off; it must not swallow this one.
                text = f"\n{text}"
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
