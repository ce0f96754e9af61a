"""The long story of a decision."""

import json

from routing.engine import (
    UNIT,
    Counters,
    Member,
    PoolSpec,
    RepSpec,
    Roster,
    compile_ruleset,
    explain,
    parse_ruleset,
)
from routing.engine.types import MAIN

AT = 1000
POOL = {"kind": "pool", "id": 1}
RULESET = compile_ruleset(
    parse_ruleset(
        {
            "id": 1,
            "version": 1,
            "rules": [
                {
                    "id": 1,
                    "position": 1,
                    "name": "Big",
                    "condition": {"all": [{"fact": "employees", "op": "gte", "value": 500}]},
                    "path": {"target": {"kind": "rep", "id": 1}},
                },
                {
                    "id": 2,
                    "position": 2,
                    "name": "Owner",
                    "condition": {"all": []},
                    "path": {"target": {"kind": "account_owner"}},
                },
                {
                    "id": 3,
                    "position": 3,
                    "name": "Pool",
                    "condition": {"all": []},
                    "path": {
                        "target": POOL,
                        "stages": [
                            {"do": "filter", "by": "skill", "skill": "french", "at_least": 3},
                            {"do": "filter", "by": "on_shift"},
                            {"do": "filter", "by": "team", "id": 7},
                            {"do": "prefer", "by": "on_shift", "within": 0},
                            {"do": "prefer", "by": "former_owner"},
                        ],
                    },
                },
                {
                    "id": 4,
                    "position": 4,
                    "name": "Rest",
                    "condition": {"all": []},
                    "path": {"target": {"kind": "queue", "id": 9}},
                },
            ],
        }
    )
)
ABLE = {"skills": {"french": 3}, "team": 7}
REPS = [
    RepSpec(1, **ABLE, capacity=10),
    RepSpec(2, **ABLE, active=False),
    RepSpec(3, **ABLE),
    RepSpec(4, **ABLE, absences=((0, 5000),)),
    RepSpec(5, skills={"french": 1}, team=7),
    RepSpec(6, **ABLE, hours=((7000, 8000),)),
    RepSpec(7, skills={"french": 3}, team=8),
    RepSpec(8, **ABLE),
    RepSpec(9, **ABLE),
    RepSpec(10, **ABLE, hours=()),
    RepSpec(11, skills={"french": 3}),
]
POOL_OF_ALL = PoolSpec(1, tuple(Member(rep, 1, rep) for rep in (*range(1, 12), 99)))
ROSTER = Roster.of(REPS, [POOL_OF_ALL])
COUNTERS = Counters(open={1: 10, 8: 2}, balance={(1, 8, MAIN): UNIT // 2}, away={3: None, 9: 10**9})


def test_the_story_names_the_reason_of_every_rule_and_every_candidate():
    story = explain(RULESET, {"employees": 20}, ROSTER, COUNTERS, AT)

    big, owner, pool, rest = story.rules
    assert (big.status, big.failed.path, big.failed.wanted, big.failed.found) == (
        "no_match",
        "all[0]",
        500,
        20,
    )
    assert (owner.result, owner.why, owner.candidates) == ("fell_through", "no_candidates", ())
    assert (rest.status, rest.matched) == ("not_reached", True)
    assert (pool.result, pool.strategy, pool.why) == ("assigned", "round_robin", None)
    assert {one.rep: (one.verdict, one.detail, one.until) for one in pool.candidates} == {
        1: ("full", "open 10 of 10", None),
        2: ("inactive", "switched off", None),
        3: ("away", "paused until further notice", None),
        4: ("absent", "back at 5000", 5000),
        5: ("skill", "french 1, needs 3", None),
        6: ("off_shift", "opens at 7000", 7000),
        7: ("team", "team 8, needs team 7", None),
        8: ("chosen", "", None),
        9: ("away", "back at 1000000000", 10**9),
        10: ("off_shift", "no shift planned", None),
        11: ("team", "no team, needs team 7", None),
        99: ("unknown", "not in the roster", None),
    }
    assert (story.winner, story.runner_up) == (8, None)


def test_the_order_shows_balances_before_and_after_the_share():
    counters = Counters(open={8: 2}, balance={(1, 8, MAIN): UNIT // 2, (1, 9, MAIN): -UNIT // 2})

    story = explain(RULESET, {}, ROSTER, counters, AT)

    first, *_, last = story.rules[2].order
    assert (first.place, first.rep, first.open, first.turn) == (1, 8, 2, 0)
    assert (first.balance_leads, first.standing_leads) == (0.5, 0.75)
    assert (last.rep, last.balance) == (9, -UNIT // 2)
    assert [place.place for place in story.rules[2].order] == [1, 2, 3, 4]


def test_who_was_set_aside_learns_by_which_preference():
    story = explain(RULESET, {"former_owner": 3}, ROSTER, Counters(), AT)

    verdicts = {one.rep: (one.verdict, one.detail) for one in story.rules[2].candidates}
    assert verdicts[3] == ("chosen", "")
    assert verdicts[8] == ("set_aside", "former_owner")


def test_a_rep_may_ask_why_not_me_and_learns_only_of_themselves_and_the_winner():
    story = explain(RULESET, {}, ROSTER, Counters(open={1: 1}), AT, rep=8)

    assert (story.answer.verdict, story.answer.rule, story.answer.place) == ("eligible", 3, 3)
    assert [one.rep for one in story.rules[2].candidates] == [8]
    assert [place.rep for place in story.rules[2].order] == [1, 8]


def test_why_not_me_is_answered_for_the_dropped_the_chosen_and_the_uninvolved():
    def answer(rep):
        return explain(RULESET, {}, ROSTER, COUNTERS, AT, rep=rep).answer

    assert (answer(1).verdict, answer(1).detail) == ("full", "open 10 of 10")
    assert (answer(4).verdict, answer(4).until) == ("absent", 5000)
    assert (answer(8).verdict, answer(8).place) == ("chosen", 1)
    assert (answer(500).verdict, answer(500).rule) == ("not_a_candidate", None)


def test_a_queue_at_the_end_is_told_as_an_end():
    story = explain(RULESET, {}, Roster(), Counters(), AT)

    assert [rule.result for rule in story.rules] == [None, "fell_through", "fell_through", "ended"]
    assert story.rules[3].strategy is None


def test_a_missing_language_is_told():
    data = {
        "id": 1,
        "version": 1,
        "rules": [
            {
                "id": 1,
                "position": 1,
                "condition": {"all": []},
                "path": {
                    "target": POOL,
                    "stages": [{"do": "filter", "by": "skill", "skill_fact": "language"}],
                    "on_empty": "wait",
                },
            }
        ],
    }

    story = explain(compile_ruleset(parse_ruleset(data)), {}, ROSTER, Counters(), AT, rep=8)

    assert story.answer.detail == "the lead names no language"
    assert (story.rules[0].result, story.rules[0].why) == ("waits", "skill")


def test_the_story_is_plain_json():
    story = explain(RULESET, {"employees": 20}, ROSTER, COUNTERS, AT, rep=8).to_json()

    assert json.loads(json.dumps(story))["decision"]["rep"] == 8
    assert story["answer"]["verdict"] == "chosen"
