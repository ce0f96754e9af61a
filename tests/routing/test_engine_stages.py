"""Filters, preferences, selects and targets, one by one."""

from collections import Counter

import pytest

from routing.engine import (
    Counters,
    Member,
    PoolSpec,
    RepSpec,
    Roster,
    TerritorySpec,
    compile_ruleset,
    decide,
    explain,
    parse_ruleset,
)
from routing.engine.earth import km_between, point_of
from routing.engine.strategies import Question, choose
from routing.engine.types import Situation

AT = 1_000_000
HOUR = 3600
BERLIN, MUNICH, SYDNEY = (52.52, 13.405), (48.137, 11.575), (-33.87, 151.21)
POOL = {"kind": "pool", "id": 1}


def ruleset_of(*stages, target=POOL):
    path = {"target": target, "stages": list(stages)}
    rule = {"id": 1, "position": 1, "condition": {"all": []}, "path": path}
    return compile_ruleset(parse_ruleset({"id": 1, "version": 1, "rules": [rule]}))


def decided(reps, *stages, facts=None, counters=None, target=POOL, weights=(), territories=()):
    members = [
        Member(rep.id, dict(weights).get(rep.id, 1), place) for place, rep in enumerate(reps)
    ]
    roster = Roster.of(reps, [PoolSpec(1, tuple(members))], list(territories))
    rules = ruleset_of(*stages, target=target)
    return decide(rules, facts or {}, roster, counters or Counters(), AT)


def kept(by, options, reps, facts=None, **more):
    """The reps whom a filter keeps."""
    decision = decided(reps, {"do": "filter", "by": by} | options, facts=facts, **more)
    return [rep for rep, _units in decision.charges]


def preferred(by, reps, facts=None, **options):
    decision = decided(reps, {"do": "prefer", "by": by} | options, facts=facts)
    return [rep for rep, _units in decision.charges]


# --- Filters -----------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["language", "segment"])
def test_the_skill_that_the_lead_names_is_required_at_its_level(by):
    reps = [RepSpec(1, skills={"french": 3}), RepSpec(2, skills={"French": 2}), RepSpec(3)]

    assert kept(by, {}, reps, {by: "FRENCH"}) == [1, 2]
    assert kept(by, {"at_least": 3}, reps, {by: ["German", "french"]}) == [1]
    assert kept(by, {}, reps) == []
    assert decided(reps, {"do": "filter", "by": by}).drops == ((by, 3),)


def test_a_seniority_is_required():
    reps = [RepSpec(1), RepSpec(2, seniority=2), RepSpec(3, seniority=4)]

    assert kept("seniority", {"at_least": 2}, reps) == [2, 3]


def test_the_territorys_own_people_are_required():
    reps = [RepSpec(number) for number in range(1, 6)]
    territories = [TerritorySpec(7, owner=2, backup=4), TerritorySpec(8, owner=5, pool=1)]

    assert kept("territory", {}, reps, {"territory": 7}, territories=territories) == [2, 4]
    assert kept("territory", {}, reps, {"territory": 8}, territories=territories) == [1, 2, 3, 4, 5]
    assert kept("territory", {}, reps, {"territory": 9}, territories=territories) == []
    assert kept("territory", {}, reps, {}, territories=territories) == []


def test_a_place_near_the_lead_is_required():
    reps = [RepSpec(1, place=MUNICH), RepSpec(2, place=SYDNEY), RepSpec(3)]
    here = {"location": list(BERLIN)}

    assert kept("near", {"within_km": 505}, reps, here) == [1]
    assert kept("near", {"within_km": 504}, reps, here) == []
    assert kept("near", {"within_km": 20_000}, reps, here) == [1, 2]
    assert kept("near", {"within_km": 505}, reps) == []


def test_an_answer_in_time_is_required():
    later = RepSpec(2, hours=((AT + HOUR, AT + 2 * HOUR),))
    reps = [RepSpec(1), later, RepSpec(3, absences=((AT, AT + 5 * HOUR),)), RepSpec(4, hours=())]

    assert kept("before_deadline", {}, reps, {"answer_by": AT + HOUR}) == [1, 2]
    assert kept("before_deadline", {}, reps, {"answer_by": AT + HOUR - 1}) == [1]
    # Without a deadline nobody is late. Whoever is out of office fails the floor.
    assert kept("before_deadline", {}, reps) == [1, 2, 4]
    # So many seconds from now, whatever was promised.
    assert kept("before_deadline", {"within": HOUR}, reps, {"answer_by": AT}) == [1, 2]


