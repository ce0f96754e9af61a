"""What every scenario does at its end, and a few things that many do."""

import contextlib
import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from reps.due.clock import database_now
from reps.models import Message
from routing.intake import imports
from routing.models import Source
from routing.models.source import Mode
from tests.chaos import floor, journal
from tests.chaos.bench import Bench, violations
from tests.chaos.floor import Doors
from tests.chaos.outcome import Outcome, percentile, spread
from tests.processes.crew import Part, Process

# Two cores carry the product, its databases and the clients: more clients would only measure the
# queue in front of them.
CLIENTS, THREADS = 2, 3
# Seconds within which everything that was left must be done.
QUIET = float(os.environ.get("CHAOS_QUIET", "75"))


def patience(seconds: float) -> float:
    """
    A limit in seconds, as the reliability study sets it; on a machine that others use as well,
    CHAOS_PATIENCE makes it so many times longer. Only what is measured in seconds: no lead may
    be lost on a busy machine either.
    """
    return seconds * float(os.environ.get("CHAOS_PATIENCE", "1"))


def load(bench: Bench, doors: Doors, *, leads: int, rate: float, seed: int) -> list[Process]:
    """Start the clients: so many leads together, at so many a second."""
    return [
        bench.client(
            name=f"c{len(bench.journals)}x",
            number=leads // CLIENTS,
            rate=rate / CLIENTS,
            threads=THREADS,
            seed=seed,
            **doors.plan(),
        )
        for _ in range(CLIENTS)
    ]


def import_file(bench: Bench, doors: Doors, *, rows: int) -> None:
    """Start an import as its page does; from then on every row of it is acknowledged."""
    people = [(f"f{n}", f"f{n}@company{n % 97}.com") for n in range(rows)]
    lines = [f"{key},Ada Byron,{email},Company" for key, email in people]
    job = imports.preview(
        source=Source.objects.get(slug=doors.file_source),
        file_name="leads.csv",
        content="\n".join(["id,name,mail,company", *lines]).encode(),
        data={"fields": {"name": "name", "email": "mail", "company": "company"}, "key": "id"},
        mode=Mode.LIVE,
        by=None,
        at=database_now(),
    )
    imports.start(job=job, at=database_now())
    path = bench.folder / f"journal-{len(bench.journals)}.jsonl"
    bench.journals.append(path)
    with contextlib.closing(journal.Journal(path)) as book:
        for key, email in people:
            act = journal.Act(doors.file_source, f"row-{key}", email, 202, "", 0.0, 1, time.time())
            book.note(asdict(act), flushed=False)


def people(seed: int, *, seconds: float) -> list[Part]:
    """The staff of the floor, in two processes."""
    act = "tests.chaos.acts:staff"
    return [(act, {"seed": seed + number, "seconds": seconds}) for number in range(2)]


def errors(reports: Sequence[dict[str, Any]]) -> list[str]:
    """What went wrong for the staff; that the broker did not take a wake-up is no error."""
    return [
        error.strip().splitlines()[-1]
        for report in reports
        for error in report["errors"]
        if "did not take a wake-up" not in error
    ]


def let_go_of_leases() -> None:
    """
    End the leases of processes that are dead, as a minute of waiting would.

    The rows are moved, not the clock; nobody is at work when this is called.
    """
    Message.objects.filter(leased_until__isnull=False).update(leased_until=None)


def torment(
    *,
    until: Callable[[], bool],
    every: float,
    fault: Callable[[random.Random], str],
    chance: random.Random,
    most: int = 100_000,
) -> list[str]:
    """Strike again and again until something is true; return what was done."""
    done: list[str] = []
    while not until() and len(done) < most:
        time.sleep(every * chance.uniform(0.6, 1.4))
        if said := fault(chance):
            done.append(said)
    return done


def told(faults: Sequence[str]) -> str:
    """What was done, counted."""
    counts: dict[str, int] = {}
    for fault in faults:
        counts[fault] = counts.get(fault, 0) + 1
    return ", ".join(f"{number} × {what}" for what, number in counts.items()) or "none"


def resend(bench: Bench, doors: Doors, outcome: Outcome, *, most: int) -> None:
    """Send acknowledged keys once more: each answers with its first receipt, and nothing is new."""
    acts = {
        (act.source, act.key): act
        for act in bench.acts()
        if act.is_acknowledged and not act.hostile and act.source != doors.file_source
    }
    letters = [
        ("api" if act.source == doors.api_source else "form", act.key, act.email)
        for act in list(acts.values())[:most]
    ]
    if letters:
        client = bench.client(
            name="again", number=0, rate=0, threads=4, seed=0, again=letters, **doors.plan()
        )
        bench.wait_for(client, seconds=120)
    outcome.count("keys resent", len(letters))


def judge(
    bench: Bench,
    outcome: Outcome,
    *,
    but_for: Sequence[str] = (),
    quiet: float | None = None,
    slowest: float | None = None,
    latest: float | None = None,
    outages: bool = False,
) -> None:
    """Wait for quiet; then every invariant, the journal, and the figures all scenarios have."""
    quiet = QUIET if quiet is None else quiet
    outcome.figures["quiet after"], overdue = bench.quieten(seconds=quiet)
    outcome.demand(not overdue, f"still overdue after {quiet:.0f} s of quiet: {overdue}")
    broken = violations()
    outcome.demand_none(
        [line for line in broken if line.split()[0] not in but_for], "violations of invariants"
    )
    acts = bench.acts()
    if acts:
        about_doors(acts, outcome, slowest=slowest, outages=outages)
    late = floor.lateness()
    outcome.count("deadlines", len(late))
    outcome.figures["lateness"] = spread(late)
    if late and latest is not None:
        outcome.demand_within("lateness p99", percentile(late, 99), patience(latest))
    outcome.figures["tracebacks"] = bench.tracebacks()


def about_doors(
    acts: Sequence[journal.Act],
    outcome: Outcome,
    *,
    slowest: float | None = None,
    outages: bool = False,
) -> None:
    """
    Compare the journal with the database, and say how quick the doors were.

    With `outages` a door may say that it cannot; it must never say that it has.
    """
    outcome.demand_none(journal.faults(acts), "faults against the journal")
    if not outages:
        outcome.demand_none([act for act in acts if act.status >= 500], "answers of 500 or more")
    taken = [act for act in acts if act.is_acknowledged]
    outcome.count(
        "acknowledged leads",
        len({(act.source, act.key) for act in taken if not act.hostile}),
    )
    answered = [act.seconds for act in taken if act.seconds and not act.email.startswith("warm")]
    outcome.figures["intake"] = spread(answered)
    if slowest is not None and answered:
        outcome.demand_within("intake p99", percentile(answered, 99), patience(slowest))
