"""The rules of the demo: the standard ones, and what shows more of what rules can say."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from routing.demo import people
from routing.models import Pool, Queue
from routing.rules import standard

Spec = dict[str, Any]

FAIR = "Logistics fair"
FAIR_LASTS = timedelta(days=21)
EXPERIMENT = "least-loaded"
# What prospects are seen doing; the desk takes whoever looked at the prices lately.
PRICES = "pricing_page"
LATELY = 2 * 86_400
# After so many seconds of waiting, knowing the field no longer matters.
PATIENCE = 120


def specs(
    *, pools: Mapping[str, Pool], desk: Queue, last_resort: Queue, at: datetime
) -> Sequence[Spec]:
    """
    Return the rules in order, as columns without owner and position.

    The fair and the desk come after whoever has an owner, before the territories.
    """
    general = pools[people.GENERAL_POOL]
    ordered = [
        _tried(spec) if spec["name"] == "General pool" else spec
        for spec in standard.rules(pool=general, fallback=last_resort)
    ]
    first_area = next(
        place
        for place, spec in enumerate(ordered)
        if spec["path"]["target"]["kind"] == "territory_owner"
    )
    ordered[first_area:first_area] = [_fair(pools["DACH"], at=at), _desk(desk)]
    return [{"review_on": at.date() + timedelta(days=90), **spec} for spec in ordered]


def _fair(pool: Pool, *, at: datetime) -> Spec:
    """An exception that ends by itself: who knows the field first, then anybody of the pool."""
    return {
        "name": "Logistics fair",
        "reasoning": "We have a stand there. Whoever knows the trade answers, at most for a while.",
        "condition": {"fact": "campaign", "op": "eq", "value": FAIR},
        "path": {
            "target": {"kind": "pool", "id": pool.pk},
            "stages": [
                {
                    "do": "filter",
                    "by": "skill",
                    "skill": "logistics",
                    "at_least": 3,
                    "relax": [{"after": PATIENCE, "drop": True}],
                },
                {"do": "filter", "by": "on_shift", "within": 0},
                {"do": "select", "by": "round_robin"},
            ],
            "on_empty": "next",
        },
        "expires_at": (at + FAIR_LASTS).replace(hour=17, minute=0, second=0, microsecond=0),
        "review_on": (at + FAIR_LASTS / 2).date(),
    }


def _desk(desk: Queue) -> Spec:
    return {
        "name": "Hot and nobody's: the inbound desk",
        "reasoning": "Who asks now and belongs to nobody is quickest with whoever is free first.",
        "condition": {
            "all": [
                {
                    "any": [
                        {"fact": "hand_raise", "op": "eq", "value": True},
                        {
                            "fact": "events",
                            "op": "happened",
                            "value": {"name": PRICES, "at_least": 1, "within": LATELY},
                        },
                    ]
                },
                {"fact": "motion", "op": "eq", "value": "INBOUND"},
                {"fact": "tier", "op": "eq", "value": "HOT"},
                {"fact": "account_owner", "op": "empty"},
                {"fact": "opportunity_owner", "op": "empty"},
            ]
        },
        "path": {"target": {"kind": "queue", "id": desk.pk}},
    }


def _tried(spec: Spec) -> Spec:
    """The same rule, with an experiment: a fifth of its leads goes to whoever has least to do."""
    path = spec["path"]
    stages = [*path["stages"][:-1], {"do": "select", "by": "least_loaded"}]
    other = {**path, "stages": stages}
    return {**spec, "path": {**path, "split": {"name": EXPERIMENT, "percent": 20, "path": other}}}


def golden(*, pools: Mapping[str, Pool], desk: Queue, owner: int) -> Sequence[Spec]:
    """Return the examples that every version has to decide as written; `owner`: any rep's id."""
    hot: Spec = {"score": 90, "tier": "HOT", "motion": "INBOUND"}
    return [
        {
            "name": "A low score rests in nurture",
            "facts": {"score": 10},
            "expect_rule": f"Below {standard.THRESHOLD} goes to nurture",
            "expect_outcome": "nurture",
        },
        {
            "name": "A named account goes to its owner",
            "facts": {**hot, "hand_raise": True, "account_owner": owner},
            "expect_rule": "Named account",
            "expect_rep_id": owner,
        },
        {
            "name": "Hot, asks, belongs to nobody: the desk",
            "facts": {**hot, "hand_raise": True, "country": "DE"},
            "expect_rule": "Hot and nobody's: the inbound desk",
            "expect_queue": desk,
        },
        {
            "name": "Hot, and looked at the prices an hour ago: the desk",
            "facts": {**hot, "events": [[PRICES, 3600]]},
            "expect_rule": "Hot and nobody's: the inbound desk",
            "expect_queue": desk,
        },
        {
            "name": "A warm lead from Austria stays in DACH",
            "facts": {"score": 70, "tier": "WARM", "motion": "INBOUND", "country": "AT"},
            "expect_rule": "Territory pool",
            "expect_pool": pools["DACH"],
        },
        {
            "name": "A place that nobody serves goes round",
            "facts": {"score": 70, "tier": "WARM", "motion": "INBOUND", "country": "JP"},
            "expect_rule": "General pool",
            "expect_pool": pools[people.GENERAL_POOL],
        },
    ]
