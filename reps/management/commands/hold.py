"""Hold effects back by hand."""

from typing import Any

from django.core.management.base import BaseCommand

from reps.due import holds
from reps.due.clock import database_now
from reps.management.people import person
from reps.models import Hold


class Command(BaseCommand):
    help = "Send nothing and fire no clock until somebody releases it; leads go on being assigned."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--reason", required=True, help="for whoever finds it held")
        parser.add_argument("--by", help="user name of whoever does this")
        parser.add_argument(
            "--restored",
            action="store_true",
            help="after a restore: not even alarms leave (RESTORE_MODE does the same at start)",
        )

    def handle(
        self, *args: Any, reason: str, by: str | None, restored: bool, **options: Any
    ) -> None:
        kind = Hold.Kind.RESTORED if restored else Hold.Kind.BY_HAND
        made = holds.hold(kind=kind, reason=reason, at=database_now(), by=person(by))
        self.stdout.write(f"Held since {made.since:%Y-%m-%d %H:%M:%S} UTC: {made.reason}")
