"""What became of leads by what they scored on arrival: bands against outcomes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from django.db.models import Count, Exists, OuterRef, Q

from routing.insight.measures import Interval, share
from routing.models import Lead, LearntScore, Outcome, ScoreModel

# A lead needs some time before nothing having come of it says something.
RIPE = timedelta(days=30)
PERIODS = (90, 180, 365)
BAND = 10
# A share is only told apart from chance with some leads in its band.
FEW = 20

Target = LearntScore.Target
# The outcomes by which each target is reached, and the states.
OUTCOMES = {
    Target.WON: (Outcome.Kind.WON,),
    Target.QUALIFIED: (Outcome.Kind.OPPORTUNITY, Outcome.Kind.WON),
    Target.MEETING: (
        Outcome.Kind.MEETING,
        Outcome.Kind.SHOW,
        Outcome.Kind.OPPORTUNITY,
        Outcome.Kind.WON,
    ),
}


@dataclass(frozen=True, slots=True)
class Band:
    """Leads whose score on arrival lay from `low` to `high`, and how many came how far."""

    low: int
    high: int
    leads: int
    meeting: int
    qualified: int
    won: int

    @property
    def meeting_share(self) -> Interval | None:
        return share(self.meeting, self.leads)

    @property
    def qualified_share(self) -> Interval | None:
        return share(self.qualified, self.leads)

    @property
    def won_share(self) -> Interval | None:
        return share(self.won, self.leads)

    @property
    def is_small(self) -> bool:
        """Too few leads to say much."""
        return self.leads < FEW


@dataclass(frozen=True, slots=True)
class Calibration:
    """Bands from low to high; `auc` is the chance that a lead won scored above one not won."""

    since: datetime
    until: datetime
    bands: tuple[Band, ...]
    auc: float | None

    @property
    def leads(self) -> int:
        return sum(band.leads for band in self.bands)

    @property
    def won(self) -> int:
        return sum(band.won for band in self.bands)

    @property
    def out_of_order(self) -> list[tuple[Band, Band]]:
        """Neighbours of which the lower band was won more often, beyond chance."""
        known = [band for band in self.bands if band.leads >= FEW]
        return [
            (low, high)
            for low, high in pairwise(known)
            if low.won_share and high.won_share and low.won_share.low > high.won_share.high
        ]


def reached(target: str) -> Q:
    """The leads with an outcome by which a target is reached (annotated as `has_<target>`)."""
    return Q(**{f"has_{target.lower()}": True})


def with_outcomes(leads):
    """Annotate leads with whether they reached each target: `has_won`, `has_meeting`, …"""
    return leads.annotate(
        **{
            f"has_{target.lower()}": Exists(
                Outcome.objects.filter(lead=OuterRef("pk"), kind__in=kinds)
            )
            for target, kinds in OUTCOMES.items()
        }
    )


def read(*, days: int, at: datetime, model: ScoreModel | None = None) -> Calibration:
    """
    Count the leads received in so many days before they had `RIPE` time, in one statement.

    With `model`, those alone that were scored last by that version.
    """
    until = at - RIPE
    since = until - timedelta(days=days)
    leads = Lead.objects.of_people().counted().filter(received_at__gte=since, received_at__lt=until)
    if model is not None:
        leads = leads.filter(score_model=model)
    rows = list(
        with_outcomes(leads)
        .order_by()
        .values("arrival_score")
        .annotate(
            leads=Count("pk"),
            meeting=Count("pk", filter=reached(Target.MEETING)),
            qualified=Count("pk", filter=reached(Target.QUALIFIED) | Q(sql_at__isnull=False)),
            won=Count("pk", filter=reached(Target.WON)),
        )
    )
    bands = []
    for low in range(0, 100, BAND):
        high = 100 if low == 100 - BAND else low + BAND - 1
        part = [row for row in rows if low <= row["arrival_score"] <= high]
        sums = {
            name: sum(row[name] for row in part)
            for name in ("leads", "meeting", "qualified", "won")
        }
        bands.append(Band(low, high, **sums))
    return Calibration(
        since,
        until,
        tuple(bands),
        _auc([(row["arrival_score"], row["leads"], row["won"]) for row in rows]),
    )


def _auc(rows: Sequence[tuple[int, int, int]]) -> float | None:
    """The AUC of counts by score: (score, leads, won); None if all are alike."""
    below = pairs = 0.0
    positives = 0
    for _, leads, won in sorted(rows):
        lost = leads - won
        pairs += won * (below + lost / 2)
        below += lost
        positives += won
    return pairs / (positives * below) if positives and below else None
