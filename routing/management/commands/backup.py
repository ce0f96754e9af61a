"""Back the database up, while the product runs."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from routing.recovery import Refused
from routing.recovery.manifest import path_of
from routing.recovery.take import take


class Command(BaseCommand):
    help = "Back the database up into a file, with a manifest beside it; the product may run on."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("place", help="a new file, or a folder for one")

    def handle(self, *args: Any, place: str, **options: Any) -> None:
        if place.endswith("/") and not Path(place).is_dir():
            raise CommandError(f"There is no folder {place}. Make it first (mkdir -p).")
        try:
            path, told = take(Path(place))
        except Refused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{path}  {told.size} bytes: {told.summary}")
        self.stdout.write(
            f"Keep it together with {path_of(path).name}, and not on this machine only. The "
            "erasure ledger and SECRET_KEY are kept elsewhere; see docs/operators/backup.md."
        )
