"""What the commands that take in a file of reps or accounts have in common."""

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError

from reps import tables
from reps.due.clock import database_now
from reps.mapping import BadMapping, load

SHOWN = 20


class ImportCommand(BaseCommand):
    """Read a file by a mapping, hand it to `take_in`, and print the tally with its problems."""

    take_in: ClassVar[Callable[..., Any]]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--map", required=True, type=Path, help="mapping file (YAML)")

    def handle(self, file: Path, map: Path, **options: Any) -> None:
        try:
            tally = self.take_in(
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
