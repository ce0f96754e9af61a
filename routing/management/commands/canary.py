"""Send a test lead through the front door, for monitors outside."""

import json
import time
import urllib.error
import urllib.request
import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from routing.canary import PERSON

PAUSE = 0.5


class Command(BaseCommand):
    help = (
        "Post a test lead to a running installation and wait until it is decided. Ends with an "
        "error if that takes too long, so that a monitor can call it."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--url", required=True, help="such as https://leads.example.com")
        parser.add_argument("--key", required=True, help="the key of the source “canary” (lr_…)")
        parser.add_argument("--seconds", type=float, default=30.0, help="how long it may take")

    def handle(self, *args: Any, url: str, key: str, seconds: float, **options: Any) -> None:
        began = time.monotonic()
        posted = self.ask(
            f"{url.rstrip('/')}/api/v1/leads/?mode=shadow",
            key,
            body=PERSON,
            headers={"Idempotency-Key": f"canary-{uuid.uuid4()}"},
        )
        state = "not looked at"
        while time.monotonic() - began < seconds:
            found = self.ask(posted["status_url"], key)
            state = found["state"]
            if state == "QUARANTINED":
                raise CommandError("The test lead was put into quarantine.")
            if found["decided_at"] is not None:
                self.stdout.write(f"Decided after {time.monotonic() - began:.1f} s.")
                return
            time.sleep(PAUSE)
        raise CommandError(f"The test lead was not decided within {seconds:g} s ({state.lower()}).")

    def ask(
        self,
        url: str,
        key: str,
        *,
        body: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """
        Call the API and return its answer.

        :raises CommandError: if it does not answer, or refuses
        """
        request = urllib.request.Request(
            url,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {key}",
                "Content-Type": "application/json",
                **(headers or {}),
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise CommandError(f"{url} answered {error.code}.") from error
        except (OSError, ValueError) as error:
            raise CommandError(f"{url} did not answer: {error}") from error
