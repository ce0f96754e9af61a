"""
A logistic regression small enough to read: how evidence becomes a probability.

Newton's method with a ridge on all weights but the intercept, over sparse rows. For some
thousand rows and some twenty weights, which is what labelled leads give.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

RIDGE: Final = 0.5
_MOST_STEPS: Final = 40
_SMALLEST_STEP: Final = 1e-7

Row = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Model:
    """An intercept and a weight per feature; a feature without one counts for nothing."""

    intercept: float
    weights: Mapping[str, float]

    def log_odds(self, row: Row) -> float:
        """Give the logarithm of the odds that the row is a match."""
        return self.intercept + sum(
            self.weights.get(name, 0.0) * value for name, value in row.items()
        )


def probability(log_odds: float) -> float:
    """Give the probability of log-odds; never exactly 0 or 1."""
    bounded = max(-30.0, min(30.0, log_odds))
    return 1.0 / (1.0 + math.exp(-bounded))


def fit(rows: Sequence[Row], truths: Sequence[bool], *, signs: Mapping[str, int]) -> Model:
    """
    Fit the weights that make the truths most likely.

    `signs` says which way evidence may point (1 for, -1 against): a weight that the data would
    turn round is left out and the rest is fitted again, so that more evidence never says less.
    """
    left_out: set[str] = set()
    while True:
        model = _fit(rows, truths, left_out)
        wrong = {name for name, weight in model.weights.items() if signs.get(name, 0) * weight < 0}
        if not wrong:
            return model
        left_out |= wrong


def _fit(rows: Sequence[Row], truths: Sequence[bool], left_out: set[str]) -> Model:
    names = sorted({name for row in rows for name in row} - left_out)
    places = {name: number + 1 for number, name in enumerate(names)}
    sparse = [
        [(0, 1.0), *((places[name], row[name]) for name in row if row[name] and name in places)]
        for row in rows
    ]
    size = len(names) + 1
    weights = [0.0] * size
    for _ in range(_MOST_STEPS):
        curvature = [[0.0] * size for _ in range(size)]
        slope = [-RIDGE * weight for weight in weights]
        slope[0] = 0.0
        for place in range(size):
            curvature[place][place] = RIDGE if place else 1e-9
        for row, truth in zip(sparse, truths, strict=True):
            chance = probability(sum(weights[place] * value for place, value in row))
            error, spread = truth - chance, chance * (1.0 - chance)
            for place, value in row:
                slope[place] += error * value
                scaled, line = spread * value, curvature[place]
                for other, factor in row:
                    line[other] += scaled * factor
        step = _solve(curvature, slope)
        weights = [weight + change for weight, change in zip(weights, step, strict=True)]
        if max(map(abs, step)) < _SMALLEST_STEP:
            break
    return Model(weights[0], {name: weights[place] for name, place in places.items()})


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Solve a system of equations by elimination, the largest pivot first."""
    size = len(right)
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda line: abs(rows[line][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for line in range(column + 1, size):
            factor = rows[line][column] / rows[column][column]
            if factor:
                for place in range(column, size + 1):
                    rows[line][place] -= factor * rows[column][place]
    solved = [0.0] * size
    for line in reversed(range(size)):
        rest = sum(rows[line][place] * solved[place] for place in range(line + 1, size))
        solved[line] = (rows[line][size] - rest) / rows[line][line]
    return solved


def out_of_fold(
    rows: Sequence[Row],
    truths: Sequence[bool],
    folds: Sequence[int],
    *,
    signs: Mapping[str, int],
) -> list[float]:
    """Give each row's log-odds by a model that was fitted on all other folds."""
    models = {}
    for fold in sorted(set(folds)):
        others = [number for number, one in enumerate(folds) if one != fold]
        models[fold] = fit(
            [rows[number] for number in others], [truths[number] for number in others], signs=signs
        )
    return [models[fold].log_odds(row) for row, fold in zip(rows, folds, strict=True)]
