"""
Rule sets without a mistake, each with a company that it fits: made up, realistic, seeded.

`clean(seed)` gives one; the linter must find nothing in it. Sizes, strategies, territories,
hours and orders differ from seed to seed.
"""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from accounts.areas import Area
from routing.engine import (
    ALWAYS,
    Member,
    Path,
    PoolSpec,
    RepSpec,
    Roster,
    Rule,
    Stage,
    Target,
    TerritorySpec,
)
from routing.engine.conditions import All, AnyOf, Check, Not
from routing.engine.types import Relaxation, Split
from routing.rules.lint.world import (
    DAY,
    HOUR,
    Entry,
    Promise,
    QueueInfo,
    Traffic,
    World,
)

QUICK = Promise("ACKNOWLEDGE", Check("tier", "eq", "HOT"), 300, around_the_clock=False)
AT = int(datetime(2026, 6, 15, 9, 0, tzinfo=UTC).timestamp())
TODAY = datetime.fromtimestamp(AT, UTC).date()
KINDS = {
    "country": "text",
    "region": "text",
    "postal_code": "text",
    "industry": "text",
    "product_interest": "text",
    "email_domain": "text",
    "tier": "text",
    "score": "number",
    "employees": "number",
    "hand_raise": "boolean",
    "territory": "id",
    "account_owner": "id",
    "opportunity_owner": "id",
}
HOT = All((Check("tier", "eq", "HOT"), Check("score", "gte", 80)))
COUNTRIES = ("DE", "FR", "GB", "ES", "IT", "NL", "SE", "PL")
ELSEWHERE = ("US", "CA", "JP", "AU", "BR")
INDUSTRIES = ("Banking", "Retail", "Software", "Energy", "Health", "Media", "Steel", "Travel")
PRODUCTS = ("suite", "analytics", "payments", "storage")
SKILLS = ("german", "french", "payments", "security")
GENERAL, LAST = 1, 1


