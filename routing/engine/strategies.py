"""
How one of several eligible reps is chosen. Adding a strategy is one entry in `STRATEGIES`.

A strategy gives every candidate a key that ends with the rep's id; the smallest key wins. Ties,
where nothing else is said: higher weight, smaller position, smaller id.
"""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, TypeAlias

from routing.engine import facts as known
from routing.engine import rotation
from routing.engine.types import Member, PoolSpec, Situation

Key: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """
    Who of these is to take the lead, by the rule of this name?

    `pool` is the one they share, if they do; `credited` are its members who gain their share of
    the lead although they cannot take it. `default` names the target's own strategy.
    """

    situation: Situation
    rule: str
    default: str
    pool: PoolSpec | None = None
    credited: Sequence[Member] = ()


@dataclass(frozen=True, slots=True)
class Strategy:
    """
    `keys(members, question)` in the order of the members, all different.

    `rotates`: the choice is charged to the pool's rotation, so only a pool can be its target.
    `applies` says whether it can tell these members apart; where it cannot, the target's
    default chooses.
    """

    keys: Callable[[Sequence[Member], Question], Sequence[Key]]
    rotates: bool = False
    applies: Callable[[Sequence[Member], Question], bool] | None = None
    facts: tuple[str, ...] = ()


def _tie(member: Member) -> Key:
    return (-member.weight, member.position, member.rep)


def _round_robin(members: Sequence[Member], asked: Question) -> Sequence[Key]:
    pool, situation = asked.pool, asked.situation
    if pool is None:
        raise ValueError("only a pool can rotate")
    lane = rotation.lane_of(pool, situation.tier)
    return rotation.standings(pool, lane, members, situation.counters, asked.credited)


def _least_loaded(members: Sequence[Member], asked: Question) -> Sequence[Key]:
    open_leads = asked.situation.counters.open.get
    return [(open_leads(member.rep, 0), *_tie(member)) for member in members]


def _least_value(members: Sequence[Member], asked: Question) -> Sequence[Key]:
    value = asked.situation.counters.value.get
    return [(value(member.rep, 0), *_tie(member)) for member in members]


def _least_utilised(members: Sequence[Member], asked: Question) -> Sequence[Key]:
    reps, open_leads = asked.situation.roster.reps, asked.situation.counters.open.get
    # Over a common multiple of the capacities the quotients are whole numbers. Without a
    # capacity nobody is utilised, and the number of leads tells them apart.
    rooms = {member.rep: reps[member.rep].capacity or 0 for member in members}
    common = math.lcm(*{room for room in rooms.values() if room})
    found = []
    for member in members:
        room, taken = rooms[member.rep], open_leads(member.rep, 0)
        found.append((taken * common // room if room else 0, taken, *_tie(member)))
    return found


def _performance(members: Sequence[Member], asked: Question) -> Sequence[Key]:
    reps, open_leads = asked.situation.roster.reps, asked.situation.counters.open.get
    return [
        (-reps[member.rep].performance, open_leads(member.rep, 0), *_tie(member))
        for member in members
    ]


# Decimals are computed alike everywhere, to the last of so many digits; floats are not.
_EXACT = Context(prec=40, rounding=ROUND_HALF_EVEN)
_HASH_BYTES = 8
_LN_OF_ONE = _EXACT.ln(Decimal(2 ** (8 * _HASH_BYTES + 1)))


def _random(members: Sequence[Member], asked: Question) -> Sequence[Key]:
    """
    Draw lots: weighted rendezvous hashing.

    Each rep has a number between 0 and 1 of their own for this rule and lead, and waits for
    `-ln(number) / weight`: who waits shortest wins, with a chance in proportion to the weight.
    Whoever else is eligible does not change anybody's wait. The rule counts by its name, which
    every version of the rules keeps: a lead draws the same lot under a copy.
    """
    lead = asked.situation.facts.get("lead")
    return [
        (_EXACT.divide(_wait(f"{asked.rule}:{lead}:{m.rep}"), Decimal(m.weight)), m.rep)
        for m in members
    ]


def _wait(lot: str) -> Decimal:
    drawn = hashlib.blake2b(lot.encode(), digest_size=_HASH_BYTES).digest()
    # The middle of its step, so that it is neither 0 nor 1.
    odd = 2 * int.from_bytes(drawn, "big") + 1
    return _EXACT.subtract(_LN_OF_ONE, _EXACT.ln(Decimal(odd)))


def _predictive(members: Sequence[Member], asked: Question) -> Sequence[Key]:
    scores = known.scores_in(asked.situation.facts, "propensity")
    return [(m.rep not in scores, -scores.get(m.rep, 0), *_tie(m)) for m in members]


def _are_scored(members: Sequence[Member], asked: Question) -> bool:
    scores = known.scores_in(asked.situation.facts, "propensity")
    return any(member.rep in scores for member in members)


def _first(members: Sequence[Member], asked: Question) -> Sequence[Key]:
    return [(member.position, member.rep) for member in members]


STRATEGIES: Mapping[str, Strategy] = {
    # Whose turn it is, by weight: see `rotation`.
    "round_robin": Strategy(_round_robin, rotates=True),
    # Fewest open leads.
    "least_loaded": Strategy(_least_loaded),
    # Smallest expected value of the open leads.
    "least_value": Strategy(_least_value),
    # Smallest part of the capacity taken; of equals, fewest open leads.
    "least_utilised": Strategy(_least_utilised),
    # Best performance; of equals, fewest open leads.
    "performance": Strategy(_performance),
    # By lot, in proportion to the weights; the same lot for the same lead.
    "random": Strategy(_random, facts=("lead",)),
    # Likeliest to win (fact `propensity`); whom it does not list come last.
    "predictive": Strategy(_predictive, applies=_are_scored, facts=("propensity",)),
    # The order of the list: owner before backup, members by position.
    "first": Strategy(_first),
}


def in_force(name: str, members: Sequence[Member], asked: Question) -> str:
    """Return the strategy that chooses: the one named, or the default where it cannot."""
    applies = STRATEGIES[name].applies
    return name if applies is None or applies(members, asked) else asked.default


def choose(name: str, members: Sequence[Member], asked: Question) -> tuple[int, int | None]:
    """Return the rep to take the lead, and the one who would be next without them."""
    keys = list(STRATEGIES[name].keys(members, asked))
    best = min(keys)
    if len(keys) == 1:
        return best[-1], None
    keys.remove(best)
    return best[-1], min(keys)[-1]
