"""Drain what is ready for routing, once."""

from typing import Any

from django.core.management.base import BaseCommand

from reps.due import jobs
from reps.due.clock import database_now


class Command(BaseCommand):
    help = "Process waiting submissions and decide every lead that is due, once."

    def handle(self, *args: Any, **options: Any) -> None:
        now = database_now()
        for name in ("intake", "route"):
            handled = jobs.drain(name, driver="command", due_before=now)
            self.stdout.write(f"{name}: {handled}")
