"""The floor, and when somebody is next free."""

import pytest

from routing.engine import Counters, Member, PoolSpec, RepSpec, Roster
from routing.engine.eligibility import floor, next_chance, opens_at
from routing.engine.filters import ShiftFilter, SkillFilter
from routing.engine.spans import covering, first_open
from routing.engine.types import Situation

AT = 1000


def test_verdicts_come_in_the_order_of_the_floor():
    counters = Counters(open={1: 5}, away={1: AT + 1})
    rep = {"id": 1, "capacity": 5, "absences": ((AT, AT + 5),)}

    assert floor(None, counters, AT) == "unknown"
    assert floor(RepSpec(**rep, active=False), counters, AT) == "inactive"
    assert floor(RepSpec(**rep), counters, AT) == "away"
    assert floor(RepSpec(**rep), counters, AT + 1) == "absent"
    assert floor(RepSpec(**rep), counters, AT + 5) == "full"
    assert floor(RepSpec(**rep | {"capacity": 6}), counters, AT + 5) is None


def test_a_capacity_of_zero_takes_nothing_and_none_takes_everything():
    assert floor(RepSpec(1, capacity=0), Counters(), AT) == "full"
    assert floor(RepSpec(1, capacity=None), Counters(open={1: 10**6}), AT) is None


def test_a_pause_until_further_notice_does_not_end():
    assert floor(RepSpec(1), Counters(away={1: None}), 10**12) == "away"


def chance(rep, counters=None, filters=(), at=AT):
    return next_chance(rep, Situation({}, Roster(), counters or Counters(), at), filters)


SHIFT = ShiftFilter({"within": 0})
EARLY = ShiftFilter({"within": 60})


@pytest.mark.parametrize(
    ("rep", "away", "filters", "expected"),
    [
        (RepSpec(1), {}, (), AT),
        (RepSpec(1, active=False), {}, (), None),
        (RepSpec(1), {1: AT + 7}, (), AT + 7),
        (RepSpec(1), {1: None}, (), None),
        (RepSpec(1, absences=((0, 1500),)), {}, (), 1500),
        (RepSpec(1, absences=((0, 1500), (1500, 1600))), {}, (), 1600),
        (RepSpec(1, absences=((1400, 1600),)), {1: 1500}, (), 1600),
        (RepSpec(1, hours=((2000, 3000),)), {}, (), AT),
        (RepSpec(1, hours=((2000, 3000),)), {}, (SHIFT,), 2000),
        (RepSpec(1, hours=((2000, 3000),)), {}, (EARLY,), 1940),
        (RepSpec(1, hours=((2000, 3000),)), {1: 1950}, (EARLY,), 1950),
        (RepSpec(1, hours=((500, 1000),)), {}, (SHIFT,), None),
        (RepSpec(1, hours=((500, 2000), (5000, 6000))), {1: 2000}, (SHIFT,), 5000),
        (
            RepSpec(1, hours=((2000, 3000), (5000, 6000)), absences=((1900, 4000),)),
            {},
            (EARLY,),
            4940,
        ),
        (RepSpec(1), {}, (SkillFilter({"skill": "french", "at_least": 1}),), None),
    ],
)
def test_the_next_chance_is_when_nothing_but_capacity_is_in_the_way(rep, away, filters, expected):
    assert chance(rep, Counters(away=away), filters) == expected


def test_an_opening_inside_an_absence_is_no_opening():
    rep = RepSpec(1, hours=((2000, 3000),), absences=((1900, 2500),))

    assert opens_at(rep, AT) == 2500
    assert opens_at(RepSpec(1, hours=((2000, 3000),), absences=((1900, 3500),)), AT) is None
    assert opens_at(RepSpec(1, absences=((0, 5),)), AT) == AT


def test_spans_are_half_open():
    spans = ((10, 20), (20, 30), (40, 50))

    assert [covering(spans, at) for at in (9, 10, 19, 20, 30, 49, 50)] == [
        None,
        (10, 20),
        (10, 20),
        (20, 30),
        None,
        (40, 50),
        None,
    ]
    assert [first_open(spans, at) for at in (0, 10, 30, 49, 50)] == [10, 10, 40, 49, None]


@pytest.mark.parametrize("spans", [((5, 5),), ((6, 5),), ((5, 9), (8, 10)), ((8, 9), (1, 2))])
def test_spans_out_of_order_are_refused(spans):
    with pytest.raises(ValueError, match="sorted"):
        RepSpec(1, hours=spans)
    with pytest.raises(ValueError, match="sorted"):
        RepSpec(1, absences=spans)


def test_skills_are_known_by_their_folded_name_and_the_better_level():
    assert RepSpec(1, skills={"French": 2, "FRENCH": 4}).skills == {"french": 4}


@pytest.mark.parametrize("weight", [0, -1, 10**7])
def test_a_weight_out_of_bounds_is_refused(weight):
    with pytest.raises(ValueError, match="weight"):
        Member(1, weight)


def test_a_rep_is_once_in_a_pool():
    with pytest.raises(ValueError, match="twice"):
        PoolSpec(1, (Member(1), Member(1, 2)))
