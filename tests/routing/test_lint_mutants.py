"""
The linter against mistakes planted by machine.

In clean rule sets it finds nothing. Each kind of mistake is planted into other clean sets, one
at a time at a random place, and must be found, named by its code and its rule, without any
error being found that was not planted.
"""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from accounts.areas import Area
from routing.engine import (
    ALWAYS,
    InvalidPart,
    Path,
    Stage,
    Target,
    TerritorySpec,
    condition_to_json,
    path_to_json,
)
from routing.engine.conditions import All, AnyOf, Check, Not
from routing.engine.types import Relaxation, Split
from routing.models import Rule as Row
from routing.rules.lint import check_rule
from routing.rules.lint.checks import findings
from routing.rules.lint.reach import Reach
from routing.rules.lint.world import QueueInfo, Traffic
from tests.routing.lint_sets import (
    AT,
    COUNTRIES,
    GENERAL,
    INDUSTRIES,
    ON_SHIFT,
    PREFER_SHIFT,
    QUICK,
    TODAY,
    Made,
    clean,
    select,
    to_pool,
    week,
)

CLEAN = 60
PLANTED = 25
GONE = 999


def found(made: Made):
    return findings(made.entries, made.world)


@pytest.mark.parametrize("seed", range(CLEAN))
def test_nothing_is_found_where_nothing_is_wrong(seed):
    assert found(clean(seed)) == []


# --- The mistakes ------------------------------------------------------------------------
# Each plants itself and returns the id of the rule that must be named, or None.


def any_usual(made, *kinds):
    """A rule before the fallback, of one of these kinds of target."""
    return made.rnd.choice([e for e in made.usual if not kinds or e.rule.path.target.kind in kinds])


def narrow(made):
    """A rule that asks more than one thing, at the top level."""
    some = [e for e in made.usual if isinstance(e.rule.condition, All)]
    return made.rnd.choice([e for e in some if len(e.rule.condition.parts) > 1])


def no_fallback(made):
    made.remove(made.entries[-1])


def two_fallbacks(made):
    path = Path(Target("queue", 1))
    return made.add("Another", ALWAYS, path, fallback=True).id


def conditional_fallback(made):
    some = made.rnd.choice([Check("country", "eq", "DE"), Not(Check("score", "lt", 5))])
    return made.change(made.entries[-1], condition=some).id


def never_matches(made):
    entry, rnd = any_usual(made), made.rnd
    never = rnd.choice(
        [
            (Check("employees", "gt", 500), Check("employees", "lte", 500)),
            (Check("country", "eq", "DE"), Check("country", "eq", "FR")),
            (Check("region", "in", ("CA", "OR")), Check("region", "not_in", ("ca", "or"))),
            (Check("postal_code", "prefix", "94"), Check("postal_code", "eq", "10115")),
            (Check("email_domain", "matches_domain", "a.com"), Check("email_domain", "empty")),
            (Check("score", "between", (10, 20)), Not(Check("score", "gte", 5))),
        ]
    )
    parts = [entry.rule.condition, *never]
    rnd.shuffle(parts)
    return made.change(entry, condition=All(tuple(parts))).id


def unreachable(made):
    victim = narrow(made)
    place = made.rnd.randint(0, made.entries.index(victim))
    way = made.rnd.choice(
        [Path(Target("queue", 1)), to_pool(GENERAL, ON_SHIFT, select("first"), on_empty="wait")]
    )
    parts = victim.rule.condition.parts
    if made.rnd.random() < 0.5:
        made.add("Wall", made.rnd.choice(parts), way, at=place)
    else:
        # Neither of the two takes all of it, together they do.
        half = Check("product_interest", "eq", "suite")
        made.add("Half a wall", All((parts[0], half)), way, at=place)
        made.add("Other half", All((parts[0], Not(half))), way, at=place)
    return victim.rule.id


def shadowed(made):
    big = made.rnd.choice([e for e in made.usual if e.rule.name.startswith("Big")])
    general = made.rnd.choice(big.rule.condition.parts)
    place = made.rnd.randint(0, made.entries.index(big))
    rep = made.rnd.choice(list(made.pools[GENERAL].by_rep))
    way = made.rnd.choice([to_pool(GENERAL, PREFER_SHIFT), Path(Target("rep", rep))])
    made.add("General case", general, way, at=place)
    return big.rule.id


def duplicate(made):
    first = made.rnd.choice([e for e in made.usual if e.rule.until is None])
    place = made.entries.index(first) + 1
    if first.rule.condition == ALWAYS:
        place = len(made.usual)
    return made.add("Again", first.rule.condition, first.rule.path, at=place).id


def stranger(made):
    """A rep who has no territory."""
    return made.rep(hours=None, seniority=2)


def contradicts_territory(made):
    area = made.rnd.choice([a for a in made.areas.values() if len(a.countries) == 1])
    country = made.rnd.choice([area.countries[0], area.countries[0].lower()])
    where = made.rnd.choice(
        [
            Check("country", "eq", country),
            All((Check("country", "eq", country), Check("employees", "gte", 50))),
            All((Check("country", "eq", country), Check("postal_code", "prefix", "10"))),
        ]
    )
    rep = stranger(made)
    to = made.rnd.choice([Path(Target("rep", rep)), to_pool(made.pool(rep))])
    return made.add("Against the plan", where, to, at=0).id


