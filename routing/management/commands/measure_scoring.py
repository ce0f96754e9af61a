"""Hold points against a fitted score, on a public set of leads. Needs no database."""

import json as json_module
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from routing.insight.measures import Interval
from routing.scoring import measured


class Command(BaseCommand):
    help = (
        "Measure the AUC of points (by hand, and derived from log-odds) beside a fitted score, on "
        "leads that nothing was learnt from, by what is known on arrival. Knows the folders "
        "x_education and olist_funnel."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, required=True, help="folder of the set")
        parser.add_argument("--rounds", type=int, default=measured.ROUNDS, help="of the bootstrap")
        parser.add_argument("--json", action="store_true", help="print the result for programs")

    def handle(self, *args: Any, data: Path, rounds: int, json: bool, **options: Any) -> None:
        read = next((read for name, read in measured.SETS.items() if (data / name).is_file()), None)
        if read is None:
            raise CommandError(
                f"{data} holds none of {', '.join(measured.SETS)}; give the folder of one set."
            )
        try:
            result = measured.measure(read(data), rounds=rounds)
        except (OSError, KeyError, ValueError) as error:
            raise CommandError(f"{data} cannot be read: {error}") from error
        if json:
            self.stdout.write(json_module.dumps(asdict(result), indent=2))
        else:
            self._print(result)

    def _print(self, result: measured.Result) -> None:
        say = self.stdout.write
        say(f"{result.name}: {result.leads} leads judged, {result.won} won; {result.split}")
        for name, auc in (
            ("points by hand", result.hand),
            ("points from log-odds", result.derived),
            ("fitted", result.fitted),
        ):
            say(f"  AUC {name:<22} {_spell(auc)}")
        say(f"  fitted over points by hand   {_spell(result.gain_over_hand, sign='+')}")
        say(f"  fitted over derived points   {_spell(result.gain_over_derived, sign='+')}")
        say(f"  Brier {result.brier:.4f}, mean calibration error {result.error:.4f}")
        say("  fitted, by tenths: said → came")
        for one in result.bins:
            say(f"    {one.n:>5}  {one.said:.3f} → {one.came:.3f}")
        say("  derived points by band: leads, won, share (95 %)")
        for name, leads, won, found in result.bands:
            told = (
                "—" if found is None else f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"
            )
            say(f"    {name:>7} {leads:>5} {won:>5}  {told}")


def _spell(one: Interval, *, sign: str = "") -> str:
    return f"{one.value:{sign}.3f} ({one.low:{sign}.3f} to {one.high:{sign}.3f})"
