"""
A score that is learnt from outcomes: logistic regression on indicators, in plain Python.

Facts become indicators ("channel=FORM", "employees in 50 to 200", "industry missing"), whose
weights are log-odds, shrunk by a penalty and found by Newton's method. So every lead's
likelihood is a sum of named parts. A likelihood is brought onto the points' own scale by equal
ranks (`equated`): as many leads reach 60 by the one as by the other, so a threshold goes on
meaning what it meant. Everything is kept as plain JSON.
"""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from routing.qualify.scoring import Part, bounded

MOST_STEPS: Final = 25
GOOD_ENOUGH: Final = 1e-8
# A value of a fact is told apart from this many leads on; rarer ones are "other".
LEAST_LEADS: Final = 20
MOST_VALUES: Final = 30
MOST_BINS: Final = 5
MOST_KNOTS: Final = 101
MISSING: Final = "not known"
OTHER: Final = "other"


class TooLittle(ValueError):
    """There are not enough leads of both kinds to learn from."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """Which values of a fact are told apart, and where numbers are cut."""

    values: Mapping[str, tuple[str, ...]]
    cuts: Mapping[str, tuple[float, ...]]

    def keys(self, facts: Mapping[str, Any]) -> list[str]:
        """The indicators that hold for these facts: one for each fact that was learnt from."""
        found = [f"{name}={self._value(name, facts.get(name))}" for name in self.values]
        return found + [f"{name}={self._span(name, facts.get(name))}" for name in self.cuts]

    def _value(self, name: str, value: Any) -> str:
        text = text_of(value)
        if text is None:
            return MISSING
        return text if text in self.values[name] else OTHER

    def _span(self, name: str, value: Any) -> str:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return MISSING
        cuts = self.cuts[name]
        place = bisect_right(cuts, value)
        if not cuts:
            return "any"
        if place == 0:
            return f"below {cuts[0]:g}"
        if place == len(cuts):
            return f"{cuts[-1]:g} or more"
        return f"{cuts[place - 1]:g} to {cuts[place]:g}"


@dataclass(frozen=True, slots=True)
class Learnt:
    """
    What was learnt. `weights` are log-odds by indicator, `shares` how often each held in
    training: a lead is compared with the average one. `knots` are (log-odds, points), rising.
    """

    encoder: Encoder
    intercept: float
    weights: Mapping[str, float]
    shares: Mapping[str, float]
    knots: tuple[tuple[float, float], ...] = ()

    @property
    def base(self) -> float:
        """The log-odds of an average lead."""
        return self.intercept + math.fsum(
            weight * self.shares.get(key, 0.0) for key, weight in self.weights.items()
        )

    def log_odds(self, facts: Mapping[str, Any]) -> float:
        """The log-odds that this lead is won."""
        return self.intercept + math.fsum(
            self.weights.get(key, 0.0) for key in self.encoder.keys(facts)
        )

    def likelihood(self, facts: Mapping[str, Any]) -> float:
        """The likelihood, from 0 to 1."""
        return _sigmoid(self.log_odds(facts))

    def points(self, log_odds: float) -> float:
        """Log-odds on the points' scale: straight lines between knots, flat beyond them."""
        knots = self.knots
        if not knots:
            return 100 * _sigmoid(log_odds)
        place = bisect_right(knots, (log_odds, math.inf))
        if place == 0:
            return knots[0][1]
        if place == len(knots):
            return knots[-1][1]
        (x0, y0), (x1, y1) = knots[place - 1], knots[place]
        return y0 if x1 == x0 else y0 + (y1 - y0) * (log_odds - x0) / (x1 - x0)

    def score(self, facts: Mapping[str, Any]) -> int:
        """The score from 0 to 100."""
        return bounded(self.points(self.log_odds(facts)))

    def parts(self, facts: Mapping[str, Any], *, least: float = 0.05) -> tuple[Part, ...]:
        """
        What each fact does to the score: the average lead first, then fact by fact, the
        strongest first, each with the points by which it moves the score on. They add up to
        it; a fact with less than `least` points is left out, and stands in the last line.
        """
        groups: dict[str, float] = {}
        for key, weight in self.weights.items():
            name = key.partition("=")[0]
            groups[name] = groups.get(name, 0.0) - weight * self.shares.get(key, 0.0)
        words = {}
        for key in self.encoder.keys(facts):
            name, _, value = key.partition("=")
            words[name] = value
            groups[name] = groups.get(name, 0.0) + self.weights.get(key, 0.0)
        odds = self.base
        before = self.points(odds)
        found = [Part("base", "average lead", before, before)]
        rest = 0.0
        for name, step in sorted(groups.items(), key=lambda one: (-abs(one[1]), one[0])):
            odds += step
            after = self.points(odds)
            if abs(after - before) >= least:
                label = f"{name}: {words.get(name, MISSING)}"
                found.append(Part("learnt", label, after - before, after - before))
            else:
                rest += after - before
            before = after
        if rest:
            found.append(Part("learnt", "everything else", rest, rest))
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """Write as plain JSON."""
        return {
            "values": {name: list(values) for name, values in self.encoder.values.items()},
            "cuts": {name: list(cuts) for name, cuts in self.encoder.cuts.items()},
            "intercept": self.intercept,
            "weights": dict(self.weights),
            "shares": dict(self.shares),
            "knots": [list(knot) for knot in self.knots],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Learnt":
        """Read what `to_json` wrote."""
        return cls(
            Encoder(
                {name: tuple(values) for name, values in data["values"].items()},
                {name: tuple(cuts) for name, cuts in data["cuts"].items()},
            ),
            float(data["intercept"]),
            dict(data["weights"]),
            dict(data["shares"]),
            tuple((float(x), float(y)) for x, y in data["knots"]),
        )


def text_of(value: Any) -> str | None:
    """A value of a fact as one of a few words; None if it is missing or a list."""
    if value is None or value == "" or isinstance(value, list | tuple | dict):
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).strip().casefold()[:60] or None


