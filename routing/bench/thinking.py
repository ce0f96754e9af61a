"""How long the pure engine takes, without any database."""

import random
import statistics
import time

from routing import engine
from routing.bench.synthetic import COUNTRIES, INDUSTRIES, ROTATION
from routing.qualify.facts import KINDS

ROUNDS = 5
NOW = 1_800_000_000


def decide_us(*, rules: int = 1000, candidates: int = 200, leads: int = 300) -> dict[str, float]:
    """
    Microseconds of CPU per decision, booking included: the median of some rounds.

    `match` is only finding the first rule that holds; `decide` goes on to weigh every
    candidate of one pool and to turn its rotation.
    """
    chance = random.Random(7)
    compiled = engine.compile_ruleset(engine.parse_ruleset(_rules(rules, chance), KINDS))
    open_hours = ((NOW - 1000, NOW + 10_000), (NOW + 50_000, NOW + 90_000))
    roster = engine.Roster.of(
        [engine.RepSpec(id=pk, capacity=10**6, hours=open_hours) for pk in range(candidates)],
        [engine.PoolSpec(1, tuple(engine.Member(pk, 1 + pk % 3, pk) for pk in range(candidates)))],
    )
    people = [
        {
            "country": chance.choice(COUNTRIES),
            "industry": chance.choice(INDUSTRIES),
            "employees": float(chance.randrange(20_000)),
            "score": chance.randrange(100),
        }
        for _ in range(leads)
    ]
    match, decide = [], []
    for _ in range(ROUNDS):
        counters = engine.Counters()
        started = time.process_time()
        for facts in people:
            next(compiled.matching(facts, NOW), None)
        matched = time.process_time()
        for facts in people:
            answer = engine.decide(compiled, facts, roster, counters, NOW)
            engine.apply(counters, answer, roster)
        match.append((matched - started) / leads)
        decide.append((time.process_time() - matched) / leads)
    return {
        "match": round(statistics.median(match) * 1e6, 1),
        "decide": round(statistics.median(decide) * 1e6, 1),
    }


def _rules(number: int, chance: random.Random) -> dict:
    path = {"target": {"kind": "pool", "id": 1}, "stages": ROTATION}
    rules = [
        {
            "id": place + 1,
            "position": place + 1,
            "name": f"Rule {place}",
            "condition": {
                "all": [
                    {"fact": "country", "op": "eq", "value": chance.choice(COUNTRIES)},
                    {"fact": "industry", "op": "eq", "value": chance.choice(INDUSTRIES)},
                    {"fact": "employees", "op": "gte", "value": chance.randrange(3000)},
                ]
            },
            "path": path,
        }
        for place in range(number)
    ]
    fallback = {"id": number + 1, "position": number + 1, "name": "Rest", "path": path}
    rules.append({**fallback, "condition": {"all": []}, "fallback": True})
    return {"id": 1, "version": 1, "rules": rules}
