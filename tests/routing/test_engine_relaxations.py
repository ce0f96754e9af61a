"""Filters that relax, rules that wait, experiments, and rules that expire."""

from collections import Counter

import pytest

from routing.engine import (
    Counters,
    Member,
    PoolSpec,
    RepSpec,
    Roster,
    compile_ruleset,
    decide,
    explain,
    parse_ruleset,
)

AT = 1_000_000
POOL = {"kind": "pool", "id": 1}
FRENCH = {
    "do": "filter",
    "by": "skill",
    "skill": "french",
    "at_least": 4,
    "relax": [{"after": 30, "at_least": 2}, {"after": 60, "drop": True}],
}


def make_ruleset(*rules):
    return compile_ruleset(
        parse_ruleset(
            {
                "id": 1,
                "version": 1,
                "rules": [
                    {"id": i, "position": i, "condition": {"all": []}} | rule
                    for i, rule in enumerate(rules, start=1)
                ],
            }
        )
    )


def pool_of(*stages, **more):
    return {"path": {"target": POOL, "stages": list(stages)} | more}


QUEUE = {"path": {"target": {"kind": "queue", "id": 5}}}


def make_roster(*reps):
    return Roster.of(reps, [PoolSpec(1, tuple(Member(rep.id, 1, rep.id) for rep in reps))])


def speaks(rep, level, **more):
    return RepSpec(rep, skills={"french": level}, **more)


def decided(rules, roster, waited=0, counters=None, at=AT, **facts):
    ruleset = make_ruleset(*rules)
    return decide(ruleset, {"waited": waited, **facts}, roster, counters or Counters(), at)


# --- Relaxing ----------------------------------------------------------------------------


def test_the_strict_path_comes_first_however_long_the_lead_has_waited():
    roster = make_roster(speaks(1, 1), speaks(2, 2), speaks(3, 4))

    for waited in (0, 30, 60, 900):
        decision = decided([pool_of(FRENCH), QUEUE], roster, waited)
        assert (decision.rep, decision.relaxed) == (3, 0)


@pytest.mark.parametrize(
    ("waited", "outcome", "rep", "relaxed", "retry_at"),
    [
        (0, "park", None, 0, AT + 30),
        (29.9, "park", None, 0, AT + 1),
        (30, "assign", 2, 1, None),
        (59, "assign", 2, 1, None),
        # The first level that leaves somebody wins, though a later one is reached.
        (61, "assign", 2, 1, None),
    ],
)
def test_a_filter_relaxes_step_by_step_as_the_lead_waits(waited, outcome, rep, relaxed, retry_at):
    roster = make_roster(speaks(1, 1), speaks(2, 2))

    decision = decided([pool_of(FRENCH), QUEUE], roster, waited)

    assert (decision.outcome, decision.rep) == (outcome, rep)
    assert (decision.relaxed, decision.retry_at) == (relaxed, retry_at)
    assert decision.rule == 1


def test_after_the_last_relaxation_the_lead_goes_on():
    nobody = make_roster(RepSpec(1, team=3))
    team = {"do": "filter", "by": "team", "id": 9}

    first = decided([pool_of(FRENCH, team), QUEUE], nobody, 59)
    assert (first.outcome, first.rule, first.relaxed, first.retry_at) == ("park", 1, 1, AT + 1)
    last = decided([pool_of(FRENCH, team), QUEUE], nobody, 60)
    assert (last.outcome, last.rule, last.passed_over) == ("queue", 2, ((1, "team"),))
    # Each rep is counted once a rule, by the last level tried.
    assert last.drops == (("team", 1),)
    waits = decided([pool_of(FRENCH, team, on_empty="wait"), QUEUE], nobody, 60)
    assert (waits.outcome, waits.rule, waits.relaxed, waits.retry_at) == ("park", 1, 2, None)


def test_a_relaxation_after_no_time_holds_at_once_if_the_stricter_path_has_nobody():
    soft = FRENCH | {"relax": [{"after": 0, "drop": True}]}

    assert decided([pool_of(soft)], make_roster(speaks(1, 1), speaks(2, 4))).rep == 2
    alone = decided([pool_of(soft)], make_roster(speaks(1, 1)))
    assert (alone.rep, alone.relaxed) == (1, 1)


def test_filters_relax_each_at_its_own_time():
    senior = {
        "do": "filter",
        "by": "seniority",
        "at_least": 3,
        "relax": [{"after": 45, "drop": True}],
    }
    roster = make_roster(speaks(1, 2, seniority=1))
    rules = [pool_of(FRENCH, senior), QUEUE]

    assert decided(rules, roster, 30).retry_at == AT + 15
    both = decided(rules, roster, 45)
    assert (both.rep, both.relaxed) == (1, 2)


def test_whoever_comes_back_before_the_next_relaxation_is_looked_for_then():
    roster = make_roster(speaks(1, 4), speaks(2, 1))

    decision = decided([pool_of(FRENCH), QUEUE], roster, 0, Counters(away={1: AT + 10}))

    assert (decision.outcome, decision.retry_at, decision.blocked) == ("park", AT + 10, "away")


