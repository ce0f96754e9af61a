"""Escalation chains: read strictly, and never ending with nobody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla import chain
from sla.chain import ACTIONS, ChainError, Step, standard

BUDGET = 900


def parse(value):
    return chain.parse(value, budget=BUDGET)


def step(percent, action="remind"):
    return {"at_percent": percent, "do": action}


def test_the_standard_chain_goes_from_reminder_to_manager():
    assert [one.action for one in parse(standard())] == [
        "remind",
        "tell_manager",
        "to_backup",
        "to_manager",
    ]


def test_an_empty_chain_is_a_promise_without_escalation():
    assert parse([]) == ()


def test_a_step_comes_after_its_share_of_the_budget():
    assert Step("remind", percent=50).after(900) == 450
    assert Step("remind", percent=100).after(900) == 900
    assert Step("remind", percent=33).after(10) == 3
    assert Step("remind", seconds=600).after(10) == 600


def test_steps_of_one_moment_are_taken_in_their_order():
    both = parse([step(100, "raise_priority"), {"after": BUDGET, "do": "tell_manager"}])

    assert [one.action for one in both] == ["raise_priority", "tell_manager"]


@pytest.mark.parametrize(
    ("chain_of", "number"),
    [
        ([step(50), step(20, "tell_manager")], 2),
        ([step(50), step(60, "to_queue"), step(70, "tell_manager")], 2),
        ([step(50)], 1),
    ],
)
def test_a_refusal_points_at_its_step(chain_of, number):
    with pytest.raises(ChainError) as refused:
        parse(chain_of)

    assert refused.value.step == number


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "list of steps"),
        ("remind", "list of steps"),
        ({"at_percent": 1}, "list of steps"),
        ([1], "Step 1"),
        ([step("50")], "whole number"),
        ([step(50.5)], "whole number"),
        ([step(True)], "whole number"),
        ([step(0)], "from 1"),
        ([step(-1)], "from 1"),
        ([step(10_001)], "from 1"),
        ([step(50, "shout")], "unknown"),
        ([step(50, None)], "unknown"),
        ([step(90), step(50, "tell_manager")], "before step 1"),
        ([step(90), {"after": 60, "do": "tell_manager"}], "before step 1"),
        ([{"do": "tell_manager"}], "say when"),
        ([{"at_percent": 1, "after": 1, "do": "tell_manager"}], "say when"),
        ([{"after": 90 * 86_400 + 1, "do": "tell_manager"}], "from 1"),
        ([step(50, "to_pool")], "pool must be a whole number"),
        ([step(50, "to_queue")], "queue must be a whole number"),
        ([step(50, "to_backup")], "name a person"),
        ([step(50)], "name a person"),
        ([step(n, "tell_manager") for n in range(1, 14)], "At most 12"),
    ],
)
def test_a_chain_that_cannot_be_used_says_why(value, words):
    with pytest.raises(ChainError, match=words):
        parse(value)


def test_a_chain_reads_back_what_it_writes():
    steps = parse(standard())

    assert parse([one.as_json() for one in steps]) == steps


def test_every_action_has_its_words():
    assert all(action.words for action in ACTIONS.values())
    assert any(action.names_a_person for action in ACTIONS.values())


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda part: (
            st.lists(part, max_size=3)
            | st.dictionaries(st.sampled_from(["at_percent", "do", "x"]), part, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_anything_is_a_chain_or_a_chain_error(value):
    try:
        steps = parse(value)
    except ChainError:
        return
    assert not steps or ACTIONS[steps[-1].action].names_a_person
