"""Erase everything that is held about a person."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reps.due.clock import database_now
from routing.management import person
from routing.privacy import erase
from routing.privacy.registry import Person, shown


class Command(BaseCommand):
    help = "Erase everything that is held about a person; the trail stays whole, without them."

    def add_arguments(self, parser: Any) -> None:
        person.add_arguments(parser)
        parser.add_argument("--reason", required=True, help="why; kept with the erasure")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(
        self,
        *args: Any,
        prospect: int | None,
        email: str | None,
        reason: str,
        yes: bool,
        **options: Any,
    ) -> None:
        row = person.find(prospect, email)
        for holding, rows in shown(Person.read(row)):
            self.stdout.write(f"{holding.label!s:<24} {len(rows)}")
        if not yes and input(f"Erase person {row.pk}? Type the number: ").strip() != str(row.pk):
            raise CommandError("Nothing was erased.")
        try:
            done = erase.erase(prospect_id=row.pk, reason=reason, by=None, at=database_now())
        except erase.HeldByLaw as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Erased person {row.pk}: {done.counts}")
