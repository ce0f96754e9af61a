"""The second driver: takes what is overdue, with nothing but the database."""

from typing import Any

from django.core.management.base import BaseCommand

from reps.due.loop import Sweep


class Command(BaseCommand):
    help = "Take overdue work every half second until stopped; needs only the database."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--once", action="store_true", help="one round, then stop")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        sweep = Sweep()
        if once:
            for name, handled in sweep.round().items():
                self.stdout.write(f"{name}: {handled}")
        else:
            sweep.run()
