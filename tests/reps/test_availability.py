"""When reps can work, as open UTC spans."""

from datetime import UTC, datetime, timedelta

import pytest

from reps.availability import (
    DAY,
    HORIZON_DAYS,
    absences,
    calendar_of,
    compiled,
    horizon,
    moment,
    open_hours,
)
from reps.hours import ALWAYS
from tests import make

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


def spans_of(rep, at=AT):
    return [(moment(start), moment(end)) for start, end in open_hours(rep, at=at)]


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 6, day, hour, minute, tzinfo=UTC)


def test_without_a_calendar_a_rep_always_works():
    rep = make.rep()

    assert calendar_of(rep, year=2026) == ALWAYS
    assert open_hours(rep, at=AT) is None


def test_a_reps_own_calendar_comes_before_the_teams():
    tokyo = make.calendar("Tokyo", time_zone="Asia/Tokyo")
    team = make.team(calendar=make.calendar("Berlin", time_zone="Europe/Berlin"))

    own, shared = make.rep(team=team, calendar=tokyo), make.rep(team=team)

    assert spans_of(own)[0] == (utc(15, 0), utc(15, 8))
    assert spans_of(shared)[0] == (utc(15, 7), utc(15, 15))


def test_the_horizon_begins_at_midnight_and_ends_weeks_later():
    start, end = horizon(AT)

    assert moment(start) == utc(15, 0)
    assert end - start == HORIZON_DAYS * DAY


def test_spans_lie_in_the_horizon_and_count_the_working_days():
    rep = make.rep(calendar=make.calendar())
    start, end = horizon(AT)

    spans = open_hours(rep, at=AT)

    assert len(spans) == 20
    assert all(start <= a < b <= end for a, b in spans)
    assert sum(b - a for a, b in spans) == 20 * 8 * 3600


def test_a_public_holiday_is_closed():
    rep = make.rep(calendar=make.calendar(holiday_country="US"))

    days = {start.date().isoformat() for start, _ in spans_of(rep)}

    assert "2026-06-19" not in days  # Juneteenth
    assert "2026-06-18" in days


def test_an_overnight_shift_is_one_span():
    night = make.calendar(weekly={"mon": [["22:00", "06:00"]]})

    assert spans_of(make.rep(calendar=night))[0] == (utc(15, 22), utc(16, 6))


def test_absences_that_touch_are_one_and_past_ones_are_left_out():
    rep, other = make.rep(), make.rep()
    make.absence(rep, utc(10, 0), utc(11, 0))
    make.absence(rep, utc(16, 0), utc(17, 0))
    make.absence(rep, utc(17, 0), utc(18, 0))

    found = absences([rep.pk, other.pk], since=AT)

    assert {pk: [(moment(a), moment(b)) for a, b in spans] for pk, spans in found.items()} == {
        rep.pk: [(utc(16, 0), utc(18, 0))]
    }


def test_an_absence_that_is_going_on_is_there():
    rep = make.rep()
    make.absence(rep, AT - timedelta(hours=1), AT + timedelta(seconds=1))

    assert rep.pk in absences([rep.pk], since=AT)
    assert not absences([rep.pk], since=AT + timedelta(seconds=1))


def test_equal_calendars_share_one_worked_out_form():
    one, other = make.calendar("One"), make.calendar("Other")

    assert compiled(one, year=2026) is compiled(other, year=2026)
