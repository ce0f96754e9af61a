"""Instants of a promise: in working time, exact to the second."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reps.hours import ALWAYS, calendar_for
from sla.chain import Step, parse, standard
from sla.clockwork import counted_in, lay_anew, not_before, plan, span_of_pause
from sla.hours import ROUND_THE_CLOCK, Hours

OFFICE_TEXT = (
    '{"timezone": "Europe/Berlin", "weekly": {"mon": [["09:00", "17:00"]], '
    '"tue": [["09:00", "17:00"]], "wed": [["09:00", "17:00"]], "thu": [["09:00", "17:00"]], '
    '"fri": [["09:00", "17:00"]]}, "holidays": ["2026-06-04"]}'
)
OFFICE = calendar_for(OFFICE_TEXT)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def actions(plan) -> list[tuple[int, str]]:
    return [(when, step.action) for when, step in plan.steps]


def planned(start: str, budget: int, *, calendar=OFFICE, pauses=(), steps=None):
    chain = parse(standard(), budget=budget) if steps is None else steps
    return plan(calendar=calendar, pauses=pauses, start=at(start), budget=budget, steps=chain)


def test_around_the_clock_every_second_counts():
    found = planned("2026-06-13 23:50", 900, calendar=ALWAYS)

    assert found.due == at("2026-06-14 00:05")
    assert actions(found) == [
        (at("2026-06-13 23:57:30"), "remind"),
        (at("2026-06-14 00:05"), "tell_manager"),
        (at("2026-06-14 00:20"), "to_backup"),
        (at("2026-06-14 00:35"), "to_manager"),
    ]


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

    assert {action: when for when, action in actions(found)} == {
        "remind": at("2026-06-15 14:47:30"),
        "tell_manager": at("2026-06-15 14:55"),
        "to_backup": at("2026-06-16 07:10"),
        "to_manager": at("2026-06-16 07:25"),
    }


def test_a_plan_is_stored_as_instants_and_actions():
    steps = (Step("to_pool", seconds=30, target=3), Step("tell_manager", percent=100))
    found = planned("2026-06-15 09:00", 60, steps=steps)

    assert found.as_json(budget=60) == [
        {"at": at("2026-06-15 09:00:30"), "after": 30, "do": "to_pool", "pool": 3},
        {"at": at("2026-06-15 09:01"), "after": 60, "do": "tell_manager"},
    ]


@given(
    start=st.integers(at("2026-01-01"), at("2026-12-31")),
    budget=st.integers(1, 200_000),
    percents=st.lists(st.integers(1, 1000), unique=True, max_size=5).map(sorted),
)
def test_steps_come_in_order_and_the_whole_budget_is_the_deadline(start, budget, percents):
    steps = [Step("tell_manager", percent=percent) for percent in percents]

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


# --- Laid out anew ------------------------------------------------------------------------------

CHAIN = [
    {"at": 0, "after": 450, "do": "remind"},
    {"at": 0, "after": 900, "do": "to_pool", "pool": 3},
    {"at": 0, "after": 1800, "do": "tell_manager"},
]
BERLIN = Hours((OFFICE_TEXT,))


def laid(start: str, *, pauses=(), taken=0, hours=BERLIN):
    return lay_anew(
        hours=hours, pauses=pauses, start=at(start), budget=900, steps=CHAIN, taken=taken
    )


def test_a_clock_that_never_stood_still_is_laid_out_as_it_was_planned():
    found = laid("2026-06-15 14:50")

    plan = planned("2026-06-15 14:50", 900, steps=parse(standard(), budget=900)[:3])
    assert found.due == plan.due
    assert [step["at"] for step in found.steps] == [when for when, _ in plan.steps]
    assert found.steps[1] == {"at": plan.due, "after": 900, "do": "to_pool", "pool": 3}


def test_a_pause_moves_the_deadline_and_the_steps_to_come_by_its_working_time():
    # 14:55 to 15:00 is working time in Berlin, then the night, then 7:00 to 7:10.
    pause = (at("2026-06-15 14:55"), at("2026-06-16 07:10"))

    found = laid("2026-06-15 14:50", pauses=(pause,), taken=1)

    assert found.due == at("2026-06-16 07:20")
    assert [step["at"] for step in found.steps] == [
        0,
        at("2026-06-16 07:20"),
        at("2026-06-16 07:35"),
    ]


def test_a_pause_at_night_costs_nothing():
    pause = (at("2026-06-15 20:00"), at("2026-06-16 06:00"))

    assert laid("2026-06-15 14:50", pauses=(pause,)).due == at("2026-06-16 07:05")


def test_a_pause_takes_the_seconds_that_it_touches():
    begins = datetime(2026, 6, 15, 9, 0, 0, 999_999, tzinfo=UTC)
    ends = datetime(2026, 6, 15, 9, 0, 1, 1, tzinfo=UTC)

    assert span_of_pause(begins, ends) == (at("2026-06-15 09:00:00"), at("2026-06-15 09:00:02"))


def test_what_should_have_been_done_is_due_now_and_what_was_done_stays():
    steps = [{"at": at, "do": "remind"} for at in (1, 2, 3, 9)]

    assert [step["at"] for step in not_before(steps, 5, taken=2)] == [1, 2, 5, 9]


def test_hours_that_never_come_again_are_counted_around_the_clock():
    gone = Hours(('{"timezone": "UTC", "overrides": {"2020-01-01": [["09:00", "17:00"]]}}',))
    numbers = {"start": at("2026-06-15 09:00"), "budget": 900, "steps": ()}

    assert counted_in(gone, **numbers) == ROUND_THE_CLOCK
    assert counted_in(BERLIN, **numbers) == BERLIN
