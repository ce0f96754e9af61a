"""One lead, one decision: targets, stages, verdicts, parking."""

import ast
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import routing.engine
from routing.engine import (
    UNIT,
    Counters,
    Member,
    PoolSpec,
    RepSpec,
    Roster,
    TerritorySpec,
    apply,
    compile_ruleset,
    decide,
    parse_ruleset,
)
from routing.engine.types import MAIN, Given

AT = 1_000_000
HOUR = 3600
LATER = ((AT + HOUR, AT + 9 * HOUR),)
ALWAYS = {"all": []}


def make_ruleset(*rules):
    """Each rule a path, or (condition, path), or a dict of overrides."""
    made = []
    for i, rule in enumerate(rules, start=1):
        if isinstance(rule, tuple):
            rule = {"condition": rule[0], "path": rule[1]}
        elif "path" not in rule:
            rule = {"path": rule}
        made.append({"id": i, "position": i * 10, "condition": ALWAYS} | rule)
    return compile_ruleset(parse_ruleset({"id": 1, "version": 1, "rules": made}))


def to(kind, identity=None, *stages, **more):
    target = {"kind": kind} if identity is None else {"kind": kind, "id": identity}
    return {"target": target, "stages": list(stages)} | more


def make_roster(*reps, pools=None, territories=()):
    """A pool 1 of all reps unless told otherwise."""
    pool = PoolSpec(1, tuple(Member(rep.id, 1, i) for i, rep in enumerate(reps)))
    return Roster.of(list(reps), [pool] if pools is None else pools, list(territories))


def decided(rules, roster, facts=None, counters=None, at=AT):
    ruleset = make_ruleset(*rules) if isinstance(rules, list) else make_ruleset(rules)
    return decide(ruleset, facts or {}, roster, counters or Counters(), at)


def charged(decision):
    return tuple(rep for rep, _units in decision.charges)


THREE = make_roster(RepSpec(1, backup=2), RepSpec(2), RepSpec(3))


# --- Targets -----------------------------------------------------------------------------


def test_a_rep_is_given_the_lead():
    decision = decided(to("rep", 3), THREE)

    assert (decision.outcome, decision.rep, decision.strategy) == ("assign", 3, "first")
    assert (decision.rule, decision.rule_position, decision.target) == (1, 10, "rep")
    assert (decision.pool, charged(decision), decision.runner_up) == (None, (), None)
    assert decision.engine == "2"


def test_a_pool_rotates_by_default_and_says_whom_it_charged():
    decision = decided(to("pool", 1), THREE)

    assert (decision.rep, decision.runner_up, decision.strategy) == (1, 2, "round_robin")
    assert (decision.pool, charged(decision)) == (1, (1, 2, 3))


def test_a_queue_ends_the_matter():
    decision = decided([to("queue", 8), to("rep", 1)], THREE)

    assert (decision.outcome, decision.queue, decision.rep) == ("queue", 8, None)
    assert decision.rule == 1


def test_nurture_ends_the_matter():
    decision = decided(to("nurture"), THREE)

    assert (decision.outcome, decision.target, decision.queue) == ("nurture", "nurture", None)


@pytest.mark.parametrize("kind", ["account_owner", "parent_account_owner", "opportunity_owner"])
def test_an_owner_is_read_from_the_fact_and_followed_by_their_backup(kind):
    path = to(kind)

    assert decided(path, THREE, {kind: 1}).rep == 1
    assert decided(path, THREE, {kind: 1}, Counters(away={1: None})).rep == 2
    assert decided(path, THREE, {kind: 3}, Counters(away={3: None})).outcome == "park"
    assert decided(path, THREE, {}).passed_over == ((1, "no_candidates"),)
    assert decided(path, THREE, {kind: "1"}).passed_over == ((1, "no_candidates"),)
    assert decided(path, THREE, {kind: True}).passed_over == ((1, "no_candidates"),)


def test_a_rep_who_is_their_own_backup_is_one_candidate():
    roster = make_roster(RepSpec(1, backup=1, capacity=0))

    assert decided(to("account_owner"), roster, {"account_owner": 1}).drops == (("full", 1),)


