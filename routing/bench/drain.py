"""The product itself: a backlog through the real batch, by one process or by several."""

import json
import subprocess
import sys
import time
from dataclasses import asdict
from typing import TextIO

from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reps.due.clock import database_now
from routing.bench import meter, synthetic
from routing.dispatch import batch, snapshot
from routing.models import Organisation

# The largest batch counts too, whatever it is on this database.
SIZES = (2, 20)
START = "start"


def one_batch(*, size: int | None = None) -> int:
    """Route one batch exactly as every driver does; return how many leads it handled."""
    at = database_now()
    return len(batch.route(driver="bench", at=at, due_before=at, most=size))


def warm_up() -> None:
    """Compile the rules and build the roster, as a worker has after its first batch."""
    snapshot.live_rules(Organisation.get().live_ruleset_id)
    snapshot.current(at=database_now())


def by_this_process(*, server: meter.Server, most: int | None = None) -> list[meter.Sample]:
    """Drain what is ready, up to `most` leads; one sample per batch."""
    warm_up()
    samples: list[meter.Sample] = []
    largest, done = batch.LARGEST[connection.vendor], 0
    while most is None or done < most:
        left = largest if most is None else min(largest, most - done)
        sample = meter.measure(lambda size=left: one_batch(size=size), server)
        if not sample.leads:
            break
        samples.append(sample)
        done += sample.leads
    return samples


def sizes() -> tuple[int, ...]:
    """The batch sizes of which statements are counted."""
    return (*SIZES, batch.LARGEST[connection.vendor])


def statements() -> dict[int, int]:
    """How many statements a batch of each size takes, everything included."""
    warm_up()
    one_batch(size=1)
    counted = {}
    for size in sizes():
        with CaptureQueriesContext(connection) as captured:
            handled = one_batch(size=size)
        if handled == size:
            counted[size] = len(captured)
    return counted


# --- Several processes --------------------------------------------------------------------


def work_until_empty(said: TextIO, told: TextIO) -> None:
    """Be one of several workers: get ready, wait for the word, drain, report as JSON."""
    warm_up()
    server = meter.Server()
    print("ready", file=said, flush=True)
    if told.readline().strip() != START:
        return
    samples = by_this_process(server=server)
    print(
        json.dumps({"ended": time.time(), "samples": [asdict(one) for one in samples]}),
        file=said,
        flush=True,
    )


def by_processes(number: int, *, server: meter.Server) -> dict[str, object]:
    """Drain everything that is ready with real processes, and add up what they did."""
    waiting = len(synthetic.ready(10_000_000))
    command = [sys.executable, "manage.py", "bench_routing", "--worker"]
    workers = [
        subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(number)
    ]
    try:
        for worker in workers:
            worker.stdout.readline()

        def work() -> int:
            for worker in workers:
                print(START, file=worker.stdin, flush=True)
            for worker in workers:
                reports.append(json.loads(worker.stdout.readline()))
                worker.wait()
            return waiting - len(synthetic.ready(10_000_000))

        reports: list[dict] = []
        sample = meter.measure(work, server)
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    return {
        **meter.summary([sample]),
        # CPU of the workers while they drained, without their start.
        "cpu_ms": round(
            1000
            * sum(one["own_cpu"] for report in reports for one in report["samples"])
            / max(1, sample.leads),
            3,
        ),
        "each": [sum(one["leads"] for one in report["samples"]) for report in reports],
    }
