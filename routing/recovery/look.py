"""
Look at what a drill has restored: `python -m routing.recovery.look FILE`.

In a process of its own, for its DATABASE_URL is the scratch database. Prints one line of JSON:
for each step its seconds and what it found wrong.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

YEAR = timedelta(days=365)
# Where it would show that something was sent or a clock has fired.
EFFECTS = ("reps_message", "reps_delivery", "reps_auditevent", "sla_")


def look(backup: Path) -> dict[str, dict[str, Any]]:
    """Compare the default database with a backup's manifest, and try to make it act."""
    from routing.recovery import manifest, restore

    told = manifest.read(backup)
    as_of = datetime.fromisoformat(told.made_at)
    return {
        "compare": _timed(lambda: compared(told)),
        "held back": _timed(let_out),
        "verify": _timed(
            lambda: [f"{code}: {line}" for code, all_ in restore.violations(as_of).items()
                     for line in all_]
        ),
    }  # fmt: skip


def compared(told: Any) -> list[str]:
    """Say where leads, receipts and the trail are not those of the manifest."""
    from reps.models import AuditAnchor, AuditEvent
    from routing.models import Lead, Submission

    head = told.head or {"id": 0}
    # What was added since, such as the hold itself, is above the head.
    events = AuditEvent.objects.filter(pk__lte=head["id"])
    found = {
        "leads": Lead.objects.count(),
        "audit_events": events.count(),
        "receipts": Submission.objects.count(),
    }
    wrong = [
        f"{found[name]} {name.replace('_', ' ')} instead of {number}"
        for name, number in told.counts.items()
        if found[name] != number
    ]
    if told.head and not events.filter(pk=head["id"], hash=head["hash"]).exists():
        wrong.append(f"the head of the trail is not event {head['id']} of {head['chain']}")
    anchor = told.anchor
    if anchor and not AuditAnchor.objects.filter(day=anchor["day"], root=anchor["root"]).exists():
        wrong.append(f"the anchor of {anchor['day']} is another one")
    return wrong


def let_out() -> list[str]:
    """Drain whatever reaches out as if a year had passed, and say what moved."""
    from reps.due import holds, jobs
    from reps.due.clock import database_now
    from reps.models import Hold

    if not any(hold.kind == Hold.Kind.RESTORED for hold in holds.open_holds()):
        # Not tried then: whoever is told by it would be a real person.
        return ["it is not in restore mode"]
    before, wrong = _effects(), []
    for name in jobs.names():
        if jobs.get(name).reaches_out:
            done = jobs.drain(name, driver="drill", due_before=database_now() + YEAR)
            if done:
                wrong.append(f"{done} of {name} were done although effects are held back")
    after = _effects()
    return wrong + [f"{table} changed" for table in before if before[table] != after[table]]


def _effects() -> dict[str, tuple[int, str]]:
    from django.db import connection

    from routing.recovery import contents, postgres

    if connection.vendor == "postgresql":
        with postgres.one_picture():
            return {name: postgres.digest(name) for name in postgres.tables() if _shows(name)}
    found = {}
    with connection.cursor() as cursor:
        for name in filter(_shows, connection.introspection.table_names(cursor)):
            cursor.execute(f'SELECT * FROM "{name}" ORDER BY rowid')
            found[name] = contents.of_rows(cursor)
    return found


def _shows(table: str) -> bool:
    return table.startswith(EFFECTS)


def _timed(step: Callable[[], list[str]]) -> dict[str, Any]:
    began = time.monotonic()
    wrong = step()
    return {"seconds": time.monotonic() - began, "wrong": wrong}


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    sys.stdout.write(json.dumps(look(Path(sys.argv[1]))))
