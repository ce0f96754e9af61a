"""When the fixed windows of a limit begin."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from routing.fairness import windows


def at(*moment) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp())


def test_a_day_begins_at_midnight_in_the_zone():
    found = windows.edges("DAY", "Europe/Berlin", at(2026, 6, 15, 9), at(2026, 6, 17))

    assert found == (at(2026, 6, 14, 22), at(2026, 6, 15, 22), at(2026, 6, 16, 22))


def test_a_week_begins_on_monday():
    # 2026-06-17 is a Wednesday.
    found = windows.edges("WEEK", "America/New_York", at(2026, 6, 17, 12), at(2026, 6, 30))

    assert found == (at(2026, 6, 15, 4), at(2026, 6, 22, 4), at(2026, 6, 29, 4))


def test_hours_are_those_of_the_clocks_on_the_wall():
    found = windows.edges("HOUR", "Asia/Kolkata", at(2026, 6, 15, 9), at(2026, 6, 15, 11))

    assert found == (at(2026, 6, 15, 8, 30), at(2026, 6, 15, 9, 30), at(2026, 6, 15, 10, 30))


def test_a_day_is_longer_when_the_clocks_go_back():
    found = windows.edges("DAY", "Europe/Berlin", at(2026, 10, 24, 22), at(2026, 10, 26, 1))

    assert [end - start for start, end in pairwise(found)] == [25 * 3600]


def test_hours_stay_full_where_clocks_move_by_half_an_hour():
    found = windows.edges("HOUR", "Australia/Lord_Howe", at(2026, 4, 4, 13), at(2026, 4, 4, 18))

    # Eleven hours ahead until 15:00 UTC, ten and a half from then on.
    assert found[0] == at(2026, 4, 4, 13)
    assert found[-1] == at(2026, 4, 4, 17, 30)


@pytest.mark.parametrize("kind", ["HOUR", "DAY", "WEEK"])
def test_every_instant_is_in_the_window_that_began_last(kind):
    for now in range(at(2026, 3, 28), at(2026, 3, 31), 1799):
        begins = windows.begins(kind, "Europe/Berlin", now)

        assert begins <= now < begins + windows.LENGTH[kind] + 3600
        assert windows.begins(kind, "Europe/Berlin", begins) == begins
