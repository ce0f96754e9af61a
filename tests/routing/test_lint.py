"""What is wrong with rules is said before they do harm."""

import pytest

from reps.services import people
from routing.engine import InvalidPart
from routing.models import Rule
from routing.rules import lifecycle, standard
from routing.rules.lint import check_rule, lint
from tests import make

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


@pytest.fixture
def pool():
    make.organisation()
    return make.pool(make.rep("ann"))


def draft(*specs):
    return make.rules(*specs, publish=False)


def findings(ruleset) -> dict[str, bool]:
    return {finding.code: finding.is_error for finding in lint(ruleset)}


def test_the_standard_rules_have_nothing_to_mend(pool):
    make.score_model()
    rules = draft(*standard.rules(pool=pool, fallback=make.queue(name="Last")))

    assert lint(rules) == []


def test_a_threshold_is_held_against_the_live_score(pool):
    rules = draft(*standard.rules(pool=pool, fallback=make.queue(name="Last")))
    assert findings(rules) == {"no_score": False}

    make.score_model(threshold=70)
    assert findings(rules) == {"other_threshold": False}

    make.score_model(threshold=60)
    assert findings(rules) == {}


def test_a_missing_fallback_is_an_error(pool):
    rules = draft(make.round_robin(pool))
    rules.rules.get(is_fallback=True).delete()

    assert findings(rules) == {"no_fallback": True}


def test_a_second_fallback_is_an_error(pool):
    rules = draft(
        {**make.round_robin(pool), "is_fallback": True},
        {**make.round_robin(pool), "is_fallback": True},
    )

    assert findings(rules) == {"two_fallbacks": True}


def test_a_fallback_with_a_condition_is_an_error(pool):
    rules = draft(
        {
            **make.round_robin(pool),
            "is_fallback": True,
            "condition": {"fact": "country", "op": "eq", "value": "DE"},
        }
    )

    assert findings(rules) == {"conditional_fallback": True}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ({"target": {"kind": "pool", "id": 999_999}}, "unknown_pool"),
        ({"target": {"kind": "queue", "id": 999_999}}, "unknown_queue"),
    ],
)
def test_a_target_that_is_gone_is_an_error(pool, path, code):
    assert findings(draft({"name": "Gone", "path": path})) == {code: True}


def test_a_pool_without_an_active_rep_is_a_warning_and_for_the_fallback_an_error(pool):
    empty = make.pool(make.rep("gone", is_active=False))

    assert findings(draft(make.round_robin(empty))) == {"empty_pool": False}
    lifecycle.draft(by=make.user(), at=AT).rules.all().delete()
    assert findings(draft({**make.round_robin(empty), "is_fallback": True})) == {"empty_pool": True}


def test_a_rule_to_somebody_who_left_is_a_warning(pool):
    gone = make.rep("gone")
    rules = draft({"name": "To gone", "path": {"target": {"kind": "rep", "id": gone.pk}}})
    assert findings(rules) == {}

    people.deactivate(
        rep=gone, reason="left", by=make.user(is_superuser=True), at=AT, driver="test"
    )

    assert findings(rules) == {"stale_owner": False}


def claimed(pool):
    """A rule that puts every lead into a queue that the pool claims from."""
    queue = make.queue(pool, name="To claim")
    return {"name": "Rest", "path": {"target": {"kind": "queue", "id": queue.pk}}}


def test_a_rule_behind_one_that_takes_everything_is_a_warning(pool):
    rules = draft(claimed(pool), make.round_robin(pool))

    assert findings(rules) == {"unreachable": False}


def test_a_rule_behind_one_that_lets_leads_through_is_reached(pool):
    other = make.pool(make.rep("bob"))

    assert findings(draft(make.round_robin(pool), make.round_robin(other))) == {}
    assert findings(draft(make.round_robin(pool), make.round_robin(pool))) == {"duplicate": False}


@pytest.mark.parametrize(
    ("condition", "path"),
    [
        ({"fact": "shoe_size", "op": "eq", "value": 1}, {"target": {"kind": "nurture"}}),
        ({"fact": "score", "op": "contains", "value": "x"}, {"target": {"kind": "nurture"}}),
        ({"all": []}, {"target": {"kind": "nowhere"}}),
        ({"all": []}, {}),
        ("text", {"target": {"kind": "nurture"}}),
    ],
)
def test_what_the_engine_cannot_read_is_an_error_that_names_the_rule(pool, condition, path):
    rules = draft({"name": "Odd one", "condition": condition, "path": path})

    found = lint(rules)

    assert [(one.code, one.is_error) for one in found] == [("unreadable", True)]
    assert "Odd one" in found[0].message
    with pytest.raises(InvalidPart):
        check_rule(Rule(condition=condition, path=path))


def test_errors_come_before_warnings(pool):
    rules = draft(claimed(pool), make.round_robin(pool))
    rules.rules.get(is_fallback=True).delete()

    assert [one.is_error for one in lint(rules)] == [True, False]
