"""What conditions imply: claimed only where it is certain, and found where people need it."""

import random
from itertools import product

import pytest

from routing.engine.conditions import All, AnyOf, Check, Not, holds, parse
from routing.rules.lint import logic

EVERY = All()
NEVER = AnyOf()


def c(fact, op, value=None):
    return Check(fact, op, tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        (EVERY, True),
        (NEVER, False),
        (c("n", "gt", 3), True),
        (All((c("n", "gt", 3), c("n", "lt", 4))), True),
        (All((c("n", "gt", 3), c("n", "lte", 3))), False),
        (All((c("n", "between", (1, 5)), c("n", "gt", 5))), False),
        (All((c("n", "gte", 5), c("n", "lte", 5), c("n", "ne", 5))), False),
        (All((c("t", "eq", "DE"), c("t", "eq", "de"))), True),
        (All((c("t", "eq", "DE"), c("t", "eq", "FR"))), False),
        (All((c("t", "in", ["DE", "FR"]), c("t", "not_in", ["fr", "de"]))), False),
        (All((c("t", "prefix", "94"), c("t", "eq", "95000"))), False),
        (All((c("t", "prefix", "94"), c("t", "prefix", "95"))), False),
        (All((c("t", "prefix", "94"), Not(c("t", "prefix", "9")))), False),
        (
            All((c("t", "matches_domain", "mail.acme.com"), c("t", "matches_domain", "x.com"))),
            False,
        ),
        (All((c("t", "matches_domain", "a.com"), Not(c("t", "matches_domain", "com")))), False),
        (All((c("t", "matches_domain", "a.com"), c("t", "prefix", "mail"))), True),
        (All((c("t", "contains", "chief"), Not(c("t", "contains", "hie")))), False),
        (All((c("t", "eq", "chief"), c("t", "contains", "vp"))), False),
        (All((c("l", "contains", "a"), c("l", "contains", "b"))), True),
        (All((c("x", "empty"), c("x", "eq", "a"))), False),
        (All((c("x", "empty"), c("x", "ne", "a"))), False),
        (All((c("x", "empty"), Not(c("x", "eq", "a")))), True),
        (All((c("x", "eq", 1), c("x", "eq", True))), False),
        (All((c("x", "eq", 1), c("x", "eq", "1"))), False),
        (All((c("x", "ne", 1), c("x", "eq", "1"))), True),
    ],
)
def test_what_can_and_what_cannot_be(condition, answer):
    assert logic.Space([condition], KINDS).satisfiable(condition) is answer


@pytest.mark.parametrize(
    ("a", "b", "answer"),
    [
        (c("n", "gt", 5), c("n", "gt", 3), True),
        (c("n", "gt", 3), c("n", "gt", 5), False),
        (c("n", "gt", 3), EVERY, True),
        (EVERY, c("n", "gt", 3), False),
        (EVERY, AnyOf((c("n", "gt", 3), Not(c("n", "gt", 3)))), True),
        # A lead without the number is in neither.
        (EVERY, AnyOf((c("n", "gt", 3), c("n", "lte", 3))), False),
        (c("t", "eq", "de"), c("t", "in", ["DE", "AT"]), True),
        (c("t", "eq", "94110"), c("t", "prefix", "94"), True),
        (c("t", "prefix", "941"), c("t", "prefix", ["94", "95"]), True),
        (c("t", "matches_domain", "x.acme.com"), c("t", "matches_domain", "acme.com"), True),
        (c("t", "matches_domain", "acme.com"), c("t", "contains", "acme"), True),
        (All((c("t", "eq", "DE"), c("n", "gt", 5))), c("t", "eq", "DE"), True),
        (c("t", "eq", "DE"), All((c("t", "eq", "DE"), c("n", "gt", 5))), False),
        (c("t", "not_empty"), Not(c("t", "empty")), True),
        (c("n", "gt", 3), c("n", "not_empty"), True),
        (Not(c("t", "eq", "DE")), c("t", "ne", "DE"), False),
    ],
)
def test_what_follows_from_what(a, b, answer):
    assert logic.implies(a, b) is answer


