"""Put messages into the outbox, in the transaction of the change they tell of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reps.due import doorbell
from reps.models import Message
from reps.models.bulk import insert_many


@dataclass(frozen=True, slots=True)
class Draft:
    """One message to one person; the same `key` twice is one message."""

    key: str
    kind: str
    to: int
    payload: Mapping[str, Any] = field(default_factory=dict)
    urgent: bool = False
    # The row it tells of, such as "routing.lead:12", so that the row's time line finds it.
    about: str = ""


def put(drafts: Sequence[Draft], *, at: datetime) -> None:
    """Queue messages; one statement for many, nothing for a key that is already there."""
    if not drafts:
        return
    insert_many(
        [
            Message(
                key=draft.key,
                kind=draft.kind,
                recipient_id=draft.to,
                payload=dict(draft.payload),
                urgent=draft.urgent,
                about=draft.about,
                created_at=at,
                due_at=at,
            )
            for draft in drafts
        ],
        ignore_conflicts=True,
    )
    doorbell.ring("outbox")
