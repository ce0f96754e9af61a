"""Measure routing on an empty database, beside the ceiling and a naive baseline."""

import argparse
import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reps.due import doorbell
from routing.bench import drain, run
from routing.bench.synthetic import NotEmpty


class Command(BaseCommand):
    help = (
        "Measure routing: prints JSON, and a table for people to the error output. Needs an "
        "empty, migrated database, which it fills; `make bench` makes one and throws it away."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--leads", type=int, default=10_000, help="the backlog to drain")
        parser.add_argument("--rules", type=int, default=50)
        parser.add_argument("--reps", type=int, default=100, help="in teams of ten")
        parser.add_argument(
            "--json", action="store_true", help="JSON only, without the table for people"
        )
        parser.add_argument(
            "--in-process", action="store_true", help="leave the runs with real workers out"
        )
        parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["worker"]:
            doorbell.connect(None)
            drain.work_until_empty(sys.stdout, sys.stdin)
            return
        for name in ("leads", "rules", "reps"):
            if options[name] < 1:
                raise CommandError(f"--{name} must be at least 1.")
        quiet = options["json"]
        try:
            found = run.run(
                leads=options["leads"],
                rules=options["rules"],
                reps=options["reps"],
                processes=not options["in_process"],
                say=lambda line: None if quiet else self.stderr.write(line),
            )
        except NotEmpty as refusal:
            raise CommandError(str(refusal)) from refusal
        if not quiet:
            self.stderr.write(run.table(found))
        self.stdout.write(json.dumps(found, indent=2))
