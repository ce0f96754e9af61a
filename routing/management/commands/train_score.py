"""Learn a score from this installation's own outcomes, and hold it against the points."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reps.due.clock import database_now
from routing.models import LearntScore
from routing.scoring import learning
from routing.scoring.refusals import ScoreRefused


class Command(BaseCommand):
    help = (
        "Learn a score from leads that are old enough, and compare it with the points on the "
        "newest 30 % of them, which are held back. Nothing scores by it before somebody lets it, "
        "on the page of the calibration."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        targets = [target.lower() for target in LearntScore.Target.values]
        parser.add_argument("--target", choices=targets, default="won", help="what to foresee")
        parser.add_argument(
            "--days", type=int, default=learning.HORIZON_DAYS, help="within so many days"
        )

    def handle(self, *args: Any, target: str, days: int, **options: Any) -> None:
        if not 1 <= days <= 730:
            raise CommandError("--days: from 1 to 730.")
        try:
            row = learning.train(
                at=database_now(), by=None, target=target.upper(), horizon_days=days
            )
        except ScoreRefused as refused:
            raise CommandError(str(refused)) from refused
        report = row.report
        self.stdout.write(
            f"{row}: learnt from {report['learnt_from']} leads ({report['learnt_from_came']} "
            f"{target}), held back {report['leads']} ({report['came']} {target})."
        )
        for name, auc in report["auc"].items():
            self.stdout.write(
                f"  AUC {name.lower():<7} {auc['value']:.3f} "
                f"({auc['low']:.3f} to {auc['high']:.3f})"
            )
        for name, gain in report["gain"].items():
            verdict = "better, may score" if report["wins"][name] else "not shown to be better"
            self.stdout.write(
                f"  {name.lower():<7} over points {gain['value']:+.3f} "
                f"({gain['low']:+.3f} to {gain['high']:+.3f}): {verdict}"
            )