def encoder_of(
    rows: Sequence[Mapping[str, Any]], *, texts: Iterable[str], numbers: Iterable[str]
) -> Encoder:
    """Choose values and cuts by what is there often enough; facts with one value say nothing."""
    values: dict[str, tuple[str, ...]] = {}
    for name in texts:
        counts = Counter(text_of(row.get(name)) for row in rows)
        often = [(text, n) for text, n in counts.items() if text is not None and n >= LEAST_LEADS]
        often.sort(key=lambda one: (-one[1], one[0]))
        if often and len(counts) > 1:
            values[name] = tuple(text for text, _ in often[:MOST_VALUES])
    cuts: dict[str, tuple[float, ...]] = {}
    for name in numbers:
        known = sorted(
            float(row[name])
            for row in rows
            if isinstance(row.get(name), int | float) and not isinstance(row[name], bool)
        )
        if len(known) < 2 * LEAST_LEADS:
            continue
        most = min(MOST_BINS, len(known) // LEAST_LEADS)
        places = (known[len(known) * place // most] for place in range(1, most))
        cuts[name] = tuple(sorted({cut for cut in places if cut > known[0]}))
    return Encoder(values, cuts)


def learn(
    rows: Sequence[Mapping[str, Any]],
    won: Sequence[bool],
    *,
    texts: Iterable[str],
    numbers: Iterable[str],
    penalty: float = 1.0,
) -> Learnt:
    """
    Learn from leads and what became of them.

    :raises TooLittle: with fewer than `LEAST_LEADS` leads of either kind
    """
    positives = sum(won)
    if min(positives, len(won) - positives) < LEAST_LEADS:
        raise TooLittle(
            f"There are {positives} leads with the outcome and {len(won) - positives} without; "
            f"at least {LEAST_LEADS} of each are needed."
        )
    encoder = encoder_of(rows, texts=texts, numbers=numbers)
    encoded = [encoder.keys(row) for row in rows]
    counts = Counter(key for keys in encoded for key in keys)
    names = sorted(counts)
    place = {name: number for number, name in enumerate(names, start=1)}
    # Leads with the same indicators are one row with a number of leads and of wins.
    grouped: dict[tuple[int, ...], list[int]] = {}
    for keys, y in zip(encoded, won, strict=True):
        sums = grouped.setdefault((0, *(place[key] for key in keys)), [0, 0])
        sums[0] += 1
        sums[1] += bool(y)
    found = _newton(
        [(columns, n, y) for columns, (n, y) in sorted(grouped.items())],
        len(names) + 1,
        start=math.log(positives / (len(won) - positives)),
        penalty=penalty,
    )
    return Learnt(
        encoder,
        found[0],
        {name: found[place[name]] for name in names},
        {name: counts[name] / len(rows) for name in names},
    )


def equated(
    learnt: Learnt,
    rows: Sequence[Mapping[str, Any]],
    points: Sequence[float],
    *,
    bounds: Iterable[float] = (),
) -> Learnt:
    """
    Return the same with knots by which as many of these leads lie between two `bounds` (the
    threshold, the tiers) as by their points. Leads that the points do not tell apart are
    spread between their neighbours, so that what was learnt about them is not lost again.
    """
    odds, ranked = sorted(map(learnt.log_odds, rows)), _spread(points, sorted(bounds))
    if not odds:
        return learnt
    last = len(odds) - 1
    number = min(MOST_KNOTS, len(odds))
    places = sorted({round(last * place / max(1, number - 1)) for place in range(number)})
    knots: dict[float, float] = {}
    for place in places:
        # Of equal log-odds the highest rank counts, so that the line keeps rising.
        knots[odds[place]] = float(ranked[place])
    return Learnt(
        learnt.encoder,
        learnt.intercept,
        learnt.weights,
        learnt.shares,
        tuple(sorted(knots.items())),
    )


def _spread(points: Sequence[float], bounds: Sequence[float]) -> list[float]:
    """Points by rising rank; equal ones are spread half the way to the next, past no bound."""
    counts = sorted(Counter(points).items())
    found: list[float] = []
    for place, (value, number) in enumerate(counts):
        below = (counts[place - 1][0] + value) / 2 if place else 0.0
        above = (counts[place + 1][0] + value) / 2 if place + 1 < len(counts) else 100.0
        low = max([below, *(bound for bound in bounds if bound <= value)])
        # What is above it after rounding lies on the other side.
        high = min([above, *(bound - 0.51 for bound in bounds if bound > value)])
        found += [low + (high - low) * (n + 0.5) / number for n in range(number)]
    return found


def _newton(
    rows: Sequence[tuple[tuple[int, ...], int, int]], size: int, *, start: float, penalty: float
) -> list[float]:
    """Find the weights of the greatest penalised likelihood; the intercept is not penalised."""
    weights = [start, *([0.0] * (size - 1))]
    for _ in range(MOST_STEPS):
        gradient = [0.0] + [-penalty * weight for weight in weights[1:]]
        curve = [[0.0] * size for _ in range(size)]
        for number in range(1, size):
            curve[number][number] = penalty
        # An intercept beside complete sets of indicators needs a little ground to stand on.
        curve[0][0] = 1e-9
        for columns, n, y in rows:
            p = _sigmoid(math.fsum(weights[column] for column in columns))
            error, bend = y - n * p, n * p * (1 - p)
            for column in columns:
                gradient[column] += error
                row = curve[column]
                for other in columns:
                    row[other] += bend
        step = _solve(curve, gradient)
        largest = max(map(abs, step))
        # Newton may leap past the top from afar; half a step or less never does much harm.
        scale = min(1.0, 4.0 / largest) if largest else 1.0
        weights = [weight + scale * by for weight, by in zip(weights, step, strict=True)]
        if largest < GOOD_ENOUGH:
            break
    return weights


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Solve a symmetric positive definite system by Cholesky's factors."""
    size = len(right)
    lower = [[0.0] * size for _ in range(size)]
    for i in range(size):
        mine = lower[i]
        for j in range(i + 1):
            theirs = lower[j]
            rest = matrix[i][j] - sum(a * b for a, b in zip(mine[:j], theirs[:j], strict=True))
            mine[j] = math.sqrt(max(rest, 1e-12)) if i == j else rest / theirs[j]
    half = [0.0] * size
    for i in range(size):
        half[i] = (
            right[i] - sum(a * b for a, b in zip(lower[i][:i], half[:i], strict=True))
        ) / lower[i][i]
    found = [0.0] * size
    for i in reversed(range(size)):
        found[i] = (half[i] - sum(lower[k][i] * found[k] for k in range(i + 1, size))) / lower[i][i]
    return found


def _sigmoid(x: float) -> float:
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    return math.exp(x) / (1 + math.exp(x))