def test_a_target_that_means_nobody_is_not_waited_for():
    rule = {"path": {"target": {"kind": "account_owner"}, "stages": [FRENCH]}}

    decision = decided([rule, QUEUE], make_roster(RepSpec(1)))

    assert (decision.outcome, decision.passed_over) == ("queue", ((1, "no_candidates"),))


def test_the_story_tells_each_level_and_what_it_relaxed():
    story = explain(
        make_ruleset(pool_of(FRENCH), QUEUE),
        {"waited": 31},
        make_roster(speaks(7, 2)),
        Counters(),
        AT,
    )

    rule = story.rules[0]
    assert [(one.level, one.after, one.left, one.why) for one in rule.levels] == [
        (0, 0, 0, "skill"),
        (1, 30, 1, None),
    ]
    assert rule.levels[0].relaxed == ()
    (relaxed,) = rule.levels[1].relaxed
    assert (relaxed.by, relaxed.options) == ("skill", {"skill": "french", "at_least": 2})
    assert (rule.result, rule.relaxes_at) == ("assigned", None)


def test_the_story_of_a_lead_that_waits_for_a_relaxation_says_when_it_comes():
    story = explain(
        make_ruleset(pool_of(FRENCH), QUEUE),
        {"waited": 31},
        make_roster(speaks(7, 1)),
        Counters(),
        AT,
    )

    assert (story.rules[0].result, story.rules[0].why) == ("waits", "skill")
    assert story.rules[0].relaxes_at == AT + 29
    assert story.rules[1].status == "not_reached"


# --- Waiting -----------------------------------------------------------------------------


def test_a_rule_keeps_a_lead_waiting_for_so_long_and_then_lets_it_go_on():
    full = make_roster(RepSpec(1, capacity=0))
    rules = [pool_of(on_empty="wait", wait_at_most=900), QUEUE]

    first = decided(rules, full, 300)
    assert (first.outcome, first.rule, first.blocked) == ("park", 1, "capacity")
    assert first.retry_at == AT + 600
    assert decided(rules, full, 899).outcome == "park"
    after = decided(rules, full, 900)
    assert (after.outcome, after.passed_over) == ("queue", ((1, "full"),))


# --- Expiring ----------------------------------------------------------------------------


def test_an_expired_rule_is_skipped_and_the_story_says_so():
    rules = [pool_of() | {"until": AT + 10}, QUEUE]
    roster = make_roster(RepSpec(1))

    assert decided(rules, roster, at=AT + 9).rule == 1
    gone = decided(rules, roster, at=AT + 10)
    assert (gone.rule, gone.passed_over) == (2, ())
    story = explain(make_ruleset(*rules), {}, roster, Counters(), AT + 10)
    assert [(one.status, one.matched) for one in story.rules] == [
        ("expired", True),
        ("tried", True),
    ]


def test_who_waits_at_a_rule_is_looked_at_when_it_expires():
    rules = [pool_of(on_empty="wait") | {"until": AT + 10}, QUEUE]

    decision = decided(rules, make_roster(RepSpec(1, absences=((0, AT + 99),))))

    assert (decision.outcome, decision.retry_at, decision.blocked) == ("park", AT + 10, "away")


# --- Experiments -------------------------------------------------------------------------

OTHER = {"target": {"kind": "nurture"}}


def splitting(percent, name="exp-1"):
    return pool_of(split={"name": name, "percent": percent, "path": OTHER})


def test_a_part_of_the_leads_goes_the_other_way_always_the_same():
    roster = make_roster(RepSpec(1))
    sides = {}
    for lead in range(1000):
        decision = decided([splitting(20)], roster, lead=lead)
        sides[lead] = decision.branch
        assert (decision.outcome == "nurture") == (decision.branch == "exp-1:b")
    shares = Counter(sides.values())

    assert set(shares) == {"exp-1:a", "exp-1:b"}
    assert 150 < shares["exp-1:b"] < 250
    # Later, of another roster, the same; and whoever is in at 20 percent is in at 60.
    wider = {
        lead: decided([splitting(60)], roster, 50, at=AT + 9, lead=lead).branch for lead in sides
    }
    assert all(wider[lead] == "exp-1:b" for lead, side in sides.items() if side == "exp-1:b")
    # Another experiment draws anew.
    other = {lead: decided([splitting(20, "exp-2")], roster, lead=lead).branch for lead in sides}
    assert sum(sides[lead][-1] == other[lead][-1] == "b" for lead in sides) < 90


def test_a_lead_without_an_id_takes_the_rules_own_path():
    assert decided([splitting(100)], make_roster(RepSpec(1))).branch == "exp-1:a"


def test_who_waits_at_an_experiment_keeps_the_branch():
    rule = pool_of(on_empty="wait", split={"name": "x", "percent": 0, "path": OTHER})

    decision = decided([rule], make_roster(RepSpec(1, capacity=0)), lead=4)

    assert (decision.outcome, decision.branch) == ("park", "x:a")


def test_a_rule_that_does_not_split_has_no_branch():
    assert decided([pool_of()], make_roster(RepSpec(1)), lead=4).branch == ""


def test_the_story_tells_the_path_that_was_taken():
    story = explain(
        make_ruleset(splitting(100)), {"lead": 3}, make_roster(RepSpec(1)), Counters(), AT
    )

    assert (story.rules[0].branch, story.rules[0].target) == ("exp-1:b", "nurture")
