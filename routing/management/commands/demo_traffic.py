"""Keep leads and work trickling through the doors of the demo."""

import argparse
import signal
import threading
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from routing.demo import organisation, traffic


class Command(BaseCommand):
    help = (
        "Play prospects and reps against a running demo, through the same HTTP doors as "
        "everybody, until Ctrl-C or TERM."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--base-url", default=settings.BASE_URL)
        parser.add_argument(
            "--every", type=float, default=traffic.EVERY, help="seconds between two leads"
        )
        parser.add_argument("--minutes", type=float, help="stop by itself after so long")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This would send invented leads into a real product; set DEMO=1.")
        if options["every"] <= 0:
            raise CommandError("--every must be more than 0.")
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        traffic.Traffic(
            options["base_url"],
            organisation.read_keys(settings.VAR),
            say=lambda line: self.stdout.write(f"{time.strftime('%H:%M:%S')} {line}"),
            pause=stop.wait,
            clock=time.monotonic,
            every=options["every"],
        ).run(minutes=options["minutes"])
