"""Take in a file of customer companies and their owners."""

from argparse import ArgumentParser
from typing import Any

from accounts.services.imports import import_accounts, preview_accounts
from reps.management.import_command import ImportCommand


class Command(ImportCommand):
    help = "Create or update accounts and their owners from a file; twice changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--dry-run", action="store_true", help="print what would change, and change nothing"
        )

    def handle(self, *args: Any, dry_run: bool = False, **options: Any) -> None:
        self._only_looks, self._differences = dry_run, []
        super().handle(*args, **options)
        for one in self._differences:
            self.stdout.write(
                f"  row {one.row}: {one.account}, {one.field}: “{one.before}” → “{one.after}”"
            )

    def take_in(self, **asked: Any) -> Any:
        if not self._only_looks:
            return import_accounts(**asked)
        tally = preview_accounts(**asked)
        self._differences = tally.differences
        return tally
