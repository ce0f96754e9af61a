"""Load the demo organisation."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from reps.due.clock import database_now
from routing.demo import organisation


class Command(BaseCommand):
    help = "Load the demo organisation into an empty database (only with DEMO=1)."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError(
                "This is not a demo: its logins have a password that everybody knows. "
                "Set DEMO=1 if you want one."
            )
        at = database_now()
        try:
            loaded = organisation.load(at=at)
        except organisation.NoDemo as refusal:
            raise CommandError(str(refusal)) from refusal
        organisation.write_keys(settings.VAR, at=at)
        self.stdout.write("The demo organisation is loaded." if loaded else "The demo is there.")
