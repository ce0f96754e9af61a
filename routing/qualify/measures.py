"""How well a score tells who will buy: order, calibration, and how sure we are. Pure."""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from routing.insight.measures import Interval

# Rounds of the bootstrap, and the seed that makes a report come out the same again.
ROUNDS: Final = 1000
SEED: Final = 20_260_615


@dataclass(frozen=True, slots=True)
class Bin:
    """Leads of like likelihood: how many, what was said on average, what came."""

    n: int
    said: float
    came: float


def auc(scores: Sequence[float], won: Sequence[bool]) -> float:
    """
    Return the chance that a lead that was won scored above one that was not, ties half.

    0.5 if there are only leads of one kind.
    """
    return _auc(_groups(scores), [1] * len(won), won)


def auc_interval(
    scores: Sequence[float], won: Sequence[bool], *, rounds: int = ROUNDS, seed: int = SEED
) -> Interval:
    """Return the AUC with the percentile bootstrap's 95 % interval."""
    groups = _groups(scores)
    found = [_auc(groups, counts, won) for counts in _samples(len(won), rounds, seed)]
    return _interval(auc(scores, won), found)


def auc_gain(
    scores: Sequence[float],
    than: Sequence[float],
    won: Sequence[bool],
    *,
    rounds: int = ROUNDS,
    seed: int = SEED,
) -> Interval:
    """Return by how much the AUC of one score is above another's on the same leads, paired."""
    ours, theirs = _groups(scores), _groups(than)
    found = [
        _auc(ours, counts, won) - _auc(theirs, counts, won)
        for counts in _samples(len(won), rounds, seed)
    ]
    return _interval(auc(scores, won) - auc(than, won), found)


def brier(likelihoods: Sequence[float], won: Sequence[bool]) -> float:
    """Return the mean squared error of likelihoods; 0 is perfect."""
    if not won:
        return 0.0
    return math.fsum((p - y) ** 2 for p, y in zip(likelihoods, won, strict=True)) / len(won)


def bins(likelihoods: Sequence[float], won: Sequence[bool], *, number: int = 10) -> list[Bin]:
    """Return bins of as many leads each, by rising likelihood."""
    rows = sorted(zip(likelihoods, won, strict=True))
    found = []
    for place in range(number):
        part = rows[len(rows) * place // number : len(rows) * (place + 1) // number]
        if part:
            found.append(
                Bin(
                    len(part),
                    math.fsum(p for p, _ in part) / len(part),
                    sum(y for _, y in part) / len(part),
                )
            )
    return found


def calibration_error(found: Sequence[Bin]) -> float:
    """Return the mean distance between said and came, each bin by its size."""
    total = sum(one.n for one in found)
    return math.fsum(one.n * abs(one.said - one.came) for one in found) / total if total else 0.0


def _groups(scores: Sequence[float]) -> list[list[int]]:
    """The places of equal scores, by rising score."""
    order = sorted(range(len(scores)), key=scores.__getitem__)
    found: list[list[int]] = []
    for place in order:
        if found and scores[found[-1][0]] == scores[place]:
            found[-1].append(place)
        else:
            found.append([place])
    return found


def _auc(groups: Sequence[Sequence[int]], counts: Sequence[int], won: Sequence[bool]) -> float:
    below = pairs = 0.0
    positives = 0
    for group in groups:
        up = down = 0
        for place in group:
            if won[place]:
                up += counts[place]
            else:
                down += counts[place]
        pairs += up * (below + down / 2)
        below += down
        positives += up
    return pairs / (positives * below) if positives and below else 0.5


def _samples(number: int, rounds: int, seed: int) -> Iterator[list[int]]:
    """How often each lead is in each sample drawn with replacement."""
    chance = random.Random(seed)
    for _ in range(rounds if number else 0):
        counts = [0] * number
        for place in chance.choices(range(number), k=number):
            counts[place] += 1
        yield counts


def _interval(value: float, found: Sequence[float]) -> Interval:
    if not found:
        return Interval(value, value, value)
    ordered = sorted(found)
    last = len(ordered) - 1
    return Interval(ordered[round(0.025 * last)], value, ordered[round(0.975 * last)])
