"""The language of conditions: what each op means, and what is refused."""

import pytest

from routing.engine import Check, ConditionError, first_failure, holds, ops_for, parse
from routing.engine.compile import compile_condition
from routing.engine.conditions import OPS, All, condition_to_json, facts_used

REGISTRY = {
    "employees": "number",
    "country": "text",
    "domain": "text",
    "is_customer": "boolean",
    "languages": "list",
    "account_owner": "id",
}


def check(op, value=None):
    data = {"fact": "x", "op": op}
    return data if value is None else data | {"value": value}


def answer(condition, **facts):
    """Ask both ways, which must agree."""
    parsed = parse(condition)
    assert compile_condition(parsed)(facts) is holds(parsed, facts)
    return holds(parsed, facts)


@pytest.mark.parametrize(
    ("op", "value", "found", "expected"),
    [
        ("eq", "DE", "de", True),
        ("eq", "straße", "STRASSE", True),
        ("eq", "DE", "AT", False),
        ("eq", 1, 1.0, True),
        ("eq", 1, True, False),
        ("eq", True, 1, False),
        ("eq", True, True, True),
        ("eq", 1, "1", False),
        ("eq", "a", ["a"], False),
        ("ne", "DE", "AT", True),
        ("ne", "DE", "de", False),
        ("ne", "DE", 5, True),
        ("in", ["DE", "AT"], "at", True),
        ("in", ["DE", "AT"], "CH", False),
        ("in", [1, "x"], True, False),
        ("not_in", ["DE", "AT"], "CH", True),
        ("not_in", ["DE", "AT"], "de", False),
        ("gt", 5, 5, False),
        ("gt", 5, 5.5, True),
        ("gte", 5, 5, True),
        ("lt", 5, 4, True),
        ("lt", 5, 5, False),
        ("lte", 5, 5, True),
        ("gte", 0, True, False),
        ("gte", 0, "7", False),
        ("between", [50, 500], 50, True),
        ("between", [50, 500], 500, True),
        ("between", [50, 500], 501, False),
        ("between", [0, 1], True, False),
        ("contains", "Soft", "microsoft", True),
        ("contains", "soft", "hard", False),
        ("contains", "French", ["german", "FRENCH"], True),
        ("contains", "fr", ["french"], False),
        ("contains", 3, [1, 2, 3], True),
        ("contains", 1, [True], False),
        ("contains", "5", 5, False),
        ("prefix", "+49", "+4930", True),
        ("prefix", ["10", "11"], "11999", True),
        ("prefix", ["10", "11"], "12", False),
        ("prefix", "1", 11, False),
        ("matches_domain", "acme.com", "ACME.com", True),
        ("matches_domain", "acme.com", "mail.acme.com", True),
        ("matches_domain", "acme.com", "notacme.com", False),
        ("matches_domain", "mail.acme.com", "acme.com", False),
        ("matches_domain", ["x.org", ".acme.com"], "a.b.acme.com.", True),
        ("matches_domain", "acme.com", 5, False),
        ("empty", None, "x", False),
        ("empty", None, 0, False),
        ("empty", None, False, False),
        ("not_empty", None, 0, True),
        ("not_empty", None, [1], True),
    ],
)
def test_an_op_means_what_its_table_says(op, value, found, expected):
    assert answer(check(op, value), x=found) is expected


VALUES = {
    "in": ["a"],
    "not_in": ["a"],
    "between": [0, 1],
    "empty": None,
    "not_empty": None,
    **dict.fromkeys(("gt", "gte", "lt", "lte"), 0),
}


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("facts", [{}, {"x": None}, {"x": ""}, {"x": []}])
def test_a_missing_fact_satisfies_only_empty_and_what_not_makes_of_the_others(op, facts):
    condition = check(op, VALUES.get(op, "a"))

    assert answer(condition, **facts) is (op == "empty")
    assert answer({"not": condition}, **facts) is (op != "empty")


def test_groups_hold_as_their_names_say():
    yes, no = {"all": []}, {"any": []}

    assert answer(yes)
    assert not answer(no)
    assert answer({"all": [yes, yes, yes, yes]})
    assert not answer({"all": [yes, yes, yes, no]})
    assert answer({"any": [no, yes]})
    assert not answer({"any": [no, no]})
    assert answer({"not": no})
    assert not answer({"not": yes})


