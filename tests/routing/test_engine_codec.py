"""What earlier versions of the engine wrote is read for good."""

import json

import pytest

from routing.engine import (
    UNIT,
    Counters,
    Limit,
    Member,
    PoolSpec,
    RepSpec,
    Roster,
    apply,
    decode_counters,
    decode_decision,
    decode_roster,
    encode_counters,
    encode_decision,
    encode_roster,
)

# As engine 1 stored them.
ROSTER = (
    b'{"pools":[{"id":1,"members":[[2,3,0],[3,1,1],[4,1,2]]}],"reps":[{"absences":[],"active":true,'
    b'"backup":null,"capacity":3,"hours":[[1,2]],"id":2,"skills":{"french":4},"team":null}],'
    b'"territories":[]}'
)
COUNTERS = b'{"away":[[3,null]],"balance":[[1,2,-5]],"open":[[2,1]],"turn":[[1,2,1]]}'
DECISION = json.dumps(
    {
        "blocked": None,
        "drops": [["full", 1]],
        "eligible": [2, 3],
        "engine": "1",
        "outcome": "assign",
        "passed_over": [[9, "no_candidates"]],
        "pool": 1,
        "queue": None,
        "rep": 2,
        "retry_at": None,
        "rule": 1,
        "rule_position": 10,
        "runner_up": 3,
        "strategy": "round_robin",
        "target": "pool",
        "wait_pool": None,
        "wait_rep": None,
    }
).encode()


def test_an_old_roster_means_what_it_meant_and_keeps_its_bytes():
    roster = decode_roster(ROSTER)

    assert roster.reps[2] == RepSpec(2, capacity=3, skills={"french": 4}, hours=((1, 2),))
    assert (roster.pools[1].bound, roster.pools[1].catch_up, roster.pools[1].lanes) == (2, 3, ())
    assert encode_roster(roster) == ROSTER


def test_old_counters_are_those_of_the_only_lane_there_was():
    counters = decode_counters(COUNTERS)

    assert counters == Counters(
        open={2: 1}, balance={(1, 2, ""): -5}, turn={(1, 2, ""): 1}, away={3: None}
    )
    assert decode_counters(encode_counters(counters)) == counters


def test_an_old_decision_is_folded_as_it_was():
    decision, counters = decode_decision(DECISION), Counters()
    assert (decision.engine, decision.rep, decision.passed_over) == (
        "1",
        2,
        ((9, "no_candidates"),),
    )

    apply(counters, decision, decode_roster(ROSTER))

    assert counters.open == {2: 1}
    # Weights 3 and 1: the other gains a quarter of a lead, the receiver pays it.
    assert counters.balance == {(1, 2, ""): -UNIT // 4, (1, 3, ""): UNIT // 4}
    assert counters.turn == {(1, 2, ""): 1}
    assert decode_decision(encode_decision(decision)) == decision


def test_an_old_decision_without_a_rotation_moves_open_leads_alone():
    body = json.loads(DECISION) | {"pool": None, "eligible": [], "strategy": "first"}
    counters = Counters()

    apply(counters, decode_decision(json.dumps(body).encode()), decode_roster(ROSTER))

    assert (counters.open, counters.balance, counters.turn) == ({2: 1}, {}, {})


def test_what_is_new_in_a_roster_comes_back():
    limits = (
        Limit("flow", 3, edges=(5, 9), pool=1),
        Limit("tier_share", 40, window=60, pool=1, tier="hot"),
    )
    rep = RepSpec(2, seniority=3, place=(52, -0.0), performance=120, agent=True, limits=limits)
    pool = PoolSpec(1, (Member(2),), lanes=("hot",), bound=3, catch_up=4)
    roster = Roster.of([rep], [pool])

    assert decode_roster(encode_roster(roster)) == roster
    assert encode_roster(roster).decode() == (
        '{"pools":[{"bound":3,"catch_up":4,"id":1,"lanes":["hot"],"members":[[2,1,0]]}],'
        '"reps":[{"absences":[],"active":true,"agent":true,"backup":null,"capacity":null,'
        '"hours":null,"id":2,"limits":[{"edges":[5,9],"kind":"flow","most":3,"pool":1},'
        '{"kind":"tier_share","most":40,"pool":1,"tier":"hot","window":60}],"performance":120,'
        '"place":[52.0,0.0],"seniority":3,"skills":{},"team":null}],"territories":[]}'
    )


@pytest.mark.parametrize("place", [(52, 13), (52.0, 13.0)])
def test_equal_places_have_equal_bytes(place):
    same = Roster.of([RepSpec(1, place=(52.0, 13))])

    assert encode_roster(Roster.of([RepSpec(1, place=place)])) == encode_roster(same)