def test_a_territory_is_its_owners_then_its_backups_then_the_owners_backups():
    territory = TerritorySpec(5, owner=1, backup=3)
    roster = replace(THREE, territories={5: territory})
    facts = {"territory": 5}
    path = to("territory_owner")

    assert decided(path, roster, facts).rep == 1
    assert decided(path, roster, facts, Counters(away={1: None})).rep == 3
    assert decided(path, roster, facts, Counters(away={1: None, 3: None})).rep == 2
    assert decided(path, roster, {"territory": 6}).passed_over == ((1, "no_candidates"),)
    assert decided(path, roster).passed_over == ((1, "no_candidates"),)


def test_a_territory_pool_rotates():
    roster = replace(THREE, territories={5: TerritorySpec(5, pool=1), 6: TerritorySpec(6)})

    assert decided(to("territory_pool"), roster, {"territory": 5}).pool == 1
    assert decided(to("territory_pool"), roster, {"territory": 6}).outcome == "park"
    assert decided(to("territory_pool"), roster, {"territory": 9}).outcome == "park"


# --- Strategies --------------------------------------------------------------------------


def test_the_least_loaded_has_the_fewest_open_leads_then_the_higher_weight():
    pool = PoolSpec(1, (Member(1, 1, 0), Member(2, 1, 1), Member(3, 2, 2)))
    roster = make_roster(RepSpec(1), RepSpec(2), RepSpec(3), pools=[pool])
    path = to("pool", 1, {"do": "select", "by": "least_loaded"})

    decision = decided(path, roster, counters=Counters(open={1: 4, 2: 1, 3: 1}))

    assert (decision.rep, decision.runner_up, decision.pool, decision.charges) == (3, 2, 1, ())


def test_the_first_of_a_pool_goes_by_position():
    pool = PoolSpec(1, (Member(1, 1, 7), Member(2, 1, 3)))
    roster = make_roster(RepSpec(1), RepSpec(2), pools=[pool])

    decision = decided(to("pool", 1, {"do": "select", "by": "first"}), roster)

    assert (decision.rep, decision.runner_up) == (2, 1)


# --- Filters and preferences -------------------------------------------------------------

FRENCH = {"do": "filter", "by": "skill", "skill_fact": "language", "at_least": 3}


def test_a_skill_is_required_at_its_level():
    roster = make_roster(RepSpec(1, skills={"french": 2}), RepSpec(2, skills={"French": 3}))

    decision = decided(to("pool", 1, FRENCH), roster, {"language": "FRENCH"})

    assert decision.rep == 2
    assert decision.drops == (("skill", 1),)
    assert charged(decision) == (2,)


def test_one_of_several_languages_is_enough():
    roster = make_roster(RepSpec(1, skills={"dutch": 5}), RepSpec(2, skills={"german": 3}))

    decision = decided(to("pool", 1, FRENCH), roster, {"language": ["French", "German"]})

    assert charged(decision) == (2,)


def test_a_lead_without_skill_data_does_not_go_to_everybody():
    roster = make_roster(RepSpec(1, skills={"french": 5}))

    assert decided(to("pool", 1, FRENCH), roster).drops == (("skill", 1),)


def test_a_shift_is_required_now_or_soon():
    roster = make_roster(RepSpec(1, hours=LATER), RepSpec(2, hours=LATER, capacity=0))
    shift = {"do": "filter", "by": "on_shift"}

    assert decided(to("pool", 1, shift), roster).drops == (("full", 1), ("off_shift", 1))
    assert decided(to("pool", 1, shift | {"within": HOUR}), roster).rep == 1
    assert decided(to("pool", 1, shift | {"within": HOUR - 1}), roster).rep is None
    assert decided(to("pool", 1, shift), roster, at=AT + HOUR).rep == 1
    assert decided(to("pool", 1, shift), roster, at=AT + 9 * HOUR).rep is None
    assert decided(to("pool", 1, shift), THREE).rep == 1


def test_a_team_is_required():
    roster = make_roster(RepSpec(1, team=6), RepSpec(2, team=7), RepSpec(3))

    decision = decided(to("pool", 1, {"do": "filter", "by": "team", "id": 7}), roster)

    assert (decision.rep, decision.drops) == (2, (("team", 2),))


