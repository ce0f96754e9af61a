"""Let effects go that were held back."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reps.due import holds
from reps.due.clock import database_now
from reps.management.people import person
from reps.models import Hold


class Command(BaseCommand):
    help = "Release a hold: what has waited goes, the oldest first. Lists the holds without KIND."

    def add_arguments(self, parser: Any) -> None:
        kinds = [kind.lower() for kind in Hold.Kind.values]
        parser.add_argument("kind", nargs="?", choices=kinds, help="which hold")
        parser.add_argument("--reason", default="", help="what was looked at before")
        parser.add_argument("--by", help="user name of whoever does this")

    def handle(
        self, *args: Any, kind: str | None, reason: str, by: str | None, **options: Any
    ) -> None:
        if kind is None:
            return self.list()
        if not reason:
            raise CommandError("Give --reason: what was looked at before it is let go.")
        done = holds.release(kind=kind.upper(), by=person(by), at=database_now(), reason=reason)
        if not done:
            raise CommandError(f"There is no hold of the kind {kind}.")
        left = holds.open_holds()
        if left:
            rest = ", ".join(hold.kind.lower() for hold in left)
            self.stdout.write(f"Released; still held: {rest}.")
        else:
            self.stdout.write("Released; what has waited goes now, the oldest first.")
        return None

    def list(self) -> None:
        found = holds.open_holds()
        if not found:
            self.stdout.write("Nothing is held.")
        for hold in found:
            self.stdout.write(f"{hold.kind.lower():<11} {hold.since:%Y-%m-%d %H:%M}  {hold.reason}")
