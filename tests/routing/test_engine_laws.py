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
    Given,
    Limit,
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
from routing.engine.rotation import bound_of

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
    "events": st.lists(st.tuples(st.sampled_from(["visit", "demo"]), st.integers(0, 90)).map(list)),
    "now": st.sampled_from([AT, AT + 0.5, AT + 40_000, None]),
}
# The values of ops that take an object.
OBJECTS = {
    "happened": {"name": "visit", "at_least": 2, "within": 60},
    "not_happened": {"name": "demo"},
    "within_km": {"lat": 0, "lon": 0.5, "km": 60},
    "in_hours": {"zone": "UTC", "weekly": {"thu": [["00:00", "09:00"]]}},
    "not_in_hours": {"zone": "America/New_York", "weekly": {"wed": [["12:00", "24:00"]]}},
}
IDS = {
    name: st.none() | st.sampled_from([*REPS, 99])
    for name in ("account_owner", "parent_account_owner", "opportunity_owner", "former_owner")
}
# Plain places, a third of the globe apart or none at all.
PLACES = st.sampled_from([(0.0, 0.0), (0.0, 1.0), (52.5, 13.4), (-33.9, 151.2)])
# What the engine itself reads: see `routing.engine.facts`.
KNOWN = {
    "territory": st.sampled_from([1, 2, 9]),
    "language": FACTS["country"],
    "segment": st.sampled_from(["fr", "de"]),
    "lead": st.integers(1, 50),
    "tier": st.sampled_from(["hot", "cold", None]),
    "points": st.sampled_from([0, 1, 3, 2.5, "3"]),
    "expected_value": st.sampled_from([0, 1000, 999.5, None]),
    "waited": st.sampled_from([0, 29.9, 30, 45, 60, 900, None]),
    "answer_by": st.sampled_from([AT - 1, AT, AT + 200, None]),
    "location": st.none() | PLACES.map(list),
    "daytime": st.sampled_from([None, [], [[AT - 9, AT + 9]], [[AT + 100, AT + 300]], "day"]),
    "propensity": st.none()
    | st.lists(st.tuples(st.sampled_from(REPS), st.integers(0, 3)).map(list), max_size=4),
    "account_team": st.lists(st.sampled_from([*REPS, 99]), max_size=3),
    "handed_back": st.just([]) | st.lists(st.sampled_from(REPS), max_size=2),
}
facts = st.fixed_dictionaries({}, optional=FACTS | IDS | KNOWN)


@st.composite
def checks(draw):
    fact = draw(st.sampled_from(sorted(FACTS)))
    op = draw(st.sampled_from(sorted(OPS)))
    scalar = st.sampled_from(["de", "FR", "acme.com", "french", 1, 50, 500, True, False])
    text = st.sampled_from(["de", "acme.com", "com", "f"])
    number = st.sampled_from([0, 1, 50, 50.5])
    if op in ("empty", "not_empty"):
        return {"fact": fact, "op": op}
    if op in OBJECTS:
        value = OBJECTS[op]
    elif op in ("eq", "ne"):
        value = draw(scalar)
    elif op in ("has_any", "has_none"):
        value = draw(st.lists(text | number, min_size=1, max_size=2))
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

names = st.sampled_from([{"skill": "fr"}, {"skill": "DE"}, {"skill_fact": "language"}])
AFTERS = [0, 30, 60]


@st.composite
def stage(draw, do):
    by = draw(st.sampled_from([name for kind, name in STAGES if kind == do]))
    options = draw(names) if by == "skill" else {}
    if by in ("skill", "language", "segment", "seniority"):
        options["at_least"] = draw(st.integers(1, 3))
    elif by == "team":
        options["id"] = draw(st.integers(1, 2))
    elif by == "near" or (by == "nearest" and draw(st.booleans())):
        options["within_km"] = draw(st.sampled_from([0, 150, 9000.5]))
    elif by == "on_shift" or (by == "before_deadline" and draw(st.booleans())):
        options["within"] = draw(st.sampled_from([0, 50, 500]))
    made = {"do": do, "by": by} | options
    if do == "filter" and draw(st.booleans()):
        made["relax"] = draw(relaxations(options))
    return made


