"""Bring the look-up keys of all accounts in line with the rules of this version."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from accounts.models import Account
from accounts.models.account import rekey

CHUNK = 500


class Command(BaseCommand):
    help = (
        "Work out the keys by which leads find accounts once more. Needed after an upgrade that "
        "changes how names are compared; otherwise they follow every save. It can be stopped "
        "and run again at any time, and changes nothing that is right."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        seen = changed = last = 0
        while True:
            with transaction.atomic():
                # Whoever saves one of these meanwhile waits, or is seen here.
                accounts = list(
                    Account.objects.select_for_update(no_key=True)
                    .filter(pk__gt=last)
                    .order_by("pk")[:CHUNK]
                )
                if not accounts:
                    break
                changed += rekey(accounts)
            seen, last = seen + len(accounts), accounts[-1].pk
        self.stdout.write(f"{seen} accounts looked at, {changed} keys added or taken away.")
