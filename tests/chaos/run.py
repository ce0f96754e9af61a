"""Play scenarios, each on a database of its own, and tell what came of it."""

import contextlib
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection, connections

from config.throwaway_pg import Cluster, is_postgres
from tests.chaos import report
from tests.chaos.bench import Bench, collect_static
from tests.chaos.outcome import Outcome
from tests.chaos.scenarios import (
    broker,
    clocks,
    database,
    deadlines,
    drivers,
    healthy,
    hours,
    intake,
    leaks,
    recovery,
    silence,
    war,
)

Play = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario: its code, what it is about, and how it is played."""

    code: str
    name: str
    play: Play
    # "cluster": a PostgreSQL of its own, which it may crash; "volume": that on a small disk of its
    # own; "clock": that with a clock that may be set; "nothing": not even a database.
    needs: str = "database"

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


SCENARIOS = (
    Scenario("H0", "everything healthy: hot leads", healthy.hot_leads),
    Scenario("C1", "intake under process death", intake.under_process_death),
    Scenario("C2", "capacity and claim war", war.for_capacity_and_claims),
    Scenario("C3", "massacre of the sweeps", drivers.massacre_of_the_sweeps),
    Scenario("C4", "death of workers", drivers.death_of_workers),
    Scenario("C5", "the broker is gone", broker.gone),
    Scenario("C6", "PostgreSQL crashes", database.crashes, needs="cluster"),
    Scenario("C7", "disk full", database.disk_full, needs="volume"),
    Scenario("C8", "wrong clocks", clocks.set_wrong, needs="clock"),
    Scenario("C9", "acknowledgement against breach", deadlines.acknowledged_at_the_deadline),
    Scenario("C10", "silent loops", silence.of_loops),
    Scenario("C12", "backup, erase, restore", recovery.from_a_backup),
    Scenario("C13", "foreign leads", leaks.of_foreign_leads),
    Scenario("HOURS", "working time of all zones", hours.of_all_zones, needs="nothing"),
)

TEMPLATE = "chaos_template"


def main(*, only: Sequence[str], scale: float, seed: int, write: bool, keep: bool) -> int:
    unknown = set(only) - {one.code for one in SCENARIOS}
    if unknown:
        sys.stderr.write(f"Unknown: {', '.join(sorted(unknown))}.\n")
        return 2
    if not is_postgres(os.environ.get("DATABASE_URL", "")):
        sys.stderr.write("Run it under config.throwaway_pg (make chaos does).\n")
        return 2
    say(f"seed {seed}")
    began = time.monotonic()
    collect_static()
    make_template()
    outcomes = []
    for scenario in SCENARIOS:
        if not only or scenario.code in only:
            outcome = apart(scenario, scale=scale, seed=seed, keep=keep)
            say(report.line(outcome))
            outcomes.append(outcome)
    seconds = time.monotonic() - began
    say(report.table(outcomes, seed=seed, seconds=seconds))
    if write:
        report.write(outcomes, scale=scale, order=[one.code for one in SCENARIOS])
    return 0 if all(one.passed for one in outcomes) else 1


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def apart(scenario: Scenario, **how: Any) -> Outcome:
    """Play one in a process of its own: what it remembers must not meet the next database."""
    connections.close_all()
    context = multiprocessing.get_context("fork")
    reader, writer = context.Pipe(duplex=False)

    def child() -> None:
        writer.send(play(scenario, **how))

    process = context.Process(target=child)
    process.start()
    writer.close()
    try:
        return reader.recv()
    except EOFError:
        failed = Outcome(scenario.code, scenario.name, how["seed"])
        failed.failures.append("its process died")
        return failed
    finally:
        process.join()


def play(scenario: Scenario, *, scale: float, seed: int, keep: bool = False) -> Outcome:
    """Play one on a fresh database, and stop whatever it started."""
    outcome = Outcome(scenario.code, scenario.name, seed)
    say(f"{scenario.code} {scenario.name} …")
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-{scenario.code.lower()}-"))
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        bench = None
        try:
            more = STAGES[scenario.needs](stack, outcome)
            if not outcome.skipped:
                bench = Bench(folder)
                scenario.play(bench, outcome, scale=scale, **more)
        except Exception as error:
            traceback.print_exc()
            outcome.failures.append(f"{type(error).__name__}: {error}"[:500])
        finally:
            if bench is not None:
                bench.end_all()
    outcome.seconds = round(time.monotonic() - began, 1)
    if keep or outcome.failures:
        say(f"  its logs: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return outcome


# --- What a scenario needs ----------------------------------------------------------------
def no_stage(stack: contextlib.ExitStack, outcome: Outcome) -> dict[str, Any]:
    return {}


def shared_cluster(stack: contextlib.ExitStack, outcome: Outcome) -> dict[str, Any]:
    stack.enter_context(fresh_database(f"chaos_{outcome.code.lower()}"))
    return {}


def own_cluster(
    stack: contextlib.ExitStack,
    outcome: Outcome,
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A PostgreSQL of its own, as honest as any, with all tables."""
    small = {"max_wal_size": "96MB", "min_wal_size": "32MB", "shared_buffers": "128MB"}
    made = Cluster(honest=True, folder=folder, more=small if folder else {})
    stack.callback(made.remove)
    made.make()
    made.start(environment)
    connections.close_all()
    os.environ["DATABASE_URL"] = made.url
    connection.settings_dict["HOST"] = str(made.folder)
    use("postgres")
    call_command("migrate", verbosity=0, interactive=False)
    return {"cluster": made}