@st.composite
def relaxations(draw, options):
    """Other options for some time, then perhaps none; at once, in a while, or both."""
    afters = sorted(draw(st.sets(st.sampled_from(AFTERS), min_size=1, max_size=2)))
    name = next((name for name in options if name not in ("skill", "skill_fact")), None)
    if name is None or draw(st.booleans()):
        changed, dropped = [], afters[:1]
    else:
        changed, dropped = afters[:1], afters[1:]
    return [{"after": after, name: options[name] % 4 + 1} for after in changed] + [
        {"after": after, "drop": True} for after in dropped
    ]


@st.composite
def paths(draw, may_split=True):
    kind = draw(st.sampled_from(["pool", "pool", "pool", "pool", *TARGETS]))
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
    made = {"target": target, "stages": stages}
    made["on_empty"] = draw(st.sampled_from(["next", "next", "wait"]))
    if made["on_empty"] == "wait" and draw(st.booleans()):
        made["wait_at_most"] = draw(st.sampled_from([1, 45, 900]))
    if may_split and draw(st.integers(0, 3)) == 0:
        made["split"] = {
            "name": draw(st.sampled_from(["one", "two"])),
            "percent": draw(st.sampled_from([0, 30, 100])),
            "path": draw(paths(may_split=False)),
        }
    return made


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
            "until": draw(st.sampled_from([None, None, None, AT, AT + 100])),
        }
        for i in range(1, draw(st.integers(0, most)) + 1)
    ]
    return parse_ruleset({"id": 1, "version": 1, "rules": rules})


@st.composite
def spans(draw):
    edges = sorted(draw(st.sets(st.integers(AT - 300, AT + 900), max_size=6)))
    return tuple(zip(edges[::2], edges[1::2], strict=False))


@st.composite
def limits(draw):
    kind = draw(st.sampled_from(["points", "value", "flow", "flow", "tier_share"]))
    pool, tier = draw(st.sampled_from([None, None, 1])), draw(st.sampled_from([None, None, "hot"]))
    if kind in ("points", "value"):
        most = draw(st.integers(0, 6)) * (500 if kind == "value" else 1)
        return Limit(kind, most, pool=pool, tier=tier)
    if kind == "tier_share":
        share = draw(st.sampled_from([0, 25, 50, 100]))
        return Limit(kind, share, window=draw(st.sampled_from([100, 500])), pool=1, tier="hot")
    most = draw(st.integers(0, 3))
    if draw(st.booleans()):
        return Limit(kind, most, window=draw(st.sampled_from([100, 500])), pool=pool, tier=tier)
    return Limit(kind, most, edges=(AT - 500, AT - 50, AT + 150, AT + 350), pool=pool, tier=tier)


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
            seniority=draw(st.integers(0, 4)),
            place=draw(st.none() | PLACES),
            performance=draw(st.sampled_from([80, 100, 120])),
            agent=draw(st.sampled_from([False, False, False, True])),
            limits=tuple(draw(st.just([]) | st.lists(limits(), max_size=2))),
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
            lanes=draw(st.sampled_from([(), ("hot",)])),
            bound=draw(st.integers(1, 3)),
            catch_up=draw(st.integers(2, 4)),
        )
        for pool in (1, 2)
    ]
    territories = [
        TerritorySpec(territory, *(draw(st.none() | st.integers(1, 3)) for _ in range(3)))
        for territory in (1, 2)
    ]
    return Roster.of(reps, pools, territories)


given_before = st.builds(
    Given,
    st.integers(AT - 600, AT),
    st.sampled_from([None, 1, 2]),
    st.sampled_from(["", "hot", "cold"]),
)
few = st.dictionaries(st.sampled_from(REPS), st.integers(0, 4), max_size=4)
away = st.dictionaries(
    st.sampled_from(REPS), st.none() | st.integers(AT - 100, AT + 500), max_size=3
)
ledgers = st.builds(
    Counters,
    open=st.dictionaries(st.sampled_from(REPS), st.integers(0, 4)),
    points=few,
    value=few.map(lambda found: {rep: 500 * number for rep, number in found.items()}),
    away=away,
    credited=st.sets(st.sampled_from(REPS), max_size=3),
    given=st.dictionaries(
        st.sampled_from(REPS),
        st.lists(given_before, min_size=1, max_size=3).map(
            lambda found: tuple(sorted(found, key=lambda one: one.at))
        ),
        max_size=3,
    ),
)
laws = settings(deadline=None, max_examples=25)