@pytest.mark.parametrize(
    ("condition", "path"),
    [
        (5, ""),
        ({}, ""),
        ({"some": []}, ""),
        ({"all": [], "any": []}, ""),
        ({"all": {}}, "all"),
        ({"all": [{"fact": "country", "op": "eq", "value": "DE"}, {"not": 3}]}, "all[1].not"),
        ({"all": [{"all": []}, {"any": [{"fact": "country", "op": "is"}]}]}, "all[1].any[0].op"),
        ({"fact": "country", "op": ["eq"]}, "op"),
        ({"fact": "", "op": "eq", "value": 1}, "fact"),
        ({"op": "eq", "value": 1}, "fact"),
        ({"fact": "shoe_size", "op": "eq", "value": 1}, "fact"),
        ({"fact": "country", "op": "eq", "value": 1}, "value"),
        ({"fact": "country", "op": "eq", "value": ""}, "value"),
        ({"fact": "country", "op": "eq"}, "value"),
        ({"fact": "country", "op": "gt", "value": 1}, "op"),
        ({"fact": "country", "op": "in", "value": []}, "value"),
        ({"fact": "country", "op": "in", "value": "DE"}, "value"),
        ({"fact": "country", "op": "in", "value": ["DE", 1]}, "value"),
        ({"fact": "country", "op": "prefix", "value": [""]}, "value"),
        ({"fact": "country", "op": "prefix", "value": []}, "value"),
        ({"fact": "domain", "op": "matches_domain", "value": "."}, "value"),
        ({"fact": "country", "op": "empty", "value": "x"}, "value"),
        ({"fact": "country", "op": "eq", "value": "DE", "case": True}, "case"),
        ({"fact": "employees", "op": "gte", "value": "500"}, "value"),
        ({"fact": "employees", "op": "gte", "value": True}, "value"),
        ({"fact": "employees", "op": "gte", "value": float("nan")}, "value"),
        ({"fact": "employees", "op": "between", "value": [5]}, "value"),
        ({"fact": "employees", "op": "between", "value": [5, 4]}, "value"),
        ({"fact": "employees", "op": "between", "value": [1, "x"]}, "value"),
        ({"fact": "employees", "op": "contains", "value": "1"}, "op"),
        ({"fact": "is_customer", "op": "eq", "value": 1}, "value"),
        ({"fact": "languages", "op": "eq", "value": "french"}, "op"),
        ({"fact": "languages", "op": "contains", "value": ["french"]}, "value"),
        ({"fact": "account_owner", "op": "eq", "value": "7"}, "value"),
        ({"fact": "account_owner", "op": "gt", "value": 7}, "op"),
    ],
)
def test_a_refusal_points_at_the_offending_part(condition, path):
    with pytest.raises(ConditionError) as caught:
        parse(condition, REGISTRY)

    assert caught.value.path == path
    assert caught.value.message


def test_nesting_beyond_reason_is_refused_rather_than_overflowing():
    condition = {"all": []}
    for _ in range(5000):
        condition = {"not": condition}

    with pytest.raises(ConditionError, match="deep"):
        parse(condition)


def test_without_a_registry_any_fact_may_be_asked_but_values_still_fit_the_op():
    assert parse({"fact": "whatever", "op": "in", "value": [1, "a", True]})
    with pytest.raises(ConditionError):
        parse({"fact": "whatever", "op": "gt", "value": "a"})


def test_ops_are_offered_by_kind_of_fact():
    assert ops_for("id") == ("eq", "ne", "in", "not_in", "empty", "not_empty")
    assert ops_for("list") == ("contains", "empty", "not_empty")


def test_a_condition_is_written_as_it_was_read():
    condition = {
        "all": [
            {"any": [{"fact": "a", "op": "in", "value": ["x", 1]}, {"fact": "b", "op": "empty"}]},
            {"not": {"fact": "c", "op": "between", "value": [1, 2]}},
        ]
    }

    assert condition_to_json(parse(condition)) == condition
    assert facts_used(parse(condition)) == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("condition", "path", "fact", "inverted"),
    [
        ({"fact": "n", "op": "gt", "value": 9}, "", "n", False),
        (
            {"all": [{"all": []}, {"any": [{"fact": "n", "op": "eq", "value": 1}]}]},
            "all[1].any[0]",
            "n",
            False,
        ),
        ({"any": []}, "any", None, False),
        ({"all": [{"not": {"fact": "n", "op": "eq", "value": 5}}]}, "all[0].not", "n", True),
        ({"not": {"all": []}}, "not", None, True),
    ],
)
def test_the_first_failing_part_is_named(condition, path, fact, inverted):
    failure = first_failure(parse(condition), {"n": 5})

    assert (failure.path, failure.fact, failure.inverted) == (path, fact, inverted)
    assert failure.found == (5 if fact else None)


def test_a_condition_that_holds_has_no_failure():
    condition = {"any": [{"fact": "n", "op": "eq", "value": 1}, {"not": {"any": []}}]}

    assert first_failure(parse(condition), {"n": 5}) is None


def test_conditions_are_values():
    assert parse({"fact": "a", "op": "in", "value": [1]}) == Check("a", "in", (1,))
    assert hash(parse({"all": []})) == hash(All())