def week(opens: int, closes: int) -> tuple[tuple[int, int], ...]:
    """Monday to Friday from one hour to another, UTC, for four weeks."""
    midnight = AT // DAY * DAY
    days = [midnight + n * DAY for n in range(28)]
    return tuple((d + opens * HOUR, d + closes * HOUR) for d in days if (d // DAY + 3) % 7 < 5)


def check(fact, op, value=None):
    return Check(fact, op, value)


def select(by):
    return Stage("select", by)


ON_SHIFT = Stage("filter", "on_shift", {"within": 0})
PREFER_SHIFT = Stage("prefer", "on_shift", {"within": 0})
FORMER = Stage("prefer", "former_owner")


@dataclass
class Made:
    """A rule set under construction, and its company; `world` and `entries` are what is linted."""

    rnd: random.Random
    reps: dict[int, RepSpec] = field(default_factory=dict)
    pools: dict[int, PoolSpec] = field(default_factory=dict)
    territories: dict[int, TerritorySpec] = field(default_factory=dict)
    areas: dict[int, Area] = field(default_factory=dict)
    queues: dict[int, QueueInfo] = field(default_factory=dict)
    teams: dict[int, str] = field(default_factory=dict)
    users: set[int] = field(default_factory=set)
    promises: tuple[Promise, ...] = ()
    traffic: Traffic = field(default_factory=Traffic)
    entries: list[Entry] = field(default_factory=list)
    ids: count = field(default_factory=lambda: count(1))

    @property
    def world(self) -> World:
        return World(
            at=AT,
            today=TODAY,
            roster=Roster(self.reps, self.pools, self.territories),
            pools={pk: f"Pool {pk}" for pk in self.pools},
            queues=self.queues,
            reps={pk: f"Rep {pk}" for pk in self.reps},
            teams=self.teams,
            territories={pk: f"Territory {pk}" for pk in self.territories},
            areas=tuple(self.areas.values()),
            users=frozenset(self.users),
            people={pk: f"User {pk}" for pk in range(1, 100)},
            promises=self.promises,
            traffic=self.traffic,
            kinds=KINDS,
            hot=HOT,
        )

    # --- The company ---

    def rep(self, **more) -> int:
        pk = len(self.reps) + 1
        more.setdefault("team", self.rnd.choice(list(self.teams)))
        self.reps[pk] = RepSpec(pk, capacity=40, **more)
        return pk

    def pool(self, *members: int) -> int:
        pk = max(self.pools, default=0) + 1
        self.pools[pk] = PoolSpec(
            pk, tuple(Member(rep, self.rnd.randint(1, 3), n) for n, rep in enumerate(members))
        )
        return pk

    def leave(self, rep: int) -> None:
        self.reps[rep] = replace(self.reps[rep], active=False)

    # --- The rules ---

    @property
    def usual(self) -> list[Entry]:
        """The rules before the fallback."""
        return [entry for entry in self.entries if not entry.rule.fallback]

    def add(self, name, condition, path, *, at=None, fallback=False, **more) -> Rule:
        pk = next(self.ids)
        rule = Rule(pk, 0, f"{name} {pk}", condition, path, fallback)
        place = len(self.usual) if at is None and not fallback else at
        self.entries.insert(len(self.entries) if place is None else place, Entry(rule, **more))
        self.number()
        return rule

    def number(self) -> None:
        """Give every rule its position in the list."""
        self.entries = [
            replace(entry, rule=replace(entry.rule, position=place))
            for place, entry in enumerate(self.entries)
        ]

    def change(self, entry: Entry, **changes) -> Rule:
        place = self.entries.index(entry)
        rule = replace(entry.rule, **changes)
        self.entries[place] = replace(entry, rule=rule)
        return rule

    def remove(self, entry: Entry) -> None:
        self.entries.remove(entry)
        self.number()


def to_pool(pool: int, *stages: Stage, **more) -> Path:
    return Path(Target("pool", pool), stages, **more)


def clean(seed: int) -> Made:
    """Make a company and rules for it, in which there is nothing to mend."""
    rnd = random.Random(seed)
    made = Made(rnd)
    _staff(made)
    _market(made)
    _promise(made)
    _rules(made)
    if rnd.random() < 0.5:
        shares = {entry.rule.name: rnd.randint(50, 400) for entry in made.usual}
        made.traffic = Traffic(
            total=sum(shares.values()) + 500,
            by_rule=shares,
            since=dict.fromkeys(shares, TODAY - timedelta(days=rnd.choice((3, 90)))),
        )
    return made


def _staff(made: Made) -> None:
    rnd = made.rnd
    made.users = set(range(1, 11))
    made.teams = {n: f"Team {n}" for n in range(1, rnd.randint(2, 4))}
    hours = rnd.choice([None, week(8, 16), week(9, 17)])
    everybody = [
        made.rep(hours=hours, seniority=rnd.randint(1, 4), skills={"english": 5})
        for _ in range(rnd.randint(6, 14))
    ]
    assert made.pool(*everybody) == GENERAL
    for skill in SKILLS:
        # Levels 5, 4 and 2: whoever asks for less gets more people.
        some = rnd.sample(everybody, 3)
        for rep, level in zip(some, (5, 4, 2), strict=True):
            skills = {**made.reps[rep].skills, skill: level}
            made.reps[rep] = replace(made.reps[rep], skills=skills)
        made.pool(*some, *rnd.sample(sorted(set(everybody) - set(some)), rnd.randint(0, 2)))
    made.queues = {LAST: QueueInfo("Last resort", GENERAL, rnd.randint(1, 10))}


def _market(made: Made) -> None:
    rnd = made.rnd
    everybody = list(made.pools[GENERAL].by_rep)
    if rnd.random() < 0.5:
        made.areas[90] = Area(90, countries=COUNTRIES)
        made.territories[90] = TerritorySpec(90)
    for number, country in enumerate(rnd.sample(COUNTRIES, rnd.randint(2, 5)), start=1):
        owner, backup = rnd.sample(everybody, 2)
        pool = made.pool(*rnd.sample(everybody, 3)) if rnd.random() < 0.5 else None
        made.territories[number] = TerritorySpec(number, owner, backup, pool)
        made.areas[number] = Area(
            number, parent=90 if 90 in made.areas else None, countries=(country,)
        )


def _promise(made: Made) -> None:
    made.promises = (
        QUICK,
        Promise("ACKNOWLEDGE", ALWAYS, 900, around_the_clock=False),
        Promise("CONTACT", ALWAYS, 4 * HOUR, around_the_clock=True),
    )[: made.rnd.randint(0, 3)]


def _stages(made: Made, pool: int) -> tuple[Stage, ...]:
    """Stages that leave somebody, each relaxation bringing somebody new."""
    rnd = made.rnd
    stages: list[Stage] = []
    skill = next((s for n, s in enumerate(SKILLS, start=2) if n == pool), None)
    if skill is not None and rnd.random() < 0.7:
        relax = rnd.choice(
            [
                (),
                (Relaxation(60, {"skill": skill, "at_least": 2}),),
                (Relaxation(0, {"skill": skill, "at_least": 4}), Relaxation(900, None)),
            ]
        )
        least = 5 if relax else rnd.randint(1, 5)
        stages.append(Stage("filter", "skill", {"skill": skill, "at_least": least}, relax))
    stages.append(rnd.choice([ON_SHIFT, PREFER_SHIFT]))
    if rnd.random() < 0.5:
        stages.append(FORMER)
    stages.append(select(rnd.choice(["round_robin", "least_loaded", "random", "first"])))
    return tuple(sorted(stages, key=lambda s: ("filter", "prefer", "select").index(s.do)))


def _rules(made: Made) -> None:
    rnd = made.rnd
    owners = list(made.users)

    def more():
        return {
            "owner": rnd.choice([None, *owners]),
            "review_on": rnd.choice([None, TODAY, TODAY + timedelta(days=40)]),
        }

    if rnd.random() < 0.7:
        below = All((check("score", "lt", 60), Not(check("hand_raise", "eq", True))))
        made.add("Below 60", below, Path(Target("nurture")), **more())
    for fact in rnd.sample(["opportunity_owner", "account_owner"], rnd.randint(0, 2)):
        made.add(fact, check(fact, "not_empty"), Path(Target(fact)), **more())
    for trade in rnd.sample(INDUSTRIES, rnd.randint(1, 2)):
        pool = rnd.randint(2, 5)
        size = rnd.choice([50, 100, 500])
        big = All((check("industry", "eq", trade), check("employees", "gte", size)))
        made.add("Big", big, to_pool(pool, *_stages(made, pool)), **more())
        if rnd.random() < 0.5:
            # The general case behind the special one is as it should be.
            every = AnyOf((check("industry", "eq", trade.lower()),))
            made.add("Trade", every, to_pool(GENERAL, *_stages(made, GENERAL)), **more())
    for place in rnd.sample(ELSEWHERE, rnd.randint(0, 1)):
        pool = rnd.randint(2, 5)
        where = All((check("country", "eq", place), check("tier", "in", ("HOT", "WARM"))))
        path = to_pool(pool, *_stages(made, pool), on_empty="wait", wait_at_most=900)
        if rnd.random() < 0.3:
            other = to_pool(GENERAL, PREFER_SHIFT, select("round_robin"))
            path = replace(path, split=Split("test", rnd.randint(10, 60), other))
        made.add("Overseas", where, path, **more())
    if rnd.random() < 0.8:
        there = check("territory", "not_empty")
        made.add("Territory owner", there, Path(Target("territory_owner")), **more())
        if any(spec.pool for spec in made.territories.values()):
            path = Path(Target("territory_pool"), (PREFER_SHIFT, select("round_robin")))
            made.add("Territory pool", there, path, **more())
    if rnd.random() < 0.4:
        rep = rnd.choice(list(made.pools[GENERAL].by_rep))
        domain = check("email_domain", "matches_domain", "acme.com")
        made.add("Exception", domain, Path(Target("rep", rep)), at=0, **more())
        made.change(made.entries[0], until=AT + 30 * DAY)
    path = to_pool(GENERAL, ON_SHIFT, FORMER, select("round_robin"), on_empty="wait")
    made.add("General pool", ALWAYS, path, **more())
    made.add("Fallback", ALWAYS, Path(Target("queue", LAST)), fallback=True)
