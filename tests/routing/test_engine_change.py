"""
The smallest change: doing exactly what it says makes the rep win, and where it says that no
single change suffices, none of the listed ones does. Both are tried by running the engine again.
"""

import random
from dataclasses import replace
from functools import cache

from routing.engine import (
    Counters,
    Member,
    PoolSpec,
    RepSpec,
    Roster,
    apply,
    compile_ruleset,
    decide,
    parse_ruleset,
)
from routing.engine.change import (
    CHANGES,
    Question,
    all_changes,
    changed,
    search,
    smallest_change,
)
from routing.engine.types import Situation
from tests.routing.worlds import world

WORLDS = range(20_000, 20_060)
ASKED = 4


@cache
def asked():
    """Reps who did not get a lead, with the situation and the answer."""
    questions = []
    for seed in WORLDS:
        made, dice = world(seed), random.Random(seed)
        rules = compile_ruleset(parse_ruleset(made.ruleset))
        counters = made.counters.copy()
        for number, (at, facts) in enumerate(made.leads):
            answer = decide(rules, facts, made.roster, counters, at)
            if number % (len(made.leads) // ASKED) == 0:
                situation = Situation(facts, made.roster, counters.copy(), at)
                others = sorted(set(made.roster.reps) - {answer.rep})
                rep = dice.choice(others)
                found = smallest_change(rules, situation, rep)
                questions.append((rules, situation, rep, answer.rep, found))
            apply(counters, answer, made.roster)
    return questions


def winner(rules, situation):
    return decide(rules, situation.facts, situation.roster, situation.counters, situation.at).rep


def test_the_change_that_is_named_makes_the_rep_win():
    enough = [one for one in asked() if one[-1] is not None]

    assert len(enough) > 50
    assert len({found.kind for *_, found in enough}) >= 5
    for rules, situation, rep, _, found in enough:
        assert winner(rules, changed(situation, found)) == rep, found


def test_where_no_single_change_suffices_none_of_the_list_does():
    never = [one for one in asked() if one[-1] is None]

    assert len(never) > 5
    for rules, situation, rep, got_it, _ in never:
        tried = list(all_changes(Question(rules, situation, rep, got_it)))
        assert tried
        for change in tried:
            assert winner(rules, changed(situation, change)) != rep, change


def test_nothing_nearer_on_the_list_would_have_been_enough():
    order = list(CHANGES)
    for rules, situation, rep, got_it, found in asked():
        if found is None:
            continue
        for change in all_changes(Question(rules, situation, rep, got_it)):
            if change == found:
                break
            assert order.index(change.kind) <= order.index(found.kind)
            assert winner(rules, changed(situation, change)) != rep


def test_a_change_alters_nothing_that_was_given():
    for _, situation, *_, found in asked()[::7]:
        if found is None:
            continue
        before = (situation.counters.to_json(), dict(situation.facts), situation.roster)
        changed(situation, found)
        assert (situation.counters.to_json(), situation.facts, situation.roster) == before


# --- By example ----------------------------------------------------------------------------

AT = 1000


def question(*reps, path=None, facts=None, counters=None, condition=None):
    """Reps in a pool who take turns, and one lead."""
    pool = PoolSpec(1, tuple(Member(one.id, 1, one.id) for one in reps))
    rule = {
        "id": 1,
        "position": 1,
        "name": "Pool",
        "condition": condition or {"all": []},
        "path": {"target": {"kind": "pool", "id": 1}, **(path or {})},
    }
    rules = compile_ruleset(parse_ruleset({"id": 1, "version": 1, "rules": [rule]}))
    return rules, Situation(facts or {}, Roster.of(reps, [pool]), counters or Counters(), AT)


def smallest(*reps, rep=2, **more):
    """Two reps in a pool who take turns; the second asks."""
    return smallest_change(*question(*reps, **more), rep)


def told(change):
    return (change.kind, change.amount, change.name)


def test_whoever_is_paused_had_only_not_to_be():
    found = smallest(
        RepSpec(1), RepSpec(2), counters=Counters(away={2: None}, turn={(1, 1, ""): 1})
    )

    assert told(found) == ("not_paused", None, None)


def test_whoever_is_full_is_told_how_many_leads_fewer():
    full = Counters(open={2: 7}, turn={(1, 1, ""): 1})

    found = smallest(RepSpec(1), RepSpec(2, capacity=5), counters=full)

    assert told(found) == ("fewer_open", 3, None)


def test_the_least_loaded_is_told_the_difference():
    path = {"stages": [{"do": "select", "by": "least_loaded"}]}

    found = smallest(RepSpec(1), RepSpec(2), path=path, counters=Counters(open={1: 3, 2: 9}))

    # As many as the other is not enough: ties go to the smaller position.
    assert told(found) == ("fewer_open", 7, None)


def test_the_level_that_is_missing_is_named():
    path = {"stages": [{"do": "filter", "by": "skill", "skill": "french", "at_least": 4}]}
    one, two = RepSpec(1), RepSpec(2, skills={"french": 2})

    found = smallest(one, two, path=path)

    assert told(found) == ("skill", 4, "french")


def test_whoever_is_next_in_turn_loses_only_to_the_winner():
    found = smallest(RepSpec(1), RepSpec(2))

    assert (found.kind, found.amount) == ("weight", 2)


def test_the_fact_that_kept_the_lead_away_is_named():
    condition = {"fact": "country", "op": "eq", "value": "FR"}

    found = smallest(RepSpec(2), condition=condition, facts={"country": "DE"})

    assert (found.kind, found.name, found.value) == ("fact", "country", "FR")


def test_off_shift_is_named_before_anything_about_the_lead():
    path = {"stages": [{"do": "filter", "by": "on_shift"}]}
    late = RepSpec(2, hours=((AT + 600, AT + 4000),))

    found = smallest(RepSpec(1, active=False), late, path=path)

    assert told(found) == ("on_shift", None, None)


def test_whoever_got_it_needs_no_change():
    assert smallest(RepSpec(1), RepSpec(2), rep=1) is None


def test_somebody_who_is_not_in_the_roster_has_no_change():
    assert smallest(RepSpec(1), RepSpec(2), rep=99) is None


def test_the_item_that_is_missing_from_a_list_is_named():
    condition = {"fact": "tags", "op": "has_any", "value": ["vip", "partner"]}

    found = smallest(RepSpec(2), condition=condition, facts={"tags": ["other"]})

    assert (found.kind, found.name, found.value) == ("fact", "tags", ["vip"])


def test_a_lead_from_elsewhere_is_told_the_place():
    circle = {"lat": 48.86, "lon": 2.35, "km": 20, "of": "Paris"}
    condition = {"fact": "location", "op": "within_km", "value": circle}

    found = smallest(RepSpec(2), condition=condition, facts={"location": [52.5, 13.4]})

    assert (found.kind, found.name, found.value) == ("fact", "location", [48.86, 2.35])


def test_an_event_that_did_not_happen_often_enough_is_named_as_often():
    condition = {"fact": "events", "op": "happened", "value": {"name": "pricing", "at_least": 2}}

    found = smallest(RepSpec(2), condition=condition, facts={"events": [["pricing", 60]]})

    assert (found.kind, found.name, found.value) == ("fact", "events", [["pricing", 0]] * 2)


def test_an_event_that_should_not_have_happened_is_left_out():
    condition = {"fact": "events", "op": "not_happened", "value": {"name": "signed_up"}}

    found = smallest(RepSpec(2), condition=condition, facts={"events": [["signed_up", 60]]})

    assert (found.kind, found.name, found.value) == ("fact", "events", None)


def test_the_hour_is_no_fact_that_could_be_otherwise():
    week = {"zone": "UTC", "weekly": {"mon": [["09:00", "17:00"]]}}
    condition = {"fact": "now", "op": "in_hours", "value": week}

    assert smallest(RepSpec(2), condition=condition, facts={"now": AT}) is None


def test_a_search_stops_at_its_bound_and_says_so():
    condition = {"fact": "country", "op": "in", "value": ["A", "B", "C", "D"]}
    gone = replace(RepSpec(2), active=False)
    path = {"stages": [{"do": "filter", "by": "skill", "skill": "french", "at_least": 1}]}
    rules, situation = question(gone, condition=condition, facts={"country": "X"}, path=path)

    whole = search(rules, situation, 2)
    cut = search(rules, situation, 2, whole.tried - 1)

    assert (whole.change, whole.is_complete) == (None, True)
    assert (cut.change, cut.is_complete, cut.tried) == (None, False, whole.tried - 1)
    assert search(rules, situation, 2, whole.tried) == whole


def test_two_things_in_the_way_are_more_than_a_single_change():
    path = {"stages": [{"do": "filter", "by": "skill", "skill": "french", "at_least": 1}]}
    gone = replace(RepSpec(2), active=False)

    assert smallest(RepSpec(1), gone, path=path, facts={"lead": 1}) is None
