"""Prove that a backup of this database can be restored."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from routing.recovery import Refused
from routing.recovery.drill import drill

SHOWN = 10


class Command(BaseCommand):
    help = (
        "Back this database up, restore it into a scratch one, and compare; ends with an error "
        "on any difference. This database is only read."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--folder", type=Path, help="where there is room for it; by default /tmp or $TMPDIR"
        )

    def handle(self, *args: Any, folder: Path | None, **options: Any) -> None:
        if folder is not None and not folder.is_dir():
            raise CommandError(f"There is no folder {folder}. Make it first (mkdir -p).")
        try:
            done = drill(folder=folder)
        except Refused as error:
            raise CommandError(str(error)) from error
        for step in done.steps:
            self.stdout.write(
                f"{step.name:<10} {step.seconds:7.1f} s  {'WRONG' if step.wrong else 'ok'}"
            )
            for line in step.wrong[:SHOWN]:
                self.stdout.write(f"           {line}")
        self.stdout.write(f"{done.backup.summary}; {done.backup.size} bytes.")
        if done.wrong:
            raise CommandError(f"The drill failed: {len(done.wrong)} things are wrong.")
        self.stdout.write("The drill went well: what is backed up can be restored.")
