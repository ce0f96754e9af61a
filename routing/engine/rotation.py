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

Weights that sum to at most 40 divide `UNIT` without remainder, as do equal weights as far as
anybody can tell. Otherwise shares are rounded by less than one unit of 5 * 10^15 a lead, which
cannot move a single lead within the first million cycles.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from typing import TypeAlias

from routing.engine.types import Counters, Member

# Divisible by every sum of weights up to 40. A lead and its fractions fit a database bigint
# more than a thousand times over.
UNIT = math.lcm(*range(1, 41))
# Less than this is rounding, not a claim to a lead.
GRAIN = UNIT // 10**9

# (is the balance not positive, how far off the next lead is, last turn, minus weight, position,
# rep): the smallest is next.
Standing: TypeAlias = tuple[bool, int, int, int, int, int]


def gain(weight: int, total: int) -> int:
    """Return what a member of this weight gains from a lead shared by `total` weight."""
    return UNIT * weight // total


def standings(pool: int, members: Sequence[Member], counters: Counters) -> list[Standing]:
    """
    Return each member's standing for the next lead, in the given order; the smallest is next.

    No two standings are equal, and the last element is the rep.
    """
    total = sum([member.weight for member in members])
    # A common multiple of the weights makes the quotients whole numbers, compared exactly.
    common = math.lcm(*{member.weight for member in members})
    balance, turn = counters.balance.get, counters.turn.get
    standings = []
    for member in members:
        key = (pool, member.rep)
        weight = member.weight
        after = balance(key, 0) + UNIT * weight // total
        idle = after <= GRAIN
        off = -after if idle else (UNIT - after) * (common // weight)
        standings.append((idle, off, turn(key, 0), -weight, member.position, member.rep))
    return standings


def charge(
    pool: int,
    eligible: Sequence[Member],
    receiver: int,
    counters: Counters,
    everybody: Iterable[Member],
) -> None:
    """
    Book a lead given by rotation: the eligible gain, the receiver pays and has had its turn.

    `everybody` are all members of the pool: the new turn comes after any of theirs.
    """
    total = sum([member.weight for member in eligible])
    balance = counters.balance
    paid = 0
    for member in eligible:
        key = (pool, member.rep)
        gained = UNIT * member.weight // total
        balance[key] = balance.get(key, 0) + gained
        paid += gained
    balance[pool, receiver] -= paid
    turn = counters.turn
    counters.turn[pool, receiver] = (
        max([turn.get((pool, member.rep), 0) for member in everybody], default=0) + 1
    )


def rotate(members: Sequence[Member], leads: Iterable[Collection[int]]) -> list[int | None]:
    """
    Give leads out one by one, from balances of zero, each to one of its eligible members.

    Returns the receiving rep per lead; None where no member is eligible.
    """
    counters = Counters()
    sequence: list[int | None] = []
    for eligible_reps in leads:
        eligible = [member for member in members if member.rep in eligible_reps]
        if not eligible:
            sequence.append(None)
            continue
        receiver = min(standings(0, eligible, counters))[-1]
        charge(0, eligible, receiver, counters, members)
        sequence.append(receiver)
    return sequence
