"""Check every invariant of the data."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from reps import verify
from reps.due import alarms, heartbeats
from reps.due.clock import database_now

# The nightly check speaks once a day; an hour of grace, for it starts anew each night.
MAX_AGE = 25 * 3600


class Command(BaseCommand):
    help = "Check all invariants, one line each; ends with an error if any is violated."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("codes", nargs="*", help="only these, e.g. I3 I5")
        parser.add_argument(
            "--report", action="store_true", help="also raise or clear alarms, as every night"
        )

    def handle(self, *args: Any, codes: list[str], report: bool, **options: Any) -> None:
        unknown = set(codes) - {one.code for one in verify.all_invariants()}
        if unknown:
            raise CommandError(f"Unknown: {', '.join(sorted(unknown))}.")
        broken: dict[str, str] = {}
        with one_picture():
            for one, violations in verify.run(at=database_now(), codes=codes):
                if self.report(one, violations):
                    broken[f"verify/{one.code}"] = f"{one.code} is violated: {violations[0]}"
        if report:
            alarms.settle(broken, about=() if codes else ("verify",), at=database_now())
            heartbeats.beat("verify", max_age=MAX_AGE, detail={"violated": sorted(broken)})
        if broken:
            raise CommandError(f"{len(broken)} invariants are violated.")
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


@contextmanager
def one_picture() -> Iterator[None]:
    """
    Read everything as of one moment, so that work going on meanwhile is no false alarm, and
    keep nobody from writing. Inside a caller's transaction it is too late to ask for that.
    """
    if connection.in_atomic_block:
        yield
        return
    before = getattr(connection, "transaction_mode", None)
    if connection.vendor == "sqlite":
        connection.transaction_mode = "DEFERRED"
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                    # A whole table takes its time, also between two statements.
                    cursor.execute("SET LOCAL statement_timeout = 0")
                    cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            yield
    finally:
        if connection.vendor == "sqlite":
            connection.transaction_mode = before
