"""Take in a file of territories."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.services import territory_files
from reps import tables
from reps.due.clock import database_now

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Create or update territories from a CSV or XLSX file, wholes and parts in any order; "
        "twice changes nothing. Exits with 1 if a row was refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="say what would change, only")

    def handle(self, file: Path, dry_run: bool, **options: Any) -> None:
        try:
            table = tables.read(file.name, file.read_bytes())
            if dry_run:
                made = territory_files.plan(table)
            else:
                made = territory_files.apply(table, by=None, at=database_now())
        except (tables.BadFile, territory_files.FileRefused) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"Cannot read {error.filename}: {error.strerror}.") from error
        self.stdout.write(f"{file.name}: {made}{', nothing written' if dry_run else ''}")
        if dry_run:
            for entry in [*made.created, *made.changed][:SHOWN]:
                said = "; ".join(
                    f"{one.field}: {one.before or 'nothing'} → {one.after or 'nothing'}"
                    for one in entry.differences
                )
                new = "new, " if entry.is_new else ""
                self.stdout.write(f"  row {entry.row}, {entry.territory}: {new}{said}")
        for problem in made.problems[:SHOWN]:
            self.stderr.write(f"  {problem}")
        if len(made.problems) > SHOWN:
            self.stderr.write(f"  … and {len(made.problems) - SHOWN} more")
        if made.problems:
            raise CommandError(f"{len(made.problems)} rows were refused.")