def test_the_former_owner_is_preferred_but_not_required():
    path = to("pool", 1, {"do": "prefer", "by": "former_owner"})

    kept = decided(path, THREE, {"former_owner": 3})
    assert (kept.rep, charged(kept), kept.runner_up) == (3, (3,), None)
    assert decided(path, THREE, {"former_owner": 3}, Counters(away={3: None})).rep == 1
    assert charged(decided(path, THREE)) == (1, 2, 3)


def test_the_highest_skill_is_preferred_and_nobody_is_lost_where_none_has_it():
    roster = make_roster(RepSpec(1, skills={"saas": 2}), RepSpec(2, skills={"saas": 4}), RepSpec(3))
    path = to("pool", 1, {"do": "prefer", "by": "skill", "skill": "SaaS"})
    high = to("pool", 1, {"do": "prefer", "by": "skill", "skill": "SaaS", "at_least": 5})

    assert charged(decided(path, roster)) == (2,)
    assert charged(decided(path, THREE)) == (1, 2, 3)
    assert charged(decided(high, roster)) == (1, 2, 3)


def test_who_works_now_is_preferred():
    roster = make_roster(RepSpec(1, hours=LATER), RepSpec(2))
    path = to("pool", 1, {"do": "prefer", "by": "on_shift"})

    assert charged(decided(path, roster)) == (2,)
    assert charged(decided(path, roster, counters=Counters(away={2: None}))) == (1,)


def test_preferences_apply_in_turn_each_to_those_the_one_before_kept():
    roster = make_roster(
        RepSpec(1, skills={"saas": 5}, hours=LATER), RepSpec(2, skills={"saas": 1}), RepSpec(3)
    )
    path = to(
        "pool",
        1,
        {"do": "prefer", "by": "on_shift"},
        {"do": "prefer", "by": "skill", "skill": "saas"},
    )

    assert charged(decided(path, roster)) == (2,)


# --- Verdicts, and going on --------------------------------------------------------------


def test_every_verdict_is_counted_over_all_rules_tried():
    roster = make_roster(
        RepSpec(1, active=False),
        RepSpec(2),
        RepSpec(3, absences=((AT, AT + 1),)),
        RepSpec(4, capacity=2),
        RepSpec(5),
    )
    pool = PoolSpec(1, tuple(Member(rep) for rep in (1, 2, 3, 4, 99)))
    roster = replace(roster, pools={1: pool})
    counters = Counters(open={4: 2}, away={2: AT + 1})

    decision = decided([to("pool", 1), to("rep", 4), to("rep", 5)], roster, None, counters)

    assert decision.rep == 5
    assert decision.drops == (
        ("absent", 1),
        ("away", 1),
        ("full", 2),
        ("inactive", 1),
        ("unknown", 1),
    )
    # All equally frequent: the one checked first speaks.
    assert decision.passed_over == ((1, "unknown"), (2, "full"))


def test_only_matching_rules_are_tried_and_fallbacks_last():
    german = {"fact": "country", "op": "eq", "value": "DE"}
    rules = [
        {"path": to("rep", 1), "fallback": True, "position": 0},
        (german, to("rep", 2)),
        (ALWAYS, to("rep", 99)),
    ]

    assert decided(rules, THREE, {"country": "de"}).rule == 2
    austrian = decided(rules, THREE, {"country": "at"})
    assert (austrian.rule, austrian.passed_over) == (1, ((3, "unknown"),))


# --- Parking -----------------------------------------------------------------------------


def test_a_lead_that_no_rule_matches_is_parked():
    decision = decided((({"any": []}), to("rep", 1)), THREE)

    assert (decision.outcome, decision.blocked, decision.retry_at) == ("park", "nobody", None)
    assert (decision.rule, decision.wait_pool, decision.wait_rep) == (None, None, None)


def test_wait_parks_at_the_rule_and_tries_no_other():
    full = make_roster(RepSpec(1, capacity=0), RepSpec(2))

    decision = decided([to("rep", 1, on_empty="wait"), to("rep", 2)], full)

    assert (decision.outcome, decision.rule, decision.target) == ("park", 1, "rep")
    assert (decision.wait_pool, decision.wait_rep) == (None, 1)
    assert decision.passed_over == ()


