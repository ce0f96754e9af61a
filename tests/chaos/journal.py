"""
What the product has acknowledged, written down outside of its database and flushed to disk.

A line per act, as a client saw it: what it sent and what it heard. Compared with the database
afterwards, so that a lead which was promised and is not there cannot go unnoticed.
"""

import json
import os
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# A form that was sent is answered by a redirect; a hostile body is kept and refused with 400 or
# 413, which is an acknowledgement as well: the answer names its submission.
TAKEN = frozenset({202, 302})
KEPT = frozenset({400, 413})


class Journal:
    """Appends acts to a file; an acknowledged one is on disk before the client goes on."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def note(self, act: dict[str, Any], *, flushed: bool = True) -> None:
        with self._lock:
            self._file.write(json.dumps(act) + "\n")
            self._file.flush()
            if flushed:
                os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class Act:
    """One submission as a client knows it; `status` is 0 as long as nobody has answered."""

    source: str
    key: str
    email: str
    status: int
    receipt: str
    # Seconds that the door took at the last try, and how many tries there were.
    seconds: float
    tries: int
    at: float
    hostile: bool = False
    again: bool = False

    @property
    def is_acknowledged(self) -> bool:
        return self.status in TAKEN or (self.status in KEPT and bool(self.receipt))


def read(paths: Sequence[Path]) -> list[Act]:
    """All acts of these journals; a line that its writer did not finish is nothing yet."""
    return [Act(**line) for path in paths for line in _lines(path)]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(text)
        except ValueError:
            continue


def faults(acts: Sequence[Act]) -> list[str]:
    """Everything that was acknowledged and is not so in the database."""
    from routing.models import Source, Submission

    rows = {
        (source, key): (str(public_id), state, lead, email)
        for source, key, public_id, state, lead, email in Submission.objects.values_list(
            "source__slug",
            "idempotency_key",
            "public_id",
            "state",
            "lead_id",
            "lead__prospect__email",
        )
    }
    found = []
    receipts: dict[tuple[str, str], str] = {}
    for act in acts:
        place = (act.source, act.key)
        if not act.is_acknowledged:
            continue
        said = receipts.setdefault(place, act.receipt)
        if said != act.receipt:
            found.append(f"{place} was acknowledged as {said} and as {act.receipt}")
        if place not in rows:
            found.append(f"{place} was acknowledged and is lost")
            continue
        public_id, state, lead, email = rows[place]
        if act.receipt and public_id != act.receipt:
            found.append(f"{place} was acknowledged as {act.receipt} and is {public_id}")
        if act.hostile:
            continue
        if state != Submission.State.PROCESSED or lead is None:
            found.append(f"{place} was acknowledged and has become no lead ({state})")
        elif email != act.email:
            found.append(f"{place} has become the lead of somebody else")
    sent = {(act.source, act.key) for act in acts}
    # The product's own test leads are sent by itself.
    strange = (place for place in rows.keys() - sent if place[0] != Source.CANARY)
    found += [f"{place} was never sent" for place in strange]
    return found + _doubled(acts)


def _doubled(acts: Sequence[Act]) -> list[str]:
    """One person is one prospect with one open lead, however often and by whichever door."""
    from routing.models import Lead, Prospect

    people = Counter(Prospect.objects.exclude(email="").values_list("email", flat=True))
    leads = set(Lead.objects.values_list("prospect__email", flat=True))
    open_leads = Counter(Lead.objects.open().values_list("prospect__email", flat=True))
    wanted = {act.email for act in acts if act.is_acknowledged and not act.hostile}
    sent = {act.email for act in acts}
    return [
        *(f"{email} was acknowledged and is nobody's lead" for email in wanted - leads),
        *(f"{email} is {n} people" for email, n in people.items() if n > 1 and email in sent),
        *(f"{email} has {n} open leads" for email, n in open_leads.items() if n > 1),
    ]
