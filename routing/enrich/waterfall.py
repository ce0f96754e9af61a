"""
Which of several answers about a lead counts: field by field, with where each came from. Pure.

In order: what a person confirmed or corrected; what a provider says that may overwrite this field;
what the first provider in order says that is sure of it; then guesses (below 50 percent sure), the
surest first. An answer past its time counts no more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

# What people say stands under this name.
PERSON: Final = "person"
GUESS_BELOW: Final = 50


@dataclass(frozen=True, slots=True)
class Value:
    """One answer: what, who said it, how sure (percent), when, and until when it counts."""

    field: str
    value: Any
    provider: str
    confidence: int
    fetched_at: datetime
    expires_at: datetime | None = None
    # The place of its provider in the order; lower ones go first.
    place: int = 0
    # It goes before what the lead's person or the account record says, too.
    over: bool = False

    def counts(self, at: datetime) -> bool:
        """Whether it is not past its time."""
        return self.expires_at is None or at < self.expires_at

    def as_json(self) -> dict[str, Any]:
        """Write as it is stored, without what is as usual."""
        row: dict[str, Any] = {
            "field": self.field,
            "value": self.value,
            "provider": self.provider,
            "confidence": self.confidence,
            "at": self.fetched_at.isoformat(),
        }
        if self.expires_at is not None:
            row["until"] = self.expires_at.isoformat()
        if self.place:
            row["place"] = self.place
        if self.over:
            row["over"] = True
        return row

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "Value":
        """Read what `as_json` wrote."""
        until = row.get("until")
        return cls(
            row["field"],
            row["value"],
            row["provider"],
            int(row["confidence"]),
            datetime.fromisoformat(row["at"]),
            datetime.fromisoformat(until) if until else None,
            int(row.get("place", 0)),
            bool(row.get("over")),
        )


def choose(values: Iterable[Value], *, at: datetime) -> dict[str, Value]:
    """Return the answer that counts for each field."""
    best: dict[str, tuple[tuple[int, int, int, str], Value]] = {}
    for value in values:
        if not value.counts(at):
            continue
        rank = _rank(value)
        held = best.get(value.field)
        if held is None or rank < held[0]:
            best[value.field] = (rank, value)
    return {field: value for field, (_, value) in best.items()}


def merged(old: Iterable[Value], new: Iterable[Value]) -> list[Value]:
    """What is known after new answers: a provider's newest replaces its earlier one."""
    found = {(value.provider, value.field): value for value in old}
    found.update({(value.provider, value.field): value for value in new})
    return list(found.values())


def read_all(rows: Iterable[Mapping[str, Any]]) -> list[Value]:
    """Read what is stored with a lead."""
    return [Value.from_json(row) for row in rows]


def _rank(value: Value) -> tuple[int, int, int, str]:
    if value.provider == PERSON:
        return (0, 0, 0, "")
    if value.over:
        return (1, value.place, -value.confidence, value.provider)
    if value.confidence >= GUESS_BELOW:
        return (2, value.place, -value.confidence, value.provider)
    return (3, -value.confidence, value.place, value.provider)
