"""C6 and C7: PostgreSQL crashes, has no connection left, or no room on its disk."""

import contextlib
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import psycopg
from django.db import Error, connection

from config.launch import Refused, has_ended
from config.throwaway_pg import Cluster
from reps.models import Heartbeat
from tests.chaos import floor, stage
from tests.chaos.bench import Bench
from tests.chaos.outcome import Outcome, percentile
from tests.processes.crew import Late, wait_until

CRASHES, EVERY, RATE = 6, 15.0, 8.0
AWAY = 2.0
BACK_WITHIN = 10.0
CONNECTIONS, CLIENTS = 40, 200
VOLUME = 700


def crashes(bench: Bench, outcome: Outcome, *, scale: float, cluster: Cluster) -> None:
    """Six immediate stops under load, then all connections taken by somebody else."""
    chance = random.Random(outcome.seed)
    doors = floor.open_floor()
    number = max(2, round(CRASHES * scale))
    with bench.broker():
        bench.up("web", "beat", "worker", "sweep")
        seconds = number * (EVERY + AWAY) + 40
        clients = stage.load(bench, doors, leads=int(seconds * RATE), rate=RATE, seed=outcome.seed)
        staff = bench.cast(*stage.people(outcome.seed, seconds=seconds))
        bench.go(staff)
        back = []
        for _ in range(number):
            time.sleep(EVERY * chance.uniform(0.5, 1.0))
            cluster.stop()
            connection.close()
            time.sleep(AWAY)
            cluster.start()
            back.append(loops_back(outcome))
        outcome.figures["loops back after"] = max(back)
        taken = connections_taken(cluster)
        outcome.faults = f"{number} × crash of PostgreSQL, {taken} connections taken for 15 s"
        for client in clients:
            if not has_ended(client.process):
                bench.end(client, 15)
        outcome.demand_none(stage.errors(bench.gather(staff)), "errors of the staff")
        stage.resend(bench, doors, outcome, most=int(400 * scale))
        stage.judge(bench, outcome, outages=True)
    about_answers(bench, outcome)
    late = percentile(floor.lateness(), 100)
    outcome.demand_within("the longest lateness", late, stage.patience(AWAY + 15 + 60.0))


def loops_back(outcome: Outcome) -> float:
    """Seconds until sweep and worker have done a round on the database that came back."""
    began = time.monotonic()
    since = server_time()

    def all_beat() -> bool:
        try:
            beats = dict(Heartbeat.objects.values_list("name", "at"))
        except Error:
            connection.close()
            return False
        return all(beats.get(name, since) > since for name in ("sweep", "celery"))

    try:
        wait_until("the loops are back", all_beat, seconds=stage.patience(60.0))
    except Late as late:
        outcome.failures.append(str(late))
    seconds = round(time.monotonic() - began, 1)
    outcome.demand_within("loops back after", seconds, stage.patience(BACK_WITHIN))
    return seconds


def server_time() -> datetime:
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def connections_taken(cluster: Cluster) -> int:
    """Take every connection that is left, for a while."""
    taken = []
    for _ in range(CLIENTS):
        try:
            taken.append(
                psycopg.connect(host=str(cluster.folder), user="postgres", dbname="postgres")
            )
        except psycopg.OperationalError:
            break
    time.sleep(15)
    for one in taken:
        one.close()
    return len(taken)


def about_answers(bench: Bench, outcome: Outcome) -> None:
    """What clients heard while the database was away: only that it is away."""
    failed = Counter(act.status for act in bench.acts() if act.status >= 500)
    outcome.figures["answers of 500 or more"] = dict(failed)
    outcome.demand_none(
        [status for status in failed if status != 503], "answers other than 503 in an outage"
    )


# --- C7 -----------------------------------------------------------------------------------
@contextlib.contextmanager
def small_volume() -> Iterator[Path | None]:
    """A disk of its own in memory, if this process may have one; None if not."""
    folder = Path(tempfile.mkdtemp(prefix="leads-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={VOLUME}m,mode=0755", "tmpfs", str(folder)]
    is_mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
    try:
        yield folder if is_mounted else None
    finally:
        if is_mounted:
            subprocess.run(["umount", "-l", str(folder)], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def disk_full(bench: Bench, outcome: Outcome, *, scale: float, cluster: Cluster) -> None:
    """The disk of PostgreSQL fills up under load, and is freed after a while."""
    doors = floor.open_floor()
    seconds = max(10.0, 30 * scale)
    ballast = cluster.folder / "ballast"
    with bench.broker():
        bench.up("web", "beat", "worker", "sweep")
        clients = stage.load(
            bench, doors, leads=int((seconds + 30) * RATE), rate=RATE, seed=outcome.seed
        )
        time.sleep(8)
        fill(ballast)
        ends = time.monotonic() + seconds
        restarts = 0
        while time.monotonic() < ends:
            time.sleep(1)
            # What a full disk stops is started again, as any service manager does.
            restarts += restarted(cluster)
            fill(ballast)
        ballast.unlink()
        freed = time.monotonic()
        while not restarted(cluster, must=True) and time.monotonic() < freed + 60:
            time.sleep(0.5)
        connection.close()
        outcome.faults = f"disk full for {seconds:.0f} s, PostgreSQL started again {restarts} times"
        loops_back(outcome)
        outcome.figures["normal after"] = round(time.monotonic() - freed, 1)
        bench.wait_for(*clients, seconds=180)
        stage.judge(bench, outcome, outages=True)
    about_answers(bench, outcome)
    outcome.demand(
        any(act.tries > 1 for act in bench.acts()), "no client noticed: the disk was not full"
    )


def fill(ballast: Path) -> None:
    with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
        for size in (1 << 20, 1 << 14, 1 << 10):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"\0" * size)


def restarted(cluster: Cluster, *, must: bool = False) -> bool:
    """Start the server again if it has ended; with `must`, whether it runs now."""
    if cluster.server is not None and not has_ended(cluster.server):
        return must
    try:
        cluster.stop()
        cluster.start()
    except (Refused, OSError):
        return False
    return True
