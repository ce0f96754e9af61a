"""C1: the web is killed again and again while leads come in."""

import os
import random
import signal

from config.launch import has_ended
from tests.chaos import floor, stage
from tests.chaos.bench import Bench
from tests.chaos.outcome import Outcome

LEADS, RATE, ROWS = 1600, 22.0, 500
EVERY, ALL_OF_IT = 0.5, 0.03


def under_process_death(bench: Bench, outcome: Outcome, *, scale: float) -> None:
    """Kill a web worker every half second; clients send the same key until they hear."""
    chance = random.Random(outcome.seed)
    doors = floor.open_floor(deadlines=())
    with bench.broker():
        bench.up("web", "worker", "beat", "sweep")
        stage.import_file(bench, doors, rows=int(ROWS * scale))
        clients = stage.load(bench, doors, leads=int(LEADS * scale), rate=RATE, seed=outcome.seed)

        def strike(chance: random.Random) -> str:
            victims = bench.children("web")
            if not victims:
                return ""
            if bench.web_answers() and chance.random() < ALL_OF_IT:
                # The arbiter of the workers dies with them, and somebody starts the web again.
                bench.revive("web")
                return "kill -9 of the whole web"
            return kill_one(victims, chance)

        done = stage.torment(
            until=lambda: all(has_ended(client.process) for client in clients),
            every=EVERY,
            fault=strike,
            chance=chance,
            most=int(600 * scale) + 20,
        )
        bench.wait_for(*clients, seconds=60)
        outcome.faults = stage.told(done)
        stage.resend(bench, doors, outcome, most=int(LEADS * scale))
        stage.judge(bench, outcome)
    tries = [act.tries for act in bench.acts() if act.is_acknowledged]
    outcome.figures["most tries"] = max(tries, default=0)
    outcome.demand(sum(n > 1 for n in tries), "no client had to try twice: nothing was tested")
    outcome.demand(len(tries) >= 0.9 * LEADS * scale, f"only {len(tries)} were acknowledged")


def kill_one(victims: list[int], chance: random.Random) -> str:
    try:
        os.kill(chance.choice(victims), signal.SIGKILL)
    except ProcessLookupError:
        return ""
    return "kill -9 of a web worker"
