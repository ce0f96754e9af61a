"""Replay a CRM's past on a virtual clock and say how well the router did."""

import json
from argparse import ArgumentParser
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reps import verify
from reps.mapping import BadMapping, load
from reps.tables import BadFile, read
from routing.rehearsal.findings import Findings, findings
from routing.rehearsal.past import ReplayRefused, past_of
from routing.rehearsal.run import CLOSES, OPENS, Run, replay
from routing.rehearsal.stage import organise

CAPACITY = 55
ENOUGH = 0.99


class Command(BaseCommand):
    help = (
        "Replay dated opportunities day by day, after import_reps and import_accounts, in a "
        "database of their own. Sends nothing, starts no clock."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--leads", required=True, type=Path)
        parser.add_argument("--map", required=True, type=Path, help="mapping file (YAML)")
        parser.add_argument(
            "--until", type=date.fromisoformat, help="last day, default: the data's"
        )
        parser.add_argument("--capacity", type=int, default=CAPACITY, help="open leads per rep")
        parser.add_argument("--json", action="store_true")

    def handle(
        self,
        leads: Path,
        map: Path,
        until: date | None,
        capacity: int,
        json: bool,
        **options: Any,
    ) -> None:
        try:
            run = self._replay(leads, map, until, capacity, quiet=json)
        except (BadFile, BadMapping, ReplayRefused) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"Cannot read {error.filename}: {error.strerror}.") from error
        found = findings(run)
        verified = self._verify(run)
        self._print(found, verified, as_json=json)
        self._judge(found, verified)

    def _replay(
        self, leads: Path, map_file: Path, until: date | None, capacity: int, *, quiet: bool
    ) -> Run:
        table = read(leads.name, leads.read_bytes())
        past = past_of(table, load(map_file.read_bytes()), until=until)
        if not past:
            raise CommandError("There is nothing to replay.")
        products = sorted({json.loads(p.incoming.raw).get("product_interest", "") for p in past})
        start = datetime.combine(past[0].day, OPENS, tzinfo=UTC)
        source = organise(products=[p for p in products if p], capacity=capacity, at=start)
        for run in replay(past, source=source, until=until or past[-1].day):
            if self.stdout.isatty() and not quiet:
                self.stdout.write(f"\r{run.leads:,} leads, {run.closed:,} closed …", ending="")
                self.stdout.flush()
        if self.stdout.isatty() and not quiet:
            self.stdout.write("")
        return run

    def _verify(self, run: Run) -> dict[str, list[str]]:
        """Every invariant as of the last virtual evening: code and promise → violations."""
        at = datetime.combine(run.last, CLOSES, tzinfo=UTC)
        return {f"{one.code} {one.promise}": found for one, found in verify.run(at=at)}

    def _print(self, found: Findings, verified: dict[str, list[str]], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({**found.as_json(), "verify": verified}, indent=2))
            return
        self.stdout.write(found.as_text())
        broken = {promise: lines for promise, lines in verified.items() if lines}
        self.stdout.write(f"verify: {len(verified)} invariants, {len(broken)} violated")
        for promise, lines in broken.items():
            self.stdout.write(f"  {promise}: {len(lines)}, e.g. {lines[0]}")

    def _judge(self, found: Findings, verified: dict[str, list[str]]) -> None:
        if found.messages or found.clocks:
            raise CommandError("The replay wrote messages or started clocks; it must not.")
        if found.by_rule_share < ENOUGH:
            raise CommandError("Too many leads went to the fallback.")
        if any(verified.values()):
            raise CommandError("Invariants are violated.")
