"""Calendars as people enter them: what cannot be worked by is refused on every way in."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from reps.models import Absence, WorkCalendar
from reps.models.hours import office_hours, public_holidays
from tests import make

AT = make.MONDAY_9AM


def test_a_new_calendar_has_office_hours():
    assert office_hours()["mon"] == [["09:00", "17:00"]]
    assert "sat" not in office_hours()


@pytest.mark.parametrize(
    "fields",
    [
        {"weekly": {}},
        {"weekly": {"mon": []}},
        {"weekly": {"mon": [["17:00", "17:00"]]}},
        {"weekly": {"someday": [["09:00", "17:00"]]}},
        {"weekly": {"mon": "always"}},
        {"weekly": []},
        {"weekly": {"mon": [["25:00", "26:00"]]}},
        {"overrides": {"not a date": []}},
        {"time_zone": "Mars/Olympus"},
        {"holiday_country": "XX"},
        {"holiday_country": "DE", "holiday_region": "Nowhere"},
    ],
)
@pytest.mark.django_db
def test_what_cannot_be_worked_by_is_refused_by_form_and_by_save(fields):
    row = WorkCalendar(name="Odd", **fields)

    with pytest.raises(ValidationError):
        row.full_clean()
    with pytest.raises(ValidationError):
        make.saved(row)

    assert not WorkCalendar.objects.exists()


@pytest.mark.django_db
def test_a_good_calendar_is_saved():
    row = make.calendar(
        time_zone="Europe/Berlin",
        holiday_country="DE",
        holiday_region="BY",
        overrides={"2026-12-24": [["09:00", "12:00"]]},
        breaks={"2026-06-15": [["12:00", "13:00"]]},
    )

    row.full_clean()
    assert '"2026-01-06"' in row.as_json(year=2026)  # Epiphany is a holiday in Bavaria


def test_holidays_are_those_of_country_and_region():
    bavaria = public_holidays("DE", "BY", 2026, 2026)

    assert "2026-01-06" in bavaria
    assert "2026-01-06" not in public_holidays("DE", "BE", 2026, 2026)
    assert public_holidays("", "", 2026, 2026) == ()
    assert list(bavaria) == sorted(bavaria)


@pytest.mark.django_db
def test_an_absence_ends_after_it_starts():
    rep = make.rep()

    with pytest.raises(ValidationError):
        Absence(rep=rep, starts_at=AT, ends_at=AT).full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        make.absence(rep, AT, AT)


@pytest.mark.django_db
def test_an_absence_reads_as_its_dates():
    absence = make.absence(make.rep("ann"), AT, datetime(2026, 6, 20, tzinfo=UTC))

    assert str(absence) == "ann: 2026-06-15 – 2026-06-20"
