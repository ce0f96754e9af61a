"""C10: loops fall silent, one at a time and then all, and somebody must notice."""

import time

from reps.due.clock import database_now
from sla.models import Escalation
from tests.chaos import floor, stage
from tests.chaos.bench import Bench
from tests.chaos.outcome import Outcome, percentile
from tests.processes.crew import Late, wait_until

LOOPS = ("beat", "sweep", "worker")
SECONDS, ALL_SECONDS, RATE = 35.0, 60.0, 4.0
RED_WITHIN = GREEN_WITHIN = 60.0


def of_loops(bench: Bench, outcome: Outcome, *, scale: float) -> None:
    """SIGSTOP each loop, then all of them: red from the outside, nothing late that need not be."""
    doors = floor.open_floor()
    seconds = max(20.0, SECONDS * scale)
    whole = len(LOOPS) * (seconds + 20) + ALL_SECONDS + 60
    with bench.broker():
        bench.up("web", "beat", "worker", "sweep")
        wait_until("all is well", lambda: is_ready(bench), seconds=120)
        clients = stage.load(bench, doors, leads=int(whole * RATE), rate=RATE, seed=outcome.seed)
        red, green = {}, {}
        for name in LOOPS:
            since = database_now()
            bench.freeze(name)
            red[name] = seconds_until(bench, outcome, f"{name} frozen, red", ready=False)
            time.sleep(max(0.0, seconds - red[name]))
            bench.thaw(name)
            green[name] = seconds_until(bench, outcome, f"{name} back, green", ready=True)
            outcome.demand_within(
                f"lateness without {name}", latest_since(since), stage.patience(30.0)
            )
        for name in LOOPS:
            bench.freeze(name)
        red["all"] = seconds_until(bench, outcome, "all frozen, red", ready=False)
        time.sleep(max(0.0, ALL_SECONDS * scale - red["all"]))
        for name in LOOPS:
            bench.thaw(name)
        began = time.monotonic()
        wait_until("the backlog is gone", lambda: not bench.overdue(), seconds=120)
        cleared = round(time.monotonic() - began, 1)
        outcome.demand_within("backlog cleared after", cleared, stage.patience(60.0))
        green["all"] = seconds_until(bench, outcome, "all back, green", ready=True)
        for client in clients:
            bench.end(client, 15)
        outcome.faults = f"SIGSTOP of {', '.join(LOOPS)}, then of all"
        outcome.figures |= {"red after": red, "green after": green, "backlog cleared": cleared}
        stage.resend(bench, doors, outcome, most=int(300 * scale))
        stage.judge(bench, outcome)


def is_ready(bench: Bench) -> bool:
    return bench.ask("/readyz")[0] == 200


def seconds_until(bench: Bench, outcome: Outcome, what: str, *, ready: bool) -> float:
    began = time.monotonic()
    limit = stage.patience(GREEN_WITHIN if ready else RED_WITHIN)
    try:
        wait_until(what, lambda: is_ready(bench) is ready, seconds=limit)
    except Late:
        outcome.failures.append(
            f"{what}: not within {limit:.0f} s ({bench.ask('/readyz')[1]})"[:600]
        )
    return round(time.monotonic() - began, 1)


def latest_since(since) -> float:
    rows = Escalation.objects.filter(due_at__gte=since).values_list("fired_at", "due_at")
    return percentile([(fired - due).total_seconds() for fired, due in rows], 100) or 0.0
