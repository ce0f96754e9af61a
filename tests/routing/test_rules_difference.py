"""What changed between two versions, rule by rule."""

from datetime import timedelta

import pytest

from routing.rules import difference, reading
from routing.rules.sentences import Names
from tests import make

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


def rule(name, value, **more):
    return {
        "name": name,
        "condition": {"fact": "employees", "op": "gte", "value": value},
        "path": {"target": {"kind": "nurture"}},
        **more,
    }


def last(queue):
    return {
        "name": "Fallback",
        "path": {"target": {"kind": "queue", "id": queue.pk}},
        "is_fallback": True,
    }


@pytest.fixture
def versions():
    make.organisation()
    queue = make.queue(name="Rest")

    def pair(before, after):
        old = make.rules(*before, last(queue))
        new = make.rules(*after, last(queue))
        return [
            (one.kind, one.name, one.places) for one in difference.between(old, new, Names.read())
        ]

    return pair


def test_a_copy_differs_in_nothing(versions):
    rules = [rule("a", 1), rule("b", 2)]

    assert versions(rules, rules) == []


def test_added_and_taken_out(versions):
    assert versions([rule("a", 1)], [rule("b", 2)]) == [
        ("added", "b", None),
        ("removed", "a", None),
    ]


def test_a_rule_of_the_same_name_that_says_something_else_has_changed(versions):
    assert versions([rule("a", 1)], [rule("a", 2)]) == [("changed", "a", (1, 1))]


def test_a_rule_of_another_name_that_says_the_same_was_renamed(versions):
    assert versions([rule("a", 1)], [rule("b", 1)]) == [("changed", "b", (1, 1))]


def test_only_what_leaves_the_order_has_moved(versions):
    before = [rule(name, n) for n, name in enumerate("abcde")]
    after = [before[0], before[4], *before[1:4]]

    assert versions(before, after) == [("moved", "e", (5, 2))]


def test_a_rule_taken_out_moves_no_other(versions):
    before = [rule(name, n) for n, name in enumerate("abc")]

    assert versions(before, before[1:]) == [("removed", "a", None)]


def test_sentences_and_details_are_told():
    make.organisation()
    who = make.user("carer")
    old = make.rules(rule("a", 1, reasoning="Why not", expires_at=AT))
    new = make.rules(rule("a", 500, owner=who))

    found = next(one for one in difference.between(old, new, Names.read()) if one.name == "a")

    assert "employees is at least 1," in found.before
    assert "employees is at least 500," in found.after
    assert set(found.details) == {
        "Its reason was: Why not",
        "Nobody looked after it.",
        "It held until 15 June 2026, 09:00 UTC.",
    }


def test_a_line_names_members_and_the_time_left(django_assert_num_queries):
    pool = make.pool(make.rep("robin"), make.rep("sam"), weights=(2, 1), name="Duo")
    made = make.rules(
        {**make.round_robin(pool), "expires_at": AT + timedelta(days=2)},
        rule("over", 1, expires_at=AT, review_on=AT.date()),
    )
    names = Names.read()

    with django_assert_num_queries(3):
        first, second, fallback = reading.lines(made, names, at=AT)

    assert first.members == "robin (weight 2), sam"
    assert (first.ends_in, first.has_ended) == (timedelta(days=2), False)
    assert (second.has_ended, second.review_due) == (True, True)
    assert (fallback.ends_in, fallback.review_due) == (None, False)