def test_work_in_the_prospects_daytime_is_required():
    night = RepSpec(2, hours=((AT - HOUR, AT), (AT + 9 * HOUR, AT + 12 * HOUR)))
    reps = [RepSpec(1), night, RepSpec(3, hours=((AT, AT + HOUR),))]
    day = [[AT + HOUR, AT + 8 * HOUR], [AT + 11 * HOUR, AT + 19 * HOUR]]

    assert kept("daytime", {}, reps, {"daytime": day[:1]}) == [1]
    assert kept("daytime", {}, reps, {"daytime": day}) == [1, 2]
    # What is over does not count; an unknown daytime keeps everybody.
    assert kept("daytime", {}, reps, {"daytime": [[AT - 2 * HOUR, AT]]}) == []
    assert kept("daytime", {}, reps) == [1, 2, 3]


@pytest.mark.parametrize(
    ("by", "options", "facts", "detail"),
    [
        ("seniority", {"at_least": 3}, {}, "seniority 1, needs 3"),
        ("territory", {}, {}, "the lead has no territory"),
        ("territory", {}, {"territory": 4}, "not of territory 4"),
        ("near", {"within_km": 9.5}, {"location": list(BERLIN)}, "504 km away, at most 9.5"),
        ("near", {"within_km": 9}, {}, "the lead has no location"),
        ("before_deadline", {"within": 9}, {}, f"opens at {AT + 99}, too late for {AT + 9}"),
        ("daytime", {}, {"daytime": []}, "does not work in the prospect's daytime"),
        ("segment", {}, {"segment": "SMB"}, "smb 0, needs 1"),
    ],
)
def test_who_failed_a_filter_learns_why(by, options, facts, detail):
    rep = RepSpec(1, seniority=1, place=MUNICH, hours=((AT + 99, AT + 999),))
    roster = Roster.of([rep], [PoolSpec(1, (Member(1),))])
    rules = ruleset_of({"do": "filter", "by": by} | options)

    answer = explain(rules, facts, roster, Counters(), AT, rep=1).answer

    assert (answer.verdict, answer.detail) == (by, detail)


# --- Preferences -------------------------------------------------------------------------

THREE = [RepSpec(1, place=BERLIN), RepSpec(2, place=MUNICH), RepSpec(3)]


def test_who_works_for_the_account_is_preferred():
    assert preferred("account_team", THREE, {"account_team": [2, 3, 99]}) == [2, 3]
    assert preferred("account_team", THREE, {"account_team": [99]}) == [1, 2, 3]
    assert preferred("account_team", THREE) == [1, 2, 3]


def test_the_nearest_is_preferred_within_a_distance_if_one_is_set():
    assert preferred("nearest", THREE, {"location": list(MUNICH)}) == [2]
    assert preferred("nearest", THREE, {"location": list(SYDNEY)}, within_km=500) == [1, 2, 3]
    assert preferred("nearest", THREE) == [1, 2, 3]
    assert preferred("nearest", [RepSpec(8), RepSpec(9)], {"location": list(MUNICH)}) == [8, 9]


def test_who_works_in_the_prospects_daytime_is_preferred():
    reps = [RepSpec(1, hours=((AT, AT + 9),)), RepSpec(2)]

    assert preferred("daytime", reps, {"daytime": [[AT + 50, AT + 99]]}) == [2]
    assert preferred("daytime", reps) == [1, 2]


def test_the_likeliest_to_win_are_preferred():
    assert preferred("propensity", THREE, {"propensity": [[1, 7], [2, 7], [3, 2]]}) == [1, 2]
    assert preferred("propensity", THREE, {"propensity": [[3, 1], [99, 9]]}) == [3]
    assert preferred("propensity", THREE) == [1, 2, 3]
    assert preferred("propensity", THREE, {"propensity": [[1, float("nan")]]}) == [1, 2, 3]


# --- Selects -----------------------------------------------------------------------------


def chosen(by, reps, facts=None, counters=None, weights=()):
    stage = {"do": "select", "by": by}
    return decided(reps, stage, facts=facts, counters=counters, weights=weights)


def test_the_least_value_in_open_leads_is_next():
    decision = chosen("least_value", THREE, counters=Counters(value={1: 9, 2: 3, 3: 4}))

    assert (decision.rep, decision.runner_up, decision.charges) == (2, 3, ())


