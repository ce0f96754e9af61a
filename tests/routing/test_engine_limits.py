"""Caps beside the number of open leads."""

import pytest

from routing.engine import (
    Counters,
    Given,
    Limit,
    Member,
    PoolSpec,
    RepSpec,
    Roster,
    apply,
    compile_ruleset,
    decide,
    explain,
    floor,
    parse_ruleset,
)
from routing.engine.limits import Load, exceeded, frees_at

AT = 1_000_000
HOUR = 3600


def given(*moments, pool=1, tier=""):
    return tuple(Given(at, pool, tier) for at in moments)


# --- One limit ---------------------------------------------------------------------------


@pytest.mark.parametrize(("points", "held_back"), [(0, False), (2, False), (3, True)])
def test_points_may_reach_the_limit_and_not_exceed_it(points, held_back):
    counters, limit = Counters(points={1: 10}), Limit("points", 12)

    assert exceeded(limit, 1, counters, AT, Load(points=points)) is held_back
    assert not exceeded(limit, 2, counters, AT, Load(points=points))


def test_value_may_reach_the_limit_and_not_exceed_it():
    counters, limit = Counters(value={1: 9_000}), Limit("value", 10_000)

    assert not exceeded(limit, 1, counters, AT, Load(value=1_000))
    assert exceeded(limit, 1, counters, AT, Load(value=1_001))


@pytest.mark.parametrize(
    ("limit", "concerned"),
    [
        (Limit("points", 0), True),
        (Limit("points", 0, pool=1), True),
        (Limit("points", 0, pool=2), False),
        (Limit("points", 0, tier="hot"), True),
        (Limit("points", 0, tier="cold"), False),
        (Limit("points", 0, pool=1, tier="cold"), False),
    ],
)
def test_a_limit_of_a_pool_or_a_tier_concerns_only_such_leads(limit, concerned):
    load = Load(points=1, pool=1, tier="hot")

    assert exceeded(limit, 1, Counters(), AT, load) is concerned


def test_a_rolling_flow_counts_the_window_that_ends_now():
    limit = Limit("flow", 2, window=HOUR)
    counters = Counters(given={1: given(AT - HOUR, AT - HOUR + 1, AT)})

    assert exceeded(limit, 1, counters, AT, Load())
    assert not exceeded(limit, 1, counters, AT + 1, Load())
    assert frees_at(limit, 1, counters, AT, Load()) == AT + 1
    assert frees_at(limit, 1, counters, AT + 1, Load()) == AT + 1


def test_a_flow_with_edges_counts_from_the_last_edge_on():
    limit = Limit("flow", 1, edges=(AT - HOUR, AT, AT + HOUR))

    assert not exceeded(limit, 1, Counters(given={1: given(AT - 1)}), AT, Load())
    counters = Counters(given={1: given(AT)})
    assert exceeded(limit, 1, counters, AT + HOUR - 1, Load())
    assert frees_at(limit, 1, counters, AT, Load()) == AT + HOUR


def test_a_flow_counts_only_the_leads_it_concerns():
    limit = Limit("flow", 1, window=HOUR, pool=1, tier="hot")
    load = Load(pool=1, tier="hot")

    for other in (given(AT, pool=2, tier="hot"), given(AT, tier="cold"), given(AT, pool=None)):
        assert not exceeded(limit, 1, Counters(given={1: other}), AT, load)
    assert exceeded(limit, 1, Counters(given={1: given(AT, tier="hot")}), AT, load)


def test_a_flow_of_none_is_never_free():
    assert frees_at(Limit("flow", 0, window=HOUR), 1, Counters(), AT, Load()) is None


def test_a_share_of_a_tier_is_rounded_up_to_whole_leads():
    limit = Limit("tier_share", 40, window=HOUR, pool=1, tier="hot")
    load = {"pool": 1, "tier": "hot"}

    # Nobody has any: one of one is allowed, since 40 % of one lead is rounded up.
    assert not exceeded(limit, 1, Counters(), AT, Load(**load))
    # One of mine and one of another's: with this one it would be 2 of 3; 40 % of 3 is 2.
    counters = Counters(given={1: given(AT, tier="hot"), 2: given(AT, tier="hot")})
    assert not exceeded(limit, 1, counters, AT, Load(**load))
    # One of mine and none of another's: 2 of 2, where 1 is the most.
    counters = Counters(given={1: given(AT, tier="hot"), 2: given(AT, tier="cold")})
    assert exceeded(limit, 1, counters, AT, Load(**load))
    assert frees_at(limit, 1, counters, AT, Load(**load)) == AT + HOUR
    assert not exceeded(limit, 1, counters, AT, Load(pool=1, tier="cold"))


