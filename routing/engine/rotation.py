"""
The exact weighted rotation.

Every member of a pool has a balance: what the rotation owes it, in units of which `UNIT` make
a lead. For each lead given by rotation every *eligible* member gains its share of one lead,
`UNIT * weight // sum of the eligible weights`, and the receiver pays the sum of the gains. So
the balances of a pool always sum to zero, and a lead that somebody could not have taken
neither costs nor earns them anything.

The receiver is chosen among the eligible members whose balance is positive after gaining, so
that nobody gets more than a lead ahead: of these the one whose balance would reach a whole lead
soonest, `(UNIT - balance) / weight`, so that nobody falls more than a lead behind. Where nobody
is positive, which can only be when the eligible set changes from lead to lead, the largest
balance is next. Ties, in this order: whose last turn is longer ago, higher weight, smaller
position, smaller rep id. Nothing is random and nothing depends on the order in which members
are listed.

The law. From balances of zero, with one fixed set of eligible members and whole weights:

1. After every full cycle (as many leads as the weights sum to, divided by what they have in
   common) each member has exactly its share, and the rotation begins anew.
2. At every moment nobody is a whole lead ahead of their share, nor a whole lead behind it.

Why. This is earliest deadline first on unit jobs: the k-th lead of a member of share r may not
come before (k - 1) / r leads were given (its balance would not be positive) and is due before
k / r (its balance would reach a lead). Such a schedule exists for every set of shares that sum
to one, and earliest deadline first finds it (Tijdeman, "The chairman assignment problem",
1980; Liu and Layland, 1973). At the end of a cycle all balances are whole leads strictly
between minus one and one, hence zero. Picking the largest balance instead is exact after a
cycle too, but inside it members can fall more than a lead behind (we found 1.58).

A fixed eligible set is the ideal; people go on holiday, speak no Spanish, are full. Then:

- A skip is charged by its kind. Whoever could not take the lead (out, off shift, paused by
  themselves, full, without the skill) is not charged and keeps their balance, so that they
  return to the rotation where they left it: neither flooded nor starved. Whoever the company
  sent away (`Counters.credited`) gains their share all the same.
- Nobody is owed, or owes, more than `PoolSpec.bound` leads (for the smallest weight of the pool,
  in proportion for higher ones). What would go beyond is not booked, and the receiver pays so
  much less: the sum stays zero.
- Who is owed more than a lead catches up slowly: while they are, they get their share and one
  lead in `PoolSpec.catch_up` besides, evenly spread over the turns of the lane, and between
  those only what nobody else can take.

In the fixed set none of this ever applies, so the law stands.

Lanes: a pool may let a tier rotate on its own (`PoolSpec.lanes`); the law holds in every lane.

Weights that sum to at most 40 (once divided by what they have in common) divide `UNIT` without
remainder, as do equal weights as far as anybody can tell. Otherwise shares are rounded by less
than one unit of 5 * 10^15 a lead, which cannot move a single lead within the first million
cycles.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from typing import TypeAlias

from routing.engine.types import MAIN, Counters, Member, PoolSpec

# Divisible by every sum of weights up to 40. A lead and its fractions fit a database bigint
# more than a thousand times over.
UNIT = math.lcm(*range(1, 41))
# Less than this is rounding, not a claim to a lead.
GRAIN = UNIT // 10**9
_MORE_THAN_A_LEAD = UNIT + GRAIN

# Whether somebody's balance is positive, is not, or is owed so much that they wait for their pace.
DUE, IDLE, PACED = 0, 1, 2
# (one of these, how far off the next lead is, last turn, minus weight, position, rep): the
# smallest is next.
Standing: TypeAlias = tuple[int, int, int, int, int, int]
Charges: TypeAlias = tuple[tuple[int, int], ...]


def lane_of(pool: PoolSpec, tier: str) -> str:
    """Return the lane in which a lead of this tier rotates."""
    return tier if tier in pool.lanes else MAIN


def bound_of(pool: PoolSpec, weight: int) -> int:
    """Return how many units the rotation may owe a member of this weight, or be owed by them."""
    return pool.bound * UNIT * weight // pool.least_weight


def standings(
    pool: PoolSpec,
    lane: str,
    eligible: Sequence[Member],
    counters: Counters,
    credited: Sequence[Member] = (),
) -> list[Standing]:
    """
    Return each eligible member's standing for the next lead, in the given order; the smallest
    is next. `credited` are members who gain their share without being eligible.

    No two standings are equal, and the last element is the rep.
    """
    total = sum([member.weight for member in eligible]) + sum([one.weight for one in credited])
    # A common multiple of the weights makes the quotients whole numbers, compared exactly.
    weights = {member.weight for member in eligible}
    common = math.lcm(*weights)
    shares = {weight: (UNIT * weight // total, common // weight) for weight in weights}
    balance, turn, seats = counters.balance.get, counters.turn.get, pool.seats[lane]
    number: int | None = None
    found = []
    for member in eligible:
        rep, weight = member.rep, member.weight
        seat, (gained, slowness) = seats[rep], shares[weight]
        after, last = balance(seat, 0) + gained, turn(seat, 0)
        if after <= GRAIN:
            found.append((IDLE, -after, last, -weight, member.position, rep))
            continue
        due = DUE
        if after > _MORE_THAN_A_LEAD:
            if number is None:
                number = latest_turn(pool, lane, counters) + 1
            due = DUE if _has_extra(pool.catch_up, weight, total, number) else PACED
        found.append((due, (UNIT - after) * slowness, last, -weight, member.position, rep))
    return found


def _has_extra(catch_up: int, weight: int, total: int, number: int) -> bool:
    """
    Say whether the lane's lead of this number is one for somebody who catches up.

    Their pace is `weight / total + 1 / catch_up` of the leads: theirs are those at which the
    multiples of the pace pass a whole number, as evenly as whole leads can be.
    """
    part, whole = catch_up * weight + total, catch_up * total
    return part >= whole or number * part // whole > (number - 1) * part // whole


def latest_turn(pool: PoolSpec, lane: str, counters: Counters) -> int:
    """Return the ordinal of the last lead that this lane of the pool gave; 0 before the first."""
    turn = counters.turn.get
    return max([turn(seat, 0) for seat in pool.seats[lane].values()], default=0)


def charges(
    pool: PoolSpec,
    lane: str,
    eligible: Sequence[Member],
    receiver: int,
    counters: Counters,
    credited: Sequence[Member] = (),
) -> Charges:
    """
    Return what a lead given by rotation changes: (rep, units) of everybody charged, by rep.

    The others gain their shares, the receiver pays them; the sum is zero.
    """
    everybody = [*eligible, *credited] if credited else eligible
    total = sum([member.weight for member in everybody])
    shares: dict[int, tuple[int, int]] = {}
    for weight in {member.weight for member in everybody}:
        gained = UNIT * weight // total
        shares[weight] = (gained, bound_of(pool, weight) - gained)
    balance, seats = counters.balance.get, pool.seats[lane]
    gains = []
    for member in everybody:
        rep = member.rep
        if rep == receiver:
            continue
        gained, ceiling = shares[member.weight]
        owed = balance(seats[rep], 0)
        if owed > ceiling:
            gained = max(0, gained + ceiling - owed)
        gains.append((rep, gained))
    paid = sum([gained for _, gained in gains])
    room = max(0, bound_of(pool, pool.by_rep[receiver].weight) + balance(seats[receiver], 0))
    if paid > room:
        gains = [(rep, gained * room // paid) for rep, gained in gains]
        paid = sum([gained for _, gained in gains])
    gains.append((receiver, -paid))
    gains.sort()
    return tuple(gains)


def plain_shares(pool: PoolSpec, eligible: Collection[int], receiver: int) -> Charges:
    """Return the charges of engine 1, which knew no bounds: each their share, the receiver pays."""
    weights = {one.rep: one.weight for one in pool.members if one.rep in eligible}
    total = sum(weights.values())
    gains = {rep: UNIT * weight // total for rep, weight in weights.items() if rep != receiver}
    gains[receiver] = -sum(gains.values())
    return tuple(sorted(gains.items()))


def book(pool: PoolSpec, lane: str, charged: Charges, receiver: int, counters: Counters) -> None:
    """Fold the charges of a lead into the counters: the receiver has had its turn."""
    key, balance = pool.id, counters.balance
    latest = latest_turn(pool, lane, counters)
    for rep, units in charged:
        seat = (key, rep, lane)
        balance[seat] = balance.get(seat, 0) + units
    counters.turn[key, receiver, lane] = latest + 1


def rotate(members: Sequence[Member], leads: Iterable[Collection[int]]) -> list[int | None]:
    """
    Give leads out one by one, from balances of zero, each to one of its eligible members.

    Returns the receiving rep per lead; None where no member is eligible.
    """
    counters, pool = Counters(), PoolSpec(0, tuple(members))
    sequence: list[int | None] = []
    for eligible_reps in leads:
        eligible = [member for member in members if member.rep in eligible_reps]
        if not eligible:
            sequence.append(None)
            continue
        receiver = min(standings(pool, MAIN, eligible, counters))[-1]
        charged = charges(pool, MAIN, eligible, receiver, counters)
        book(pool, MAIN, charged, receiver, counters)
        sequence.append(receiver)
    return sequence
