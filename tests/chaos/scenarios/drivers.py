"""C3 and C4: whoever does the work is killed while there is work to do."""

import os
import random
import signal
import sys
import time

from celery import Celery
from django.conf import settings

from config.launch import has_ended
from reps.models import Message
from tests.chaos import floor, stage
from tests.chaos.bench import Bench
from tests.chaos.outcome import Outcome
from tests.chaos.receiver import Received, receiver
from tests.processes.crew import wait_until

LEADS, RATE = 500, 10.0
DEADLINES, SHORT_DEADLINES = (10, 20, 40), (3, 5, 8)
POISONED = "tests.chaos.poisoned"


def massacre_of_the_sweeps(bench: Bench, outcome: Outcome, *, scale: float) -> None:
    """Two sweeps do all the work, and one is killed every 0.4 seconds."""
    chance = random.Random(outcome.seed)
    deadlines = DEADLINES if scale >= 1 else SHORT_DEADLINES
    with receiver() as told:
        bench.environment["HOOK_HOSTS_INSIDE"] = told.host
        bench.environment["BROKER_URL"] = f"redis+socket://{bench.folder}/nobody.sock"
        doors = floor.open_floor(deadlines=deadlines, told=told)
        sweeper = [sys.executable, "-m", "tests.processes.sweeper", "0", "0.02"]
        for name in ("sweeper one", "sweeper two"):
            bench.add(name, sweeper)
            bench.revive(name)
        bench.up("web")
        clients = stage.load(bench, doors, leads=int(LEADS * scale), rate=RATE, seed=outcome.seed)
        ends: list[float] = []

        def is_over() -> bool:
            if not ends and all(has_ended(client.process) for client in clients):
                ends.append(time.monotonic() + deadlines[0] + 2)
            return bool(ends) and time.monotonic() > ends[0]

        def strike(chance: random.Random) -> str:
            numbers = bench.running[chance.choice(("sweeper one", "sweeper two"))].words().split()
            try:
                os.kill(int(numbers[-1]), signal.SIGKILL)
            except (IndexError, ValueError, ProcessLookupError):
                return ""
            return "kill -9 of a sweep"

        done = stage.torment(until=is_over, every=0.4, fault=strike, chance=chance)
        outcome.faults = stage.told(done)
        bench.stop("sweeper one", "sweeper two")
        stage.let_go_of_leases()
        bench.up("sweep")
        stage.resend(bench, doors, outcome, most=int(400 * scale))
        # The last deadlines come due after the last lead.
        time.sleep(deadlines[1])
        stage.judge(bench, outcome, latest=10.0)
        about_messages(told, outcome)


def about_messages(told: Received, outcome: Outcome) -> None:
    """Everything that was to be said has arrived, hardly anything twice, nothing strange."""
    sent = Message.objects.filter(state=Message.State.SENT, delivered__has_key="slack")
    keys = set(sent.values_list("key", flat=True))
    counts = told.counts()
    repeats = sum(number - 1 for number in counts.values())
    outcome.count("messages", len(keys))
    outcome.figures["messages repeated"] = repeats
    outcome.demand(keys, "nobody was told anything: nothing was tested")
    outcome.demand_none(sorted(keys - counts.keys()), "messages that were sent and never came")
    outcome.demand_none(told.strange, "strange messages")
    outcome.demand_within("messages repeated", repeats, max(3, 0.01 * len(keys)))
    dead = Message.objects.filter(state=Message.State.DEAD)
    outcome.demand_none(dead.values_list("key", "last_error"), "messages that were given up")


def death_of_workers(bench: Bench, outcome: Outcome, *, scale: float) -> None:
    """Kill all of Celery's worker every five seconds, then its children, with a poison task."""
    chance = random.Random(outcome.seed)
    starts = bench.folder / "poison"
    bench.environment["CHAOS_POISON"] = str(starts)
    with receiver() as told, bench.broker():
        bench.environment["HOOK_HOSTS_INSIDE"] = told.host
        doors = floor.open_floor(told=told)
        bench.add(
            "worker", [POISONED if word == "config" else word for word in bench.command("worker")]
        )
        bench.up("web", "beat", "worker", "sweep")
        poison(bench)
        clients = stage.load(bench, doors, leads=int(LEADS * scale), rate=RATE, seed=outcome.seed)
        staff = bench.cast(*stage.people(outcome.seed, seconds=LEADS * scale / RATE))
        bench.go(staff)
        half = time.monotonic() + LEADS * scale / RATE / 2
        end = half + max(5.0, LEADS * scale / RATE / 2)

        def whole(_: random.Random) -> str:
            bench.revive("worker")
            return "kill -9 of the whole worker"

        def child(chance: random.Random) -> str:
            victims = bench.children("worker")
            if not victims:
                return ""
            try:
                os.kill(chance.choice(victims), signal.SIGKILL)
            except ProcessLookupError:
                return ""
            return "kill -9 of a child"

        done = stage.torment(
            until=lambda: time.monotonic() > half, every=5.0, fault=whole, chance=chance
        )
        done += stage.torment(
            until=lambda: time.monotonic() > end, every=1.0, fault=child, chance=chance
        )
        bench.wait_for(*clients, seconds=120)
        outcome.faults = f"{stage.told(done)}, 1 × poison"
        stage.resend(bench, doors, outcome, most=int(400 * scale))
        outcome.demand_none(stage.errors(bench.gather(staff)), "errors of the staff")
        wait_until("the worker is at work", lambda: is_at_work(bench), seconds=60)
        stage.judge(bench, outcome, latest=30.0)
        about_messages(told, outcome)
        began = len(starts.read_text(encoding="utf-8").split()) if starts.exists() else 0
        outcome.figures["starts of the poison"] = began
        outcome.demand(1 <= began <= 3, f"the poison was started {began} times")


def is_at_work(bench: Bench) -> bool:
    """
    Whether the worker does what beat asks of it; a supervisor, as `make run` is, starts it again
    meanwhile, for Celery ends it when children die before they have started.
    """
    bench.tend()
    return bench.beats("celery")


def poison(bench: Bench) -> None:
    """A task that kills whoever takes it."""
    broker = Celery(broker=bench.environment["BROKER_URL"])
    broker.send_task("chaos.poison", queue=settings.CELERY_TASK_DEFAULT_QUEUE, retry=False)
    broker.close()
