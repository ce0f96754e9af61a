"""`manage.py working_time CASES.jsonl`: working time for people outside, without a database."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reps.hours.cases import answer


class Command(BaseCommand):
    """Answer each line of a file by one JSON line, in order; the form is that of `cases.answer`."""

    help = "Answer questions about working time, one JSON object a line; blank lines are skipped."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("cases", type=Path, metavar="CASES.jsonl")

    def handle(self, *, cases: Path, **options: Any) -> None:
        try:
            # A byte that is not UTF-8 spoils its own line, not the others.
            with cases.open(encoding="utf-8-sig", errors="replace") as lines:
                for line in lines:
                    if line.strip():
                        self.stdout.write(json.dumps(answer(line)))
        except OSError as error:
            raise CommandError(f"Cannot read {cases}: {error.strerror}.") from error
