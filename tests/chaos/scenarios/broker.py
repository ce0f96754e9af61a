"""C5: the broker is stopped, frozen, emptied, restarted, full and half-open."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from config.launch import ask_valkey, has_ended
from reps.due.clock import database_now
from tests.chaos import floor, stage
from tests.chaos.bench import Bench, free_port
from tests.chaos.outcome import Outcome, percentile
from tests.chaos.proxy import Proxy, proxy
from tests.processes.crew import Late, wait_until

SECONDS, PAUSE, RATE = 15.0, 5.0, 6.0
BACK_WITHIN = 60.0
IN_HAND = 3.0


def gone(bench: Bench, outcome: Outcome, *, scale: float) -> None:
    """Six ways to lose the broker, one after the other, under load: nothing depends on it."""
    doors = floor.open_floor()
    seconds = max(4.0, SECONDS * scale)
    port = free_port()
    with bench.broker(port=port) as path, proxy(port) as between:
        bench.environment["BROKER_URL"] = f"redis://127.0.0.1:{between.port}/0"
        bench.up("web", "beat", "worker", "sweep")
        faults = ways_to_lose(bench, Path(path), between)
        leads = int((seconds + PAUSE + 10) * len(faults) * RATE)
        clients = stage.load(bench, doors, leads=leads, rate=RATE, seed=outcome.seed)
        staff = bench.cast(*stage.people(outcome.seed, seconds=leads / RATE))
        bench.go(staff)
        back, deaths = {}, []
        for what, (lose, find) in faults.items():
            lose(seconds)
            find()
            back[what], restarted = at_work_again(bench, outcome, what)
            deaths += [f"{name} when {what}" for name in restarted]
            time.sleep(PAUSE)
        outcome.faults = f"{seconds:.0f} s each of: {', '.join(faults)}"
        outcome.figures["worker back after"] = back
        outcome.figures["died and started again"] = ", ".join(deaths) or "nobody"
        for client in clients:
            if not has_ended(client.process):
                bench.end(client, 15)
        outcome.demand_none(stage.errors(bench.gather(staff)), "errors of the staff")
        stage.resend(bench, doors, outcome, most=int(400 * scale))
        stage.judge(bench, outcome, slowest=0.5)
    late = floor.lateness()
    outcome.demand_within("the longest lateness", percentile(late, 100), stage.patience(60.0))


Fault = tuple[Callable[[float], None], Callable[[], None]]


def ways_to_lose(bench: Bench, path: Path, between: Proxy) -> dict[str, Fault]:
    """For each: how it is lost for so many seconds, and how it comes back."""

    def nothing() -> None:
        """It is back already."""

    def stopped(seconds: float) -> None:
        bench.kill("broker")
        time.sleep(seconds)

    def frozen(seconds: float) -> None:
        bench.freeze("broker")
        time.sleep(seconds)

    def emptied(seconds: float) -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            ask_valkey(path, "FLUSHALL")
            time.sleep(1)

    def restarted(seconds: float) -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            # It keeps nothing on disk, so this loses whatever it held.
            bench.revive("broker")
            time.sleep(3)

    def full(seconds: float) -> None:
        ask_valkey(path, "CONFIG SET maxmemory 1")
        time.sleep(seconds)

    def roomy() -> None:
        ask_valkey(path, "CONFIG SET maxmemory 0")

    def half_open(seconds: float) -> None:
        between.forget()
        time.sleep(seconds)

    return {
        "stopped": (stopped, lambda: bench.revive("broker")),
        "frozen": (frozen, lambda: bench.thaw("broker")),
        "emptied every second": (emptied, nothing),
        "restarted without data every 3 s": (restarted, nothing),
        "full": (full, roomy),
        "connections half-open": (half_open, nothing),
    }


def at_work_again(bench: Bench, outcome: Outcome, what: str) -> tuple[float, list[str]]:
    """
    Seconds until the worker does what beat asks of it, and who had to be started again.

    Celery's worker ends on some errors of a broker, so a supervisor is part of the product.
    """
    began = time.monotonic()
    # What was in hand when the broker came back still beats once, and says nothing.
    later = database_now() + timedelta(seconds=IN_HAND)
    restarted: list[str] = []

    def is_back() -> bool:
        restarted.extend(bench.tend())
        return bench.beats("celery", since=later)

    limit = stage.patience(BACK_WITHIN)
    try:
        wait_until("the worker is back", is_back, seconds=limit)
    except Late:
        outcome.failures.append(f"{what}: the worker was not back after {limit:.0f} s")
    return round(time.monotonic() - began, 1), restarted
