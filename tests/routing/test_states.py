"""The life cycle is a table, whole and closed."""

import pytest

from routing import states
from routing.models import Lead
from routing.states import TERMINAL, TRANSITIONS, WrongState
from routing.work.close import STATE_AFTER


def test_every_state_has_its_row():
    assert set(TRANSITIONS) == set(Lead.State.values)


def test_every_step_leads_to_a_state():
    assert {to for following in TRANSITIONS.values() for to in following} <= set(Lead.State.values)


def test_no_state_leads_to_itself():
    assert not [state for state, following in TRANSITIONS.items() if state in following]


def test_every_state_but_the_first_can_be_reached():
    reached, todo = {Lead.State.NEW}, [Lead.State.NEW]
    while todo:
        for state in TRANSITIONS[todo.pop()] - reached:
            reached.add(state)
            todo.append(state)

    assert reached == set(Lead.State.values)


def test_a_lead_ends_converted_or_disqualified():
    assert {Lead.State.CONVERTED, Lead.State.DISQUALIFIED} == TERMINAL


def test_every_state_can_still_come_to_an_end():
    def ends(state, seen=frozenset()):
        return state in TERMINAL or any(
            ends(following, seen | {state}) for following in TRANSITIONS[state] - seen
        )

    assert all(ends(state) for state in TRANSITIONS)


@pytest.mark.parametrize("state", Lead.State.values)
@pytest.mark.parametrize("to", Lead.State.values)
def test_exactly_the_steps_of_the_table_are_allowed(state, to):
    lead = Lead(state=state)

    if to in TRANSITIONS[state]:
        states.check(lead, to)
    else:
        with pytest.raises(WrongState, match="cannot become"):
            states.check(lead, to)


def test_outcomes_lead_to_states_that_exist():
    assert {state for state in STATE_AFTER.values() if state} <= set(Lead.State.values)
