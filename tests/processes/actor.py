"""
One operating-system process that acts on the database of a test.

`python -m tests.processes.actor ACT REPORT ARGUMENTS`: gets ready, says so, waits for a line
on its standard input, so that all actors begin at the same instant, plays `acts.ACT` and
leaves its report as JSON. Errors are part of the report; only refusals that a service
documents are not errors.
"""

import json
import logging
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django


class Tally:
    """What an actor did, what was refused with good reason, and what went wrong."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.errors: list[str] = []
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
        try:
            result = act()
        except refusals as refusal:
            self.refused[f"{name}: {type(refusal).__name__}"] += 1
            return refusal
        except Exception:
            self.errors.append(f"{name}: {traceback.format_exc()}")
            return None
        self.done[name] += 1
        return result

    def as_json(self) -> dict[str, Any]:
        return {
            "done": self.done,
            "refused": self.refused,
            "errors": self.errors,
            **self.notes,
        }


def main(act: str, report: Path, arguments: dict[str, Any]) -> None:
    django.setup()
    from django.db import connection

    from config.celery import warm_up
    from reps.due import doorbell
    from tests.processes import acts

    if arguments.pop("rings", False):
        # As the web does when it starts.
        warm_up()
    else:
        doorbell.connect(None)
    tally = Tally()
    connection.ensure_connection()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if not sys.stdin.readline():
        return
    getattr(acts, act)(tally, **arguments)
    report.write_text(json.dumps(tally.as_json()), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3]))
