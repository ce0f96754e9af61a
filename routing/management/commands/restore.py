"""Restore a backup; nothing leaves until somebody has released it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from reps.verify import SHOWN
from routing.recovery import Refused, restore
from routing.recovery.restore import Report


class Command(BaseCommand):
    help = (
        "Restore a backup, with its effects held back until `release restored`; erase again whom "
        "the ledger names, and check every invariant."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "file", nargs="?", type=Path, help="the backup; its manifest lies beside it"
        )
        parser.add_argument(
            "--recovered",
            action="store_true",
            help="instead of a file: the database is back already, by other means; do the rest",
        )
        parser.add_argument(
            "--replace",
            action="store_true",
            help="SQLite: put it in the place of a database with data, which is kept beside it",
        )
        parser.add_argument(
            "--other-key",
            action="store_true",
            help="go on although SECRET_KEY is another one: the erased cannot be told",
        )
        parser.add_argument(
            "--skip-verify", action="store_true", help="whoever calls this checks the invariants"
        )

    def handle(
        self,
        *args: Any,
        file: Path | None,
        recovered: bool,
        replace: bool,
        other_key: bool,
        skip_verify: bool,
        **options: Any,
    ) -> None:
        if (file is None) != recovered:
            raise CommandError(
                "Name the backup to restore, or say --recovered if the database is back already."
            )
        try:
            if file is None:
                report = restore.recovered()
            else:
                report = restore.restore(
                    file, replace=replace, other_key=other_key, verified=not skip_verify
                )
                self.stdout.write(f"Restored, row for row as in {file.name}.")
        except Refused as error:
            raise CommandError(str(error)) from error
        self.say(report)
        if not skip_verify:
            self.say_verified(report)

    def say(self, report: Report) -> None:
        if report.kept_as:
            self.stdout.write(f"The former database is kept as {report.kept_as}.")
        if report.migrated:
            self.stdout.write("Its tables were brought up to this code (migrate).")
        self.stdout.write(self.gap(report))
        again = report.repeated
        if report.has_ledger:
            self.stdout.write(
                f"Erasure ledger: {again.erased} erased again, {again.already} were erased "
                f"already, {again.unknown} not in this backup."
            )
        else:
            self.stderr.write(
                f"There is no erasure ledger at {settings.ERASURE_LEDGER}: nobody was erased "
                "again. If somebody had been erased, bring the file back and restore once more."
            )
        self.stdout.write(
            "In restore mode: nothing is sent and no clock fires. When you have looked at the "
            'gap: manage.py release restored --reason "…"'
        )

    def gap(self, report: Report) -> str:
        """Say what is missing between the newest receipt and now."""
        newest = report.newest_receipt
        if newest is None:
            return (
                f"As of {report.as_of:%Y-%m-%dT%H:%M:%S} UTC. The gap: there is no receipt at all."
            )
        since = report.at - newest
        rounded = timedelta(seconds=int(since.total_seconds()))
        return (
            f"As of {report.as_of:%Y-%m-%dT%H:%M:%S} UTC. The gap: the newest receipt is of "
            f"{newest:%Y-%m-%dT%H:%M:%S} UTC, {rounded} ago; what came in since is not here."
        )

    def say_verified(self, report: Report) -> None:
        for code, lines in report.violations.items():
            self.stdout.write(f"{code:<4} VIOLATED")
            for line in lines[:SHOWN]:
                self.stdout.write(f"       {line}")
            if len(lines) > SHOWN:
                self.stdout.write(f"       … and {len(lines) - SHOWN} more")
        if report.violations:
            raise CommandError(
                f"It is restored and held, but {len(report.violations)} invariants are violated. "
                "Look at them before you release, or restore an older backup."
            )
        self.stdout.write("All invariants hold.")
