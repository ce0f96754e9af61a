"""
A score learnt from this installation's own outcomes, and the contest with the points.

Only what was known when a lead was first decided is learnt from: the facts on record with its
first decision. Who came first is learnt from, who came later is held back: the newest 30 %.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Subquery

from reps import trail
from reps.models import User
from routing.models import Decision, Lead, LearntScore, Organisation, Outcome
from routing.models.desk import ScoresBy
from routing.qualify import learnt, measures
from routing.qualify.learnt import LEAST_LEADS, Learnt, TooLittle
from routing.scoring import live, rescore
from routing.scoring.calibration import OUTCOMES
from routing.scoring.refusals import ScoreRefused

# What a lead is like when it arrives; no ids, no owners, and no score of a score.
TEXTS = (
    "source",
    "channel",
    "motion",
    "campaign",
    "product_interest",
    "budget_range",
    "timeline",
    "hand_raise",
    "prequalified",
    "segment",
    "has_account",
    "has_parent",
    "industry",
    "country",
    "region",
    "language",
    "email_class",
)
NUMBERS = ("fit", "engagement", "touches", "employees", "revenue", "expected_value")
HELD_BACK = 0.3
HORIZON_DAYS = 90
ROUNDS = 500


@dataclass(frozen=True, slots=True)
class Examples:
    """Leads from old to new: what was known, the points they had, and whether it came to be."""

    facts: Sequence[Mapping[str, Any]]
    points: Sequence[int]
    came: Sequence[bool]
    received: Sequence[datetime]


def examples(*, target: str, horizon_days: int, at: datetime) -> Examples:
    """
    Read every counted lead whose time is up, with its first decision: one statement.

    It came to be if the outcome is dated within the horizon after the lead was received.
    """
    horizon = timedelta(days=horizon_days)
    first = Decision.objects.filter(lead=OuterRef("pk"), applied=True).order_by("pk")
    kinds = OUTCOMES[LearntScore.Target(target)]
    dated = Outcome.objects.filter(
        lead=OuterRef("pk"), kind__in=kinds, at__lte=OuterRef("received_at") + horizon
    )
    rows = (
        Lead.objects.of_people()
        .counted()
        .filter(received_at__lt=at - horizon)
        .annotate(told=Subquery(first.values("facts")[:1]), came=Exists(dated))
        .filter(told__isnull=False)
        .order_by("received_at", "pk")
        .values_list("told", "came", "received_at")
    )
    found = list(rows)
    return Examples(
        [told for told, _, _ in found],
        [int(told.get("score", 0)) for told, _, _ in found],
        [came for _, came, _ in found],
        [received for _, _, received in found],
    )


@transaction.atomic
def train(
    *,
    at: datetime,
    by: User | None,
    target: str = LearntScore.Target.WON,
    horizon_days: int = HORIZON_DAYS,
) -> LearntScore:
    """
    Learn a score, hold it against the points on the leads held back, and keep both.

    What was held against the points is what is kept: it is not learnt anew from all leads.

    :raises ScoreRefused: saying how many leads there are, and how many are needed
    """
    data = examples(target=target, horizon_days=horizon_days, at=at)
    cut = round(len(data.facts) * (1 - HELD_BACK))
    held = list(data.came[cut:])
    if min(sum(held), len(held) - sum(held)) < LEAST_LEADS:
        raise ScoreRefused(
            f"Of {len(data.facts)} leads whose {horizon_days} days are up, the newest "
            f"{len(held)} are held back; {sum(held)} of them had the outcome. At least "
            f"{LEAST_LEADS} with it and {LEAST_LEADS} without are needed to compare."
        )
    try:
        made = learnt.learn(data.facts[:cut], data.came[:cut], texts=TEXTS, numbers=NUMBERS)
    except TooLittle as little:
        raise ScoreRefused(str(little)) from little
    organisation = Organisation.objects.select_for_update(no_key=True).get(pk=1)
    model = live.read(organisation).model
    made = learnt.equated(
        made,
        data.facts[:cut],
        data.points[:cut],
        bounds=(model.warm_from, model.hot_from, model.threshold),
    )
    row = LearntScore.objects.create(
        version=(LearntScore.objects.aggregate(last=Max("version"))["last"] or 0) + 1,
        target=target,
        horizon_days=horizon_days,
        body=made.to_json(),
        report={
            **contest(made, data.facts[cut:], data.points[cut:], held),
            "learnt_from": cut,
            "learnt_from_came": sum(data.came[:cut]),
            "held_back_since": data.received[cut].isoformat(),
            "score_model": organisation.live_score_model_id,
        },
        trained_at=at,
        trained_by=by,
    )
    trail.note(
        row,
        kind="trained",
        by=by,
        at=at,
        reason_code="trained",
        data={"version": row.version, "wins": row.report["wins"]},
    )
    return row


def contest(
    made: Learnt,
    facts: Sequence[Mapping[str, Any]],
    points: Sequence[int],
    came: Sequence[bool],
) -> dict[str, Any]:
    """
    Compare on leads held back. A score wins if the 95 % interval of its gain in AUC over the
    points lies above zero.
    """
    scores = [made.score(one) for one in facts]
    blend = [(mine + theirs) / 2 for mine, theirs in zip(scores, points, strict=True)]
    said = [made.likelihood(one) for one in facts]
    gains = {
        ScoresBy.LEARNT: measures.auc_gain(scores, points, came, rounds=ROUNDS),
        ScoresBy.BLEND: measures.auc_gain(blend, points, came, rounds=ROUNDS),
    }
    binned = measures.bins(said, came)
    return {
        "leads": len(came),
        "came": sum(came),
        "auc": {
            name: asdict(measures.auc_interval(values, came, rounds=ROUNDS))
            for name, values in (
                (ScoresBy.POINTS, points),
                (ScoresBy.LEARNT, scores),
                (ScoresBy.BLEND, blend),
            )
        },
        "gain": {name: asdict(gain) for name, gain in gains.items()},
        "wins": {name: gain.low > 0 for name, gain in gains.items()},
        "brier": measures.brier(said, came),
        "calibration_error": measures.calibration_error(binned),
        "bins": [asdict(one) for one in binned],
    }


@transaction.atomic
def choose(
    *, scores_by: str, learnt_id: int | None, by: User, at: datetime, reason: str
) -> Organisation:
    """
    Say what scores: the points, the learnt score, or half of each. Open leads are scored anew.

    :raises ScoreRefused: for a learnt score that did not beat the points on held-back leads
    """
    if scores_by not in ScoresBy.values:
        raise ScoreRefused("Choose points, blend or learnt.")
    if not reason.strip():
        raise ScoreRefused("Say why: the reason is kept.")
    organisation = Organisation.objects.select_for_update(no_key=True).get(pk=1)
    row = None
    if scores_by != ScoresBy.POINTS:
        row = LearntScore.objects.filter(pk=learnt_id).first()
        if row is None:
            raise ScoreRefused("There is no such learnt score; train one first.")
        if not row.report["wins"].get(scores_by):
            gain = row.report["gain"][scores_by]
            raise ScoreRefused(
                f"{row} has not beaten the points on the {row.report['leads']} leads held back: "
                f"its gain in AUC is {gain['value']:+.3f}, 95 % interval {gain['low']:+.3f} to "
                f"{gain['high']:+.3f}. It may score once that lies above zero."
            )
    organisation.scores_by = scores_by
    organisation.learnt_score = row
    trail.save(
        organisation,
        by=by,
        at=at,
        reason=f"scores by {scores_by.lower()}: {' '.join(reason.split())[:60]}",
        kind="scores_by",
    )
    rescore.all_open(at=at)
    return organisation
