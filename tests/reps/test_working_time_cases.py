"""The written questions of `working_time`: one answer a line, whatever the line says."""

import json

import pytest

from reps.hours.cases import answer

OFFICE = {
    "timezone": "Europe/Berlin",
    "weekly": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    "holidays": ["2026-12-25"],
    "overrides": {"2026-12-24": [["09:00", "12:00"]]},
    "breaks": {"2026-12-23": [["12:00", "13:00"]]},
}
FRIDAY = "2026-03-27T16:30:00+01:00"


def ask(**case: object) -> dict[str, object]:
    return answer(json.dumps({"calendar": OFFICE, "op": "add", "start": FRIDAY, **case}))


def test_a_budget_is_due_in_utc():
    assert ask(seconds=3600) == {"due": "2026-03-30T07:30:00+00:00"}
    assert ask(seconds=1800) == {"due": "2026-03-27T16:00:00+00:00"}


def test_elapsed_time_is_in_seconds():
    assert ask(op="elapsed", end="2026-03-30T07:30:00Z") == {"seconds": 3600}
    assert ask(op="elapsed", end="2026-03-27T15:30:00.5Z") == {"seconds": 0.5}
    assert ask(op="elapsed", end="2026-03-27T15:29:00Z") == {"seconds": -60}


def test_a_calendar_of_null_is_around_the_clock():
    assert ask(calendar=None, seconds=0) == {"due": "2026-03-27T15:30:00+00:00"}
    assert ask(calendar=None, seconds=86_400.0) == {"due": "2026-03-28T15:30:00+00:00"}
    assert ask(calendar=None, op="elapsed", end="2026-03-29T03:00:00+02:00") == {"seconds": 120600}


@pytest.mark.parametrize(
    ("case", "error"),
    [
        ({"seconds": 60, "start": "2026-03-27T16:30:00"}, "start: 2026-03-27T16:30:00 has no UTC"),
        ({"op": "elapsed", "end": "2026-03-27T16:30:00"}, "end: 2026-03-27T16:30:00 has no UTC"),
        ({"op": "elapsed"}, "end: None is not a time; write ISO 8601"),
        ({"seconds": 60, "start": "yesterday"}, "start: 'yesterday' is not a time"),
        ({"seconds": 60, "start": "2026-03-27"}, "start: 2026-03-27 has no UTC offset"),
        ({"seconds": 60, "start": 1774625400}, "start: 1774625400 is not a time"),
        ({"seconds": 60, "start": "0001-01-01T00:00+14:00"}, "counted from 1900 to 2199"),
        ({"seconds": 60, "start": "9999-12-31T23:59-14:00"}, "counted from 1900 to 2199"),
        ({}, "seconds: None is not a number"),
        ({"seconds": -1}, "seconds: -1 is not a number of seconds from 0 up"),
        ({"seconds": True}, "seconds: True is not a number"),
        ({"seconds": "60"}, "seconds: '60' is not a number"),
        ({"seconds": float("nan")}, "seconds: nan is not a number"),
        ({"seconds": float("inf")}, "seconds: inf is more than can be counted"),
        ({"seconds": 10**30}, "more than can be counted"),
        ({"seconds": 10**12}, "not enough working time"),
        ({"op": "subtract"}, "op: 'subtract' is unknown"),
        ({"op": None}, "op: None is unknown"),
        ({"calendar": {"timezone": "Mars/Olympus"}}, "timezone: 'Mars/Olympus' is not a known"),
        ({"calendar": OFFICE | {"weekly": {"mon": [["09:00", "00:00"]]}}}, "weekly.mon[0]: 00:00"),
        ({"calendar": OFFICE | {"weekly": {}, "overrides": {}}}, "never open"),
        ({"calendar": 5}, "calendar: expected an object"),
    ],
)
def test_what_cannot_be_answered_says_what_to_mend(case, error):
    (key, message), *more = ask(**case).items()

    assert (key, more) == ("error", [])
    assert error in str(message)


@pytest.mark.parametrize("line", ["", "{", "nonsense", "[" * 100_000, '{"a": ' + "9" * 5000 + "}"])
def test_a_line_that_is_not_json_says_so(line):
    assert str(answer(line)["error"]).startswith("not JSON")


@pytest.mark.parametrize("line", ["null", "[]", '"add"', "1"])
def test_a_line_that_is_no_object_says_so(line):
    assert str(answer(line)["error"]).startswith("expected an object")


def test_a_line_without_a_calendar_does_not_mean_around_the_clock():
    line = json.dumps({"op": "add", "start": FRIDAY, "seconds": 60})

    assert answer(line) == {"error": "calendar: missing; write null for around the clock"}


def test_an_answer_is_a_line_of_json_for_any_text():
    line = json.dumps({"calendar": {"timezone": "\ud800\n\x00"}, "op": "add", "start": FRIDAY})

    assert "\n" not in json.dumps(answer(line))
    assert "timezone" in str(answer(line)["error"])
