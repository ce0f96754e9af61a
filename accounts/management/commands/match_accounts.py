"""Match a file of leads to a file of accounts, without a database."""

import csv
import json
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import domains
from accounts.matching import Candidate, Index, LeadIdentity

COLUMNS = ("lead_id", "verdict", "account_id", "confidence", "evidence")


class Command(BaseCommand):
    help = (
        "Match leads to accounts, both CSV files, and write one row per lead to the output: "
        "lead_id, verdict (match, review, net_new), account_id, confidence, evidence (JSON). "
        "Accounts need account_id and name; domain, website, aliases (parted by |), city, state, "
        "country and parent_id are used when present. Leads need lead_id and company_name; "
        "domain, email, city, state and country are used when present. Other columns are not "
        "looked at."
    )
    # Pure computation: it must run where no database is configured.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("leads", type=Path, metavar="LEADS.csv")
        parser.add_argument("--accounts", type=Path, required=True, metavar="ACCOUNTS.csv")

    def handle(self, *args: Any, leads: Path, accounts: Path, **options: Any) -> None:
        index = Index(_candidate(row) for row in _rows(accounts, needs=("account_id", "name")))
        writer = csv.writer(self.stdout, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in _rows(leads, needs=("lead_id", "company_name")):
            found = index.match(_identity(row))
            evidence = json.dumps(found.evidence, ensure_ascii=False)
            account = "" if found.account_id is None else found.account_id
            writer.writerow(
                [row["lead_id"], found.verdict, account, f"{found.confidence:.4f}", evidence]
            )


def _rows(path: Path, *, needs: Sequence[str]) -> Iterator[dict[str, str]]:
    try:
        file = path.open(encoding="utf-8-sig", errors="replace", newline="")
    except OSError as error:
        raise CommandError(f"Cannot read {path}: {error.strerror}.") from error
    with file:
        reader = csv.DictReader(file)
        missing = [name for name in needs if name not in (reader.fieldnames or ())]
        if missing:
            raise CommandError(f"{path} has no column {', '.join(missing)}.")
        for row in reader:
            # A short row has None for its last columns, a long one a list under None.
            yield {name: value or "" for name, value in row.items() if name is not None}


def _candidate(row: dict[str, str]) -> Candidate:
    stated = [row.get("domain", ""), *row.get("domains", "").split("|")]
    # The website only speaks where no domain is given: it may be an investor's page.
    hosts = [one for one in stated if one.strip()] or [row.get("website", "")]
    return Candidate(
        account_id=row["account_id"],
        name=row["name"],
        domains=tuple(one for one in hosts if one.strip()),
        aliases=tuple(one for one in row.get("aliases", "").split("|") if one.strip()),
        city=row.get("city", ""),
        state=row.get("state", ""),
        country=row.get("country", ""),
        parent_id=row.get("parent_id") or None,
    )


def _identity(row: dict[str, str]) -> LeadIdentity:
    domain = row.get("domain", "").strip() or domains.account_domain(row.get("email", ""))
    return LeadIdentity(
        company=row["company_name"],
        domain=domain or None,
        city=row.get("city", ""),
        state=row.get("state", ""),
        country=row.get("country", ""),
    )
