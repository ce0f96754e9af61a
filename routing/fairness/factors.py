"""
The weights in force: pure arithmetic, in a stated order of precedence.

1. The weight that a person set.
2. Ramp: from `RAMP_START` percent of it on the first day, evenly up to all of it.
3. Performance: times 0.8 to 1.2, see `performance`.
4. Rebalancing: whoever carries more than their share gets less, see `rebalanced`.
5. Bounds: 3 and 4 together leave at least and at most so many percent of what 2 gave. A ramp
   is a plan that a person made, so the bounds are measured from it and do not lift it.
6. Protected shares: a promise, so they come last and nothing lowers them. The weights of the
   others stay as they are, and so do the proportions among them.

Weights in force are whole hundredths of a set weight. All steps are exact fractions; only the
end is rounded, and a protected share is rounded up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import ceil

HUNDRED = 100
# Hundredths; what the engine takes as a weight at most.
MOST_IN_FORCE = 1_000_000

RAMP_START = 20
# What members above the band get of the new leads, together. A group with a quarter of the
# weights or less would hardly notice, so it gets four fifths of its own share.
PULLED_BACK = Fraction(20, 100)
LEVEL_PART = Fraction(1, 2)

BEST, WEAKEST = Fraction(12, 10), Fraction(8, 10)
# Leads in the period below which nobody is judged, and how many leads of the pool's own rate
# stand beside everybody's, so that a short lucky run counts little.
SAMPLE = 20
PRIOR = 20
LATE_SAMPLE = 5
LATE_COSTS = Fraction(2, 10)
# Performance moves in steps, so that noise does not change weights every hour.
STEP = Fraction(5, 100)

# Protected shares beyond this are cut in proportion; the forms refuse them.
MOST_PROTECTED = Fraction(90, 100)


@dataclass(frozen=True, slots=True)
class Terms:
    """How a pool's weights may change by themselves; percents, as on `routing.Pool`."""

    rebalances: bool = False
    band: int = 20
    rewards_performance: bool = False
    least_percent: int = 20
    most_percent: int = 400


@dataclass(frozen=True, slots=True)
class Seat:
    """
    A member as a person set them, and what they carry.

    `load`: points of all open leads. `given`, `won`: leads of the last
    `routing.fairness.performance.PERIOD`, and those of them that were won. `late`: open leads in a
    late stage. `above`: whether they were above the band when last asked.
    """

    rep: int
    weight: int = 1
    ramp_from: date | None = None
    ramp_days: int = 0
    protected_percent: int = 0
    load: int = 0
    given: int = 0
    won: int = 0
    late: int = 0
    above: bool = False


@dataclass(frozen=True, slots=True)
class InForce:
    """
    A member's weight in force in hundredths, and why; no causes: it is the set weight.

    `above`: whether rebalancing holds them back now.
    """

    rep: int
    hundredths: int
    causes: tuple[str, ...] = ()
    above: bool = False


def in_force(
    terms: Terms, seats: Sequence[Seat], *, today: date, lead_points: int
) -> list[InForce]:
    """
    Return every member's weight in force, in the given order.

    `lead_points`: what one fresh lead adds to a load; less than that is no drift.
    """
    if not seats:
        return []
    ramps = [ramp(seat, today) for seat in seats]
    base = [seat.weight * factor for seat, factor in zip(seats, ramps, strict=True)]
    merits = performance(seats) if terms.rewards_performance else [Fraction(1)] * len(seats)
    earned = [weight * factor for weight, factor in zip(base, merits, strict=True)]
    above, pulls = set[int](), [Fraction(1)] * len(seats)
    if terms.rebalances:
        above = above_band(seats, earned, band=terms.band, lead_points=lead_points)
        pulls = rebalanced(earned, above)

    causes: list[list[str]] = [[] for _ in seats]
    natural = []
    for n, seat in enumerate(seats):
        asked = merits[n] * pulls[n]
        least = min(Fraction(terms.least_percent, HUNDRED), Fraction(1))
        most = max(Fraction(terms.most_percent, HUNDRED), Fraction(1))
        kept = min(max(asked, least), most)
        if ramps[n] != 1:
            causes[n].append(f"ramping up × {_words(ramps[n])}")
        if merits[n] != 1:
            causes[n].append(f"performance × {_words(merits[n])}")
        if pulls[n] != 1:
            causes[n].append(f"above the band × {_words(pulls[n])}")
        if kept != asked:
            end = "not below" if kept > asked else "not above"
            causes[n].append(f"{end} {_words(kept * HUNDRED)} % of the set weight")
        natural.append(max(1, round(seat.weight * ramps[n] * kept * HUNDRED)))

    promised = promise(natural, [seat.protected_percent for seat in seats])
    for n, seat in enumerate(seats):
        if promised[n] > natural[n]:
            causes[n].append(f"protected share of {seat.protected_percent} %")
        elif promised[n] < natural[n]:
            causes[n].append("all weights made smaller in proportion")
    return [
        InForce(seat.rep, promised[n], tuple(causes[n]), n in above) for n, seat in enumerate(seats)
    ]


