"""What looks like a mistake and is none: the linter holds its tongue."""

from dataclasses import replace

import pytest

from accounts.areas import Area
from routing.engine import ALWAYS, Path, Stage, Target, TerritorySpec
from routing.engine.conditions import All, Not
from routing.engine.types import Relaxation, Split
from routing.rules.lint.checks import findings
from routing.rules.lint.words import some, span
from routing.rules.lint.world import Traffic
from tests.routing.lint_sets import (
    AT,
    DAY,
    GENERAL,
    HOUR,
    ON_SHIFT,
    PREFER_SHIFT,
    QUICK,
    TODAY,
    check,
    clean,
    select,
    to_pool,
    week,
)

DE, FR = check("country", "eq", "DE"), check("country", "eq", "FR")
QUEUE = Path(Target("queue", 1))
IN_TURN = to_pool(GENERAL, PREFER_SHIFT, select("round_robin"))


@pytest.fixture
def made():
    """A company with a general pool, a fallback, and neither territories nor promises."""
    made = clean(4)
    made.entries = made.entries[-2:]
    made.areas, made.territories, made.promises = {}, {}, ()
    made.traffic = Traffic()
    assert findings(made.entries, made.world) == []
    return made


def codes(made, rule=None):
    report = findings(made.entries, made.world)
    return {one.code for one in report if rule is None or one.rule_id == rule.id}


def test_a_rule_behind_a_wall_with_a_gap_is_reached(made):
    made.add("Wall", All((DE, check("employees", "gte", 100))), QUEUE, at=0)
    made.add("Wall", All((DE, check("employees", "lt", 100))), QUEUE, at=0)
    behind = made.add("Behind", DE, IN_TURN, at=2)
    assert codes(made, behind) == set()  # leads of unknown size get through

    made.add("Wall", All((DE, check("employees", "empty"))), QUEUE, at=0)
    assert codes(made, behind) == {"unreachable"}


@pytest.mark.parametrize(
    "path",
    [
        to_pool(GENERAL, ON_SHIFT, on_empty="wait", wait_at_most=60),
        Path(Target("queue", 1), split=Split("x", 50, IN_TURN)),
        Path(Target("account_owner")),
    ],
)
def test_what_lets_leads_on_makes_nothing_unreachable(made, path):
    made.add("Before", ALWAYS, path, at=0)
    behind = made.add("Behind", DE, IN_TURN, at=1)

    assert "unreachable" not in codes(made, behind)


def test_a_rule_behind_one_that_expires_is_reached_one_day(made):
    made.add("For a month", ALWAYS, QUEUE, at=0)
    made.change(made.usual[0], until=AT + 30 * DAY)
    behind = made.add("Behind", DE, IN_TURN, at=1)

    assert codes(made, behind) == set()


def test_a_second_pool_for_the_same_leads_stands_in_for_the_first(made):
    made.add("First", DE, IN_TURN, at=0)
    second = made.add("Overflow", DE, to_pool(2, PREFER_SHIFT), at=1)
    wider = made.add("Wider", check("country", "in", ("DE", "AT")), IN_TURN, at=2)

    assert codes(made, second) == codes(made, wider) == set()


def test_an_owner_before_a_special_case_shadows_nothing(made):
    owned = check("account_owner", "not_empty")
    made.add("Owner", owned, Path(Target("account_owner")), at=0)
    special = made.add("Big and owned", All((owned, check("employees", "gt", 500))), IN_TURN, at=1)

    assert codes(made, special) == set()


def test_an_unknown_op_is_judged_only_as_itself(made):
    odd = check("events", "surprise", ("pricing", 3))
    made.add("Odd", odd, QUEUE, at=0)
    first = made.add("Odd and German", All((odd, DE)), IN_TURN, at=1)
    second = made.add("Not odd", All((Not(odd), DE)), IN_TURN, at=2)

    assert codes(made, first) == {"unreachable"}
    assert codes(made, second) == set()


# --- Territories -------------------------------------------------------------------------


def plan(made, *areas):
    for area, owner in areas:
        made.areas[area.id] = area
        made.territories[area.id] = TerritorySpec(area.id, owner)


def test_a_rule_may_go_to_the_owner_of_a_narrower_territory(made):
    ann, bob, cid = (made.rep(hours=None) for _ in range(3))
    banks = Area(2, parent=1, industries=("Banking",))
    plan(made, (Area(1, countries=("DE",)), ann), (banks, bob))
    to_bob = made.add("To Bob", DE, Path(Target("rep", bob)), at=0)
    to_cid = made.add("To Cid", All((DE, FR)), Path(Target("rep", cid)), at=0)

    assert "contradicts_territory" not in codes(made, to_bob)
    assert "contradicts_territory" not in codes(made, to_cid)

    retail = All((DE, check("industry", "eq", "Retail")))
    made.change(made.usual[1], condition=retail)
    assert codes(made, to_bob) >= {"contradicts_territory"}


