"""C8: the clocks of the machines are wrong: first those of the loops, then the database's."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from config.launch import has_ended
from config.throwaway_pg import Cluster
from reps.due import holds
from reps.due.clock import database_now
from reps.models import Alarm, Hold
from sla.models import Clock, Escalation, Policy
from tests.chaos import floor, stage
from tests.chaos.bench import Bench
from tests.chaos.outcome import Outcome, percentile
from tests.processes.crew import Late, wait_until

LIBRARIES = Path("/usr/lib")
LOOPS = ("worker", "beat", "sweep")
# The same by what they are called in signs of life.
LOOPS_BY_SIGN = ("celery", "beat", "sweep")
RATE, SECONDS = 4.0, 30.0
NOTICED_WITHIN = 30.0
# Two of the three promises come due while the scenario lasts; the third only for a wrong clock.
DEADLINES = (10, 20, 3600)


def library() -> Path | None:
    """libfaketime, if it is installed."""
    return next(LIBRARIES.glob("*/faketime/libfaketimeMT.so.1"), None)


def set_wrong(
    bench: Bench, outcome: Outcome, *, scale: float, cluster: Cluster, clock: Path
) -> None:
    """Loops two hours behind and ahead; then the database jumps ahead, and back."""
    doors = floor.open_floor(deadlines=DEADLINES)
    seconds = max(15.0, SECONDS * scale)
    with bench.broker():
        bench.up("web", *LOOPS)
        whole = 2 * (seconds + 20)
        clients = stage.load(bench, doors, leads=int(whole * RATE), rate=RATE, seed=outcome.seed)
        for shift in ("-2h", "+2h"):
            since = database_now()
            with_clock(bench, shift)
            time.sleep(seconds)
            outcome.demand_within(
                f"lateness with loops at {shift}", latest(since), stage.patience(30.0)
            )
        with_clock(bench, "")
        # Who starts after a jump ahead cannot know of it: it looks as if time had passed.
        at_work(bench, LOOPS_BY_SIGN)
        for client in clients:
            if not has_ended(client.process):
                bench.end(client, 15)
        bench.quieten()
        for jump in ("+2h", "-2h"):
            database_jumps(outcome, clock, jump, seconds=seconds)
        began = time.monotonic()
        at_work(bench, ("canary",))
        stage.judge(bench, outcome)
        outcome.demand_within(
            "at work after the release", time.monotonic() - began, stage.patience(60.0)
        )
    outcome.faults = "loops 2 h behind and ahead; the database jumps 2 h ahead and 2 h back"
    outcome.left_out.append(
        "the night of the clock change is simulated by tests of the schedule, not lived through"
    )


def at_work(bench: Bench, names: Sequence[str]) -> None:
    """Wait until each of these has shown life from now on."""
    since = database_now()
    for name in names:
        wait_until(
            f"{name} is at work",
            lambda name=name: bench.beats(name, since=since),
            seconds=stage.patience(60.0),
        )


def with_clock(bench: Bench, shift: str) -> None:
    """Start the loops again with this shift of their clock."""
    before = dict(bench.environment)
    if shift:
        bench.environment |= {"LD_PRELOAD": str(library()), "FAKETIME": shift}
    for name in LOOPS:
        bench.revive(name)
    bench.environment.clear()
    bench.environment |= before


def database_jumps(outcome: Outcome, clock: Path, jump: str, *, seconds: float) -> None:
    """Effects are held back at once; nothing fires by the wrong time; a person releases."""
    running = Clock.objects.filter(state=Clock.State.RUNNING, metric=Policy.Metric.CONTACT)
    outcome.figures["promises that must not break"] = running.count()
    outcome.demand(running.exists(), "no promise was open: nothing was tested")
    told = Escalation.objects.filter(clock__metric=Policy.Metric.CONTACT).count()
    began = time.monotonic()
    clock.write_text(jump, encoding="utf-8")
    try:
        wait_until("effects are held back", is_held, seconds=stage.patience(NOTICED_WITHIN))
    except Late as late:
        outcome.failures.append(f"{jump}: {late}")
    outcome.figures[f"held after {jump}"] = round(time.monotonic() - began, 1)
    time.sleep(seconds)
    false = Escalation.objects.filter(clock__metric=Policy.Metric.CONTACT).count() - told
    outcome.demand(false == 0, f"{jump}: {false} escalations by a wrong clock")
    outcome.demand(
        Alarm.objects.filter(key__startswith="held/", cleared_at__isnull=True).exists(),
        f"{jump}: no alarm",
    )
    clock.write_text("+0", encoding="utf-8")
    # The library looks at its file once a second; the way back is a jump as well.
    time.sleep(3)
    holds.release(kind=Hold.Kind.CLOCK_JUMP, by=floor.manager(), at=database_now())


def is_held() -> bool:
    return Hold.objects.filter(kind=Hold.Kind.CLOCK_JUMP, released_at__isnull=True).exists()


def latest(since: datetime) -> float:
    rows = Escalation.objects.filter(due_at__gte=since + timedelta(seconds=1))
    late = [(fired - due).total_seconds() for fired, due in rows.values_list("fired_at", "due_at")]
    return percentile(late, 100) or 0.0
