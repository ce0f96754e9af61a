"""
The life cycle of a lead as a table.

NEW until its owner acknowledges it; CONVERTED and DISQUALIFIED end it and release
capacity and clocks; RECYCLED rests in nurture until its date, or is ended while it rests.
MERGED gave way to another lead of the same person, and takes up where it was if that is undone.
"""

from collections.abc import Mapping

from routing.models.lead import Lead

S = Lead.State

_STEPS: Mapping[str, frozenset[str]] = {
    S.NEW: frozenset({S.WORKING, S.CONTACTED, S.MEETING, S.DISQUALIFIED, S.RECYCLED, S.CONVERTED}),
    S.WORKING: frozenset(
        {S.NEW, S.CONTACTED, S.MEETING, S.QUALIFIED, S.DISQUALIFIED, S.RECYCLED, S.CONVERTED}
    ),
    S.CONTACTED: frozenset({S.MEETING, S.QUALIFIED, S.DISQUALIFIED, S.RECYCLED, S.CONVERTED}),
    S.MEETING: frozenset({S.CONTACTED, S.QUALIFIED, S.DISQUALIFIED, S.RECYCLED, S.CONVERTED}),
    S.QUALIFIED: frozenset({S.MEETING, S.DISQUALIFIED, S.RECYCLED, S.CONVERTED}),
    S.RECYCLED: frozenset({S.NEW, S.DISQUALIFIED}),
    S.CONVERTED: frozenset(),
    S.DISQUALIFIED: frozenset(),
}
# How far a lead is; what is beside this way (lost, resting) has reached nothing by it.
WAY = (S.NEW, S.WORKING, S.CONTACTED, S.MEETING, S.QUALIFIED, S.CONVERTED)
TERMINAL = frozenset(state for state, following in _STEPS.items() if not following)
TRANSITIONS: Mapping[str, frozenset[str]] = {
    **{state: to | {S.MERGED} if to else to for state, to in _STEPS.items()},
    S.MERGED: frozenset(_STEPS) - TERMINAL,
}


class WrongState(Exception):
    """The lead is not where this step starts."""


def check(lead: Lead, to: str) -> None:
    """
    Refuse a step that the table does not have.

    :raises WrongState: saying where the lead is
    """
    if to not in TRANSITIONS[lead.state]:
        raise WrongState(
            f"A lead that is {lead.get_state_display().lower()} cannot become "
            f"{S(to).label.lower()}."
        )


def has_reached(state: str, wanted: str) -> bool:
    """Whether a state is that one or beyond it; every state has reached ""."""
    if not wanted:
        return True
    return state in WAY and WAY.index(S(state)) >= WAY.index(S(wanted))