def folded(ruleset, leads, roster, counters, at=AT):
    """Decide a batch in order, booking each decision before the next."""
    counters = counters.copy()
    for lead in leads:
        decision = decide(ruleset, lead, roster, counters, at)
        yield decision, counters
        apply(counters, decision, roster)


def path_of(rule, decision):
    """The path that the lead took: of an experiment, its side's."""
    return rule.path.split.path if decision.branch.endswith(":b") else rule.path


@laws
@given(rulesets(), st.lists(facts, max_size=8), rosters(), ledgers)
def test_nobody_ineligible_ever_wins_and_capacity_is_never_exceeded(
    ruleset, leads, roster, counters
):
    compiled = compile_ruleset(ruleset)
    rules = {rule.id: rule for rule in ruleset.rules}
    for lead, (decision, before) in zip(
        leads, folded(compiled, leads, roster, counters), strict=True
    ):
        if decision.outcome != "assign":
            continue
        rule, rep = rules[decision.rule], roster.reps[decision.rep]
        assert holds(rule.condition, lead)
        assert rule.until is None or rule.until > AT
        assert floor(rep, before, AT) is None
        assert rep.id not in lead.get("handed_back", ())
        assert rep.capacity is None or before.open.get(rep.id, 0) < rep.capacity
        assert decision.pool is None or rep.id in roster.pools[decision.pool].by_rep
        # A filter without relaxations is the floor of its path, however long the lead waited.
        for one in path_of(rule, decision).stages:
            if one.do != "filter" or (one.relax and decision.relaxed):
                continue
            if one.by == "team":
                assert rep.team == one.options["id"]
            if one.by == "seniority":
                assert rep.seniority >= one.options["at_least"]
            if one.by == "on_shift" and rep.hours is not None:
                latest = AT + one.options["within"]
                assert any(start <= latest and end > AT for start, end in rep.hours)
            if one.by == "skill":
                name = one.options.get("skill") or lead["language"]
                assert rep.skills.get(name.casefold(), 0) >= one.options["at_least"]


def counted(limit, given):
    """Those of the leads given that a limit counts at `AT`."""
    if limit.edges:
        since = max(edge for edge in limit.edges if edge <= AT)
    else:
        since = AT - limit.window + 1
    return sum(
        one.at >= since
        and (limit.pool is None or one.pool == limit.pool)
        and (limit.tier is None or one.tier == limit.tier)
        for one in given
    )


@laws
@given(rulesets(), st.lists(facts, min_size=2, max_size=10), rosters(), ledgers)
def test_no_limit_is_ever_exceeded_however_many_leads_are_folded(ruleset, leads, roster, counters):
    compiled = compile_ruleset(ruleset)
    for decision, before in folded(compiled, leads, roster, counters):
        if decision.rep is None:
            continue
        after = before.copy()
        apply(after, decision, roster)
        for limit in roster.reps[decision.rep].limits:
            if limit.pool not in (None, decision.pool) or limit.tier not in (None, decision.tier):
                continue
            mine = counted(limit, after.given[decision.rep]) if limit.kind[0] in "ft" else 0
            if limit.kind == "points":
                assert after.points[decision.rep] <= limit.most
            elif limit.kind == "value":
                assert after.value[decision.rep] <= limit.most
            elif limit.kind == "flow":
                assert mine <= limit.most
            else:
                everybody = sum(counted(limit, given) for given in after.given.values())
                # At most the share, rounded up to whole leads.
                assert 100 * (mine - 1) < limit.most * everybody


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
    for pool in roster.pools.values():
        for lane in ("", "hot"):
            seats = {k: u for k, u in ledger.balance.items() if (k[0], k[2]) == (pool.id, lane)}
            assert sum(seats.values()) == 0
            for (_, rep, _), units in seats.items():
                assert abs(units) <= bound_of(pool, pool.by_rep[rep].weight)

    # Run again: fold what was stored, read back from bytes, and decide anew at each place.
    replayed = decode_counters(encode_counters(counters))
    for lead, stored in zip(leads, decisions, strict=True):
        again = decide(compile_ruleset(ruleset), lead, roster, replayed, AT)
        assert encode_decision(again) == encode_decision(stored)
        apply(replayed, decode_decision(encode_decision(stored)), roster)
    assert replayed == ledger

    # An assignment is undone by folding its charges the other way round.
    for decision in reversed(decisions):
        for rep, units in decision.charges:
            ledger.balance[decision.pool, rep, decision.lane] -= units
    assert not any(ledger.balance.values())


