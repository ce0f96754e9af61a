"""Commands that the product must not have, although a library brings them."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Blocked(BaseCommand):
    """Refuses in the place of a library's command, saying why; `why` is the subclass's."""

    why = ""
    help = "Refused: history is evidence and is neither purged nor made up."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("anything", nargs="*")

    def run_from_argv(self, argv: list[str]) -> None:
        # Whatever options were given: the answer is the same.
        super().run_from_argv(argv[:2])

    def handle(self, *args: Any, **options: Any) -> None:
        raise CommandError(self.why)