def test_several_together_cover_what_none_of_them_does():
    de, at = c("country", "eq", "DE"), c("country", "eq", "AT")
    both = All((c("country", "in", ["DE", "AT"]), c("score", "gt", 10)))

    assert logic.union_covers([de, at], both)
    assert not logic.union_covers([de], both)
    assert not logic.union_covers([], both)


def test_what_excludes_what():
    assert logic.disjoint(c("t", "eq", "DE"), c("t", "in", ["FR", "AT"]))
    assert not logic.disjoint(c("t", "eq", "DE"), c("t", "in", ["FR", "DE"]))
    assert not logic.disjoint(c("t", "eq", "DE"), c("n", "gt", 1))


def test_a_kind_says_what_a_fact_can_hold():
    either = AnyOf((c("b", "eq", True), c("b", "eq", False), c("b", "empty")))
    space = logic.Space([either, EVERY], {"b": "boolean"})

    assert space.implies(EVERY, either)
    assert not logic.implies(EVERY, either)


def test_a_text_contains_what_its_parts_contain_and_a_list_does_not():
    chief, part = c("title", "contains", "chief"), c("title", "contains", "hie")

    assert logic.Space([chief, part], {"title": "text"}).implies(chief, part)
    assert not logic.implies(chief, part)


def test_an_op_of_another_kind_is_an_unknown_of_its_own():
    odd, other = (
        Check("events", "surprise", {"name": "a"}),
        Check("events", "surprise", {"name": "b"}),
    )

    assert logic.implies(odd, odd)
    assert not logic.implies(odd, other)
    assert not logic.disjoint(odd, other)
    assert logic.satisfiable(All((odd, Not(odd)))) is False
    assert logic.disjoint(odd, Not(odd))


def test_what_did_not_happen_is_the_opposite_of_what_did():
    often = parse({"fact": "events", "op": "happened", "value": {"name": "pricing_page"}})
    never = parse({"fact": "events", "op": "not_happened", "value": {"name": "pricing_page"}})

    assert logic.disjoint(often, never)
    assert logic.union_covers([often, never], EVERY)


def test_nothing_is_claimed_about_what_is_too_large():
    many = All(
        tuple(
            AnyOf((c(f"a{i}", "eq", 1), c(f"b{i}", "eq", 1), c(f"c{i}", "gt", 1))) for i in range(9)
        )
    )

    assert logic.satisfiable(many) is None
    assert not logic.implies(many, many)
    assert not logic.implies(EVERY, many)
    assert not logic.disjoint(many, c("a0", "eq", 2))


def test_too_many_texts_to_combine_become_unknowns():
    parts = [c("title", "contains", f"part {i}") for i in range(14)]
    space = logic.Space([*parts, All(tuple(parts))])

    assert "title" not in space.values
    assert space.implies(All(tuple(parts)), parts[3])
    assert not space.implies(parts[3], parts[4])


# --- Against brute force -----------------------------------------------------------------

# Every value that these small conditions could tell apart, made without the code under test.
NUMBERS = [x / 2 for x in range(-3, 12)]
TEXTS = ["".join(s) for n in range(1, 5) for s in product("ab.", repeat=n)]
TEXTS += ["a.b.a.b", "b.a.b.a", "c", "ac", "bc", "cb", "c.b", "c.a.b", "ca.b", "abcab", "ab.c.a.b"]
WORLD = {
    "n": [None, *NUMBERS],
    "t": [None, *TEXTS],
    "x": [
        None,
        "",
        "a",
        "b",
        "c",
        0,
        1,
        2,
        1.5,
        3,
        -1,
        True,
        False,
        [],
        ["a"],
        ["a", 1],
        ["c"],
        {},
    ],
    "l": [
        None,
        ["a"],
        ["b"],
        ["a", "b"],
        ["c"],
        ["a", "b", "c"],
        [1],
        [1, "a"],
        ["ab"],
        ["ab", "b"],
    ],
}
KINDS = {"n": "number", "t": "text", "l": "list"}