@laws
@given(rulesets(), st.lists(facts, min_size=1, max_size=4), rosters(), ledgers, ledgers)
def test_a_lead_stays_on_its_side_of_an_experiment(ruleset, leads, roster, counters, others):
    compiled = compile_ruleset(ruleset)
    sides = {}
    for lead, ledger, at in [
        (lead, ledger, at)
        for lead in leads
        for ledger in (counters, others)
        for at in (AT, AT + 70)
    ]:
        trace = []
        decide(compiled, lead, roster, ledger, at, trace)
        for attempt in trace:
            if attempt.branch:
                name, side = attempt.branch.rsplit(":", 1)
                percent = attempt.compiled.rule.path.split.percent
                key = (name, percent, lead.get("lead"))
                assert sides.setdefault(key, side) == side
                if percent in (0, 100) and lead.get("lead"):
                    assert side == ("b" if percent else "a")


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
        return replace(pool, members=tuple(members))

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
    assert encode_decision(first) == encode_decision(second)
    assert encode_roster(roster) == encode_roster(other)
    assert encode_counters(counters) == encode_counters(other_counters)


@settings(deadline=None, max_examples=40)
@given(rulesets(most=12), facts)
def test_compiled_matching_equals_trying_every_rule_in_order(ruleset, lead):
    naive = [
        rule.id
        for rule in sorted(ruleset.rules, key=lambda rule: rule.rank)
        if holds(rule.condition, lead) and (rule.until is None or rule.until > AT)
    ]

    assert [one.rule.id for one in compile_ruleset(ruleset).matching(lead, AT)] == naive


@settings(deadline=None, max_examples=40)
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
        assert (rule.status == "tried") == (rule.result is not None)
        if rule.result in ("assigned", "waits"):
            assert (rule.levels[-1].level, rule.branch) == (decision.relaxed, decision.branch)
            assert [one.left for one in rule.levels[:-1]] == [0] * (len(rule.levels) - 1)
            assert rule.strategy == decision.strategy or rule.result == "waits"
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
    if decision.retry_at is None:
        return

    def at(instant, roster):
        waited = lead.get("waited") or 0
        return decide(compiled, lead | {"waited": waited + instant - AT}, roster, counters, instant)

    # At that instant somebody is held back at most by what time does not free, or the rule has
    # relaxed, waited long enough, or expired.
    unlimited = replace(
        roster,
        reps={
            key: replace(
                rep,
                capacity=None,
                limits=tuple(one for one in rep.limits if one.kind in ("flow", "tier_share")),
            )
            for key, rep in roster.reps.items()
        },
    )
    then = at(decision.retry_at, unlimited)
    assert then.outcome != "park" or (then.rule, then.relaxed) != (decision.rule, decision.relaxed)
    # And at none before.
    if decision.blocked != "capacity":
        assert at(decision.retry_at - 1, roster).outcome == "park"


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
    ledger = Counters(
        open={2: 1},
        points={2: 3},
        value={2: 4000},
        balance={(1, 2, "hot"): -5},
        turn={(1, 2, "hot"): 1},
        away={3: None},
        credited={3},
        given={2: (Given(9, None, ""), Given(10, 1, "hot"))},
    )
    assert encode_counters(ledger).decode() == (
        '{"away":[[3,null]],"balance":[[1,2,"hot",-5]],"credited":[3],'
        '"given":[[2,[[9,null,""],[10,1,"hot"]]]],"open":[[2,1]],"points":[[2,3]],'
        '"turn":[[1,2,"hot",1]],"value":[[2,4000]]}'
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
