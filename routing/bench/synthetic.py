"""A synthetic organisation and a captured backlog for it, always the same for a seed."""

import json
import random
from datetime import datetime
from typing import Any, TypeVar

from django.apps import apps

from accounts.models import Territory
from reps import trail
from reps.models import Rep, Team, TrackedModel, User, WorkCalendar
from routing.intake import doors, process
from routing.models import (
    Lead,
    Organisation,
    Pool,
    PoolMember,
    Queue,
    Rule,
    Source,
    Submission,
)
from routing.models.source import Mode
from routing.qualify import score_body
from routing.rules import lifecycle
from routing.scoring import edit

COUNTRIES = [
    *("AT", "AU", "BE", "BR", "CA", "CH", "CN", "DE", "DK", "ES", "FI", "FR"),
    *("GB", "IE", "IN", "IT", "JP", "MX", "NL", "NO", "PL", "PT", "SE", "SG", "US"),
]
INDUSTRIES = [
    *("Construction", "Education", "Energy", "Finance", "Food", "Healthcare"),
    *("Hospitality", "Logistics", "Manufacturing", "Media", "Retail", "Software"),
]
ALL_WEEK = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
ROTATION = [
    {"do": "filter", "by": "on_shift", "within": 0},
    {"do": "prefer", "by": "former_owner"},
    {"do": "select", "by": "round_robin"},
]
REPS_PER_TEAM = 10
# Above any load the bench makes: this measures writing, not waiting.
ROOM = 100_000

Row = TypeVar("Row", bound=TrackedModel)


class NotEmpty(Exception):
    """The database holds somebody's data; the bench fills an empty one only."""


def organisation(*, rules: int, reps: int, at: datetime) -> Source:
    """
    Make teams of ten reps with a pool each, territories, rules and promises; return the door.

    :raises NotEmpty: if the database holds an organisation already
    """
    if Organisation.objects.exists() or User.objects.exists():
        raise NotEmpty("The bench fills an empty database; this one holds an organisation.")
    by = User.objects.create(username="bench", is_superuser=True)

    def save(row: Row) -> Row:
        trail.save(row, by=by, at=at, reason="bench")
        return row

    calendar = save(WorkCalendar(name="All week", weekly=ALL_WEEK))
    pools: list[Pool] = []
    everybody = save(Pool(name="Everybody"))
    for number in range(reps):
        if number % REPS_PER_TEAM == 0:
            team = save(Team(name=f"Team {len(pools) + 1}", manager=by, calendar=calendar))
            pools.append(save(Pool(name=f"Pool {len(pools) + 1}")))
        user = User.objects.create(username=f"rep{number}")
        rep = save(Rep(user=user, team=team, capacity=ROOM))
        save(PoolMember(pool=pools[-1], rep=rep, weight=1 + number % 3, position=number))
        save(PoolMember(pool=everybody, rep=rep, position=number))
    areas = [save(Territory(name=country, countries=[country])) for country in COUNTRIES]
    _promise(save)
    waiting_room = save(Queue(name="Waiting room", responsible=by))
    save(Organisation(name="Bench", intake_queue=waiting_room, responsible=by))
    _score(by=by, at=at)
    _rules(rules, areas, pools, everybody, waiting_room, by=by, at=at)
    return save(Source(slug="bench", name="Bench", channel="API", is_hand_raise=True))


def _score(*, by: User, at: datetime) -> None:
    lines = (
        ("Work e-mail", 30, {"fact": "email_class", "op": "eq", "value": "work"}),
        ("Asked", 30, {"fact": "hand_raise", "op": "eq", "value": True}),
        ("Size", 20, {"fact": "employees", "op": "gte", "value": 200}),
        ("Industry", 20, {"fact": "industry", "op": "in", "value": ["Software", "Energy"]}),
    )
    factors = [
        {"name": name, "points": points, "condition": condition}
        for name, points, condition in lines
    ]
    edit.save_body(body={**score_body.empty(), "factors": factors}, by=by, at=at)
    edit.publish(reason="for the bench", by=by, at=at)


def _promise(save: Any) -> None:
    # Lives above this app, so it is found by name.
    save(apps.get_model("sla", "Policy")(name="Acknowledge in 15 minutes"))


def _rules(
    number: int,
    areas: list[Territory],
    pools: list[Pool],
    everybody: Pool,
    last: Queue,
    *,
    by: User,
    at: datetime,
) -> None:
    draft = lifecycle.draft(by=by, at=at)
    chance = random.Random(1)
    specs = [
        {
            "name": f"Rule {place}",
            "condition": {
                "all": [
                    {"fact": "territory", "op": "eq", "value": areas[place % len(areas)].pk},
                    {"fact": "industry", "op": "in", "value": chance.sample(INDUSTRIES, 3)},
                    {"fact": "employees", "op": "gte", "value": chance.randrange(0, 2000, 50)},
                ]
            },
            "path": {
                "target": {"kind": "pool", "id": pools[place % len(pools)].pk},
                "stages": ROTATION,
            },
        }
        for place in range(number)
    ]
    specs += [
        {
            "name": "General pool",
            "path": {
                "target": {"kind": "pool", "id": everybody.pk},
                "stages": ROTATION,
                "on_empty": "wait",
            },
        },
        {
            "name": "Fallback",
            "path": {"target": {"kind": "queue", "id": last.pk}},
            "is_fallback": True,
        },
    ]
    for position, spec in enumerate(specs, start=1):
        trail.save(Rule(ruleset=draft, position=position, **spec), by=by, at=at, reason="bench")
    lifecycle.publish(ruleset=draft, by=by, at=at)


def body(number: int, chance: random.Random) -> dict[str, Any]:
    """What one invented person sends."""
    return {
        "first_name": f"First{number}",
        "last_name": f"Last{number}",
        "email": f"person{number}@company{number % 5000}-bench.com",
        "phone": f"+4930{10_000_000 + number}",
        "company": f"Company {number % 5000}",
        "title": chance.choice(["Head of Operations", "Buyer", "Engineer", "VP Sales"]),
        "country": chance.choice(COUNTRIES),
        "industry": chance.choice(INDUSTRIES),
        "employees": int(chance.paretovariate(0.6) * 20) % 20_000,
        "product_interest": "Dispatch",
        "message": "We would like to see how this works with our own data, please call me.",
        "plan": chance.choice(["basic", "team", "enterprise"]),
    }


def captured(number: int, *, source: Source, first: int, at: datetime) -> None:
    """Put submissions behind the door, as if it had just acknowledged them."""
    chance = random.Random(first)
    rows = []
    for place in range(first, first + number):
        raw = json.dumps(body(place, chance)).encode()
        rows.append(
            Submission(
                source=source,
                mode=Mode.LIVE,
                idempotency_key=f"bench-{place}",
                fingerprint=doors.fingerprint(raw),
                content_type="application/json",
                raw=raw,
                received_at=at,
                state=Submission.State.RECEIVED,
                due_at=at,
            )
        )
    Submission.objects.bulk_create(rows, batch_size=1000)


def taken_in(*, at: datetime) -> int:
    """Let intake make leads of what was captured; return how many submissions it handled."""
    handled = 0
    while done := process.drain(driver="bench", due_before=at):
        handled += done
    return handled


def ready(number: int) -> list[int]:
    """The ids of the next leads that wait for a decision."""
    rows = Lead.objects.filter(route_at__isnull=False).order_by("-priority", "route_at", "pk")
    return list(rows.values_list("pk", flat=True)[:number])
