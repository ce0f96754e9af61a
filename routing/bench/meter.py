"""Stop-watches that tell our own work from the neighbours'."""

import os
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

PROC = Path("/proc")


@dataclass(frozen=True)
class Sample:
    """One measured stretch: leads, wall-clock, and CPU seconds of whom."""

    leads: int
    seconds: float
    own_cpu: float
    server_cpu: float | None
    # How many cores other processes used meanwhile; None where that cannot be told.
    others: float | None


def own_cpu() -> float:
    """CPU seconds of this process and of its children that have ended."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


class Server:
    """The CPU of a PostgreSQL server on this machine: of its postmaster and all it started."""

    def __init__(self) -> None:
        self.postmaster = self._find()

    def _find(self) -> int | None:
        if connection.vendor != "postgresql" or not PROC.is_dir():
            return None
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (backend,) = cursor.fetchone()
        found = _stat(backend)
        # A server elsewhere, or in a container, has numbers that mean nothing here.
        name = _name(found[0]) if found else ""
        return found[0] if found and name.startswith("postgres") else None

    def cpu(self) -> float | None:
        if self.postmaster is None:
            return None
        total = 0.0
        for entry in PROC.iterdir():
            if entry.name.isdigit() and (found := _stat(int(entry.name))):
                parent, used, of_children = found
                if int(entry.name) == self.postmaster:
                    total += used + of_children
                elif parent == self.postmaster:
                    total += used
        return total


def _stat(pid: int) -> tuple[int, float, float] | None:
    """Parent, CPU seconds, and CPU seconds of the children it has collected."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    tick = os.sysconf("SC_CLK_TCK")
    used = [int(field) / tick for field in fields[11:15]]
    return int(fields[1]), used[0] + used[1], used[2] + used[3]


def _name(pid: int) -> str:
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def _busy() -> float | None:
    """CPU seconds that all cores of the machine have worked."""
    try:
        fields = (PROC / "stat").read_text().splitlines()[0].split()[1:]
    except OSError:
        return None
    ticks = [int(field) for field in fields]
    return sum(ticks[place] for place in (0, 1, 2, 5, 6, 7)) / os.sysconf("SC_CLK_TCK")


def measure(work: Callable[[], int], server: Server) -> Sample:
    """Run `work`, which returns how many leads it handled, and measure it."""
    busy, mine, theirs, started = _busy(), own_cpu(), server.cpu(), time.perf_counter()
    leads = work()
    seconds = time.perf_counter() - started
    own = own_cpu() - mine
    after, served = _busy(), server.cpu()
    server_cpu = None if served is None or theirs is None else served - theirs
    others = None
    if busy is not None and after is not None and server_cpu is not None:
        others = max(0.0, after - busy - own - server_cpu) / seconds
    return Sample(leads, seconds, own, server_cpu, others)


def summary(samples: Sequence[Sample]) -> dict[str, float | int | None]:
    """
    Rates and CPU per lead over some samples.

    Rates are medians over samples; the best one is what a quiet moment allows. CPU is over
    all of them together, for it counts in whole ticks of the kernel.
    """
    samples = [one for one in samples if one.leads]
    if not samples:
        return {"leads": 0}
    leads = sum(one.leads for one in samples)
    rates = [one.leads / one.seconds for one in samples]
    served = [one.server_cpu for one in samples if one.server_cpu is not None]
    others = [one.others for one in samples if one.others is not None]
    return {
        "leads": leads,
        "per_second": round(statistics.median(rates), 1),
        "per_second_best": round(max(rates), 1),
        "cpu_ms": round(1000 * sum(one.own_cpu for one in samples) / leads, 3),
        "server_cpu_ms": round(1000 * sum(served) / leads, 3) if served else None,
        "others_cores": round(statistics.median(others), 2) if others else None,
    }
