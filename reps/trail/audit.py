"""Append to the audit trail, and check that nobody has touched it."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from reps.models import AuditEvent, AuditHead, User
from reps.models.bulk import Upsert, insert_many

SYSTEM = "System"
# From here on every float is a whole number and is written with an exponent.
LARGEST_FLOAT = 1e16
# First and last name can be longer together than the column of the trail.
LONGEST_LABEL = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One act, before it has its place in the chain of its subject."""

    subject: str
    subject_id: int
    kind: str
    at: datetime
    by: User | None
    reason_code: str
    reason: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    writes_history: bool = True

    @property
    def chain(self) -> str:
        return f"{self.subject}:{self.subject_id}"


def subject_of(model: type[models.Model]) -> str:
    """The name under which a model's rows stand in the trail, e.g. `routing.lead`."""
    return model._meta.label_lower


def note(
    row: models.Model,
    *,
    kind: str,
    by: User | None,
    at: datetime,
    reason_code: str,
    reason: str = "",
    data: dict[str, Any] | None = None,
) -> None:
    """Record an act on a row that leaves its columns as they are, e.g. a refused request."""
    append(
        [
            Entry(
                subject=subject_of(type(row)),
                subject_id=row.pk,
                kind=kind,
                at=at,
                by=by,
                reason_code=reason_code,
                reason=reason,
                data=data or {},
                writes_history=False,
            )
        ]
    )


def append(entries: Sequence[Entry]) -> None:
    """
    Append events to the chains of their subjects: three statements, however many there are.

    The caller holds the rows of the subjects locked, so nobody else extends these chains;
    the unique (chain, seq) has the last word.
    """
    if not entries:
        return
    chains = sorted({entry.chain for entry in entries})
    heads = {
        head.chain: head
        for head in AuditHead.objects.select_for_update(no_key=True)
        .filter(chain__in=chains)
        .order_by("chain")
    }
    events = []
    for entry in entries:
        head = heads.get(entry.chain) or AuditHead(chain=entry.chain, seq=0, hash="")
        event = AuditEvent(
            chain=entry.chain,
            seq=head.seq + 1,
            kind=entry.kind,
            at=entry.at,
            actor=entry.by,
            actor_label=entry.by.label[:LONGEST_LABEL] if entry.by else SYSTEM,
            reason_code=entry.reason_code,
            reason=entry.reason[:500],
            subject=entry.subject,
            subject_id=entry.subject_id,
            writes_history=entry.writes_history,
            data=_plain(entry.data),
            prev_hash=head.hash,
        )
        event.hash = digest(event)
        heads[entry.chain] = AuditHead(chain=entry.chain, seq=event.seq, hash=event.hash)
        events.append(event)
    insert_many(events)
    insert_many([heads[chain] for chain in chains], upsert=Upsert(("chain",), ("seq", "hash")))


def digest(event: AuditEvent) -> str:
    """The SHA-256 over an event's content and its predecessor's hash."""
    content = [
        event.prev_hash,
        event.chain,
        event.seq,
        event.kind,
        event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        event.actor_id,
        event.actor_label,
        event.reason_code,
        event.reason,
        event.subject,
        event.subject_id,
        event.writes_history,
        event.data,
    ]
    return hashlib.sha256(
        json.dumps(
            content,
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
            cls=DjangoJSONEncoder,
        ).encode()
    ).hexdigest()


@dataclass(frozen=True, slots=True)
class Fault:
    """One place in which the trail contradicts itself."""

    chain: str
    seq: int
    what: str


def broken(chains: Iterable[str] | None = None) -> Iterator[Fault]:
    """Yield every edited, missing or swapped event, and every head that points astray."""
    events = AuditEvent.objects.order_by("chain", "seq")
    heads = AuditHead.objects.all()
    if chains is not None:
        events, heads = events.filter(chain__in=chains), heads.filter(chain__in=chains)
    last: dict[str, tuple[int, str]] = defaultdict(lambda: (0, ""))
    for event in events.iterator(chunk_size=2000):
        seq, previous = last[event.chain]
        if event.seq != seq + 1:
            yield Fault(event.chain, event.seq, f"event {seq + 1} is missing")
        elif event.prev_hash != previous:
            yield Fault(event.chain, event.seq, "does not follow its predecessor")
        if event.hash != digest(event):
            yield Fault(event.chain, event.seq, "was changed after it was written")
        last[event.chain] = (event.seq, event.hash)
    for head in heads.iterator(chunk_size=2000):
        if last.pop(head.chain, (0, "")) != (head.seq, head.hash):
            yield Fault(head.chain, head.seq, "the last event is missing or was changed")
    for chain, (seq, _) in last.items():
        yield Fault(chain, seq, "the chain has no head")


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """Return data as it will come back from the database, so that the digest stays true."""
    return json.loads(json.dumps(data, cls=DjangoJSONEncoder), parse_float=_number)


def _number(digits: str) -> float | int:
    """PostgreSQL keeps 1e22 as the whole number it is, and knows no minus zero."""
    value = float(digits)
    return int(value) if value.is_integer() and abs(value) >= LARGEST_FLOAT else value + 0.0
