"""Instants of a promise: in working time, exact to the second."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reps.hours import ALWAYS, calendar_for
from sla.chain import Step, parse, standard
from sla.clockwork import plan

OFFICE = calendar_for(
    '{"timezone": "Europe/Berlin", "weekly": {"mon": [["09:00", "17:00"]], '
    '"tue": [["09:00", "17:00"]], "wed": [["09:00", "17:00"]], "thu": [["09:00", "17:00"]], '
    '"fri": [["09:00", "17:00"]]}, "holidays": ["2026-06-04"]}'
)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def planned(start: str, budget: int, *, calendar=OFFICE, pauses=(), steps=None):
    chain = parse(standard()) if steps is None else steps
    return plan(calendar=calendar, pauses=pauses, start=at(start), budget=budget, steps=chain)


def test_around_the_clock_every_second_counts():
    found = planned("2026-06-13 23:50", 900, calendar=ALWAYS)

    assert found.due == at("2026-06-14 00:05")
    assert found.steps == (
        (at("2026-06-13 23:57:30"), "remind"),
        (at("2026-06-14 00:05"), "tell_manager"),
        (at("2026-06-14 00:20"), "to_backup"),
        (at("2026-06-14 00:35"), "to_manager"),
    )


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-06-15 09:00", "2026-06-15 09:15"),  # Monday, 11:00 in Berlin
        ("2026-06-15 14:50", "2026-06-16 07:05"),  # ten minutes before closing
        ("2026-06-15 20:00", "2026-06-16 07:15"),  # at night
        ("2026-06-12 14:55", "2026-06-15 07:10"),  # Friday afternoon
        ("2026-06-13 10:00", "2026-06-15 07:15"),  # at the weekend
        ("2026-06-03 14:50", "2026-06-05 07:05"),  # before a holiday
        ("2026-10-23 14:50", "2026-10-26 08:05"),  # clocks go back at the weekend
        ("2026-03-27 15:50", "2026-03-30 07:05"),  # clocks go forward at the weekend
    ],
)
def test_a_quarter_of_an_hour_of_working_time(start, due):
    assert planned(start, 900).due == at(due)


def test_an_absence_stops_the_clock():
    away = ((at("2026-06-15 09:05"), at("2026-06-15 12:00")),)

    assert planned("2026-06-15 09:00", 900, pauses=away).due == at("2026-06-15 12:10")


def test_steps_after_the_deadline_go_on_in_working_time():
    found = planned("2026-06-15 14:40", 900)

    assert {action: when for when, action in found.steps} == {
        "remind": at("2026-06-15 14:47:30"),
        "tell_manager": at("2026-06-15 14:55"),
        "to_backup": at("2026-06-16 07:10"),
        "to_manager": at("2026-06-16 07:25"),
    }


def test_a_plan_is_stored_as_instants_and_actions():
    found = planned("2026-06-15 09:00", 60, steps=(Step(100, "tell_manager"),))

    assert found.as_json() == [{"at": at("2026-06-15 09:01"), "do": "tell_manager"}]


@given(
    start=st.integers(at("2026-01-01"), at("2026-12-31")),
    budget=st.integers(1, 200_000),
    percents=st.lists(st.integers(1, 1000), unique=True, max_size=5).map(sorted),
)
def test_steps_come_in_order_and_the_whole_budget_is_the_deadline(start, budget, percents):
    steps = [Step(percent, "tell_manager") for percent in percents]

    found = plan(calendar=OFFICE, pauses=(), start=start, budget=budget, steps=steps)

    instants = [when for when, _ in found.steps]
    assert instants == sorted(instants)
    assert found.due > start
    for one, when in zip(steps, instants, strict=True):
        if one.percent == 100:
            assert when == found.due
        elif one.percent < 100:
            assert when <= found.due
        else:
            assert when >= found.due
