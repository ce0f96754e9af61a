"""One run of the whole bench: product, ceiling and naive baseline, interleaved by turns."""

import os
import platform
from collections.abc import Callable
from typing import Any

from django.db import connection

from reps.due import doorbell
from reps.due.clock import database_now
from routing.bench import drain, meter, naive, synthetic, thinking
from routing.dispatch.batch import LARGEST
from routing.models import Batch

Say = Callable[[str], None]
NAIVE_LEADS = 100
# The ratios are taken from turns that follow each other, for the neighbours' sake.
TURNS = 5


def run(*, leads: int, rules: int, reps: int, processes: bool, say: Say) -> dict[str, Any]:
    """
    Measure everything on an empty, migrated database; return plain data.

    :raises routing.bench.synthetic.NotEmpty: if the database holds an organisation already
    """
    # Doorbells are not measured: a backlog is drained by workers that are awake.
    doorbell.connect(None)
    server = meter.Server()
    size = LARGEST[connection.vendor]
    say(f"Making an organisation: {reps} reps, {rules} rules …")
    source = synthetic.organisation(rules=rules, reps=reps, at=database_now())
    backlog = _Backlog(source, server, say)
    found: dict[str, Any] = {
        "setting": {
            "at": database_now().isoformat(timespec="seconds"),
            "machine": f"{os.cpu_count()} cores, {platform.machine()}",
            "python": platform.python_version(),
            "database": _database(),
            "leads": leads,
            "rules": rules,
            "reps": reps,
            "batch": size,
        }
    }
    backlog.fill(sum(drain.sizes()) + 1)
    found["statements_per_batch"] = drain.statements()
    say("Draining, the ceiling and the naive baseline by turns …")
    found |= _by_turns(leads=leads, size=size, server=server, backlog=backlog)
    if processes:
        for number in (1, 2):
            backlog.fill(leads)
            say(f"Draining {leads} leads with {number} worker process(es) …")
            found[f"workers_{number}"] = drain.by_processes(number, server=server)
    say("Thinking …")
    found["decide_us"] = {"rules": 1000, "candidates": 200, **thinking.decide_us()}
    found["intake"] = meter.summary(backlog.intake)
    found["ratios"] = _ratios(found)
    return found


class _Backlog:
    """Makes leads that wait for routing, and measures intake while it does."""

    def __init__(self, source: Any, server: meter.Server, say: Say) -> None:
        self.source, self.server, self.say = source, server, say
        self.made = 0
        self.intake: list[meter.Sample] = []

    def fill(self, number: int) -> None:
        self.say(f"Taking in {number} leads …")
        at = database_now()
        synthetic.captured(number, source=self.source, first=self.made, at=at)
        self.made += number
        self.intake.append(meter.measure(lambda: synthetic.taken_in(at=at), self.server))
        _tidy()


def _by_turns(
    *, leads: int, size: int, server: meter.Server, backlog: _Backlog
) -> dict[str, dict[str, Any]]:
    product: list[meter.Sample] = []
    ceiling: list[meter.Sample] = []
    plain: list[meter.Sample] = []
    with_ceiling = connection.vendor == "postgresql"
    each = max(1, leads // TURNS)
    few = min(NAIVE_LEADS, each)
    for turn in range(TURNS):
        backlog.fill(each * (2 if with_ceiling else 1) + few)
        product += drain.by_this_process(server=server, most=each)
        if with_ceiling:
            ceiling += _ceiling(each, size=size, turn=turn, server=server)
        rest = synthetic.ready(few)
        plain.append(meter.measure(lambda ids=rest: naive.route_each(ids), server))
        # Leave nothing over for the next turn, whose batches should be full.
        drain.by_this_process(server=server)
    return {
        "product": meter.summary(product),
        "ceiling": meter.summary(ceiling),
        "naive": meter.summary(plain),
    }


def _ceiling(number: int, *, size: int, turn: int, server: meter.Server) -> list[meter.Sample]:
    from routing.bench.ceiling import Copy

    batches = list(Batch.objects.filter(driver="bench").order_by("-size", "-pk")[:1])
    if not batches:
        return []
    fresh = synthetic.ready(number)
    copies = [
        Copy(batches[0], fresh[start : start + size], number=turn * 1000 + start // size)
        for start in range(0, len(fresh), size)
    ]
    return [meter.measure(copy.write, server) for copy in copies]


def _tidy() -> None:
    """Let the planner know the new rows, as autovacuum would a moment later."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _database() -> str:
    if connection.vendor != "postgresql":
        return connection.vendor
    with connection.cursor() as cursor:
        cursor.execute("SHOW fsync")
        (fsync,) = cursor.fetchone()
    return f"PostgreSQL {connection.pg_version // 10_000}, fsync {fsync}"


def _ratios(found: dict[str, Any]) -> dict[str, float]:
    product, ratios = found["product"], {}
    for other in ("ceiling", "naive"):
        if found[other].get("per_second"):
            ratios[f"per_second_over_{other}"] = round(
                product["per_second"] / found[other]["per_second"], 3
            )
            ratios[f"cpu_over_{other}"] = round(_cpu(product) / _cpu(found[other]), 3)
    if "workers_2" in found:
        ratios["two_workers_over_one"] = round(
            found["workers_2"]["per_second"] / found["workers_1"]["per_second"], 2
        )
    return ratios


def _cpu(row: dict[str, Any]) -> float:
    return row["cpu_ms"] + (row["server_cpu_ms"] or 0.0)


def table(found: dict[str, Any]) -> str:
    """The result as a table for people."""
    rows = [f"{'':28}{'leads/s':>10}{'best':>10}{'CPU ms':>9}{'server':>9}{'others':>8}"]
    for name, label in (
        ("product", "routing, one process"),
        ("workers_1", "routing, one worker"),
        ("workers_2", "routing, two workers"),
        ("ceiling", "ceiling: the same rows"),
        ("naive", "naive: one by one"),
        ("intake", "intake"),
    ):
        row = found.get(name)
        if row and row.get("leads"):
            rows.append(
                f"{label:28}{row['per_second']:>10}{row['per_second_best']:>10}"
                f"{row['cpu_ms']:>9}{row['server_cpu_ms'] or '-':>9}{row['others_cores'] or 0:>8}"
            )
    counts = ", ".join(
        f"{count} for {size}" for size, count in found["statements_per_batch"].items()
    )
    thought = found["decide_us"]
    rows += [
        f"Statements per batch: {counts}",
        f"decide(), {thought['rules']} rules, {thought['candidates']} candidates: "
        f"{thought['decide']} µs of CPU, of it matching {thought['match']} µs",
        f"Ratios: {', '.join(f'{name} {value}' for name, value in found['ratios'].items())}",
    ]
    return "\n".join(rows)
