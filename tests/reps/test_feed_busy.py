"""What a calendar says is taken: repeating events, exceptions, zones, whole days."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from reps.feeds import reader
from reps.feeds.busy import MOST_OCCURRENCES, WORDS, Busy, Unreadable, busy
from reps.feeds.times import LONGEST_WAIT, PERIOD, next_reading

MONDAY = datetime(2026, 6, 15, tzinfo=UTC)
BERLIN, UTC_ZONE = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")
WEEKS = timedelta(days=21)


def calendar(*events, head=""):
    body = "".join(f"BEGIN:VEVENT\n{event.strip()}\nEND:VEVENT\n" for event in events)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\n{head}{body}END:VCALENDAR\n"
    return text.replace("\n", "\r\n").encode()


def at(day: int, hour: int = 0, minute: int = 0, month: int = 6) -> int:
    return int(datetime(2026, month, day, hour, minute, tzinfo=UTC).timestamp())


def read(*events, zone=UTC_ZONE, head="", start=MONDAY) -> Busy:
    return busy(
        calendar(*events, head=head),
        zone=zone,
        start=int(start.timestamp()),
        end=int((start + WEEKS).timestamp()),
    )


MEETING = "UID:1\nDTSTART:20260615T140000Z\nDTEND:20260615T150000Z\nSUMMARY:Stand-up"


def test_a_meeting_takes_its_time():
    assert read(MEETING) == Busy(meetings=((at(15, 14), at(15, 15)),))


def test_a_repeating_event_leaves_out_and_moves_what_its_exceptions_say():
    found = read(
        "UID:1\nDTSTART:20260601T090000Z\nDTEND:20260601T093000Z\n"
        "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE;UNTIL=20260618T000000Z\nEXDATE:20260616T090000Z",
        "UID:1\nRECURRENCE-ID:20260617T090000Z\nDTSTART:20260617T160000Z\nDTEND:20260617T163000Z",
    )

    assert found.meetings == ((at(15, 9), at(15, 9, 30)), (at(17, 16), at(17, 16, 30)))


def test_one_cancelled_date_of_a_series_is_free():
    found = read(
        "UID:1\nDTSTART:20260615T090000Z\nDTEND:20260615T100000Z\nRRULE:FREQ=DAILY;COUNT=2",
        "UID:1\nRECURRENCE-ID:20260616T090000Z\nDTSTART:20260616T090000Z\n"
        "DTEND:20260616T100000Z\nSTATUS:CANCELLED",
    )

    assert found.meetings == ((at(15, 9), at(15, 10)),)


def test_a_weekly_meeting_keeps_its_local_hour_when_the_clocks_change():
    found = read(
        "UID:1\nDTSTART;TZID=Europe/Berlin:20261020T090000\n"
        "DTEND;TZID=Europe/Berlin:20261020T100000\nRRULE:FREQ=WEEKLY;COUNT=2",
        start=datetime(2026, 10, 15, tzinfo=UTC),
    )

    assert found.meetings == (
        (at(20, 7, month=10), at(20, 8, month=10)),
        (at(27, 8, month=10), at(27, 9, month=10)),
    )


def test_microsofts_names_of_zones_are_known():
    found = read("UID:1\nDTSTART;TZID=W. Europe Standard Time:20260615T090000\nDURATION:PT1H")

    assert found.meetings == ((at(15, 7), at(15, 8)),)


def test_a_time_without_a_zone_is_the_reps():
    event = "UID:1\nDTSTART:20260615T140000\nDTEND:20260615T150000"

    assert read(event, zone=BERLIN).meetings == ((at(15, 12), at(15, 13)),)


def test_a_time_without_a_zone_is_the_calendars_if_it_names_one():
    event = "UID:1\nDTSTART:20260615T140000\nDTEND:20260615T150000"

    found = read(event, zone=BERLIN, head="X-WR-TIMEZONE:America/New_York\n")

    assert found.meetings == ((at(15, 18), at(15, 19)),)


def test_a_whole_day_is_out_of_office_from_midnight_to_midnight_where_the_rep_is():
    found = read("UID:1\nDTSTART;VALUE=DATE:20260617\nSUMMARY:Fair", zone=BERLIN)

    assert found == Busy(out=((at(16, 22), at(17, 22)),))


def test_a_holiday_of_many_weeks_is_cut_at_the_horizon():
    found = read("UID:1\nDTSTART;VALUE=DATE:20260601\nDTEND;VALUE=DATE:20270101")

    assert found.out == ((at(15), at(6, month=7)),)


def test_events_that_meet_are_one_and_a_meeting_while_away_is_no_meeting():
    found = read(
        MEETING,
        "UID:2\nDTSTART:20260615T150000Z\nDTEND:20260615T160000Z",
        "UID:3\nDTSTART:20260615T153000Z\nDTEND:20260615T170000Z\nSUMMARY:Out of office",
    )

    assert found == Busy(
        meetings=((at(15, 14), at(15, 15, 30)),), out=((at(15, 15, 30), at(15, 17)),)
    )


@pytest.mark.parametrize(
    "line",
    [
        "STATUS:CANCELLED",
        "TRANSP:TRANSPARENT",
        "X-MICROSOFT-CDO-BUSYSTATUS:FREE",
        "X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE",
    ],
)
def test_what_is_free_takes_no_time(line):
    assert read(f"{MEETING}\n{line}") == Busy()


@pytest.mark.parametrize("line", ["TRANSP:OPAQUE", "STATUS:TENTATIVE", "CLASS:PRIVATE"])
def test_what_is_not_said_to_be_free_takes_time(line):
    assert read(f"{MEETING}\n{line}").meetings


def test_what_outlook_shows_as_out_of_office_is():
    assert read(f"{MEETING}\nX-MICROSOFT-CDO-BUSYSTATUS:OOF").out


@pytest.mark.parametrize("word", WORDS)
def test_the_words_for_being_away_are_known_in_any_case(word):
    assert read(MEETING.replace("Stand-up", f"Zoë: {word.upper()} until noon")).out


@pytest.mark.parametrize("title", ["Zoological garden", "Sickle-cell charity", "Cooperation", ""])
def test_a_word_within_another_is_not_one(title):
    assert not read(MEETING.replace("Stand-up", title)).out


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Sign in</html>",
        b"\xff\xfe\x00",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n",
        b"BEGIN:VCALENDAR\r\nCALSCALE:CHINESE\r\nEND:VCALENDAR\r\n",
    ],
)
def test_what_is_no_calendar_is_refused_in_words(body):
    with pytest.raises(Unreadable, match="This is not a calendar"):
        busy(body, zone=UTC_ZONE, start=at(15), end=at(16))


def test_too_many_events_are_refused():
    every_minute = "UID:1\nDTSTART:20260614T000000Z\nDURATION:PT1S\nRRULE:FREQ=MINUTELY"

    with pytest.raises(Unreadable, match=str(MOST_OCCURRENCES)):
        read(every_minute)


def test_one_bad_event_does_not_spoil_the_others():
    assert read(MEETING, "UID:2\nDTSTART:20260616T100000Z\nRRULE:FREQ=NEVER").meetings


# --- In a process of its own -------------------------------------------------------------


def test_the_process_finds_the_same():
    body = calendar(MEETING, "UID:2\nDTSTART;VALUE=DATE:20260617")

    found = reader.read(body, zone="Europe/Berlin", start=at(15), end=at(20))

    assert found == busy(body, zone=BERLIN, start=at(15), end=at(20))


def test_the_process_says_what_is_wrong():
    with pytest.raises(Unreadable, match="not a calendar"):
        reader.read(b"hello", zone="UTC", start=at(15), end=at(20))


def test_a_calendar_that_never_ends_is_stopped():
    for_ever = "UID:1\nDTSTART:19700101T000000Z\nDURATION:PT1S\nRRULE:FREQ=SECONDLY"

    with pytest.raises(Unreadable):
        reader.read(calendar(for_ever), zone="UTC", start=at(15), end=at(20), seconds=1.5)


# --- Turns -------------------------------------------------------------------------------


def test_a_feed_has_its_own_second_of_every_ten_minutes():
    first = next_reading(7, at=MONDAY)

    assert MONDAY < first <= MONDAY + timedelta(seconds=PERIOD)
    assert next_reading(7, at=first) == first + timedelta(seconds=PERIOD)
    assert next_reading(7, at=first + timedelta(seconds=1)) == first + timedelta(seconds=PERIOD)


def test_turns_are_spread_evenly():
    turns = sorted(
        (next_reading(number, at=MONDAY) - MONDAY).total_seconds() for number in range(1, 61)
    )
    gaps = [later - earlier for earlier, later in pairwise(turns)]

    assert max(gaps) <= 3 * PERIOD / 60


def test_after_failures_a_feed_waits_longer_up_to_six_hours():
    plain = next_reading(1, at=MONDAY)
    waits = [(next_reading(1, at=MONDAY, failures=n) - plain).total_seconds() for n in range(1, 9)]

    assert waits[:3] == [PERIOD, 3 * PERIOD, 7 * PERIOD]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT - PERIOD
