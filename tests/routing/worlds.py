"""
Worlds for the engine: whole organisations with their leads, made from a seed.

Not Hypothesis, which looks for small counter-examples: these are as large and as mixed as real
ones, the same on every machine and in every run, so that what the engine decided about them can
be written down (`corpus`).
"""

import random
from dataclasses import dataclass
from typing import Any

from routing.engine import Counters, Member, PoolSpec, RepSpec, Roster, TerritorySpec
from routing.engine.types import Given, Limit

HOUR = 3600
DAY = 24 * HOUR
# A Wednesday noon, UTC.
NOON = 1_763_553_600
LEADS = 40
SKILLS = ("french", "german", "spanish", "cloud", "security")
LANGUAGES = SKILLS[:3]
COUNTRIES = ("US", "DE", "FR", "GB", "ES")
TIERS = ("HOT", "WARM", "COLD")
QUEUE = 1


@dataclass(frozen=True, slots=True)
class World:
    """A rule set as JSON, everybody who could get a lead, where they stand, and the leads."""

    ruleset: dict[str, Any]
    roster: Roster
    counters: Counters
    leads: list[tuple[int, dict[str, Any]]]

    def to_json(self) -> dict[str, Any]:
        """Everything that goes into the decisions, to be compared by digest."""
        from routing.engine import codec

        return {
            "ruleset": self.ruleset,
            "roster": codec.roster_to_json(self.roster),
            "counters": self.counters.to_json(),
            "leads": [[at, facts] for at, facts in self.leads],
        }


def world(seed: int) -> World:
    """Make the world of this seed."""
    dice = random.Random(seed)
    reps = [_rep(dice, number) for number in range(1, dice.randint(8, 24))]
    ids = [rep.id for rep in reps]
    pools = [_pool(dice, number, ids) for number in range(1, dice.randint(3, 6))]
    territories = [
        TerritorySpec(
            number,
            dice.choice([None, *ids]),
            dice.choice([None, *ids]),
            dice.choice([None, *[pool.id for pool in pools]]),
        )
        for number in range(1, 5)
    ]
    roster = Roster.of(reps, pools, territories)
    rules = [_rule(dice, number, roster) for number in range(1, dice.randint(11, 22))]
    rules.append(
        {
            "id": 99,
            "position": 99,
            "name": "Fallback",
            "condition": {"all": []},
            "path": {"target": {"kind": "queue", "id": QUEUE}},
            "fallback": True,
        }
    )
    start = NOON + dice.randrange(-6 * HOUR, 6 * HOUR)
    leads = [
        (start + number * dice.randrange(1, 120), _facts(dice, number, ids))
        for number in range(1, LEADS + 1)
    ]
    leads.sort(key=lambda lead: lead[0])
    return World(
        {"id": 1, "version": 1, "rules": rules}, roster, _counters(dice, roster, start), leads
    )


def _often(dice: random.Random, share: float) -> bool:
    return dice.random() < share


# --- People --------------------------------------------------------------------------------


def _rep(dice: random.Random, number: int) -> RepSpec:
    hours = None
    if _often(dice, 0.7):
        opens = dice.choice([6, 7, 8, 9, 12, 14]) * HOUR
        midnight = NOON - 12 * HOUR
        hours = tuple(
            (midnight + day * DAY + opens, midnight + day * DAY + opens + 8 * HOUR)
            for day in range(-1, 4)
        )
    absences: tuple[tuple[int, int], ...] = ()
    if _often(dice, 0.1):
        begins = NOON + dice.randrange(-DAY, DAY)
        absences = ((begins, begins + dice.randrange(HOUR, DAY)),)
    return RepSpec(
        id=number,
        capacity=None if _often(dice, 0.15) else dice.randint(1, 12),
        active=not _often(dice, 0.05),
        skills={name: dice.randint(1, 5) for name in SKILLS if _often(dice, 0.4)},
        team=dice.randint(1, 3),
        backup=dice.choice([None, dice.randint(1, 8)]),
        hours=hours,
        absences=absences,
        seniority=dice.randint(0, 4),
        place=(dice.uniform(30, 48), dice.uniform(-120, -75)) if _often(dice, 0.6) else None,
        performance=dice.randint(60, 150),
        agent=_often(dice, 0.05),
        limits=tuple(_limit(dice) for _ in range(dice.choice([0, 0, 0, 1, 2]))),
    )


