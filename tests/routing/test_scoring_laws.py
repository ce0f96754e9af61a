"""The points model as arithmetic: bounds, order, decay, and the next look that is never late."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.engine import parse
from routing.qualify import decay, score_body, scoring
from routing.qualify.score_body import BadModel
from routing.qualify.scoring import DAY, EventPoints, Factor, Model, Profile, score

AT = 1_781_514_000
ALWAYS = parse({"all": []})
NAMES = ("pricing_page", "demo_video", "unsubscribed")

ages = st.integers(0, 400 * DAY)
happenings = st.lists(st.tuples(st.sampled_from(NAMES), ages).map(list), max_size=12)


@st.composite
def event_lines(draw, *, least=-100):
    name = draw(st.sampled_from(NAMES))
    return EventPoints(
        name=f"{name} {draw(st.integers(0, 10**6))}",
        event=name,
        points=draw(st.integers(least, 100)),
        half_life=draw(st.none() | st.integers(3600, 90 * DAY)),
        window=draw(st.none() | st.integers(3600, 365 * DAY)),
        cap=draw(st.none() | st.integers(1, 200)),
        per_day=draw(st.none() | st.integers(1, 3)),
    )


@st.composite
def models(draw, *, least=-100):
    points = st.integers(least, 60)
    hot = draw(st.integers(2, 100))
    return Model(
        profiles=(Profile("Fits", ALWAYS, draw(points)),),
        factors=tuple(
            Factor(f"F{n}", ALWAYS, draw(points)) for n in range(draw(st.integers(0, 3)))
        ),
        events=tuple(draw(st.lists(event_lines(least=least), max_size=4))),
        fit_weight=draw(st.integers(0, 200)),
        engagement_weight=draw(st.integers(0, 200)),
        hot_from=hot,
        warm_from=draw(st.integers(0, hot - 1)),
        threshold=draw(st.integers(0, 100)),
    )


@given(models(), happenings)
def test_a_score_is_whole_bounded_and_the_sum_of_its_parts(model, events):
    found = score(model, {}, events=events, at=AT)

    assert 0 <= found.value <= 100
    assert found.value == max(0, min(100, math.floor(found.total + 0.5)))
    assert math.isclose(found.total, found.fit + found.engagement, abs_tol=1e-9)
    assert found.tier == model.tier_of(found.value)


@given(models(), happenings, st.randoms())
def test_the_order_of_events_and_lines_makes_no_difference(model, events, chance):
    shuffled, lines = list(events), list(model.events)
    chance.shuffle(shuffled)
    chance.shuffle(lines)
    other = Model(
        model.profiles,
        model.factors,
        tuple(lines),
        model.fit_weight,
        model.engagement_weight,
        model.hot_from,
        model.warm_from,
        model.threshold,
    )

    assert (
        score(model, {}, events=events, at=AT).total
        == score(other, {}, events=shuffled, at=AT).total
    )


@given(models(least=0), happenings, st.sampled_from(NAMES), ages)
def test_one_more_welcome_event_never_lowers_a_score(model, events, name, ago):
    before = score(model, {}, events=events, at=AT)
    after = score(model, {}, events=[*events, [name, ago]], at=AT)

    assert after.total >= before.total - 1e-9


@given(models(least=0), happenings, st.integers(0, 400 * DAY))
def test_time_alone_never_raises_the_score_of_welcome_events(model, events, later):
    aged = [[name, ago + later] for name, ago in events]

    now = score(model, {}, events=events, at=AT)
    then = score(model, {}, events=aged, at=AT + later)

    assert then.total <= now.total + 1e-9


@given(st.integers(-100, 100), st.integers(1, 90 * DAY), st.integers(0, 30))
def test_after_each_half_life_an_event_is_worth_half(points, half_life, times):
    line = EventPoints("x", "x", points, half_life=half_life)

    assert math.isclose(scoring.worth(line, half_life * times), points / 2**times)


@given(event_lines(), happenings)
def test_no_line_adds_more_than_its_cap(line, events):
    found = scoring.event_parts(Model(events=(line,)), events, at=AT)

    if line.cap is not None:
        assert all(abs(part.points) <= line.cap for part in found)


def test_only_the_newest_events_of_a_day_count():
    line = EventPoints("Prices", "p", 10, half_life=DAY, per_day=2)
    morning = AT - AT % DAY + 8 * 3600

    (part,) = scoring.event_parts(
        Model(events=(line,)),
        [["p", 0], ["p", 3600], ["p", 7200], ["p", DAY]],
        at=morning,
    )

    # Two of today, one of yesterday.
    assert part.count == 3
    assert math.isclose(part.points, 10 + 10 * 0.5 ** (1 / 24) + 5)
    assert (part.full, part.ago) == (30, 0)


@settings(deadline=None, max_examples=60)
@given(models(), happenings, st.data())
def test_the_next_look_is_never_late(model, events, data):
    first = score(model, {}, events=events, at=AT)
    wait = decay.next_look(model, {}, events=events, at=AT)

    def after(seconds: int):
        aged = [[name, ago + seconds] for name, ago in events]
        return score(model, {}, events=aged, at=AT + seconds)

    def side(found):
        return found.tier, found.value >= model.threshold

    quiet = decay.FARTHEST if wait is None else max(0, wait - decay.STEP)
    for seconds in data.draw(st.lists(st.integers(0, quiet), min_size=1, max_size=20)):
        then = after(seconds)
        assert side(then) == side(first), seconds
        if seconds > DAY:
            assert then.value == first.value, seconds


def test_what_never_moves_needs_no_look():
    still = Model(factors=(Factor("All", ALWAYS, 40),), events=(EventPoints("P", "p", 10),))

    assert decay.next_look(still, {}, events=[["p", 5]], at=AT) is None
    assert decay.next_look(Model(), {}, events=[["p", 5]], at=AT) is None


def test_a_condition_that_looks_back_is_looked_at_when_it_ceases_to_hold():
    lately = parse(
        {"fact": "events", "op": "happened", "value": {"name": "p", "at_least": 1, "within": 7200}}
    )
    model = Model(factors=(Factor("Lately", lately, 70),))

    assert decay.next_look(model, {"events": [["p", 3600]]}, events=[["p", 3600]], at=AT) == 3601


def test_the_bound_of_a_tier_is_met_within_the_hour():
    line = EventPoints("P", "p", 80, half_life=DAY)
    model = Model(events=(line,))

    wait = decay.next_look(model, {}, events=[["p", 0]], at=AT)

    # 79.5 is passed almost at once: 80 × ½^(t ÷ a day) = 79.5.
    exact = DAY * math.log2(80 / 79.5)
    assert exact <= wait <= exact + 2 * decay.STEP


KINDS = {"employees": "number"}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ([], ""),
        ({"lines": []}, "lines"),
        ({"factors": {}}, "factors"),
        ({"factors": [{"name": "", "points": 1}]}, "factors[0].name"),
        ({"factors": [{"name": "A", "points": 1.5}]}, "factors[0].points"),
        ({"factors": [{"name": "A", "points": True}]}, "factors[0].points"),
        ({"factors": [{"name": "A", "points": 1, "odd": 1}]}, "factors[0].odd"),
        (
            {"factors": [{"name": "A", "points": 1, "condition": {"fact": "score", "op": "gt"}}]},
            "factors[0].condition.fact",
        ),
        ({"events": [{"name": "A", "event": "No!", "points": 1}]}, "events[0].event"),
        (
            {"events": [{"name": "A", "event": "p", "points": 1, "half_life_days": 0}]},
            "events[0].half_life_days",
        ),
        ({"tiers": {"hot": 60, "warm": 60}}, "tiers.warm"),
        ({"threshold": 101}, "threshold"),
        (
            {"profiles": [{"name": "A"}], "factors": [{"name": "a", "points": 1}]},
            "",
        ),
    ],
)
def test_a_body_that_cannot_be_used_names_the_part(body, path):
    with pytest.raises(BadModel) as refused:
        score_body.read(body, KINDS)

    assert refused.value.path == path


def test_an_empty_body_is_the_empty_model():
    assert score_body.read({}, KINDS) == score_body.read(score_body.empty(), KINDS) == Model()
