"""The exact weighted rotation and its law."""

from dataclasses import replace
from fractions import Fraction
from math import gcd

from hypothesis import given, settings
from hypothesis import strategies as st

from routing.engine import UNIT, Counters, Member, PoolSpec, RepSpec, rotate
from routing.engine.eligibility import floor, handed_back
from routing.engine.rotation import book, charges, lane_of, standings
from routing.engine.types import MAIN


def members(*weights):
    return [Member(rep, weight, rep) for rep, weight in enumerate(weights, start=1)]


def next_of(pool, eligible, counters, credited=(), lane=MAIN):
    return min(standings(pool, lane, eligible, counters, credited))[-1]


def give(pool, eligible, receiver, counters, credited=(), lane=MAIN):
    """Book a lead as `apply` does."""
    charged = charges(pool, lane, eligible, receiver, counters, credited)
    book(pool, lane, charged, receiver, counters)
    return charged


def everybody(weights, leads):
    return [range(1, len(weights) + 1)] * leads


def test_equal_weights_take_turns_by_position():
    assert rotate(members(1, 1, 1), everybody("abc", 6)) == [1, 2, 3, 1, 2, 3]


def test_a_heavier_member_is_interleaved():
    assert rotate(members(5, 1, 1), everybody("abc", 7)) == [1, 1, 1, 2, 1, 3, 1]


def test_a_lead_nobody_may_take_goes_to_nobody_and_costs_nothing():
    leads = [{1, 2}, set(), {1, 2}, {99}]

    assert rotate(members(1, 1), leads) == [1, None, 2, None]


def test_who_could_not_take_a_lead_is_neither_charged_nor_credited():
    # The second member's one lead was for them alone: still an equal share of the others.
    assert rotate(members(1, 1), [{2}, {1, 2}, {1, 2}]) == [2, 1, 2]


def test_ties_go_to_the_longest_wait_then_weight_then_position_then_id():
    three = [Member(7, 1, 5), Member(8, 1, 5), Member(9, 1, 4)]
    pool, counters = PoolSpec(1, tuple(three)), Counters()

    assert next_of(pool, three, counters) == 9
    assert next_of(pool, three[:2], counters) == 7
    counters.turn = {(1, 7, MAIN): 3, (1, 8, MAIN): 2, (1, 9, MAIN): 4}
    assert next_of(pool, three, counters) == 8

    # Equal after gaining: UNIT/4 + 3/4 against 3/4 + 1/4.
    heavy, light = Member(1, 3, 9), Member(2, 1, 0)
    level = Counters(balance={(1, 1, MAIN): -UNIT // 4, (1, 2, MAIN): UNIT // 4})
    assert next_of(PoolSpec(1, (light, heavy)), [light, heavy], level) == 1


def test_pools_do_not_share_balances():
    counters = Counters()
    pair = members(1, 1)
    give(PoolSpec(1, tuple(pair)), pair, 1, counters)

    assert counters.balance == {(1, 1, MAIN): -UNIT // 2, (1, 2, MAIN): UNIT // 2}
    assert next_of(PoolSpec(2, tuple(pair)), pair, counters) == 1
    assert counters.turn == {(1, 1, MAIN): 1}


def test_a_turn_comes_after_every_other_in_the_pool_eligible_or_not():
    counters = Counters(turn={(1, 3, MAIN): 9, (2, 1, MAIN): 50, (1, 2, "hot"): 70})
    three = members(1, 1, 1)

    give(PoolSpec(1, tuple(three)), three[:2], 1, counters)

    assert counters.turn[1, 1, MAIN] == 10


def test_where_the_largest_balance_would_leave_somebody_behind_nobody_is():
    # Picking the largest balance leaves a light member 1.25 leads behind here.
    weights = [1, 1, 1, 1, 1, 1, 9, 9, 9, 9, 9, 9]
    received = [0] * 12
    for t, rep in enumerate(rotate(members(*weights), everybody(weights, 60)), start=1):
        received[rep - 1] += 1
        assert all(abs(Fraction(t * w, 60) - n) < 1 for w, n in zip(weights, received, strict=True))

    assert received == weights


def test_of_several_who_handed_it_back_nobody_gets_it_again():
    never = handed_back({"handed_back": [1, 2]})

    assert floor(RepSpec(1), Counters(), 0, never) == "handed_back"
    assert floor(RepSpec(3), Counters(), 0, never) is None


@settings(deadline=None, max_examples=150)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=9))
def test_with_a_fixed_set_shares_are_exact_each_cycle_and_close_inside(weights):
    total, cycle = sum(weights), sum(weights) // gcd(*weights)
    received = [0] * len(weights)

    sequence = rotate(members(*weights), everybody(weights, 3 * cycle))

    for t, rep in enumerate(sequence, start=1):
        received[rep - 1] += 1
        for weight, count in zip(weights, received, strict=True):
            ahead = count - Fraction(t * weight, total)
            assert abs(ahead) < 1
        if t % cycle == 0:
            assert all(
                count * total == t * weight for weight, count in zip(weights, received, strict=True)
            )
    assert sequence[:cycle] * 3 == sequence


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 400), min_size=2, max_size=6))
def test_large_weights_are_exact_too_though_shares_are_rounded(weights):
    cycle = sum(weights) // gcd(*weights)
    sequence = rotate(members(*weights), everybody(weights, cycle))

    assert [sequence.count(rep) * gcd(*weights) for rep in range(1, len(weights) + 1)] == weights


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_balances_sum_to_zero_whoever_is_eligible(data):
    everyone = members(*data.draw(st.lists(st.integers(1, 50), min_size=1, max_size=8)))
    pool, counters = PoolSpec(1, tuple(everyone)), Counters()
    for _ in range(data.draw(st.integers(0, 40))):
        eligible = [member for member in everyone if data.draw(st.booleans())] or everyone
        give(pool, eligible, next_of(pool, eligible, counters), counters)
        assert sum(counters.balance.values()) == 0
        assert len(set(counters.turn.values())) == len(counters.turn)


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_the_order_in_which_members_are_listed_does_not_matter(data):
    pool = members(*data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=7)))
    reps = [member.rep for member in pool]
    leads = data.draw(st.lists(st.sets(st.sampled_from(reps)), max_size=30))

    assert rotate(data.draw(st.permutations(pool)), leads) == rotate(pool, leads)


