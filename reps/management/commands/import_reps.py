"""Take in a file of reps, with their teams, managers and offices."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reps import tables
from reps.due.clock import database_now
from reps.mapping import BadMapping, load
from reps.services.imports import import_reps

SHOWN = 20


class Command(BaseCommand):
    help = "Create or update reps and their teams from a CSV or XLSX file; twice changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--map", required=True, type=Path, help="mapping file (YAML)")

    def handle(self, file: Path, map: Path, **options: Any) -> None:
        try:
            tally = import_reps(
                table=tables.read(file.name, file.read_bytes()),
                data=load(map.read_bytes()),
                by=None,
                at=database_now(),
            )
        except (tables.BadFile, BadMapping) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"Cannot read {error.filename}: {error.strerror}.") from error
        self.stdout.write(f"{file.name}: {tally}")
        for problem in tally.problems[:SHOWN]:
            self.stdout.write(f"  {problem}")
        if len(tally.problems) > SHOWN:
            self.stdout.write(f"  … and {len(tally.problems) - SHOWN} more")
