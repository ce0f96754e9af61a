"""How long one lead takes against a large account book, in memory and in the database."""

import json
import random
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from statistics import quantiles
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection, transaction

from accounts.matching import Candidate, Index, LeadIdentity
from accounts.matching.words import COUNTS
from accounts.models import Account
from accounts.models.account import rekey
from accounts.services.matching import match_many
from reps.models.tracked import bulk_writer

SEED = 20261122
CHUNK = 2_000
_SOUNDS = "ka lo mer ti zan qui bor sel da nix tor ve ral pho gen lux mi tra sko ben"
SYLLABLES = _SOUNDS.split()
FORMS = ("Inc", "LLC", "Corp", "GmbH", "Ltd", "SA", "")


class Command(BaseCommand):
    help = (
        "Invent an account book, match invented leads against it in memory and by the service "
        "that intake uses, and print milliseconds a lead as JSON. What is written to the "
        "database is taken back at the end; other writers wait meanwhile on SQLite."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--accounts", type=int, default=100_000)
        parser.add_argument("--leads", type=int, default=2_000)
        parser.add_argument("--no-database", action="store_true")

    def handle(
        self, *args: Any, accounts: int, leads: int, no_database: bool, **options: Any
    ) -> None:
        chance = random.Random(SEED)
        book = list(_book(accounts, chance))
        asked = [_lead(chance.choice(book), chance) for _ in range(leads)]
        report: dict[str, Any] = {"accounts": accounts, "leads": leads}

        started = time.perf_counter()
        index = Index(book)
        report["memory_build_seconds"] = round(time.perf_counter() - started, 1)
        report["memory_ms_per_lead"] = _timed(asked, 1, lambda some: [index.match(some[0])])
        if not no_database:
            with transaction.atomic():
                started = time.perf_counter()
                _store(book)
                report["vendor"] = connection.vendor
                report["keying_seconds"] = round(time.perf_counter() - started, 1)
                for size in (100, 10, 1):
                    some = asked[: max(size, leads // 4)]
                    report[f"database_ms_per_lead_in_batches_of_{size}"] = _timed(
                        some, size, match_many
                    )
                transaction.set_rollback(True)
        self.stdout.write(json.dumps(report, indent=2))


def _book(size: int, chance: random.Random) -> Iterator[Candidate]:
    ordinary = sorted(COUNTS)
    weights = [COUNTS[word] for word in ordinary]
    for number in range(1, size + 1):
        invented = "".join(chance.choices(SYLLABLES, k=chance.choice((2, 3, 3, 4))))
        rest = chance.choices(ordinary, weights, k=chance.choice((0, 1, 1, 2)))
        name = " ".join([invented, *rest, chance.choice(FORMS)]).title().strip()
        yield Candidate(
            number, name, (f"{invented}{number}.com",), city=chance.choice(ordinary).title()
        )


def _lead(account: Candidate, chance: random.Random) -> LeadIdentity:
    """Half with the account's domain; names as they are, cut short, or with another word."""
    words = account.name.split()
    company = chance.choice(
        (account.name, " ".join(words[:2]), f"{words[0]} International", "Nobody Knows Me Ltd")
    )
    return LeadIdentity(company, account.domains[0] if chance.random() < 0.5 else None)


def _store(book: Sequence[Candidate]) -> None:
    for start in range(0, len(book), CHUNK):
        accounts = [
            Account(name=one.name, domain=one.domains[0], city=one.city)
            for one in book[start : start + CHUNK]
        ]
        with bulk_writer("bench_matching"):
            # Nothing of it stays: history leaves it out.
            rows = Account.objects.bulk_create(accounts)
        rekey(rows)


def _timed(
    leads: Sequence[LeadIdentity], size: int, work: Callable[[Sequence[LeadIdentity]], Any]
) -> dict[str, float]:
    """Give the mean and the 95th percentile of milliseconds a lead over batches."""
    batches = [leads[start : start + size] for start in range(0, len(leads), size)]
    work(batches[0])
    spent = []
    for batch in batches:
        started = time.perf_counter()
        work(batch)
        spent.append((time.perf_counter() - started) / len(batch) * 1000)
    mean = sum(spent) / len(spent)
    high = quantiles(spent, n=20)[-1] if len(spent) > 1 else spent[0]
    return {"mean": round(mean, 3), "p95": round(high, 3)}
