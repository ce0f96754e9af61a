"""Route a past period, or a file, again by a version of the rules and by the live ones."""

import json as json_module
import time
from argparse import ArgumentParser
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reps import tables
from reps.due.clock import database_now
from routing.filters import day_start
from routing.models import Organisation, RuleSet, Simulation
from routing.models.desk import NotSetUp
from routing.simulation import uploads, work

DRIVER = "command"
PAUSE = 0.2
ENDED = (Simulation.State.DONE, Simulation.State.FAILED, Simulation.State.CANCELLED)


class Command(BaseCommand):
    help = (
        "Compare a version of the rules with the live one over a past period or a file of leads. "
        "Changes no lead. Ends with an error if recomputing production's decisions gives others."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--ruleset", required=True, help="a version, “draft” or “live”")
        parser.add_argument("--since", type=date.fromisoformat, help="first day, YYYY-MM-DD")
        parser.add_argument("--until", type=date.fromisoformat, help="last day, default: today")
        parser.add_argument("--file", type=Path, help="CSV or XLSX, a column per fact")
        parser.add_argument("--json", action="store_true", help="print the result for programs")

    def handle(
        self,
        *args: Any,
        ruleset: str,
        since: date | None,
        until: date | None,
        file: Path | None,
        json: bool,
        **options: Any,
    ) -> None:
        if (since is None) == (file is None):
            raise CommandError("Give --since for a past period, or --file.")
        at = database_now()
        try:
            upload = None if file is None else uploads.read(file.name, file.read_bytes())
            asked = work.start(
                ruleset=_choose(ruleset),
                since=None if since is None else day_start(since),
                until=None if until is None else day_start(until + timedelta(days=1)),
                upload=upload,
                by=None,
                at=at,
            )
        except (work.SimulationRefused, tables.BadFile, NotSetUp) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"Cannot read {error.filename}: {error.strerror}.") from error
        done = self._run(asked, quiet=json)
        if json:
            self.stdout.write(json_module.dumps({"simulation": done.pk, **done.result}, indent=2))
        else:
            self._print(done)
        agreement = done.result["agreement"]
        if agreement["agree"] < agreement["recomputed"]:
            raise CommandError(
                f"{agreement['recomputed'] - agreement['agree']} of {agreement['recomputed']} "
                "decisions come out otherwise than production had them."
            )

    def _run(self, asked: Simulation, *, quiet: bool) -> Simulation:
        while True:
            now: datetime = database_now()
            handled = work.drain(
                driver=DRIVER, due_before=now + 2 * work.NEXT, at=now, only=asked.pk
            )
            asked.refresh_from_db()
            if asked.state in ENDED:
                break
            if self.stdout.isatty() and not quiet:
                self.stdout.write(f"\r{asked.done:,} of {asked.total:,} leads …", ending="")
                self.stdout.flush()
            if not handled:
                # A worker has this chunk in hand.
                time.sleep(PAUSE)
        if self.stdout.isatty() and not quiet:
            self.stdout.write("")
        if asked.state != Simulation.State.DONE:
            raise CommandError(asked.error or "The simulation was cancelled.")
        return asked

    def _print(self, done: Simulation) -> None:
        found, write = done.result, self.stdout.write
        agreement, production = found["agreement"], found["production"]
        write(f"Simulation {done.pk}: {done.draft} against {done.live}, which is live")
        write(f"leads                    {found['leads']:>8,}")
        if done.upload is None:
            write(
                f"decisions recomputed     {agreement['recomputed']:>8,}  "
                f"{agreement['percent']:.2f} % agree with production"
            )
            write(f"cannot be recomputed     {agreement['erased']:>8,}  personal facts erased")
            write(
                f"live differs             {production['differs']:>8,}  from production, carried "
                f"on in its own ledger; {production['both']:,} of them were moved by people"
            )
        else:
            write(f"rows left out            {done.upload['broken']:>8,}")
        write(f"change holder            {found['moves']:>8,}  {found['moves_percent']:.2f} %")
        write(f"{'':24} {'live':>8} {'draft':>8}")
        for label, name in (
            ("to a person at once, %", "coverage_percent"),
            ("answerable in time, %", "in_time_percent"),
            ("waited for capacity", "waited_for_capacity"),
        ):
            write(f"{label:24} {found['live'][name]:>8,} {found['draft'][name]:>8,}")
        for outcome, number in found["live"]["outcomes"].items():
            write(f"{outcome:24} {number:>8,} {found['draft']['outcomes'][outcome]:>8,}")
        for pool in found["pools"]:
            write(
                f"Gini of pool {pool['pool']:<11} {pool['live_gini']:>8.3f} "
                f"{pool['draft_gini']:>8.3f}"
            )
        write(f"{found['seconds']:.1f} s, {found['leads_per_second']:.0f} leads a second")


def _choose(given: str) -> RuleSet:
    if given == "live":
        found = Organisation.get().live_ruleset
    elif given == "draft":
        found = RuleSet.objects.filter(state=RuleSet.State.DRAFT).first()
    elif given.removeprefix("v").isdecimal():
        found = RuleSet.objects.filter(version=int(given.removeprefix("v"))).first()
    else:
        raise CommandError("--ruleset takes the number of a version, “draft” or “live”.")
    if found is None:
        raise CommandError(f"There is no such version: {given}.")
    return found
