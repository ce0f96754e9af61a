"""What is learnt: the fit is the best there is, parts add up, and figures are the known ones."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.qualify import learnt, measures
from routing.qualify.learnt import Learnt, TooLittle


def made_up(number=600, seed=3):
    chance = random.Random(seed)
    rows, won = [], []
    for _ in range(number):
        row = {"channel": chance.choice(["FORM", "CHAT", "API"]), "fit": chance.randrange(100)}
        if chance.random() < 0.2:
            del row["channel"]
        odds = -2 + (1.5 if row.get("channel") == "FORM" else 0) + row["fit"] / 50
        rows.append(row)
        won.append(chance.random() < 1 / (1 + math.exp(-odds)))
    return rows, won


@pytest.fixture(scope="module")
def taught() -> Learnt:
    rows, won = made_up()
    found = learnt.learn(rows, won, texts=["channel"], numbers=["fit"])
    return learnt.equated(found, rows, [min(100, row["fit"]) for row in rows])


def test_the_fit_is_where_the_penalised_likelihood_is_level():
    rows, won = made_up()
    found = learnt.learn(rows, won, texts=["channel"], numbers=["fit"], penalty=2.0)

    slope = {key: -2.0 * weight for key, weight in found.weights.items()}
    rest = 0.0
    for row, y in zip(rows, won, strict=True):
        error = y - found.likelihood(row)
        rest += error
        for key in found.encoder.keys(row):
            slope[key] += error
    assert abs(rest) < 1e-4
    assert max(map(abs, slope.values())) < 1e-4
    assert found.weights["channel=form"] > found.weights["channel=chat"] + 0.7


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "channel": st.sampled_from(["FORM", "CHAT", "API", "odd"]),
            "fit": st.integers(-50, 200) | st.none(),
        },
    )
)
def test_the_parts_add_up_to_the_score(taught, row):
    total = math.fsum(part.points for part in taught.parts(row))

    assert math.isclose(total, taught.points(taught.log_odds(row)), abs_tol=1e-6)
    assert 0 <= taught.score(row) <= 100


def test_a_better_chance_is_never_a_lower_score(taught):
    odds = [x / 10 for x in range(-60, 60)]

    points = [taught.points(one) for one in odds]
    assert points == sorted(points)


def test_as_many_leads_reach_a_score_as_by_the_points(taught):
    rows, _ = made_up()
    points = [min(100, row["fit"]) for row in rows]

    for threshold in (30, 60, 80):
        mine = sum(taught.score(row) >= threshold for row in rows)
        theirs = sum(one >= threshold for one in points)
        # Leads with the same indicators stand or fall together.
        assert abs(mine - theirs) < 0.12 * len(rows)


def test_it_is_kept_as_plain_json(taught):
    import json

    assert Learnt.from_json(json.loads(json.dumps(taught.to_json()))) == taught


def test_too_few_leads_teach_nothing():
    with pytest.raises(TooLittle, match="at least 20"):
        learnt.learn([{"a": "b"}] * 100, [True] * 10 + [False] * 90, texts=["a"], numbers=[])


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
def test_the_auc_is_the_share_of_pairs_in_order(rows):
    scores, won = [one for one, _ in rows], [one for _, one in rows]
    pairs = [
        1.0 if up > down else 0.5 if up == down else 0.0
        for up, y in rows
        if y
        for down, n in rows
        if not n
    ]

    expected = sum(pairs) / len(pairs) if pairs else 0.5
    assert math.isclose(measures.auc(scores, won), expected)


def test_the_interval_of_a_gain_holds_zero_for_equal_scores_and_not_for_a_better_one():
    chance = random.Random(1)
    won = [chance.random() < 0.4 for _ in range(400)]
    good = [y + chance.random() for y in won]
    noise = [chance.random() for _ in won]

    same = measures.auc_gain(good, good, won, rounds=50)
    gain = measures.auc_gain(good, noise, won, rounds=100)

    assert (same.low, same.value, same.high) == (0, 0, 0)
    assert gain.low > 0.2
    assert gain.low < gain.value < gain.high


def test_likelihoods_that_come_true_have_no_error():
    bins = measures.bins(
        [0.25] * 100 + [0.75] * 100,
        [n % 4 == 0 for n in range(100)] + [n % 4 != 0 for n in range(100)],
        number=2,
    )

    assert measures.calibration_error(bins) == 0
    assert measures.brier([1.0, 0.0], [True, False]) == 0
