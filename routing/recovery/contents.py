"""What a database holds, in few words: enough to tell that a copy is the same."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from reps.models import AuditAnchor, AuditEvent
from routing.models import Lead, Submission

# Runs one statement without parameters and returns its rows.
Fetch = Callable[[str], Iterable[Sequence[Any]]]
# Counts the rows of one table, and makes a digest of them that another order does not change.
Digest = Callable[[str], tuple[int, str]]

EVENTS = AuditEvent._meta.db_table
ANCHORS = AuditAnchor._meta.db_table
# What people ask about first after a restore.
HEADLINES = {
    "leads": Lead._meta.db_table,
    "audit_events": EVENTS,
    "receipts": Submission._meta.db_table,
}
HEAD = ("id", "chain", "seq", "hash")
ANCHOR = ("day", "last_id", "events", "root")


@dataclass(frozen=True, slots=True)
class Contents:
    """
    The rows and the digest of every table, and of some of it what a person can read.

    `newest_receipt` is the UTC moment at which the last submission came in, in ISO format; `head`
    the newest event of the audit trail and `anchor` its newest seal, None if there are none.
    """

    tables: dict[str, tuple[int, str]]
    migrations: list[str]
    newest_receipt: str | None
    head: dict[str, Any] | None
    anchor: dict[str, Any] | None

    @property
    def counts(self) -> dict[str, int]:
        return {name: self.tables.get(table, (0, ""))[0] for name, table in HEADLINES.items()}


def read(fetch: Fetch, digest: Digest, names: Iterable[str]) -> Contents:
    """Read what the tables of these names hold; the caller sees to it that they stand still."""
    tables = {name: digest(name) for name in sorted(names)}
    migrations: list[str] = []
    newest = head = anchor = None
    if "django_migrations" in tables:
        rows = fetch("SELECT app, name FROM django_migrations")
        migrations = sorted({f"{app}.{name}" for app, name in rows})
    if HEADLINES["receipts"] in tables:
        [(moment,)] = fetch(f"SELECT max(received_at) FROM {HEADLINES['receipts']}")
        newest = _moment(moment)
    if EVENTS in tables:
        head = _first(fetch, HEAD, f"FROM {EVENTS} ORDER BY id DESC LIMIT 1")
    if ANCHORS in tables:
        anchor = _first(fetch, ANCHOR, f"FROM {ANCHORS} ORDER BY day DESC LIMIT 1")
    return Contents(tables, migrations, newest, head, anchor)


def differences(told: dict[str, tuple[int, str]], found: dict[str, tuple[int, str]]) -> list[str]:
    """Say table by table where what was found is not what was told."""
    lines = []
    for name in sorted(told.keys() | found.keys()):
        if name not in found:
            lines.append(f"{name} is missing")
        elif name not in told:
            lines.append(f"{name} should not be there")
        elif told[name][0] != found[name][0]:
            lines.append(f"{name} has {found[name][0]} rows instead of {told[name][0]}")
        elif told[name] != found[name]:
            lines.append(f"{name} has {found[name][0]} rows as it should, but not the same ones")
    return lines


def of_rows(rows: Iterable[Sequence[Any]]) -> tuple[int, str]:
    """The number of rows and a digest of them, in the order in which they come."""
    count, found = 0, hashlib.sha256()
    for row in rows:
        count += 1
        found.update(repr(row).encode())
    return count, found.hexdigest()


def _first(fetch: Fetch, names: Sequence[str], rest: str) -> dict[str, Any] | None:
    for row in fetch(f"SELECT {', '.join(names)} {rest}"):
        return {n: v if isinstance(v, int) else str(v) for n, v in zip(names, row, strict=True)}
    return None


def _moment(value: datetime | str | None) -> str | None:
    # SQLite keeps moments as text, without their zone, which is UTC.
    if isinstance(value, str):
        value = datetime.fromisoformat(value).replace(tzinfo=UTC)
    return value.astimezone(UTC).isoformat() if value else None