def cluster_on_a_volume(stack: contextlib.ExitStack, outcome: Outcome) -> dict[str, Any]:
    volume = stack.enter_context(database.small_volume())
    if volume is None:
        outcome.skipped = "needs root and a mount of tmpfs, for a disk that may be filled"
        return {}
    return own_cluster(stack, outcome, folder=volume)


def cluster_with_a_clock(stack: contextlib.ExitStack, outcome: Outcome) -> dict[str, Any]:
    library = clocks.library()
    if library is None:
        outcome.skipped = "needs libfaketime (the package faketime) to set a clock"
        return {}
    clock = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="leads-clock-"))) / "clock"
    clock.parent.chmod(0o755)
    clock.write_text("+0", encoding="utf-8")
    environment = {
        **os.environ,
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        # How long the library goes without looking at the file, in seconds.
        "FAKETIME_CACHE_DURATION": "1",
    }
    return {**own_cluster(stack, outcome, environment=environment), "clock": clock}


STAGES: dict[str, Callable[..., dict[str, Any]]] = {
    "nothing": no_stage,
    "database": shared_cluster,
    "cluster": own_cluster,
    "volume": cluster_on_a_volume,
    "clock": cluster_with_a_clock,
}


# --- Databases --------------------------------------------------------------------------
def make_template() -> None:
    """A database with all tables, to be copied for each scenario."""
    statement(f"DROP DATABASE IF EXISTS {TEMPLATE}", f"CREATE DATABASE {TEMPLATE}")
    use(TEMPLATE)
    call_command("migrate", verbosity=0, interactive=False)
    use("postgres")


class fresh_database:  # noqa: N801 - read as a word: with fresh_database(…)
    """Work on a copy of the template; it is dropped at the end."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        statement(
            f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)",
            f"CREATE DATABASE {self.name} TEMPLATE {TEMPLATE}",
        )
        use(self.name)

    def __exit__(self, *_: object) -> None:
        use("postgres")
        statement(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")


def use(name: str) -> None:
    """Let Django work on this database of the cluster from now on."""
    connections.close_all()
    connection.settings_dict["NAME"] = name


def statement(*texts: str) -> None:
    use("postgres")
    with connection.cursor() as cursor:
        for text in texts:
            cursor.execute(text)
    connections.close_all()