# --- Skips by kind, bounds, catching up ----------------------------------------------------


def serve(pool, counters, eligible, leads, credited=(), lane=MAIN):
    """Give so many leads out, each to one of the eligible; return who got them."""
    able = [pool.by_rep[rep] for rep in eligible]
    kept = [pool.by_rep[rep] for rep in credited]
    sequence = []
    for _ in range(leads):
        receiver = next_of(pool, able, counters, kept, lane)
        give(pool, able, receiver, counters, kept, lane)
        sequence.append(receiver)
    return sequence


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 3), min_size=2, max_size=5), st.data())
def test_whoever_the_company_sent_away_keeps_their_share(weights, data):
    # A bound that a cycle away does not reach.
    pool, counters = PoolSpec(1, tuple(members(*weights)), bound=6), Counters()
    total, rest = sum(weights), range(2, len(weights) + 1)
    leads = data.draw(st.integers(1, total))

    before = serve(pool, counters, rest, leads, credited=[1])
    assert 1 not in before
    assert abs(counters.balance.get((1, 1, MAIN), 0) - leads * (UNIT * weights[0] // total)) < leads
    after = serve(pool, counters, range(1, len(weights) + 1), 60 * total)

    # In the end everybody has their share of all leads, those while away included.
    for rep, weight in enumerate(weights, start=1):
        share = Fraction((leads + len(after)) * weight, total)
        assert abs((before + after).count(rep) - share) <= 1


def test_whoever_paused_by_themselves_gains_nothing_meanwhile():
    pool, counters = PoolSpec(1, tuple(members(1, 1, 1))), Counters()

    serve(pool, counters, [1, 2], 12)

    assert counters.balance.get((1, 3, MAIN), 0) == 0


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_nobody_is_owed_or_owes_more_than_the_bound(data):
    weights = data.draw(st.lists(st.integers(1, 6), min_size=2, max_size=5))
    bound = data.draw(st.integers(1, 3))
    pool = PoolSpec(1, tuple(members(*weights)), bound=bound)
    counters, reps = Counters(), list(pool.by_rep)
    for _ in range(data.draw(st.integers(1, 12))):
        eligible = data.draw(st.sets(st.sampled_from(reps), min_size=1))
        away = [rep for rep in reps if rep not in eligible and data.draw(st.booleans())]
        serve(pool, counters, sorted(eligible), data.draw(st.integers(1, 9)), away)
        assert sum(counters.balance.values()) == 0
        for rep, weight in enumerate(weights, start=1):
            most = bound * UNIT * weight // min(weights)
            assert abs(counters.balance.get((1, rep, MAIN), 0)) <= most


@settings(deadline=None, max_examples=60)
@given(st.integers(4, 12), st.integers(2, 5), st.integers(1, 3))
def test_whoever_is_owed_much_catches_up_by_one_extra_lead_in_so_many(size, catch_up, owed):
    pool = PoolSpec(1, tuple(members(*[1] * size)), bound=3, catch_up=catch_up)
    counters, everyone = Counters(), list(pool.by_rep)
    serve(pool, counters, everyone, size)
    counters.balance[1, 1, MAIN] = owed * UNIT
    for rep in everyone[1:]:
        counters.balance[1, rep, MAIN] = -owed * UNIT // (size - 1)

    sequence = serve(pool, counters, everyone, 6 * size)

    for window in range(catch_up, 6 * size, catch_up):
        for first in range(len(sequence) - window):
            got = sequence[first : first + window].count(1)
            # The extras and their own share, at an even pace.
            assert got <= Fraction(window, catch_up) + Fraction(window, size) + 2
    # Without the brake they would get them all at once.
    eager = replace(pool, catch_up=1)
    if owed > 1:
        start = Counters(balance={(1, 1, MAIN): owed * UNIT})
        assert serve(eager, start, everyone, owed) == [1] * owed
    assert sequence.count(1) == 6 + owed


def test_lanes_rotate_each_on_its_own():
    pool, counters = PoolSpec(1, tuple(members(2, 1)), lanes=("hot",)), Counters()

    assert (lane_of(pool, "hot"), lane_of(pool, "cold"), lane_of(pool, "")) == ("hot", MAIN, MAIN)
    main = serve(pool, counters, [1, 2], 2)
    hot = serve(pool, counters, [1, 2], 3, lane="hot")
    main += serve(pool, counters, [1, 2], 1)

    assert (main.count(1), hot.count(1)) == (2, 2)
    assert main == hot
    assert not any(counters.balance.values())


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 9), min_size=2, max_size=5), st.integers(1, 5))
def test_more_weight_never_brings_fewer_leads(weights, more):
    heavier = [weights[0] + more, *weights[1:]]
    leads = sum(weights) * sum(heavier)

    less = rotate(members(*weights), everybody(weights, leads)).count(1)

    assert rotate(members(*heavier), everybody(heavier, leads)).count(1) > less
