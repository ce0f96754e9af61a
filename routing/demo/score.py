"""The score of the demo: two profiles, factors, decaying events, and what is an MQL and an SQL."""

from datetime import datetime

from reps.models import User
from routing.demo.market import SCORE_FACTORS
from routing.models import FunnelDefinition
from routing.qualify import score_body
from routing.scoring import definitions, edit

KNOWN_INDUSTRIES = ["Logistics", "Healthcare", "Hospitality"]
PROFILES = (
    {
        "name": "Operations of a mid-sized company",
        "points": 10,
        "condition": {
            "all": [
                {"fact": "employees", "op": "between", "value": [50, 1000]},
                {"fact": "industry", "op": "in", "value": KNOWN_INDUSTRIES},
            ]
        },
    },
    {
        "name": "Group with many sites",
        "points": 5,
        "condition": {
            "any": [
                {"fact": "employees", "op": "gt", "value": 1000},
                {"fact": "has_parent", "op": "eq", "value": True},
            ]
        },
    },
)
EVENTS = (
    {
        "name": "Pricing page",
        "event": "pricing_page",
        "points": 15,
        "half_life_days": 7,
        "cap": 30,
        "per_day": 2,
    },
    {
        "name": "Invited a colleague",
        "event": "invited_colleague",
        "points": 20,
        "half_life_days": 30,
        "cap": 40,
    },
    {
        "name": "Read the documentation",
        "event": "docs_page",
        "points": 4,
        "half_life_days": 5,
        "cap": 12,
        "per_day": 1,
    },
    {
        "name": "Unsubscribed",
        "event": "unsubscribed",
        "points": -20,
        "half_life_days": 90,
        "cap": 20,
    },
)


def make(*, marketing: User, sales: User, at: datetime) -> None:
    """Publish the score, and have both sides sign what they call an MQL and an SQL."""
    factors = [
        {"name": name, "points": points, "condition": condition}
        for name, points, condition in SCORE_FACTORS
    ]
    body = {
        **score_body.empty(),
        "profiles": list(PROFILES),
        "factors": factors,
        "events": list(EVENTS),
    }
    edit.save_body(body=body, by=marketing, at=at)
    edit.publish(reason="the score we begin with", by=marketing, at=at)
    definitions.name_people(marketing=marketing, sales=sales, owner=marketing, by=marketing, at=at)
    for kind, proposal in definitions.PROPOSALS.items():
        row = definitions.write(
            kind=kind,
            text=proposal.text,
            condition=proposal.condition,
            reached=proposal.reached,
            by=marketing,
            at=at,
        )
        for side, person in (
            (FunnelDefinition.Side.MARKETING, marketing),
            (FunnelDefinition.Side.SALES, sales),
        ):
            definitions.sign(definition_id=row.pk, side=side, by=person, at=at)