def test_the_least_utilised_has_the_smallest_part_of_the_capacity_taken():
    reps = [RepSpec(1, capacity=10), RepSpec(2, capacity=3), RepSpec(3, capacity=7)]

    # 3 of 10, 1 of 3, 2 of 7.
    decision = chosen("least_utilised", reps, counters=Counters(open={1: 3, 2: 1, 3: 2}))
    assert (decision.rep, decision.runner_up) == (3, 1)
    # 1 of 2 and 2 of 4 are equal: fewer open leads.
    pair = [RepSpec(1, capacity=4), RepSpec(2, capacity=2)]
    assert chosen("least_utilised", pair, counters=Counters(open={1: 2, 2: 1})).rep == 2
    # Without a capacity nobody is utilised.
    free = [RepSpec(1, capacity=9), RepSpec(2)]
    assert chosen("least_utilised", free, counters=Counters(open={1: 1, 2: 50})).rep == 2


def test_the_best_performance_is_next():
    reps = [RepSpec(1), RepSpec(2, performance=130), RepSpec(3, performance=130)]

    decision = chosen("performance", reps, counters=Counters(open={2: 1}))
    assert (decision.rep, decision.runner_up) == (3, 2)


def test_lots_are_drawn_by_weight_and_the_same_for_the_same_lead():
    weights = {1: 1, 2: 2, 3: 5}
    drawn = Counter(chosen("random", THREE, {"lead": n}, None, weights).rep for n in range(4000))
    again = Counter(chosen("random", THREE, {"lead": n}, None, weights).rep for n in range(4000))

    assert drawn == again
    for rep, weight in weights.items():
        assert abs(drawn[rep] - 4000 * weight / 8) < 120


def test_a_lot_does_not_depend_on_who_else_is_there():
    for lead in range(200):
        all_three = chosen("random", THREE, {"lead": lead})
        without = [rep for rep in THREE if rep.id != all_three.rep]
        assert chosen("random", without, {"lead": lead}).rep == all_three.runner_up


def test_a_lot_is_the_same_under_a_copy_of_the_rule():
    def drawn(**rule) -> list[int]:
        return [answer(rule, lead) for lead in range(60)]

    def answer(rule, lead) -> int:
        members = [Member(rep.id) for rep in THREE]
        asked = Question(
            Situation({"lead": lead}, Roster(), Counters(), AT), default="first", **rule
        )
        return choose("random", members, asked)[0]

    assert drawn(rule="Rest") == drawn(rule="Rest")
    assert drawn(rule="Rest") != drawn(rule="Partners")


def test_a_prediction_chooses_where_there_is_one():
    decision = chosen("predictive", THREE, {"propensity": [[2, 0.3], [3, 0.8]]})

    assert (decision.rep, decision.runner_up, decision.strategy) == (3, 2, "predictive")
    assert (decision.pool, decision.charges) == (1, ())


def test_without_a_prediction_the_rotation_chooses_and_is_charged():
    decision = chosen("predictive", THREE, {"propensity": [[99, 1]]})

    assert (decision.rep, decision.strategy) == (1, "round_robin")
    assert [rep for rep, _ in decision.charges] == [1, 2, 3]


def test_an_owner_is_taken_in_order_where_there_is_no_prediction():
    path = {"do": "select", "by": "predictive"}
    owner = {"kind": "account_owner"}

    decision = decided(
        [RepSpec(1, backup=2), RepSpec(2)], path, facts={"account_owner": 1}, target=owner
    )

    assert (decision.rep, decision.strategy, decision.pool) == (1, "first", None)


# --- Targets -----------------------------------------------------------------------------


def test_a_fast_follow_ends_like_nurture():
    decision = decided(THREE, target={"kind": "fast_follow"})

    assert (decision.outcome, decision.target, decision.rep) == ("nurture", "fast_follow", None)


def test_the_least_loaded_ai_agent_takes_the_lead():
    reps = [RepSpec(1), RepSpec(2, agent=True), RepSpec(3, agent=True)]
    agent = {"kind": "agent"}

    decision = decided(reps, target=agent, counters=Counters(open={2: 4}))
    assert (decision.rep, decision.runner_up, decision.strategy) == (3, 2, "least_loaded")
    assert decision.pool is None
    assert decided(THREE, target=agent).passed_over == ((1, "no_candidates"),)


# --- Distance ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("here", "there", "km"),
    [
        (BERLIN, MUNICH, 504.3),
        (MUNICH, BERLIN, 504.3),
        ((0, 0), (0, 180), 20015.1),
        (BERLIN, BERLIN, 0),
    ],
)
def test_distances_are_great_circles(here, there, km):
    assert round(km_between(*here, *there), 1) == km


@pytest.mark.parametrize(
    "odd", [None, "here", [1], [1, 2, 3], [91, 0], [0, -181], [True, 0], [float("nan"), 0]]
)
def test_what_is_no_point_is_none(odd):
    assert point_of(odd) is None
