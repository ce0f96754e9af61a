"""What the tests with processes set up, and how they look at what has become of it."""

import json
import sys
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from reps import verify
from reps.due.clock import database_now
from routing.dispatch import batch
from routing.intake import doors, process
from routing.models import Lead, Source, Submission
from tests import make

# What must hold whatever has raced; figures of loops and lateness are another matter.
OWNERSHIP = ("I3", "I4", "I5", "I10", "I11", "I12", "F1", "F2", "F3")
TRAIL = ("H1", "H2", "A1", "A2", "D1", "D2", "I14")


def submissions(
    bodies: Sequence[dict[str, Any]], *, sources: Sequence[Source], at: datetime
) -> list[Submission]:
    """Submissions as a door leaves them, in this order, the sources taking turns."""
    rows = []
    for number, body in enumerate(bodies):
        raw = json.dumps(body).encode()
        rows.append(
            Submission(
                source=sources[number % len(sources)],
                mode="LIVE",
                idempotency_key=uuid.uuid4().hex,
                fingerprint=doors.fingerprint(raw),
                content_type="application/json",
                raw=raw,
                received_at=at,
                due_at=at,
            )
        )
    return Submission.objects.bulk_create(rows, batch_size=200)


def waiting_leads(number: int, **answers: Any) -> list[Lead]:
    """Leads that intake has made and routing has not seen."""
    make.organisation()
    at = database_now()
    source = make.source()
    bodies = [{"email": f"{source.slug}.{n}@company{n}.com", **answers} for n in range(number)]
    submissions(bodies, sources=[source], at=at)
    while process.drain(driver="test", due_before=at):
        pass
    made = list(Lead.objects.filter(source=source).order_by("pk"))
    assert len(made) == number
    return made


def route_everything() -> None:
    """Decide whatever is due, by this process."""
    at = database_now()
    while batch.route(driver="test", at=at, due_before=at):
        pass


def violations(codes: Iterable[str], *, at: datetime | None = None) -> dict[str, list[str]]:
    """The invariants that do not hold, with what is wrong."""
    checked = verify.run(at=at or database_now(), codes=codes)
    return {one.code: found for one, found in checked if found}


def deadlocks() -> int:
    """How many deadlocks the server has broken up; SQLite, with one writer, knows none."""
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


def total(reports: Iterable[dict[str, Any]], what: str) -> Counter[str]:
    """Add up what all actors did, or what they were refused."""
    return sum((Counter(report[what]) for report in reports), Counter())


def errors(reports: Iterable[dict[str, Any]]) -> list[str]:
    """What went wrong in the actors, in short; pytest shows the whole when a test fails."""
    found = Counter(error for report in reports for error in report["errors"])
    for error, times in found.items():
        sys.stdout.write(f"{times} times:\n{error}\n")
    return [error.strip().splitlines()[0] + " … " + _last_words(error) for error in found]


def _last_words(error: str) -> str:
    lines = [line for line in error.splitlines() if line and not line.startswith(" ")]
    return next((line for line in lines if "Error" in line.split(":")[0]), lines[-1])


def busy_floor(*, reps: int, capacity: int, leads: int) -> None:
    """Half of the leads are given out by rotation, half wait in a queue to be claimed."""
    make.organisation()
    pool = make.pool(*[make.rep(f"rep{n}", capacity=capacity) for n in range(reps)])
    queue = make.queue(pool, max_unworked=0)
    make.rules(
        {
            "name": "Germany is claimed",
            "condition": {"fact": "country", "op": "eq", "value": "DE"},
            "path": {"target": {"kind": "queue", "id": queue.pk}},
        },
        make.round_robin(pool, on_empty="wait"),
    )
    waiting_leads(leads // 2, country="DE")
    waiting_leads(leads - leads // 2)
