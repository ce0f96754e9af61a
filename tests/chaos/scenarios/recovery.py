"""C12: a backup is made while leads come in, people are erased, and the backup comes back."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.models import Min

from reps.due.clock import database_now
from routing.models import Prospect, ProspectKey
from routing.privacy import erase
from routing.recovery import drill
from tests import needles
from tests.chaos import floor, stage
from tests.chaos.bench import Bench
from tests.chaos.outcome import Outcome

LEADS, RATE, ERASED = 600, 20.0, 100
REACHING_OUT = ("clocks", "pauses", "outbox")
# Drains the jobs that are named, as if a century had passed, and says what is done by then.
DRAIN = """
import json, sys, django
django.setup()
from datetime import UTC, datetime
from django.db.models import Count
from reps import verify
from reps.due import jobs
from reps.due.clock import database_now
from reps.models import Message
from sla.models import Escalation
for name in sys.argv[1:]:
    jobs.drain(name, driver="chaos", due_before=datetime(2100, 1, 1, tzinfo=UTC), rounds=200)
steps = Escalation.objects.values("clock", "step").annotate(n=Count("pk")).filter(n__gt=1).count()
left = Message.objects.exclude(state=Message.State.PENDING).count()
print(json.dumps({"left": left, "fired": Escalation.objects.count(),
                  "doubled": steps}))
"""


def from_a_backup(bench: Bench, outcome: Outcome, *, scale: float) -> None:
    """Nothing leaves before the release, nobody erased comes back, nothing is doubled after it."""
    settings.ERASURE_LEDGER = str(bench.folder / "outside" / "erasures.log")
    settings.AUDIT_ANCHOR_FILE = ""
    bench.environment |= {"ERASURE_LEDGER": settings.ERASURE_LEDGER, "AUDIT_ANCHOR_FILE": ""}
    doors = floor.open_floor()
    bench.up("web", "sweep")
    clients = stage.load(bench, doors, leads=int(LEADS * scale), rate=RATE, seed=outcome.seed)
    # In the middle of it.
    time.sleep(0.5 * LEADS * scale / RATE)
    backups = bench.folder / "backups"
    backups.mkdir()
    began = time.monotonic()
    said = manage(bench, None, "backup", str(backups))
    outcome.figures["backup seconds"] = round(time.monotonic() - began, 1)
    outcome.demand(said.returncode == 0, f"no backup: {said.stderr[-300:]}")
    bench.wait_for(*clients, seconds=120)
    stage.judge(bench, outcome)
    bench.stop("web", "sweep")
    backup = next(path for path in backups.iterdir() if not path.name.endswith(".json"))

    gone = erased(most=int(ERASED * scale) or 1, before=backup)
    outcome.count("people erased", len(gone))
    outcome.demand(gone, "nobody was erased: nothing was tested")
    with drill.scratch(bench.folder) as url:
        began = time.monotonic()
        back = manage(bench, url, "restore", str(backup))
        outcome.figures["restore seconds"] = round(time.monotonic() - began, 1)
        outcome.demand(back.returncode == 0, f"not restored: {(back.stdout + back.stderr)[-500:]}")
        outcome.demand(f"{len(gone)} erased again" in back.stdout, "not all were erased again")
        before = drained(bench, url)
        held = drained(bench, url, *REACHING_OUT)
        outcome.demand(before == held, f"something left while held: {before} → {held}")
        freed = manage(bench, url, "release", "restored", "--reason", "looked at")
        outcome.demand(freed.returncode == 0, f"not released: {freed.stderr[-300:]}")
        after = drained(bench, url, *REACHING_OUT)
        outcome.demand(after["fired"] > held["fired"], "no clock fired after the release")
        outcome.demand(after["left"] > held["left"], "nothing was sent after the release")
        outcome.demand(after["doubled"] == 0, f"{after['doubled']} steps twice")
        outcome.demand_none(places_of(url, gone), "words of the erased are back")
    outcome.faults = f"1 restore, {len(gone)} erased"


def erased(*, most: int, before: Path) -> list[str]:
    """Erase people whom the backup still holds; return their addresses."""
    made_at = before.stat().st_mtime
    addresses = []
    known = Prospect.objects.annotate(since=Min("leads__received_at")).order_by("since", "pk")
    for prospect in known[:most]:
        if prospect.since is None or prospect.since.timestamp() > made_at - 5:
            continue
        keys = ProspectKey.objects.filter(prospect=prospect, kind=ProspectKey.Kind.EMAIL)
        addresses += keys.values_list("value", flat=True)[:1]
        erase.erase(prospect_id=prospect.pk, reason="asked", by=None, at=database_now())
    return addresses


def places_of(url: str, words: list[str]) -> list[str]:
    """Where any of these still stands in a database, read as text."""
    name = url.partition("?")[0].rpartition("/")[2]
    other = connection.copy()
    other.settings_dict = {**connection.settings_dict, "NAME": name}
    try:
        return [f"{table}.{column}" for table, column in needles.found(words, other)]
    finally:
        other.close()


def drained(bench: Bench, url: str, *names: str) -> dict[str, int]:
    done = python(bench, url, "-c", DRAIN, *names)
    if done.returncode != 0:
        raise AssertionError(done.stderr[-500:])
    return json.loads(done.stdout.splitlines()[-1])


def manage(bench: Bench, url: str | None, *words: str) -> subprocess.CompletedProcess:
    return python(bench, url, "manage.py", *words)


def python(bench: Bench, url: str | None, *words: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, **bench.environment, "SECRET_KEY": settings.SECRET_KEY}
    if url is not None:
        environment["DATABASE_URL"] = url
    return subprocess.run(
        [sys.executable, *words],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