def test_leads_without_a_territory_contradict_none(made):
    ann, bob = made.rep(hours=None), made.rep(hours=None)
    plan(made, (Area(1, countries=("DE",), employees_min=100), ann))
    small = All((DE, check("employees", "between", (50, 200))))
    rule = made.add("Some are small", small, Path(Target("rep", bob)), at=0)
    assert codes(made, rule) == set()

    made.change(made.usual[0], condition=All((DE, check("employees", "gt", 200))))
    assert codes(made, rule) == {"contradicts_territory"}


def test_a_territory_that_only_holds_others_together_needs_nobody(made):
    ann = made.rep(hours=None)
    plan(made, (Area(1, countries=("DE", "FR")), None), (Area(2, parent=1, regions=("BY",)), ann))
    there = check("territory", "not_empty")
    rule = made.add("By plan", there, Path(Target("territory_owner")), at=0)

    assert codes(made, rule) == set()


def test_a_plan_for_every_place_leaves_nobody_out(made):
    made.entries = made.entries[-1:]
    there = check("territory", "not_empty")
    plan(made, (Area(1), made.rep(hours=None)))
    rule = made.add("By plan", there, Path(Target("territory_owner")))

    assert codes(made, rule) == set()


# --- Shifts and promises -----------------------------------------------------------------


def test_hours_without_staff_matter_only_if_nothing_catches_the_leads(made):
    day = made.pool(made.rep(hours=week(9, 17)))
    night = made.add("By day", DE, to_pool(day, ON_SHIFT), at=0)
    assert codes(made, night) == set()  # the general pool comes after

    made.remove(made.usual[-1])
    assert codes(made, night) == {"unstaffed_pool"}
    (report,) = findings(made.entries, made.world)
    assert "128 hours" in report.message
    assert "Mon 00:00 to Mon 09:00" in report.message

    made.change(made.usual[0], path=to_pool(day, ON_SHIFT, on_empty="wait"))
    assert codes(made, night) == set()


def test_hot_leads_may_go_to_a_pool_whose_members_work_the_same_hours(made):
    made.promises = (QUICK,)
    same = made.pool(made.rep(hours=week(9, 17)), made.rep(hours=week(9, 17)))
    rule = made.add("Anybody", DE, to_pool(same), at=0)
    assert codes(made, rule) == set()  # the promise counts their hours, and all have the same

    made.promises = (replace(QUICK, around_the_clock=True),)
    assert codes(made, rule) == {"hot_to_slow"}
    made.promises = (replace(QUICK, around_the_clock=True, seconds=4 * HOUR),)
    assert codes(made, rule) == set()


def test_what_hot_leads_cannot_reach_may_be_slow(made):
    rest = Path(Target("nurture"))
    cold = made.add("Cold", check("score", "lt", 60), rest, at=0)
    made.add("Hot", All((DE, check("tier", "eq", "HOT"))), QUEUE, at=0)
    german = made.add("German", DE, rest, at=1)

    assert codes(made, cold) == codes(made, german) == set()


# --- Filters -----------------------------------------------------------------------------


def test_a_skill_that_a_fact_names_is_judged_only_where_the_rule_fixes_the_fact(made):
    pool = made.pool(made.rep(hours=None, skills={"welsh": 4}))
    language = Stage("filter", "skill", {"skill_fact": "product_interest", "at_least": 2})
    anyone = made.add("Any", DE, to_pool(pool, language, PREFER_SHIFT), at=0)
    assert codes(made, anyone) == set()

    wants = check("product_interest", "eq", "Welsh")
    made.change(made.usual[0], condition=All((DE, wants)))
    assert codes(made, anyone) == set()

    made.change(made.usual[0], condition=All((DE, check("product_interest", "eq", "latin"))))
    assert codes(made, anyone) == {"unreachable_skill"}


def test_a_relaxation_of_what_only_the_moment_decides_is_not_judged(made):
    shift = Stage("filter", "on_shift", {"within": 0}, (Relaxation(60, None),))
    rule = made.add("Later anybody", DE, to_pool(GENERAL, shift), at=0)

    assert codes(made, rule) == set()


def test_a_young_rule_has_had_no_time_for_traffic(made):
    rule = made.add("New", DE, IN_TURN, at=0)
    made.traffic = Traffic(total=1000, since={rule.name: TODAY})
    assert codes(made, rule) == set()

    made.traffic = Traffic(total=499, since={rule.name: TODAY.replace(year=2025)})
    assert codes(made, rule) == set()


# --- Words -------------------------------------------------------------------------------


def test_lists_and_lengths_read_as_people_say_them():
    assert some(["a"]) == "a"
    assert some(["a", "b"]) == "a and b"
    assert some(["a", "b", "c"]) == "a, b and c"
    assert some("abcde") == "a, b, c and 2 more"
    assert [span(n) for n in (1, 60, 90, 300, 7200)] == [
        "1 second",
        "1 minute",
        "90 seconds",
        "5 minutes",
        "2 hours",
    ]