def ramp(seat: Seat, today: date) -> Fraction:
    """Return what part of the set weight holds today; before the first day, the first's."""
    if seat.ramp_from is None or not seat.ramp_days:
        return Fraction(1)
    days = min(max((today - seat.ramp_from).days, 0), seat.ramp_days)
    return Fraction(RAMP_START, HUNDRED) + Fraction(HUNDRED - RAMP_START, HUNDRED) * Fraction(
        days, seat.ramp_days
    )


def performance(seats: Sequence[Seat]) -> list[Fraction]:
    """
    Return everybody's factor from 0.8 to 1.2, in steps of 0.05.

    It is the member's closings per lead as a multiple of the pool's, where `PRIOR` leads with
    the pool's rate are added to their own; 1 below `SAMPLE` leads. Late-stage leads want time:
    whoever has more of them than their share loses up to 0.2, all of it at twice the share, and
    nothing below `LATE_SAMPLE`.
    """
    given, won = sum(seat.given for seat in seats), sum(seat.won for seat in seats)
    late, weights = sum(seat.late for seat in seats), sum(seat.weight for seat in seats)
    usual = Fraction(won, given) if given else Fraction(0)
    found = []
    for seat in seats:
        factor = Fraction(1)
        if usual and seat.given >= SAMPLE:
            factor = (seat.won + PRIOR * usual) / (seat.given + PRIOR) / usual
        if seat.late >= LATE_SAMPLE:
            excess = Fraction(seat.late * weights, late * seat.weight) - 1
            factor -= LATE_COSTS * min(max(excess, Fraction(0)), Fraction(1))
        found.append(min(max(round(factor / STEP) * STEP, WEAKEST), BEST))
    return found


def above_band(
    seats: Sequence[Seat], weights: Sequence[Fraction], *, band: int, lead_points: int
) -> set[int]:
    """
    Return the places of the members who carry more than their share of the pool's load.

    One gets in above the band and out again inside half of it, so that nobody flutters; and
    what is less than one lead is no drift. Whoever carries too little gets more because those
    above get less: pulling them up by themselves would flood whoever comes back from leave.
    """
    load, total = sum(seat.load for seat in seats), sum(weights)
    found = set()
    for n, seat in enumerate(seats):
        fair = load * weights[n] / total
        room = max(fair * Fraction(band, HUNDRED), Fraction(lead_points))
        if seat.load - fair > (room * LEVEL_PART if seat.above else room):
            found.add(n)
    return found


def rebalanced(weights: Sequence[Fraction], above: set[int]) -> list[Fraction]:
    """
    Return the factors that leave those above `PULLED_BACK` of the new leads together and the
    others the rest; a group that has little by weight gets four fifths of that.
    """
    held = sum((weights[n] for n in above), Fraction(0))
    rest = sum(weights, Fraction(0)) - held
    if not held or not rest:
        return [Fraction(1)] * len(weights)
    share = min(PULLED_BACK, (1 - PULLED_BACK) * held / (held + rest))
    factor = share / (1 - share) * rest / held
    return [factor if n in above else Fraction(1) for n in range(len(weights))]


def promise(weights: Sequence[int], percents: Sequence[int]) -> list[int]:
    """
    Raise weights until each member has at least their percent of the sum; others stay.

    Exact: no protected share falls short by rounding. Only where the sum would pass what the
    engine takes are all weights made smaller first.
    """
    asked = Fraction(sum(percents), HUNDRED)
    cut = min(Fraction(1), MOST_PROTECTED / asked) if asked else Fraction(1)
    shares = [Fraction(percent, HUNDRED) * cut for percent in percents]
    found = list(weights)
    raised: set[int] = set()
    while True:
        rest = sum(found[n] for n in range(len(found)) if n not in raised)
        total = rest / (1 - sum(shares[n] for n in raised))
        if raised and total > MOST_IN_FORCE:
            found = [max(1, int(weight * MOST_IN_FORCE / (2 * total))) for weight in found]
            continue
        short = {n for n in range(len(found)) if n not in raised and found[n] < shares[n] * total}
        if not short:
            break
        raised |= short
    for n in raised:
        found[n] = ceil(shares[n] * total)
    # Rounding one share up takes a little of the others': until nobody misses any.
    while missing := [n for n in raised if found[n] < shares[n] * sum(found)]:
        for n in missing:
            found[n] += 1
    return found


def _words(number: Fraction) -> str:
    return f"{float(number):.2f}".rstrip("0").rstrip(".")
