"""Seal the days of the trail that are over, or print the newest seal."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reps.due.clock import database_now
from reps.trail import anchors


class Command(BaseCommand):
    help = (
        "Seal the days of the audit trail that are over; print the newest seal to keep elsewhere."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--print", action="store_true", dest="only_print", help="seal nothing, only print"
        )

    def handle(self, *args: Any, only_print: bool, **options: Any) -> None:
        if not only_print:
            anchors.run(database_now())
        newest = anchors.newest()
        if newest is None:
            raise CommandError("No day of the trail has been sealed yet.")
        self.stdout.write(anchors.as_line(newest))
