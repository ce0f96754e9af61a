"""Delete by age what the rules of retention say, or only say how much that would be."""

from typing import Any

from django.core.management.base import BaseCommand

from reps import retention
from reps.due.clock import database_now


class Command(BaseCommand):
    help = "Delete what has been kept long enough; the nightly routine does the same."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count, delete nothing")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        at = database_now()
        if dry_run:
            done = retention.due(at=at)
        else:
            done, _ = retention.sweep(at=at)
        for rule in retention.rules():
            slug = rule.kept.slug
            if not rule.is_active:
                said = "kept for good"
            else:
                number = done.get(slug, 0)
                said = f"{number} {'would be deleted' if dry_run else 'deleted'}"
                said += f" (after {rule.days} days)"
            self.stdout.write(f"{slug:<12} {said}")
