"""
Operating-system processes that act on the database of a test.

`python -m tests.processes.actor PARTS`, a JSON list of [act, report, arguments]: reads the code
once, says that it is ready, is told on its standard input at which instant to begin, and forks
one process for each part. That connects for itself, waits for the instant, plays `acts.ACT` (or
`MODULE:ACT`) and leaves its report as JSON. Errors are part of the report; only refusals that a
service documents are not errors.
"""

import importlib
import json
import logging
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django


class Tally:
    """What an actor did, what was refused with good reason, and what went wrong."""

    def __init__(self, begins: float) -> None:
        self.begins = begins
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.errors: list[str] = []
        # Seconds that each kind of act took.
        self.took: dict[str, list[float]] = {}
        self.notes: dict[str, Any] = {}
        handler = logging.Handler(logging.WARNING)
        # Intake catches what breaks a batch and tries again: here that is an error too.
        handler.emit = lambda record: self.errors.append(
            f"logged: {logging.Formatter().format(record)}"
        )
        for name in ("routing", "reps", "sla", "accounts"):
            logging.getLogger(name).addHandler(handler)

    def attempt(self, name: str, act: Callable[[], Any], *refusals: type[Exception]) -> Any:
        """Act once; return what came of it, or the refusal. Anything else is an error."""
        began = time.monotonic()
        try:
            result = act()
        except refusals as refusal:
            self.refused[f"{name}: {type(refusal).__name__}"] += 1
            return refusal
        except Exception:
            self.errors.append(f"{name}: {traceback.format_exc()}")
            return None
        finally:
            self.took.setdefault(name, []).append(time.monotonic() - began)
        self.done[name] += 1
        return result

    def wait_for(self, seconds: float) -> None:
        """Wait until so long after the common beginning."""
        time.sleep(max(0.0, self.begins + seconds - time.time()))

    def as_json(self) -> dict[str, Any]:
        return {
            "done": self.done,
            "refused": self.refused,
            "errors": self.errors,
            "took": self.took,
            **self.notes,
        }


def play(act: str, report: str, arguments: dict[str, Any], *, begins: float) -> None:
    """Play one part, in a process of its own."""
    from django.db import connection

    from config.celery import warm_up
    from reps.due import doorbell
    from tests.processes import acts

    module, _, name = act.rpartition(":")
    played = getattr(importlib.import_module(module) if module else acts, name)
    if arguments.pop("rings", False):
        # As the web does when it starts.
        warm_up()
    else:
        doorbell.connect(None)
    tally = Tally(begins)
    connection.ensure_connection()
    tally.wait_for(0.0)
    played(tally, **arguments)
    connection.close()
    Path(report).write_text(json.dumps(tally.as_json()), encoding="utf-8")


def main(parts: list[list[Any]]) -> None:
    django.setup()
    # Read before the fork, so that it is read once.
    import tests.processes.acts  # noqa: F401 - only to be in memory

    sys.stdout.write("ready\n")
    sys.stdout.flush()
    go = sys.stdin.readline()
    if not go:
        return
    children = []
    for part in parts:
        child = os.fork()
        if child == 0:
            try:
                play(*part, begins=float(go))
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