def test_the_first_rule_that_had_candidates_is_waited_for():
    full = make_roster(RepSpec(1, capacity=0))
    rules = [to("account_owner"), to("rep", 99), to("pool", 1), to("rep", 1)]

    decision = decided(rules, full)

    assert (decision.rule, decision.wait_pool, decision.wait_rep) == (None, 1, None)
    assert [rule for rule, _ in decision.passed_over] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("reps", "blocked", "retry_at"),
    [
        ([RepSpec(1, capacity=0)], "capacity", None),
        ([RepSpec(1, capacity=0), RepSpec(2, hours=LATER)], "capacity", AT + HOUR),
        ([RepSpec(1, hours=LATER), RepSpec(2, absences=((0, AT + 9),))], "hours", AT + 9),
        ([RepSpec(1, hours=LATER), RepSpec(2, hours=((AT + 5, AT + 6),))], "hours", AT + 5),
        ([RepSpec(1, hours=LATER, capacity=0)], "hours", AT + HOUR),
        ([RepSpec(1, hours=())], "hours", None),
        ([RepSpec(1, absences=((0, AT + 9),), hours=LATER)], "away", AT + HOUR),
        ([RepSpec(9)], "away", None),
        ([RepSpec(8)], "away", AT + 77),
        ([RepSpec(8), RepSpec(1, active=False)], "away", AT + 77),
        ([RepSpec(1, active=False)], "nobody", None),
        ([RepSpec(1, team=2, capacity=0)], "nobody", None),
        ([RepSpec(1, team=2, hours=LATER)], "nobody", None),
    ],
)
def test_a_parked_lead_knows_what_is_in_the_way_and_when_to_try_again(reps, blocked, retry_at):
    team, shift = {"do": "filter", "by": "team", "id": 7}, {"do": "filter", "by": "on_shift"}
    reps = [replace(rep, team=rep.team or 7) for rep in reps]
    counters = Counters(away={9: None, 8: AT + 77})

    decision = decided(to("pool", 1, team, shift), make_roster(*reps), None, counters)

    assert (decision.outcome, decision.blocked, decision.retry_at) == ("park", blocked, retry_at)


def test_somebody_can_take_the_lead_when_it_is_time_to_try_again():
    rep = RepSpec(1, hours=LATER, absences=((AT, AT + 2 * HOUR),))
    path = to("pool", 1, {"do": "filter", "by": "on_shift", "within": 60})
    first = decided(path, make_roster(rep), None, Counters(away={1: AT + HOUR}))

    assert first.retry_at == AT + 2 * HOUR
    assert decided(path, make_roster(rep), at=first.retry_at).rep == 1


# --- Booking -----------------------------------------------------------------------------


def test_an_assignment_by_rotation_is_booked_on_rep_and_pool():
    counters = Counters()
    apply(counters, decided(to("pool", 1), THREE), THREE)

    third = UNIT // 3
    assert counters == Counters(
        open={1: 1},
        points={1: 0},
        value={1: 0},
        balance={(1, 1, MAIN): -2 * third, (1, 2, MAIN): third, (1, 3, MAIN): third},
        turn={(1, 1, MAIN): 1},
        given={1: (Given(AT, 1, ""),)},
    )


@pytest.mark.parametrize(
    ("path", "open_leads"), [(to("rep", 2), {2: 1}), (to("queue", 1), {}), (to("rep", 99), {})]
)
def test_other_outcomes_leave_the_rotation_alone(path, open_leads):
    counters = Counters()
    apply(counters, decided(path, THREE), THREE)

    assert counters.open == open_leads
    assert (counters.balance, counters.turn) == ({}, {})


def test_deciding_changes_nothing():
    counters = Counters(
        open={1: 1}, balance={(1, 1, MAIN): 5}, turn={(1, 1, MAIN): 2}, away={2: None}
    )
    before = counters.copy()

    decided(to("pool", 1), THREE, {}, counters)

    assert counters == before


# --- The package -------------------------------------------------------------------------


def test_the_engine_imports_nothing_but_itself_and_the_standard_library():
    for module in Path(routing.engine.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                names = [node.module]
            for name in names:
                own = name == "routing.engine" or name.startswith("routing.engine.")
                assert own or name.split(".")[0] in sys.stdlib_module_names, (module, name)


def test_everything_promised_can_be_imported():
    for name in routing.engine.__all__:
        assert hasattr(routing.engine, name)
