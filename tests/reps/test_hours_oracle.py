"""
Every change of every clock in the world from 2015 to 2035, seen by another engine.

`test_hours_budget` draws cases by chance and knows laws; here nothing is left to chance: one zone
for each distinct history of offsets, all of its changes, and around each a calendar with shifts
that begin and end in the hour that is missing or comes twice. `python -m tests.chaos --only HOURS`
does the same for all zones, with every calendar, to the minute.
"""

import random
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from reps.hours import Calendar, add, back, elapsed, is_open, next_close, next_open
from reps.hours import calendar as calendar_module
from tests.reps.hours_oracle import (
    DAY,
    FROM,
    UNTIL,
    WEEKDAYS,
    Clockwork,
    changes,
    one_zone_per_history,
    readings,
)

HOUR = 3600
# Most clocks of the world change at quarters of an hour of UTC and by such, so with shifts on such
# times nothing happens between two steps. The others are looked at by the minute, as `HOURS` does.
STEP, FINE = 900, 60
DAYS = 2


def daily(*windows: list[str]) -> dict[str, list[list[str]]]:
    return {day: list(windows) for day in WEEKDAYS}


PATTERNS = (
    {
        **{day: [["09:00", "12:30"], ["13:15", "17:30"]] for day in WEEKDAYS[:5]},
        "sat": [["00:00", "03:00"]],
        "sun": [["01:00", "04:00"], ["22:30", "24:00"]],
    },
    daily(["22:00", "06:00"]),
    daily(["00:30", "02:30"], ["02:45", "03:15"], ["23:30", "00:15"]),
    daily(["00:00", "24:00"]),
    daily(["02:00", "02:15"], ["02:30", "23:45"]),
)


@lru_cache(maxsize=1)
def histories() -> dict:
    return one_zone_per_history()


def spec_about(name: str, instants: Sequence[datetime], pattern: int) -> dict[str, Any]:
    """A calendar with something special on the dates about these changes."""
    days = [at.astimezone(ZoneInfo(name)).date() for at in instants]
    after = [["06:00", "07:00"], ["20:00", "02:15"]]
    return {
        "timezone": name,
        "weekly": PATTERNS[pattern % len(PATTERNS)],
        "holidays": [(day - DAY).isoformat() for day in days] if pattern % 3 == 0 else [],
        "overrides": {(day + DAY).isoformat(): after for day in days},
        "breaks": {day.isoformat(): [["01:30", "02:15"], ["23:45", "00:15"]] for day in days},
    }