def unmapped_territory(made):
    owner = Path(Target("territory_owner"))
    there = Check("territory", "not_empty")
    if made.rnd.random() < 0.5:
        made.territories[50] = TerritorySpec(50)
        made.areas[50] = Area(50, countries=("PT",))
        first = [e for e in made.usual if e.rule.path.target.kind.startswith("territory")]
        return first[0].rule.id if first else made.add("By plan", there, owner, at=0).id
    # Nothing but the plan, and a fallback.
    made.entries = made.entries[-1:]
    made.traffic = Traffic()
    return made.add("By plan", there, owner, at=0).id


def retarget(made, entry, target):
    return made.change(entry, path=replace(entry.rule.path, target=target, stages=())).id


def unknown_pool(made):
    return retarget(made, any_usual(made, "pool"), Target("pool", GONE))


def unknown_queue(made):
    return retarget(made, made.entries[-1], Target("queue", GONE))


def unknown_rep(made):
    return retarget(made, any_usual(made), Target("rep", GONE))


def unknown_team(made):
    entry = any_usual(made, "pool")
    gone = Stage("filter", "team", {"id": GONE})
    return made.change(entry, path=replace(entry.rule.path, stages=(gone,))).id


def unknown_territory(made):
    entry = any_usual(made, "pool")
    some = made.rnd.choice([Check("territory", "eq", GONE), Check("territory", "in", (1, GONE))])
    return made.change(entry, condition=AnyOf((entry.rule.condition, some))).id


def empty_pool(made):
    gone = stranger(made)
    made.leave(gone)
    pool = made.pool(gone) if made.rnd.random() < 0.5 else made.pool()
    return retarget(made, any_usual(made, "pool"), Target("pool", pool))


def unstaffed_pool(made):
    if made.rnd.random() < 0.5:
        pool = made.pool(made.rep(hours=()), made.rep(hours=((AT - 9000, AT - 60),)))
        entry = any_usual(made, "pool")
        path = replace(entry.rule.path, target=Target("pool", pool), stages=(ON_SHIFT,))
        return made.change(entry, path=path).id
    # By day only, the last before the fallback, and it does not wait.
    pool = made.pool(made.rep(hours=week(8, 12)), made.rep(hours=week(11, 18)))
    return made.change(made.usual[-1], path=to_pool(pool, ON_SHIFT)).id


def stale_owner(made):
    way = made.rnd.randrange(3)
    entry = any_usual(made)
    if way == 0:
        gone = stranger(made)
        made.leave(gone)
        return retarget(made, entry, Target("rep", gone))
    if way == 1:
        made.entries[made.entries.index(entry)] = replace(entry, owner=77)
        return entry.rule.id
    gone = stranger(made)
    made.leave(gone)
    made.territories[1] = TerritorySpec(1, gone)
    first = [e for e in made.usual if e.rule.path.target.kind == "territory_owner"]
    if first:
        return first[0].rule.id
    there = Check("territory", "not_empty")
    return made.add("By plan", there, Path(Target("territory_owner")), at=0).id


def skilled(made):
    """A pool in which two know Welsh, at levels 5 and 3, and one does not."""
    levels = ({"welsh": 5}, {"welsh": 3}, {})
    return made.pool(*(made.rep(hours=None, skills=one, seniority=2) for one in levels))


def relaxation_adds_nobody(made):
    pool = skilled(made)
    in_vain = made.rnd.choice(
        [
            (4, (Relaxation(60, {"skill": "welsh", "at_least": 5}),)),
            (3, (Relaxation(60, {"skill": "welsh", "at_least": 2}), Relaxation(90, None))),
            (5, (Relaxation(0, {"skill": "welsh", "at_least": 4}),)),
        ]
    )
    stage = Stage("filter", "skill", {"skill": "welsh", "at_least": in_vain[0]}, in_vain[1])
    entry = any_usual(made, "pool")
    return made.change(entry, path=to_pool(pool, stage, PREFER_SHIFT)).id


def unreachable_skill(made):
    pool = skilled(made)
    stage = made.rnd.choice(
        [
            Stage("filter", "skill", {"skill": "latin", "at_least": 1}),
            Stage(
                "filter",
                "skill",
                {"skill": "latin", "at_least": 5},
                (Relaxation(60, {"skill": "latin", "at_least": 1}),),
            ),
            Stage("filter", "seniority", {"at_least": 4}),
        ]
    )
    entry = any_usual(made, "pool")
    return made.change(entry, path=to_pool(pool, stage, PREFER_SHIFT)).id


def missing_fallback_person(made):
    made.users.discard(made.queues[1].responsible)
    made.entries = [replace(entry, owner=None) for entry in made.entries]
    return made.entries[-1].rule.id