def _limit(dice: random.Random) -> Limit:
    kind = dice.choice(["points", "value", "flow", "flow", "tier_share"])
    if kind == "points":
        return Limit("points", dice.randint(20, 120))
    if kind == "value":
        return Limit("value", dice.randint(20_000, 300_000))
    if kind == "tier_share":
        share = dice.choice([20, 40, 60])
        return Limit("tier_share", share, window=7 * DAY, pool=dice.randint(1, 3), tier="HOT")
    tier = dice.choice([None, None, "HOT"])
    pool = dice.choice([None, None, dice.randint(1, 3)])
    if _often(dice, 0.5):
        return Limit("flow", dice.randint(1, 6), window=DAY, pool=pool, tier=tier)
    edges = tuple(NOON - 12 * HOUR + day * DAY for day in range(-2, 5))
    return Limit("flow", dice.randint(1, 6), edges=edges, pool=pool, tier=tier)


def _pool(dice: random.Random, number: int, ids: list[int]) -> PoolSpec:
    members = dice.sample(ids, dice.randint(5, min(len(ids), 16)))
    return PoolSpec(
        number,
        tuple(
            Member(rep, dice.choice([1, 1, 1, 2, 3]), place) for place, rep in enumerate(members)
        ),
        lanes=("HOT",) if _often(dice, 0.3) else (),
        bound=dice.choice([1, 2, 2, 3]),
        catch_up=dice.choice([2, 3, 3, 5]),
    )


def _counters(dice: random.Random, roster: Roster, start: int) -> Counters:
    counters = Counters()
    for rep in roster.reps.values():
        most = 8 if rep.capacity is None else rep.capacity
        counters.open[rep.id] = dice.randint(0, most)
        counters.points[rep.id] = 10 * counters.open[rep.id]
        counters.value[rep.id] = 9_000 * counters.open[rep.id]
        if _often(dice, 0.1):
            counters.away[rep.id] = dice.choice([None, start + dice.randrange(60, 4 * HOUR)])
            if _often(dice, 0.5):
                counters.credited.add(rep.id)
        past = sorted(start - dice.randrange(1, 2 * DAY) for _ in range(dice.randint(0, 4)))
        counters.given[rep.id] = tuple(
            Given(at, dice.choice([None, 1, 2, 3]), dice.choice(TIERS)) for at in past
        )
    return counters


# --- Rules ---------------------------------------------------------------------------------


def _check(dice: random.Random) -> dict[str, Any]:
    return dice.choice(
        [
            {"fact": "country", "op": "eq", "value": dice.choice(COUNTRIES)},
            {"fact": "country", "op": "in", "value": dice.sample(COUNTRIES, 2)},
            {"fact": "employees", "op": "gte", "value": dice.choice([50, 100, 500, 1000])},
            {"fact": "employees", "op": "between", "value": [50, dice.choice([500, 999])]},
            {"fact": "tier", "op": "eq", "value": dice.choice(TIERS)},
            {"fact": "score", "op": "gt", "value": dice.choice([20, 40, 60, 80])},
            {"fact": "product_interest", "op": "prefix", "value": dice.choice(["cl", "se", "ba"])},
            {"fact": "email_domain", "op": "matches_domain", "value": "acme.com"},
            {"fact": "account_owner", "op": "not_empty"},
            {"fact": "territory", "op": "not_empty"},
            {"fact": "language", "op": "eq", "value": dice.choice(LANGUAGES)},
            {
                "fact": "events",
                "op": "happened",
                "value": {
                    "name": dice.choice(["pricing_page", "demo_video"]),
                    "at_least": dice.randint(1, 2),
                    "within": dice.choice([HOUR, DAY]),
                },
            },
        ]
    )


def _condition(dice: random.Random, depth: int = 0) -> dict[str, Any]:
    if depth == 0 and _often(dice, 0.15):
        return {"all": []}
    if depth > 1 or _often(dice, 0.5):
        return _check(dice)
    if _often(dice, 0.15):
        return {"not": _condition(dice, depth + 1)}
    parts = [_condition(dice, depth + 1) for _ in range(dice.randint(2, 3))]
    return {dice.choice(["all", "any"]): parts}


TARGETS = (
    *["pool"] * 9,
    "rep",
    "account_owner",
    "opportunity_owner",
    "territory_owner",
    "territory_pool",
    "nurture",
    "queue",
    "agent",
    "fast_follow",
)
SELECTS = ("first", "least_loaded", "least_value", "least_utilised", "performance", "random")