# --- The floor ---------------------------------------------------------------------------


def test_limits_come_after_capacity_in_a_fixed_order():
    limits = (
        Limit("tier_share", 0, window=HOUR, pool=1, tier="hot"),
        Limit("flow", 0, window=HOUR),
        Limit("value", 0),
        Limit("points", 0),
    )
    load = Load(points=1, value=1, pool=1, tier="hot")
    verdicts = [
        floor(RepSpec(1, limits=limits[:count]), Counters(), AT, (), load) for count in (1, 2, 3, 4)
    ]

    assert verdicts == ["full_share", "full_flow", "full_value", "full_points"]
    assert floor(RepSpec(1, capacity=0, limits=limits), Counters(), AT, (), load) == "full"
    assert RepSpec(1, limits=limits) == RepSpec(1, limits=limits[::-1])


# --- Deciding ----------------------------------------------------------------------------

RULES = compile_ruleset(
    parse_ruleset(
        {
            "id": 1,
            "version": 1,
            "rules": [
                {
                    "id": 1,
                    "position": 1,
                    "condition": {"all": []},
                    "path": {"target": {"kind": "pool", "id": 1}, "on_empty": "wait"},
                }
            ],
        }
    )
)


def of_one(*limits, **more):
    return Roster.of([RepSpec(1, limits=limits, **more)], [PoolSpec(1, (Member(1),))])


def test_a_lead_adds_its_points_and_its_value_in_whole_units():
    facts, counters = {"points": 3, "expected_value": 1499.5, "tier": "hot"}, Counters()

    decision = decide(RULES, facts, of_one(), counters, AT)
    apply(counters, decision, of_one())

    assert (decision.points, decision.value, decision.tier) == (3, 1500, "hot")
    assert (counters.points, counters.value) == ({1: 3}, {1: 1500})
    assert counters.given == {1: (Given(AT, 1, "hot"),)}


@pytest.mark.parametrize("odd", [None, "3", True, -4, float("nan"), float("inf")])
def test_what_is_no_number_of_points_adds_none(odd):
    decision = decide(RULES, {"points": odd, "expected_value": odd}, of_one(), Counters(), AT)

    assert (decision.points, decision.value) == (0, 0)


def test_an_hours_leads_are_given_and_then_the_next_hours():
    roster = of_one(Limit("flow", 2, window=HOUR))
    counters, outcomes = Counters(), []
    for at in (AT, AT + 10, AT + 20):
        decision = decide(RULES, {}, roster, counters, at)
        outcomes.append(decision.outcome)
        apply(counters, decision, roster)

    assert outcomes == ["assign", "assign", "park"]
    # Capacity is in the way, and time frees it: the oldest leaves the window.
    assert (decision.blocked, decision.retry_at) == ("capacity", AT + HOUR)
    assert decision.drops == (("full_flow", 1),)
    assert decide(RULES, {}, roster, counters, AT + HOUR - 1).outcome == "park"
    assert decide(RULES, {}, roster, counters, AT + HOUR).outcome == "assign"


@pytest.mark.parametrize(
    ("limit", "verdict"), [(Limit("points", 1), "full_points"), (Limit("value", 1), "full_value")]
)
def test_time_alone_does_not_free_points_or_value(limit, verdict):
    facts = {"points": 2, "expected_value": 2}

    decision = decide(RULES, facts, of_one(limit), Counters(), AT)

    assert (decision.blocked, decision.retry_at) == ("capacity", None)
    assert decision.drops == ((verdict, 1),)


def test_a_full_hour_and_a_holiday_end_together():
    counters = Counters(given={1: given(AT)})
    roster = of_one(Limit("flow", 1, window=HOUR), absences=((AT, AT + 2 * HOUR),))

    decision = decide(RULES, {}, roster, counters, AT)

    assert (decision.blocked, decision.retry_at) == ("away", AT + 2 * HOUR)


@pytest.mark.parametrize(
    ("limit", "detail", "until"),
    [
        (Limit("points", 4), "3 + 2 of 4 points", None),
        (Limit("value", 900), "value 700 + 300 of 900", None),
        (Limit("flow", 1, window=HOUR), "1 of 1 leads in the window", AT + HOUR),
        (
            Limit("tier_share", 10, window=HOUR, pool=1),
            "1 of 1 leads in the window, at most 10 %",
            AT + HOUR,
        ),
    ],
)
def test_the_story_says_how_much_somebody_had(limit, detail, until):
    counters = Counters(points={1: 3}, value={1: 700}, given={1: given(AT)})
    facts = {"points": 2, "expected_value": 300}

    answer = explain(RULES, facts, of_one(limit), counters, AT, rep=1).answer

    assert (answer.detail, answer.until) == (detail, until)
