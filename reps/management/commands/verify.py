"""Check every invariant of the data."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from reps import verify
from reps.due.clock import database_now


class Command(BaseCommand):
    help = "Check all invariants, one line each; ends with an error if any is violated."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("codes", nargs="*", help="only these, e.g. I3 I5")

    def handle(self, *args: Any, codes: list[str], **options: Any) -> None:
        unknown = set(codes) - {one.code for one in verify.all_invariants()}
        if unknown:
            raise CommandError(f"Unknown: {', '.join(sorted(unknown))}.")
        # One consistent picture, so that work going on meanwhile is no false alarm. Inside a
        # caller's transaction it is too late to ask for one.
        outermost = not connection.in_atomic_block
        with transaction.atomic():
            if connection.vendor == "postgresql" and outermost:
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            found = verify.run(at=database_now(), codes=codes)
            broken = sum(self.report(one, violations) for one, violations in found)
        if broken:
            raise CommandError(f"{broken} invariants are violated.")
        self.stdout.write("All invariants hold.")

    def report(self, one: verify.Invariant, violations: list[str]) -> bool:
        """Print one invariant with its violations, and say whether there are any."""
        mark = "VIOLATED" if violations else "ok"
        self.stdout.write(f"{one.code:<4} {mark:<9} {one.promise}")
        for line in violations[: verify.SHOWN]:
            self.stdout.write(f"       {line}")
        if len(violations) > verify.SHOWN:
            self.stdout.write(f"       … and {len(violations) - verify.SHOWN} more")
        return bool(violations)
