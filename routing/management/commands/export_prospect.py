"""Write everything that is held about a person as JSON."""

import json
from typing import Any

from django.core.management.base import BaseCommand
from django.core.serializers.json import DjangoJSONEncoder

from reps.due.clock import database_now
from routing.management import person
from routing.privacy.export import export


class Command(BaseCommand):
    help = "Write everything that is held about a person as JSON, to hand it to them."

    def add_arguments(self, parser: Any) -> None:
        person.add_arguments(parser)

    def handle(self, *args: Any, prospect: int | None, email: str | None, **options: Any) -> None:
        row = person.find(prospect, email)
        held = export(prospect=row, by=None, at=database_now())
        self.stdout.write(json.dumps(held, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2))