def _path(dice: random.Random, roster: Roster, *, may_split: bool = True) -> dict[str, Any]:
    kind = dice.choice(TARGETS)
    target: dict[str, Any] = {"kind": kind}
    if kind == "pool":
        target["id"] = dice.choice(sorted(roster.pools))
    elif kind == "rep":
        target["id"] = dice.choice(sorted(roster.reps))
    elif kind == "queue":
        target["id"] = QUEUE
    path: dict[str, Any] = {"target": target, "on_empty": "next"}
    if kind not in ("queue", "nurture", "fast_follow"):
        path["stages"] = [
            *[_filter(dice) for _ in range(dice.choice([0, 0, 1, 1, 2]))],
            *[_preference(dice) for _ in range(dice.choice([0, 0, 1]))],
            *_select(dice, kind),
        ]
        if _often(dice, 0.2):
            path["on_empty"] = "wait"
            if _often(dice, 0.5):
                path["wait_at_most"] = dice.choice([60, 900])
    if may_split and _often(dice, 0.15):
        other = _path(dice, roster, may_split=False)
        path["split"] = {"name": f"exp-{dice.randint(1, 3)}", "percent": 40, "path": other}
    return path


def _filter(dice: random.Random) -> dict[str, Any]:
    stage = dice.choice(
        [
            {"by": "skill", "skill": dice.choice(SKILLS), "at_least": dice.randint(2, 5)},
            {"by": "skill", "skill_fact": "language", "at_least": dice.randint(1, 4)},
            {"by": "language", "at_least": dice.randint(1, 4)},
            {"by": "seniority", "at_least": dice.randint(1, 4)},
            {"by": "on_shift", "within": dice.choice([0, 0, 1800])},
            {"by": "team", "id": dice.randint(1, 3)},
            {"by": "before_deadline", "within": dice.choice([900, 4 * HOUR])},
            {"by": "near", "within_km": dice.choice([300, 1500])},
            {"by": "territory"},
        ]
    )
    made = {"do": "filter", **stage}
    if _often(dice, 0.35):
        relax: list[dict[str, Any]] = []
        if "at_least" in stage and stage["at_least"] > 1:
            relax.append({**_options(stage), "at_least": 1, "after": dice.choice([0, 30])})
        relax.append({"after": dice.choice([60, 900]), "drop": True})
        made["relax"] = relax
    return made


def _options(stage: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in stage.items() if name != "by"}


def _preference(dice: random.Random) -> dict[str, Any]:
    return {
        "do": "prefer",
        **dice.choice(
            [
                {"by": "former_owner"},
                {"by": "account_team"},
                {"by": "nearest"},
                {"by": "propensity"},
                {"by": "skill", "skill": dice.choice(SKILLS), "at_least": 1},
                {"by": "on_shift", "within": 0},
            ]
        ),
    }


def _select(dice: random.Random, kind: str) -> list[dict[str, Any]]:
    if _often(dice, 0.5):
        return []
    selects = (*SELECTS, "predictive", "round_robin") if kind == "pool" else SELECTS
    return [{"do": "select", "by": dice.choice(selects)}]


def _rule(dice: random.Random, number: int, roster: Roster) -> dict[str, Any]:
    made = {
        "id": number,
        "position": number,
        "name": f"Rule {number}",
        "condition": _condition(dice),
        "path": _path(dice, roster),
        "fallback": False,
    }
    if _often(dice, 0.05):
        made["until"] = NOON + dice.randrange(-DAY, DAY)
    return made


# --- Leads ---------------------------------------------------------------------------------


def _facts(dice: random.Random, number: int, ids: list[int]) -> dict[str, Any]:
    facts = {
        "lead": number,
        "country": dice.choice(COUNTRIES),
        "tier": dice.choice(TIERS),
        "score": dice.randint(0, 100),
        "points": 10,
        "waited": dice.choice([0, 0, 0, 40, 100, 1000]),
    }
    maybe = {
        "employees": dice.choice([5, 49, 50, 120, 500, 999, 1000, 9000]),
        "expected_value": dice.choice([1000, 9000, 60_000]),
        "language": dice.choice(LANGUAGES),
        "product_interest": dice.choice(["cloud", "security", "basic"]),
        "email_domain": dice.choice(["acme.com", "eu.acme.com", "other.org"]),
        "territory": dice.randint(1, 5),
        "location": [round(dice.uniform(30, 48), 3), round(dice.uniform(-120, -75), 3)],
        "account_team": dice.sample(ids, 2),
        "former_owner": dice.choice(ids),
        "propensity": [[rep, dice.randint(1, 99)] for rep in dice.sample(ids, 4)],
        "events": [["pricing_page", dice.randint(1, 2 * DAY)], ["demo_video", 60]],
        "handed_back": dice.sample(ids, dice.randint(1, 2)),
    }
    rare = {"account_owner": dice.choice(ids), "opportunity_owner": dice.choice(ids)}
    facts |= {name: value for name, value in maybe.items() if _often(dice, 0.6)}
    facts |= {name: value for name, value in rare.items() if _often(dice, 0.15)}
    return facts