def compare(
    made: Calendar, spec: dict, wall: Sequence, *, step: int, chance: random.Random
) -> None:
    """Ask both the same about these days; every answer must be the same second."""
    oracle = Clockwork(wall, step, spec)
    first, last = oracle.start + 86_400, oracle.end
    edges = [
        oracle.start + place * step
        for place in range(86_400 // step, len(oracle.open))
        if oracle.open[place] != oracle.open[place - 1]
    ]
    where = (datetime.fromtimestamp(wall[len(wall) // 2][0], UTC).isoformat(), spec)
    opens = [edge for edge in edges if oracle.is_open(edge)]
    closes = [edge for edge in edges if not oracle.is_open(edge)]

    spans = made.open_spans(first, last)
    inside = [edge for span in spans for edge in span if first < edge < last]
    assert inside == [edge for edge in edges if edge > first], where

    for start in [*chance.sample(range(first, last), 2), *chance.sample(edges, min(1, len(edges)))]:
        assert is_open(made, start) is oracle.is_open(start), (start, where)
        opening = oracle.next_open(start)
        if opening is not None:
            assert next_open(made, start) == opening, (start, where)
        left = oracle.elapsed(start, last)
        assert elapsed(made, start, last) == left, (start, where)
        if left:
            budget = chance.randint(1, left)
            due = oracle.add(start, budget)
            assert add(made, start, budget) == due, (start, budget, where)
            begun = oracle.back(due, budget)
            assert back(made, due, budget) == begun, (due, budget, where)
            pauses = some_pauses(oracle, chance)
            paused = oracle.without(pauses)
            assert elapsed(made, start, last, pauses) == paused.elapsed(start, last), where
            if (later := paused.add(start, budget)) is not None:
                assert add(made, start, budget, pauses) == later, (start, budget, pauses, where)
    for closing in closes:
        # Used up exactly at closing: due at closing, and a second more at an opening.
        before = [opening for opening in opens if opening < closing]
        if before:
            budget = closing - before[-1]
            assert next_close(made, before[-1]) == closing, where
            assert add(made, before[-1], budget) == closing, (closing, where)
            after = oracle.next_open(closing)
            if after is not None:
                assert add(made, before[-1], budget + 1) == after + 1, (closing, where)


def some_pauses(oracle: Clockwork, chance: random.Random) -> list[tuple[int, int]]:
    places = sorted(chance.sample(range(len(oracle.open)), 4))
    moments = [oracle.start + place * oracle.step for place in places]
    # In any order, and one twice.
    return [(moments[2], moments[3]), (moments[0], moments[1]), (moments[0], moments[1])]


def compare_changes(name: str, found: Sequence, *, step: int, patterns: int, seed: int) -> int:
    """Compare about every change of a zone, or about some days of one that never changes."""
    chance = random.Random(f"{name} {seed}")
    instants = [at for at, _ in found[1:]]
    if not instants:
        span = int((UNTIL - FROM) / DAY) - 4
        instants = [FROM + (2 + chance.randrange(span)) * DAY for _ in range(3)]
    for year, several in groupby(sorted(instants), key=lambda at: at.year):
        about = list(several)
        walls = [readings(name, at, days=DAYS, step=step) for at in about]
        for pattern in range(patterns):
            spec = spec_about(name, about, year + pattern)
            # A calendar for a year, so that it need not be warmed up for each change.
            made = Calendar.from_json(spec)
            for wall in walls:
                compare(made, spec, wall, step=step, chance=chance)
    return len(instants) * patterns


def step_for(found: Sequence) -> int:
    """The longest step at which nothing happens in between."""
    return STEP if all(int(at.timestamp()) % STEP == 0 for at, _ in found) else FINE


def test_every_change_of_clocks_since_2015_agrees_with_the_oracle(record_property):
    zones = histories()

    compared = sum(
        compare_changes(name, found, step=STEP, patterns=1, seed=1) for name, found in zones.items()
    )

    record_property("report", f"{len(zones)} histories of offsets, {compared} changes")
    # As of tzdata 2026; a release that forgets the past would be noticed.
    assert len(zones) > 100
    assert compared > 1500


def test_zones_with_one_history_are_compared_once():
    zones = histories()

    alike = {changes(name) for name in ("Europe/Berlin", "Europe/Paris", "Arctic/Longyearbyen")}
    assert len(alike) == 1
    assert sum(found in alike for found in zones.values()) == 1


def test_clocks_change_on_whole_minutes_and_by_whole_steps():
    for found in histories().values():
        for (at, offset), (_, before) in zip(found[1:], found, strict=False):
            assert int(at.timestamp()) % FINE == 0
            assert (offset - before).total_seconds() % STEP == 0


def test_the_oracle_sees_a_missing_and_a_repeated_hour():
    week = {"timezone": "Europe/Berlin", "weekly": daily(["02:30", "05:00"])}
    spring, autumn = datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)

    def hours(at: datetime) -> float:
        oracle = Clockwork(readings("Europe/Berlin", at, days=2, step=60), 60, week)
        about = int((at - timedelta(hours=8)).timestamp())
        return oracle.elapsed(about, about + 16 * HOUR) / HOUR

    # 02:30 is skipped and becomes 03:30; in autumn the first 02:30 opens and 05:00 comes late.
    assert (hours(spring), hours(autumn)) == (1.5, 3.5)


@pytest.mark.parametrize("hours", [1, 1_000, 40_000])
def test_any_length_on_a_warm_calendar_is_a_few_binary_searches(monkeypatch, hours):
    made = Calendar.from_json({"timezone": "Europe/Berlin", "weekly": PATTERNS[0]})
    start = int(datetime(2015, 3, 3, 8, tzinfo=UTC).timestamp())
    end = add(made, start, 40_000 * HOUR)
    # Whatever else there is to do by the day or by the window is done when the calendar is cold.
    calls: Counter[str] = Counter()

    def counted(name, search):
        def wrapped(*args, **kwargs):
            calls[name] += 1
            return search(*args, **kwargs)

        return wrapped

    monkeypatch.setattr(calendar_module, "bisect_left", counted("search", bisect_left))
    monkeypatch.setattr(calendar_module, "bisect_right", counted("search", bisect_right))
    for name in ("_grow", "_work_out", "windows_on"):
        monkeypatch.setattr(Calendar, name, counted("work", getattr(Calendar, name)))

    due = add(made, start, hours * HOUR)
    worked = elapsed(made, start, due)
    begun = back(made, due, hours * HOUR)

    assert due <= end
    assert worked == hours * HOUR
    assert begun == start or elapsed(made, start, begun) == 0
    assert calls["work"] == 0
    assert calls["search"] <= 8
