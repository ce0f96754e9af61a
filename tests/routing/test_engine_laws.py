"""Laws of the engine, over worlds that Hypothesis makes up."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.engine import (
    STAGES,
    STRATEGIES,
    TARGETS,
    Counters,
    Member,
    PoolSpec,
    RepSpec,
    Roster,
    TerritorySpec,
    apply,
    compile_ruleset,
    condition_to_json,
    decide,
    decode_counters,
    decode_decision,
    decode_roster,
    digest,
    encode_counters,
    encode_decision,
    encode_roster,
    explain,
    first_failure,
    floor,
    holds,
    parse,
    parse_ruleset,
    ruleset_to_json,
)
from routing.engine.codec import canonical
from routing.engine.conditions import OPS

AT = 1000
REPS = range(1, 8)
# One name of each kind of fact, with few values, so that conditions often hold.
FACTS = {
    "country": st.sampled_from(["DE", "de", "FR", "", None]),
    "employees": st.sampled_from([0, 1, 50, 50.0, 500, None]),
    "is_customer": st.sampled_from([True, False, None]),
    "languages": st.lists(st.sampled_from(["french", "German"]), max_size=2),
    "domain": st.sampled_from(["acme.com", "mail.acme.com", "x.org", None]),
    "mixed": st.sampled_from([1, True, "1", "de", ["de"], None, float("nan")]),
}
IDS = {
    name: st.none() | st.sampled_from([*REPS, 99])
    for name in ("account_owner", "parent_account_owner", "opportunity_owner", "former_owner")
}
facts = st.fixed_dictionaries(
    {},
    optional=FACTS | IDS | {"territory": st.sampled_from([1, 2, 9]), "language": FACTS["country"]},
)


@st.composite
def checks(draw):
    fact = draw(st.sampled_from(sorted(FACTS)))
    op = draw(st.sampled_from(sorted(OPS)))
    scalar = st.sampled_from(["de", "FR", "acme.com", "french", 1, 50, 500, True, False])
    text = st.sampled_from(["de", "acme.com", "com", "f"])
    number = st.sampled_from([0, 1, 50, 50.5])
    if op in ("empty", "not_empty"):
        return {"fact": fact, "op": op}
    if op in ("eq", "ne"):
        value = draw(scalar)
    elif op in ("in", "not_in"):
        value = draw(st.lists(scalar, min_size=1, max_size=3))
    elif op == "between":
        value = sorted([draw(number), draw(number)])
    elif op in ("prefix", "matches_domain"):
        value = draw(text | st.lists(text, min_size=1, max_size=2))
    else:
        value = draw(text if op == "contains" else number)
    return {"fact": fact, "op": op, "value": value}


conditions = st.recursive(
    checks(),
    lambda inner: (
        st.builds(lambda parts: {"all": parts}, st.lists(inner, max_size=3))
        | st.builds(lambda parts: {"any": parts}, st.lists(inner, max_size=3))
        | st.builds(lambda part: {"not": part}, inner)
    ),
    max_leaves=5,
)

skill = st.fixed_dictionaries({"at_least": st.integers(1, 3)}, optional={}) | st.just({})
names = st.sampled_from([{"skill": "fr"}, {"skill": "DE"}, {"skill_fact": "language"}])


@st.composite
def stage(draw, do):
    by = draw(st.sampled_from([name for kind, name in STAGES if kind == do]))
    made = {"do": do, "by": by}
    if by == "skill":
        made |= draw(names) | draw(skill)
    elif by == "team":
        made["id"] = draw(st.integers(1, 2))
    elif by == "on_shift":
        made["within"] = draw(st.sampled_from([0, 50, 500]))
    return made


@st.composite
def paths(draw):
    kind = draw(st.sampled_from(["pool", "pool", "pool", *TARGETS]))
    target = {"kind": kind}
    if TARGETS[kind].wants_id:
        target["id"] = draw(st.sampled_from([1, 2, 1, 2, 9]))
    stages = []
    if not TARGETS[kind].ends:
        stages += draw(st.lists(stage("filter"), max_size=2))
        stages += draw(st.lists(stage("prefer"), max_size=2))
        fitting = [n for n, s in STRATEGIES.items() if TARGETS[kind].is_pool or not s.rotates]
        select = draw(st.none() | st.sampled_from(fitting))
        stages += [{"do": "select", "by": select}] if select else []
    on_empty = draw(st.sampled_from(["next", "next", "wait"]))
    return {"target": target, "stages": stages, "on_empty": on_empty}


@st.composite
def rulesets(draw, most=5):
    rules = [
        {
            "id": i,
            "position": draw(st.integers(0, 3)),
            "name": f"rule {i}",
            "condition": draw(st.just({"all": []}) | conditions),
            "path": draw(paths()),
            "fallback": draw(st.sampled_from([False, False, True])),
        }
        for i in range(1, draw(st.integers(0, most)) + 1)
    ]
    return parse_ruleset({"id": 1, "version": 1, "rules": rules})


@st.composite
def spans(draw):
    edges = sorted(draw(st.sets(st.integers(AT - 300, AT + 900), max_size=6)))
    return tuple(zip(edges[::2], edges[1::2], strict=False))


@st.composite
def rosters(draw):
    reps = [
        RepSpec(
            rep,
            capacity=draw(st.none() | st.integers(0, 4)),
            active=draw(st.sampled_from([True, True, True, False])),
            skills=draw(st.dictionaries(st.sampled_from(["fr", "FR", "de"]), st.integers(1, 3))),
            team=draw(st.none() | st.integers(1, 2)),
            backup=draw(st.none() | st.sampled_from(REPS)),
            hours=draw(st.none() | spans()),
            absences=draw(st.just(()) | spans()),
        )
        for rep in REPS
    ]
    pools = [
        PoolSpec(
            pool,
            tuple(
                Member(rep, draw(st.integers(1, 9)), draw(st.integers(0, 2)))
                for rep in draw(st.sets(st.sampled_from([*REPS, 99])))
            ),
        )
        for pool in (1, 2)
    ]
    territories = [
        TerritorySpec(territory, *(draw(st.none() | st.integers(1, 3)) for _ in range(3)))
        for territory in (1, 2)
    ]
    return Roster.of(reps, pools, territories)


away = st.dictionaries(
    st.sampled_from(REPS), st.none() | st.integers(AT - 100, AT + 500), max_size=3
)
ledgers = st.builds(
    Counters, open=st.dictionaries(st.sampled_from(REPS), st.integers(0, 4)), away=away
)
laws = settings(deadline=None, max_examples=45)


def folded(ruleset, leads, roster, counters, at=AT):
    """Decide a batch in order, booking each decision before the next."""
    counters = counters.copy()
    for lead in leads:
        decision = decide(ruleset, lead, roster, counters, at)
        yield decision, counters
        apply(counters, decision, roster)


@laws
@given(rulesets(), st.lists(facts, max_size=8), rosters(), ledgers)
def test_nobody_ineligible_ever_wins_and_capacity_is_never_exceeded(
    ruleset, leads, roster, counters
):
    compiled = compile_ruleset(ruleset)
    rules = {rule.rule.id: rule for rule in compiled.rules}
    for lead, (decision, before) in zip(
        leads, folded(compiled, leads, roster, counters), strict=True
    ):
        if decision.outcome != "assign":
            continue
        rule, rep = rules[decision.rule], roster.reps[decision.rep]
        assert holds(rule.rule.condition, lead)
        assert floor(rep, before, AT) is None
        assert rep.capacity is None or before.open.get(rep.id, 0) < rep.capacity
        for one in rule.rule.path.stages:
            if one.do == "filter" and one.by == "team":
                assert rep.team == one.options["id"]
            if one.do == "filter" and one.by == "on_shift" and rep.hours is not None:
                latest = AT + one.options["within"]
                assert any(start <= latest and end > AT for start, end in rep.hours)
            if one.do == "filter" and one.by == "skill":
                name = one.options.get("skill") or lead["language"]
                assert rep.skills.get(name.casefold(), 0) >= one.options["at_least"]


@laws
@given(rulesets(), st.lists(facts, max_size=8), rosters(), ledgers)
def test_balances_of_every_pool_sum_to_zero_and_replay_gives_the_same(
    ruleset, leads, roster, counters
):
    compiled = compile_ruleset(ruleset)
    decisions, ledger = [], counters.copy()
    for decision, now in folded(compiled, leads, roster, counters):
        decisions.append(decision)
        ledger = now
    for pool in roster.pools:
        assert sum(units for (one, _), units in ledger.balance.items() if one == pool) == 0

    # Run again: fold what was stored, read back from bytes, and decide anew at each place.
    replayed = decode_counters(encode_counters(counters))
    for lead, stored in zip(leads, decisions, strict=True):
        again = decide(compile_ruleset(ruleset), lead, roster, replayed, AT)
        assert encode_decision(again) == encode_decision(stored)
        apply(replayed, decode_decision(encode_decision(stored)), roster)
    assert replayed == ledger


@laws
@given(rulesets(), facts, rosters(), ledgers, st.randoms(use_true_random=False))
def test_the_order_in_which_anything_is_listed_does_not_matter(
    ruleset, lead, roster, counters, random
):
    def shuffled(mapping):
        items = list(mapping.items())
        random.shuffle(items)
        return dict(items)

    def reordered(pool):
        members = list(pool.members)
        random.shuffle(members)
        return PoolSpec(pool.id, tuple(members))

    rules = list(ruleset.rules)
    random.shuffle(rules)
    other = Roster(
        shuffled(roster.reps),
        shuffled({key: reordered(pool) for key, pool in roster.pools.items()}),
        shuffled(roster.territories),
    )
    other_counters = replace(counters, open=shuffled(counters.open), away=shuffled(counters.away))

    first = decide(compile_ruleset(ruleset), lead, roster, counters, AT)
    second = decide(
        compile_ruleset(replace(ruleset, rules=tuple(rules))),
        shuffled(lead),
        other,
        other_counters,
        AT,
    )

    assert first == second
    assert encode_roster(roster) == encode_roster(other)
    assert encode_counters(counters) == encode_counters(other_counters)


@settings(deadline=None, max_examples=80)
@given(rulesets(most=12), facts)
def test_compiled_matching_equals_trying_every_rule_in_order(ruleset, lead):
    naive = [
        rule.id
        for rule in sorted(ruleset.rules, key=lambda rule: rule.rank)
        if holds(rule.condition, lead)
    ]

    assert [one.rule.id for one in compile_ruleset(ruleset).matching(lead)] == naive


@settings(deadline=None, max_examples=80)
@given(conditions, facts)
def test_a_condition_holds_exactly_when_no_part_of_it_fails(condition, lead):
    parsed = parse(condition)

    assert (first_failure(parsed, lead) is None) == holds(parsed, lead)
    assert parse(json.loads(json.dumps(condition_to_json(parsed)))) == parsed


@laws
@given(rulesets(), facts, rosters(), ledgers)
def test_the_explanation_agrees_with_the_decision(ruleset, lead, roster, counters):
    compiled = compile_ruleset(ruleset)
    decision = decide(compiled, lead, roster, counters, AT)
    story = explain(compiled, lead, roster, counters, AT)

    assert story.decision == decision
    assert (story.winner, story.runner_up) == (decision.rep, decision.runner_up)
    verdicts = Counter(
        one.verdict
        for rule in story.rules
        for one in rule.candidates
        if one.verdict not in ("chosen", "eligible", "set_aside")
    )
    assert tuple(sorted(verdicts.items())) == decision.drops
    for rule in story.rules:
        assert (rule.failed is None) == rule.matched
        assert rule.matched == (rule.status != "no_match")
        if rule.result == "assigned":
            assert rule.id == decision.rule
            assert rule.order[0].rep == decision.rep
            assert (rule.order[1].rep if len(rule.order) > 1 else None) == decision.runner_up
    passed = [(rule.id, rule.why) for rule in story.rules if rule.result == "fell_through"]
    assert tuple(passed) == decision.passed_over


@laws
@given(rulesets(), facts, rosters(), ledgers)
def test_a_lead_is_parked_only_if_nobody_could_take_it_and_never_forgotten(
    ruleset, lead, roster, counters
):
    compiled = compile_ruleset(ruleset)
    decision = decide(compiled, lead, roster, counters, AT)

    if decision.outcome == "assign":
        assert decision.rep is not None
    if decision.outcome != "park":
        assert decision.blocked is None
        return
    assert decision.blocked in ("capacity", "hours", "away", "nobody")
    assert decision.retry_at is None or decision.retry_at > AT
    if decision.retry_at is not None:
        # At that instant, and no earlier, somebody is held back by capacity at most.
        unlimited = replace(
            roster, reps={key: replace(rep, capacity=None) for key, rep in roster.reps.items()}
        )
        then = decide(compiled, lead, unlimited, counters, decision.retry_at)
        assert then.outcome == "assign"
        if decision.blocked != "capacity":
            before = decide(compiled, lead, roster, counters, decision.retry_at - 1)
            assert before.outcome == "park"


@laws
@given(rulesets(), facts, rosters(), ledgers)
def test_everything_comes_back_from_its_bytes_as_it_was(ruleset, lead, roster, counters):
    decision = decide(compile_ruleset(ruleset), lead, roster, counters, AT)
    apply(counters, decision, roster)

    assert decode_decision(encode_decision(decision)) == decision
    assert decode_counters(encode_counters(counters)) == counters
    assert decode_roster(encode_roster(roster)) == roster
    assert encode_roster(decode_roster(encode_roster(roster))) == encode_roster(roster)
    assert parse_ruleset(json.loads(canonical(ruleset_to_json(ruleset)))) == ruleset


def test_canonical_bytes_are_what_they_have_always_been():
    # Digests of these bytes are stored: a change here orphans every snapshot.
    roster = Roster.of(
        [RepSpec(2, capacity=3, skills={"Français": 4}, hours=((1, 2),), absences=((5, 6),))],
        [PoolSpec(1, (Member(2, 3, 4),))],
        [TerritorySpec(7, owner=2)],
    )

    assert encode_roster(roster).decode() == (
        '{"pools":[{"id":1,"members":[[2,3,4]]}],"reps":[{"absences":[[5,6]],"active":true,'
        '"backup":null,"capacity":3,"hours":[[1,2]],"id":2,"skills":{"français":4},"team":null}],'
        '"territories":[{"backup":null,"id":7,"owner":2,"pool":null}]}'
    )
    assert encode_counters(Counters({2: 1}, {(1, 2): -5}, {(1, 2): 1}, {3: None})) == (
        b'{"away":[[3,null]],"balance":[[1,2,-5]],"open":[[2,1]],"turn":[[1,2,1]]}'
    )
    assert digest(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_what_has_no_json_form_has_no_canonical_bytes():
    with pytest.raises(ValueError, match="JSON"):
        canonical(float("nan"))
    with pytest.raises(ValueError, match="surrogates"):
        canonical("\ud800")


def test_the_same_question_has_the_same_bytes_in_every_process():
    # Hash seeds differ between workers; nothing may depend on the order of a set.
    program = """
from routing.engine import *
rules = [
    {"id": i, "position": i % 3, "condition": {"fact": "c", "op": "in", "value": list("abcdef")},
     "path": {"target": {"kind": "rep", "id": 90 + i}}} for i in range(1, 9)
]
rules.append({"id": 9, "position": 9, "condition": {"all": []},
              "path": {"target": {"kind": "pool", "id": 1}}})
ruleset = compile_ruleset(parse_ruleset({"id": 1, "version": 1, "rules": rules}))
pool = PoolSpec(1, tuple(map(Member, range(1, 9))))
roster = Roster.of([RepSpec(i) for i in range(1, 6)], [pool])
print(digest(encode_decision(decide(ruleset, {"c": "A"}, roster, Counters(), 0))))
"""

    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }

    assert len(answers) == 1