def hot_to_slow(made):
    where = Check("industry", "eq", made.rnd.choice(INDUSTRIES))
    way = made.rnd.randrange(3)
    if way == 0:
        return made.add("Rest", where, Path(Target("nurture")), at=0).id
    if way == 1:
        made.queues[2] = QueueInfo("Nobody's", None, 1)
        return made.add("Heap", where, Path(Target("queue", 2)), at=0).id
    made.promises = (replace(QUICK, around_the_clock=made.rnd.random() < 0.5),)
    pool = made.pool(made.rep(hours=week(8, 12)), made.rep(hours=week(12, 18)))
    return made.add("Day or night", where, to_pool(pool, select("round_robin")), at=0).id


def too_many_branches(made):
    for number in range(13 - len(made.usual)):
        where = Check("region", "eq", f"region {number}")
        made.add("Region", where, to_pool(GENERAL, PREFER_SHIFT), at=0)


def little_traffic(made):
    entry = any_usual(made)
    made.traffic = Traffic(
        total=1000,
        by_rule={entry.rule.name: made.rnd.randint(0, 9)}
        | {e.rule.name: 100 for e in made.usual if e is not entry},
        since={entry.rule.name: TODAY - timedelta(days=made.rnd.randint(30, 300))},
    )
    return entry.rule.id


def expired(made):
    return made.change(any_usual(made), until=AT - made.rnd.randint(0, 9)).id


def review_due(made):
    entry = made.rnd.choice([e for e in made.usual if e.rule.until is None])
    late = TODAY - timedelta(days=made.rnd.randint(1, 90))
    made.entries[made.entries.index(entry)] = replace(entry, review_on=late)
    return entry.rule.id


def one_sided_split(made):
    entry = any_usual(made, "pool")
    split = Split("test", made.rnd.choice([0, 100]), to_pool(GENERAL, PREFER_SHIFT))
    return made.change(entry, path=replace(entry.rule.path, split=split)).id


MISTAKES = [
    no_fallback,
    two_fallbacks,
    conditional_fallback,
    never_matches,
    unreachable,
    shadowed,
    duplicate,
    contradicts_territory,
    unmapped_territory,
    unknown_pool,
    unknown_queue,
    unknown_rep,
    unknown_team,
    unknown_territory,
    empty_pool,
    unstaffed_pool,
    stale_owner,
    relaxation_adds_nobody,
    unreachable_skill,
    missing_fallback_person,
    hot_to_slow,
    too_many_branches,
    little_traffic,
    expired,
    review_due,
    one_sided_split,
]


@pytest.mark.parametrize("seed", range(PLANTED))
@pytest.mark.parametrize("plant", MISTAKES, ids=lambda plant: plant.__name__)
def test_a_planted_mistake_is_found_and_no_error_is_invented(plant, seed):
    made = clean(1000 + 37 * seed)
    made.rnd = random.Random(f"{plant.__name__} {seed}")
    code, rule = plant.__name__, plant(made)

    report = found(made)

    named = [one for one in report if (one.code, one.rule_id) == (code, rule)]
    assert named, report
    assert {one.code for one in report if one.is_error} <= {code}
    if rule is not None:
        name = next(e.rule.name for e in made.entries if e.rule.id == rule)
        assert any(f"“{name}”" in one.message for one in named)


@pytest.mark.parametrize("seed", range(PLANTED))
def test_a_rule_that_cannot_be_read_is_refused_and_the_others_are_not(seed):
    made = clean(1000 + 37 * seed)
    rows = [
        Row(
            name=entry.rule.name,
            condition=condition_to_json(entry.rule.condition),
            path=path_to_json(entry.rule.path),
        )
        for entry in made.entries
    ]
    for row in rows:
        check_rule(row)
    victim = made.rnd.choice(rows)
    made.rnd.choice(
        [
            lambda: victim.path.update(target={"kind": "nowhere"}),
            lambda: victim.path.pop("target"),
            lambda: setattr(victim, "condition", {"fact": "shoe_size", "op": "eq", "value": 1}),
            lambda: setattr(victim, "condition", {"fact": "score", "op": "prefix", "value": "x"}),
            lambda: setattr(victim, "condition", {"every": []}),
        ]
    )()

    with pytest.raises(InvalidPart):
        check_rule(victim)


# --- Size --------------------------------------------------------------------------------


def test_three_hundred_rules_are_compared_only_where_they_could_meet():
    made = clean(3)
    made.entries = made.entries[-2:]
    made.traffic = Traffic()
    for number in range(300):
        where = All(
            (
                Check("postal_code", "prefix", f"{number:03}"),
                Check("employees", "gte", number),
                Check("country", "in", (COUNTRIES[number % 8], COUNTRIES[number % 7])),
            )
        )
        made.add("Area", where, to_pool(GENERAL, PREFER_SHIFT))
    reach = Reach(made.entries, made.world)

    report = findings(made.entries, made.world, reach)

    assert {one.code for one in report} == {"too_many_branches", "unreachable"}
    assert reach.tests <= 5 * len(made.entries)
