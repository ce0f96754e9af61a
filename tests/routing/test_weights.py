"""Dynamic weights: each step by itself, their order, and that all of it ends level."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from reps import trail
from reps.due import jobs
from reps.models import AuditEvent
from routing import work
from routing.engine import Counters, Member, PoolSpec
from routing.engine.rotation import book, charges, standings
from routing.fairness import factors
from routing.fairness.factors import Seat, Terms, in_force, promise
from routing.models import Assignment, Desk, Outcome, PoolMember
from tests import make

TODAY = date(2026, 6, 15)
HOUR = timedelta(hours=1)


def weigh(seats, **terms):
    return in_force(Terms(**terms), seats, today=TODAY, lead_points=10)


def hundredths(seats, **terms):
    return [one.hundredths for one in weigh(seats, **terms)]


# --- Each step ----------------------------------------------------------------------------


def test_without_any_terms_the_set_weights_hold():
    found = weigh([Seat(1, weight=3, load=900), Seat(2)])

    assert [(one.hundredths, one.causes) for one in found] == [(300, ()), (100, ())]


@pytest.mark.parametrize(
    ("day", "expected"), [(-5, 20), (0, 20), (10, 40), (20, 60), (39, 98), (40, 100), (400, 100)]
)
def test_a_ramp_goes_evenly_from_a_fifth_to_the_full_weight(day, expected):
    seat = Seat(1, ramp_from=TODAY - timedelta(days=day), ramp_days=40)

    assert hundredths([seat, Seat(2)]) == [expected, 100]


def test_performance_is_a_multiple_of_the_pools_rate_with_everybody_pulled_towards_it():
    # 30 of 100 against 10 of 100: the pool closes 20 %. (30 + 4) / 120 is 1.42 times that.
    seats = [Seat(1, given=100, won=30), Seat(2, given=100, won=10)]

    assert hundredths(seats, rewards_performance=True) == [120, 80]
    # Twelve of 40, where the pool closes 10 of 40: (12 + 5) / 60 is 1.13, in steps 1.15.
    mild = [Seat(1, given=40, won=12), Seat(2, given=40, won=8)]
    assert hundredths(mild, rewards_performance=True) == [115, 85]


def test_few_leads_prove_nothing():
    seats = [Seat(1, given=19, won=19), Seat(2, given=100, won=10)]

    assert hundredths(seats, rewards_performance=True)[0] == 100
    assert hundredths([Seat(1), Seat(2)], rewards_performance=True) == [100, 100]


def test_much_late_stage_load_costs_weight_and_little_costs_none():
    # A share would be 5 each: with 10, twice the share, the whole 0.2 is gone.
    assert hundredths([Seat(1, late=10), Seat(2, late=0)], rewards_performance=True) == [80, 100]
    assert hundredths([Seat(1, late=4), Seat(2, late=0)], rewards_performance=True) == [100, 100]


def test_who_is_above_the_band_gets_a_fifth_of_the_new_leads_the_others_the_rest():
    seats = [Seat(1, load=300), Seat(2, load=300), Seat(3, load=100), Seat(4, load=100)]

    found = weigh(seats, rebalances=True, least_percent=1)

    assert [one.above for one in found] == [True, True, False, False]
    assert sum(one.hundredths for one in found[:2]) * 4 == sum(one.hundredths for one in found[2:])


def test_one_of_many_above_the_band_gets_less_than_before():
    seats = [Seat(1, load=300), *[Seat(rep, load=100) for rep in range(2, 11)]]

    found = weigh(seats, rebalances=True, least_percent=1)

    share = Fraction(found[0].hundredths, sum(one.hundredths for one in found))
    assert abs(share - Fraction(8, 100)) < Fraction(1, 500)


def test_who_was_above_is_held_back_until_inside_half_the_band():
    def above(load, was):
        seats = [Seat(1, load=load, above=was), Seat(2, load=2000 - load)]
        return weigh(seats, rebalances=True, band=20)[0].above

    assert not above(1190, False)
    assert above(1210, False)
    assert above(1190, True)
    assert above(1110, True)
    assert not above(1100, True)


def test_less_than_a_lead_is_no_drift():
    assert not any(one.above for one in weigh([Seat(1, load=10), Seat(2)], rebalances=True))


# --- Their order --------------------------------------------------------------------------


def test_bounds_hold_for_what_changes_by_itself_and_do_not_lift_a_ramp():
    # Half the pool by weight: 20 / 80 asks for a quarter of it.
    ramping = Seat(1, weight=5, ramp_from=TODAY, ramp_days=10, load=900)

    found = weigh([ramping, Seat(2)], rebalances=True, least_percent=50)

    assert found[0].hundredths == 50
    assert [cause.split(" ×")[0] for cause in found[0].causes] == [
        "ramping up",
        "above the band",
        "not below 50 % of the set weight",
    ]


def test_a_protected_share_comes_after_everything_and_ignores_the_upper_bound():
    newcomer = Seat(1, ramp_from=TODAY, ramp_days=10, protected_percent=50)

    found = weigh([newcomer, Seat(2), Seat(3, weight=2)], most_percent=100)

    assert [one.hundredths for one in found] == [300, 100, 200]
    assert found[0].causes == ("ramping up × 0.2", "protected share of 50 %")


def test_a_protected_share_that_the_weight_reaches_anyway_changes_nothing():
    assert hundredths([Seat(1, protected_percent=30), Seat(2)]) == [100, 100]


def test_whoever_has_no_cause_has_the_set_weight():
    found = weigh(
        [Seat(1, weight=100, protected_percent=90), *[Seat(r, 100) for r in range(2, 60)]]
    )

    assert max(one.hundredths for one in found) <= factors.MOST_IN_FORCE
    assert all(one.causes for one in found)


# --- Laws ---------------------------------------------------------------------------------

loads = st.integers(0, 2000)
seats_of_a_pool = st.lists(
    st.builds(
        Seat,
        rep=st.just(0),
        weight=st.integers(1, 100),
        ramp_from=st.one_of(st.none(), st.dates(TODAY - timedelta(90), TODAY + timedelta(9))),
        ramp_days=st.integers(0, 90),
        protected_percent=st.integers(0, 12),
        load=loads,
        given=st.integers(0, 300),
        won=st.integers(0, 100),
        late=st.integers(0, 60),
        above=st.booleans(),
    ),
    min_size=1,
    max_size=7,
)


@settings(max_examples=100, deadline=None)
@given(seats_of_a_pool, st.integers(1, 100), st.integers(100, 400), st.integers(1, 100))
def test_the_bounds_hold_whatever_happens(seats, least, most, band):
    seats = [Seat(**{**_columns(one), "protected_percent": 0}) for one in seats]

    found = weigh(
        seats,
        rebalances=True,
        rewards_performance=True,
        least_percent=least,
        most_percent=most,
        band=band,
    )

    for seat, one in zip(seats, found, strict=True):
        base = seat.weight * factors.ramp(seat, TODAY) * 100
        assert base * least / 100 - 1 <= one.hundredths <= max(base * most / 100, 1) + 1


@settings(max_examples=100, deadline=None)
@given(seats_of_a_pool, st.booleans(), st.booleans())
def test_protected_shares_are_kept_and_the_others_keep_their_proportions(seats, pulls, merits):
    terms = {"rebalances": pulls, "rewards_performance": merits}
    found = hundredths(seats, **terms)
    bare = hundredths([Seat(**{**_columns(s), "protected_percent": 0}) for s in seats], **terms)

    assert all(
        one * 100 >= seat.protected_percent * sum(found)
        for seat, one in zip(seats, found, strict=True)
    )
    assert all(
        one == was or seat.protected_percent
        for seat, one, was in zip(seats, found, bare, strict=True)
    )
    # No more than promised: one hundredth less would be too little.
    for n, (seat, was) in enumerate(zip(seats, bare, strict=True)):
        if found[n] > was:
            assert (found[n] - len(seats)) * 100 < seat.protected_percent * sum(found)


@given(st.lists(st.tuples(st.integers(1, 10_000), st.integers(0, 90)), min_size=1, max_size=8))
def test_promises_that_cannot_all_be_kept_still_end(members):
    found = promise([weight for weight, _ in members], [percent for _, percent in members])

    assert all(1 <= one <= factors.MOST_IN_FORCE for one in found)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 60)), min_size=2, max_size=6),
    st.integers(10, 60),
)
def test_a_drifting_pool_gets_level_and_the_set_weights_return(members, band):
    seats = [Seat(rep, weight, load=10 * held) for rep, (weight, held) in enumerate(members)]

    _rounds, seats = _simulate(seats, rounds=120, a_round=30, band=band)

    final = weigh(seats, rebalances=True, band=band)
    assert not any(one.above for one in final), [seat.load for seat in seats]
    assert [one.hundredths for one in final] == [100 * weight for weight, _ in members]


def _simulate(seats, *, rounds, a_round, band):
    """Rounds of new leads by the rotation; of the open ones a tenth closes in each round."""
    counters = Counters()
    for number in range(rounds):
        found = weigh(seats, rebalances=True, band=band)
        pool = PoolSpec(1, tuple(Member(one.rep, one.hundredths, one.rep) for one in found))
        got = dict.fromkeys((seat.rep for seat in seats), 0)
        for _ in range(a_round):
            taker = min(standings(pool, "", pool.members, counters))[-1]
            book(pool, "", charges(pool, "", pool.members, taker, counters), taker, counters)
            got[taker] += 1
        seats = [
            Seat(
                seat.rep,
                seat.weight,
                load=10 * (got[seat.rep] + seat.load // 10 * 9 // 10),
                above=one.above,
            )
            for seat, one in zip(seats, found, strict=True)
        ]
        if number > 20 and not any(one.above for one in found):
            break
    return number, seats


def _columns(seat):
    return {name: getattr(seat, name) for name in Seat.__slots__}


# --- The job ------------------------------------------------------------------------------


@pytest.fixture
def pair(db):
    make.organisation()
    one, two = make.rep("one"), make.rep("two")
    return make.pool(one, two, rebalances=True)


def members(pool):
    return {row.rep.user.username: row for row in pool.members.select_related("rep__user")}


def run(at=make.MONDAY_9AM):
    return jobs.get("weights").drain(driver="test", due_before=at, at=at)


def held(pool, name, number, at=make.MONDAY_9AM):
    rep = members(pool)[name].rep
    return [make.owned(rep, at=at) for _ in range(number)]


def test_a_change_of_weight_is_on_record_with_its_cause(pair):
    held(pair, "one", 4)

    assert run() == 1

    row = members(pair)["one"]
    assert (row.applied_weight, row.above_band) == (25, True)
    assert row.weight_cause == "above the band × 0.25"
    event = AuditEvent.objects.filter(kind="weight_changed").get()
    assert (event.subject_id, event.actor_label) == (row.pk, "System")
    assert event.data["applied_weight"] == 25
    assert row.history.latest().history_change_reason == "above the band × 0.25"


def test_nothing_is_written_where_nothing_changes(pair):
    held(pair, "one", 4)
    run()
    before = PoolMember.history.count()

    assert run(make.MONDAY_9AM + HOUR) == 0
    assert PoolMember.history.count() == before


def test_the_weights_are_looked_at_every_hour_and_after_a_change_of_the_roster(pair):
    run()
    held(pair, "one", 4, make.MONDAY_9AM + HOUR / 4)

    assert run(make.MONDAY_9AM + HOUR / 2) == 0
    assert run(make.MONDAY_9AM + HOUR) == 1

    trail.save(_changed(pair, rebalances=False), by=None, at=make.MONDAY_9AM, reason="test")
    assert run(make.MONDAY_9AM + HOUR) == 1
    assert [row.applied_weight for row in pair.members.all()] == [None, None]
    assert jobs.get("weights").oldest() is None


def test_a_waiting_round_is_seen_by_whoever_asks_for_the_oldest(pair):
    assert jobs.get("weights").oldest() is None
    run()

    assert jobs.get("weights").oldest() == make.MONDAY_9AM + HOUR


def test_a_pool_whose_weights_stand_still_costs_no_round(db):
    make.organisation()
    make.pool(make.rep())

    assert run() == 0
    assert Desk.objects.get().weighed_at is None


def test_whoever_left_has_no_part_in_it(pair):
    held(pair, "one", 4)
    rep = members(pair)["two"].rep
    rep.is_active = False
    trail.save(rep, by=None, at=make.MONDAY_9AM, reason="left")

    assert run() == 0
    assert members(pair)["one"].applied_weight is None


def test_closings_are_those_of_the_period_that_the_rep_held_to_the_end(pair):
    trail.save(
        _changed(pair, rebalances=False, rewards_performance=True),
        by=None,
        at=make.MONDAY_9AM,
        reason="test",
    )
    for lead in held(pair, "one", 24)[:12]:
        _won(lead)
    held(pair, "two", 24)

    run(make.MONDAY_9AM + HOUR)
    assert {name: row.applied_weight for name, row in members(pair).items()} == {
        "one": 120,
        "two": 80,
    }

    Assignment.objects.update(undone_at=make.MONDAY_9AM)
    run(make.MONDAY_9AM + 2 * HOUR)
    assert {row.applied_weight for row in members(pair).values()} == {None}


def _won(lead):
    work.record_outcome(
        lead_id=lead.pk,
        epoch=lead.owner_epoch,
        kind=Outcome.Kind.WON,
        by=None,
        at=make.MONDAY_9AM,
        driver="test",
        owner_only=False,
    )


def _changed(pool, **columns):
    for name, value in columns.items():
        setattr(pool, name, value)
    return pool


def test_statements_of_a_round_do_not_grow_with_the_pool(pair):
    def cost(at):
        with CaptureQueriesContext(connection) as found:
            run(at)
        return len(found)

    run()
    few = cost(make.MONDAY_9AM + HOUR)
    for position in range(2, 8):
        make.saved(PoolMember(pool=pair, rep=make.rep(), position=position))

    assert cost(make.MONDAY_9AM + 2 * HOUR) == few