def random_check(rnd):
    fact = rnd.choice("nntttxl")
    if fact == "n":
        op = rnd.choice(["eq", "ne", "in", "not_in", "gt", "gte", "lt", "lte", "between", "empty"])
        some = [rnd.randint(0, 4) for _ in range(2)]
        value = {"in": some, "not_in": some, "between": sorted(some), "empty": None}
        return c(fact, op, value.get(op, some[0]))
    if fact == "t":
        op = rnd.choice(["eq", "in", "ne", "prefix", "matches_domain", "contains", "not_empty"])
        value = rnd.choice(["a", "b", "ab", "a.b", "ba", "b.a"])
        return c(fact, op, {"in": [value, "aa"], "not_empty": None}.get(op, value))
    if fact == "l":
        asked = [("contains", "a"), ("contains", "b"), ("empty",), ("prefix", "a")]
        asked += [("has_any", ["a", "c"]), ("has_none", ["b", "c"]), ("has_any", ["b"])]
        return c(fact, *rnd.choice(asked))
    op = rnd.choice(["eq", "ne", "in", "not_in", "gt", "contains", "empty"])
    value = rnd.choice(["a", "b", 1, 2, True])
    if op == "gt":
        value = 1
    return c(fact, op, {"in": [value, 0], "not_in": [value, 0], "empty": None}.get(op, value))


def random_condition(rnd, depth=2):
    roll = rnd.random()
    if depth == 0 or roll < 0.3:
        return random_check(rnd)
    if roll < 0.4:
        return Not(random_condition(rnd, depth - 1))
    parts = tuple(random_condition(rnd, depth - 1) for _ in range(rnd.randint(1, 3)))
    return (All if roll < 0.75 else AnyOf)(parts)


def facts_of(*conditions):
    return sorted({check.fact for one in conditions for check in logic.checks_in(one)})


def worlds(rnd, *conditions, most=4000):
    """Every combination of values of the facts that matter, or a large sample of them."""
    names = facts_of(*conditions)
    total = 1
    for name in names:
        total *= len(WORLD[name])
    if total <= most:
        return [dict(zip(names, row, strict=True)) for row in product(*(WORLD[n] for n in names))]
    return [{name: rnd.choice(WORLD[name]) for name in names} for _ in range(most)]


def could_be(space, leads, *conditions):
    """Whether a lead meets all of them: one of these, or one that the space made up."""
    if any(all(holds(one, lead) for one in conditions) for lead in leads):
        return True
    made_up = space.witness(All(conditions))
    return made_up is not None and all(holds(one, made_up) for one in conditions)


@pytest.mark.nightly
def test_no_claim_is_ever_wrong_and_nearly_everything_that_is_so_is_found():
    rnd = random.Random(20260615)
    right = decided = 0
    for _ in range(700):
        a, b = random_condition(rnd), random_condition(rnd)
        leads = worlds(rnd, a, b)
        space = logic.Space([a, b], KINDS)
        possible, only_a, both = (
            could_be(space, leads, *some) for some in ((a,), (a, Not(b)), (a, b))
        )
        claims = space.satisfiable(a), space.implies(a, b), space.disjoint(a, b)

        if claims[0] is not None:
            assert claims[0] is possible, a
        assert not (claims[1] and only_a), (a, b)
        assert not (claims[2] and both), (a, b)
        truth = possible, not only_a, not both
        right += sum(claim is true for claim, true in zip(claims, truth, strict=True))
        decided += len(truth)

    assert right / decided >= 0.95, right / decided


@pytest.mark.nightly
def test_unions_are_covered_only_if_every_lead_is():
    rnd = random.Random(7)
    covered = found = 0
    for _ in range(400):
        a = random_condition(rnd, 1)
        bs = [random_condition(rnd, 1) for _ in range(rnd.randint(2, 4))]
        space = logic.Space([a, *bs], KINDS)
        truth = not could_be(space, worlds(rnd, a, *bs), a, *map(Not, bs))
        claim = space.union_covers(bs, a)
        assert truth or not claim, (bs, a)
        covered += truth
        found += claim

    assert covered >= 20
    assert found / covered >= 0.95


def test_the_conditions_of_rules_are_read_as_the_engine_reads_them():
    registry = {"country": "text", "score": "number"}
    narrow = parse(
        {
            "all": [
                {"fact": "country", "op": "eq", "value": "DE"},
                {"any": [{"fact": "score", "op": "gte", "value": 80}]},
            ]
        },
        registry,
    )
    wide = parse({"not": {"fact": "country", "op": "in", "value": ["FR", "GB"]}}, registry)

    assert logic.Space([narrow, wide], registry).implies(narrow, wide)
