"""
Calendars: what is read, what is refused, and which seconds are open.

`WallClock` is the oracle for this file and for the budgets. It shares nothing with the engine but
the conventions, and never asks Python to turn local time into UTC.
"""

import json
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import compress, count, islice, pairwise
from threading import Thread
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reps.hours import ALWAYS, Calendar, CalendarError, OutOfRange, calendar_for

ZONES = (
    "UTC",
    "Europe/Berlin",
    "Europe/Dublin",  # winter time is the exception there
    "Europe/Chisinau",
    "Atlantic/Azores",  # jumps at midnight
    "Africa/Casablanca",  # leaves its time for Ramadan
    "Africa/Cairo",
    "Asia/Gaza",
    "Asia/Tehran",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Asia/Pyongyang",
    "Asia/Amman",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",  # the first hour of a Sunday was missing until 2018
    "America/Havana",
    "America/Santiago",
    "America/Nuuk",
    "America/Caracas",
    "Australia/Lord_Howe",  # jumps by half an hour
    "Pacific/Chatham",
    "Pacific/Apia",
    "Antarctica/Troll",  # jumps by two hours
)
DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OFFICE = [["09:00", "17:00"]]
NIGHT = [["22:00", "06:00"]]
ALL_DAY = [["00:00", "24:00"]]
LONG_SHIFT = [["20:00", "19:00"]]
OFFICE_WEEK = dict.fromkeys(DAY_NAMES[:5], OFFICE)
MINUTE = timedelta(minutes=1)
DAY = 24 * 60 * 60
YEARS = 21
DAY = 24 * 60 * 60
YEARS = 21
DAY = 24 * 60 * 60
YEARS = 21
DAY = 24 * 60 * 60
YEARS = 21


class WallClock:
    """
    The oracle: looks at the clock on the wall at every UTC minute, and paints the open seconds.

    It goes from UTC to local time only. A local time means the *first* UTC minute at which the wall
    showed it: of an hour that is repeated, the first pass, for opening and closing alike. A local
    time that the wall never showed was jumped over; it is put later by the length of the jump,
    which is the distance between the nearest local times that were shown. A window that ends before
    it begins paints nothing. Breaks are wiped out last. Clocks change on whole minutes.

    It knows `days` local dates from `first` on: the UTC seconds from `start` to `end`.
    """

    def __init__(self, spec: dict, first: date, days: int) -> None:
        self.spec = spec
        self.start = int(datetime.combine(first, time(), UTC).timestamp()) - DAY
        self.end = self.start + (days + 2) * DAY
        self.shown = first_shown(spec["timezone"], self.start - 4 * DAY, self.end + 4 * DAY)
        self.open = bytearray(self.end - self.start)
        dates = [first + timedelta(days=n) for n in range(-3, days + 3)]
        for day in dates:
            for window in self.windows(day):
                self.paint(day, window, b"\1")
        for day in dates:
            for window in spec["breaks"].get(day.isoformat(), []):
                self.paint(day, window, b"\0")

    def windows(self, day: date) -> list:
        if day.isoformat() in self.spec["overrides"]:
            return self.spec["overrides"][day.isoformat()]
        if day.isoformat() in self.spec["holidays"]:
            return []
        return self.spec["weekly"].get(DAY_NAMES[day.weekday()], [])

    def paint(self, day: date, window: list[str], colour: bytes) -> None:
        opens, closes = window
        if closes == "23:59":
            closes = "24:00"
        closing_day = day if opens < closes else day + timedelta(days=1)
        start = max(self.instant(day, opens) - self.start, 0)
        end = min(self.instant(closing_day, closes) - self.start, len(self.open))
        if start < end:
            self.open[start:end] = colour * (end - start)

    def instant(self, day: date, text: str) -> int:
        hour, minute, second = map(int, f"{text}:00".split(":")[:3])
        wall = datetime.combine(day, time()) + timedelta(hours=hour, minutes=minute)
        if wall not in self.shown:
            before = after = wall
            while before not in self.shown:
                before -= MINUTE
            while after not in self.shown:
                after += MINUTE
            wall += after - before - MINUTE
        return self.shown[wall] + second

    def elapsed(self, start: int, end: int) -> int:
        return self.open.count(1, start - self.start, end - self.start)

    def add(self, start: int, seconds: int) -> int:
        """The end of the n-th open second from the start on."""
        worked = compress(count(start), self.open[start - self.start :])
        return next(islice(worked, seconds - 1, None)) + 1


@lru_cache(maxsize=64)
def first_shown(timezone: str, start: int, end: int) -> dict[datetime, int]:
    """Walk UTC minute by minute and note when the wall first showed each local minute."""
    zone = ZoneInfo(timezone)
    shown: dict[datetime, int] = {}
    for second in range(start, end, 60):
        wall = datetime.fromtimestamp(second, UTC).astimezone(zone)
        shown.setdefault(wall.replace(tzinfo=None, fold=0), second)
    return shown


@lru_cache
def days_of_change(timezone: str) -> list[date]:
    """The days from 2015 to 2035 on which the clocks of a zone change."""
    zone = ZoneInfo(timezone)
    noons = [datetime(2015, 1, 1, 12, tzinfo=UTC) + timedelta(days=n) for n in range(YEARS * 365)]
    offsets = [noon.astimezone(zone).utcoffset() for noon in noons]
    changes = zip(noons[1:], pairwise(offsets), strict=True)
    return [noon.date() for noon, (before, after) in changes if before != after]


def clock(seconds: int) -> str:
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}"
    return f"{text}:{seconds % 60:02}" if seconds % 60 else text


@st.composite
def windows(draw) -> list:
    """Windows of one day: often in the small hours, sometimes to the second, the last overnight."""
    cut = st.one_of(
        st.integers(0, 12).map(lambda n: n * 900),
        st.integers(0, 96).map(lambda n: n * 900),
        st.integers(0, 86_340),
    )
    cuts = sorted(draw(st.sets(cut, max_size=5)))
    pairs = [[clock(a), clock(b)] for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    if len(cuts) % 2 and 1 < cuts[-1] < DAY:
        pairs.append([clock(cuts[-1]), clock(draw(st.integers(1, cuts[-1] - 1)))])
    return pairs


@st.composite
def specs(draw, days: int) -> tuple[dict, date]:
    """A calendar as JSON and the first of some dates to look at, most of them about a change."""
    timezone = draw(st.sampled_from(ZONES))
    first = draw(st.dates(date(2015, 1, 1), date(2035, 12, 31)))
    changes = days_of_change(timezone)
    if changes and draw(st.integers(0, 3)):
        first = draw(st.sampled_from(changes)) - timedelta(days=draw(st.integers(0, days - 1)))
    day = st.sampled_from([(first + timedelta(days=n)).isoformat() for n in range(-1, days)])
    weekly = draw(st.dictionaries(st.sampled_from(DAY_NAMES), windows(), max_size=7))
    spec = {
        "timezone": timezone,
        "weekly": weekly if any(weekly.values()) else OFFICE_WEEK,
        "holidays": draw(st.lists(day, max_size=2)),
        "overrides": draw(st.dictionaries(day, windows(), max_size=2)),
        "breaks": draw(st.dictionaries(day, windows(), max_size=2)),
    }
    return spec, first


def instant(text: str, timezone: str = "Europe/Berlin") -> int:
    """An instant as the wall shows it; write an offset where the wall shows it twice."""
    at = datetime.fromisoformat(text)
    return int((at if at.tzinfo else at.replace(tzinfo=ZoneInfo(timezone))).timestamp())


def calendar(timezone: str = "Europe/Berlin", **parts) -> Calendar:
    return Calendar.from_json({"timezone": timezone, "weekly": OFFICE_WEEK, **parts})


def open_hours(made: Calendar, day: str) -> list[str]:
    """The spans of one local date as `09:00+0100-17:00+0100`."""
    zone = ZoneInfo(made.timezone)
    start = instant(day, made.timezone)
    next_day = date.fromisoformat(day) + timedelta(days=1)
    spans = made.open_spans(start, instant(next_day.isoformat(), made.timezone))
    return [
        "-".join(f"{datetime.fromtimestamp(edge, zone):%H:%M%z}" for edge in span) for span in spans
    ]


@settings(max_examples=80, deadline=None, database=None)
@given(specs(days=4))
def test_open_spans_are_what_the_wall_clock_says(case):
    spec, first = case
    wall = WallClock(spec, first, days=4)
    painted = bytearray(wall.end - wall.start)

    for start, end in Calendar.from_json(spec).open_spans(wall.start, wall.end):
        painted[start - wall.start : end - wall.start] = b"\1" * (end - start)

    assert painted == wall.open


@settings(max_examples=80, deadline=None, database=None)
@given(specs(days=4))
def test_what_is_written_reads_as_the_same_calendar(case):
    made = Calendar.from_json(case[0])

    again = Calendar.from_json(json.loads(json.dumps(made.to_json())))

    assert again == made
    assert hash(again) == hash(made)


# What is read


def test_the_documented_form_is_read_and_written():
    written = {
        "timezone": "Europe/Berlin",
        "weekly": {"mon": [["09:00", "17:00"]], "fri": [["22:00", "06:00:30"]]},
        "holidays": ["2026-12-25"],
        "overrides": {"2026-12-23": [], "2026-12-24": [["09:00", "12:00"]]},
        "breaks": {"2026-12-28": [["12:00", "13:00"]]},
    }

    assert Calendar.from_json(written).to_json() == written


def test_null_is_around_the_clock():
    assert Calendar.from_json(None) is ALWAYS
    assert ALWAYS.to_json() is None
    assert ALWAYS.open_spans(-5, 10**9) == ((-5, 10**9),)


@pytest.mark.parametrize("closing", ["23:59", "23:59:00", "23:59:59", "24:00", "24:00:00"])
def test_the_end_of_the_day_may_be_written_in_several_ways(closing):
    made = calendar(weekly={"mon": [["20:00", closing]], "tue": [["00:00", "02:00"]]})

    assert made.to_json()["weekly"]["mon"] == [["20:00", "24:00"]]
    assert len(made.open_spans(instant("2026-03-02"), instant("2026-03-04"))) == 1


def test_seconds_of_a_closing_time_count():
    assert calendar(weekly={"mon": [["09:00:15", "23:59:30"]]}).windows_on(date(2026, 3, 2)) == (
        (9 * 3600 + 15, 24 * 3600 - 30),
    )


def test_windows_may_touch_and_come_in_any_order():
    made = calendar(weekly={"mon": [["12:00", "17:00"], ["09:00", "12:00"]]})

    assert open_hours(made, "2026-03-02") == ["09:00+0100-17:00+0100"]


def test_the_same_text_gives_the_same_calendar():
    text = json.dumps({"timezone": "UTC", "weekly": OFFICE_WEEK})

    assert calendar_for(text) is calendar_for(text)
    assert calendar_for("null") is ALWAYS


# What is refused


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"timezone": "Europe/Atlantis"}, r"timezone: 'Europe/Atlantis' .*Europe/Berlin"),
        ({"timezone": "Europe"}, r"timezone: 'Europe' is not a known"),
        ({"timezone": "../etc/passwd"}, r"timezone: .* is not a known"),
        ({"timezone": ""}, r"timezone: '' is not a known"),
        ({"timezone": None}, r"timezone: expected an IANA name .* got None"),
        ({"weekly": []}, r"weekly: expected an object"),
        ({"weekly": {"monday": [OFFICE]}}, r"weekly\.monday: unknown weekday; .* mon, tue"),
        ({"weekly": {"mon": "09:00-17:00"}}, r"weekly\.mon: expected a list of windows"),
        ({"weekly": {"mon": ["09:00", "17:00"]}}, r"weekly\.mon\[0\]: expected \[\"opens\""),
        ({"weekly": {"mon": [["9:00", "17:00"]]}}, r"weekly\.mon\[0\]: '9:00' .* write HH:MM"),
        ({"weekly": {"mon": [["09:60", "17:00"]]}}, r"weekly\.mon\[0\]: '09:60' is not a time"),
        ({"weekly": {"mon": [["09:00", "24:01"]]}}, r"weekly\.mon\[0\]: '24:01' is not a time"),
        ({"weekly": {"mon": [["09:00", 17]]}}, r"weekly\.mon\[0\]: 17 is not a time"),
        ({"weekly": {"mon": [["09:00", "00:00"]]}}, r"weekly\.mon\[0\]: 00:00 .* write 24:00"),
        ({"weekly": {"mon": [["24:00", "06:00"]]}}, r"weekly\.mon\[0\]: cannot open at 24:00"),
        ({"weekly": {"mon": [["09:00", "09:00"]]}}, r"weekly\.mon\[0\]: empty window"),
        (
            {"weekly": {"mon": [["09:00", "12:00"], ["11:00", "17:00"]]}},
            r"weekly\.mon: 11:00-17:00 overlaps 09:00-12:00; join",
        ),
        (
            {"weekly": {"mon": [["20:00", "02:00"], ["22:00", "06:00"]]}},
            r"weekly\.mon: 22:00-06:00 overlaps 20:00-02:00",
        ),
        ({"holidays": "2026-12-25"}, r"holidays: expected a list of dates"),
        ({"holidays": ["2026-12-25", "25.12.2026"]}, r"holidays\[1\]: '25.12.2026' .*YYYY-MM-DD"),
        ({"holidays": ["2026-02-29"]}, r"holidays\[0\]: '2026-02-29' is not a date"),
        ({"holidays": ["20261225"]}, r"holidays\[0\]: '20261225' is not a date"),
        ({"holidays": ["9999-12-31"]}, r"holidays\[0\]: 9999-12-31 is out of range"),
        ({"overrides": {"24/12": []}}, r"overrides: '24/12' is not a date"),
        ({"overrides": {"2026-12-24": [["x", "y"]]}}, r"overrides\.2026-12-24\[0\]: 'x'"),
        ({"breaks": {"2026-12-24": [["12:00", "00:00"]]}}, r"breaks\.2026-12-24\[0\]: 00:00"),
        ({"holiday": []}, r"holiday: unknown part; a calendar has timezone, weekly"),
        ({"weekly": {}}, r"weekly: this calendar is never open; .*null"),
        ({"weekly": {"mon": []}, "holidays": ["2026-12-25"]}, r"never open"),
        (
            {
                "weekly": {},
                "overrides": {"2026-12-24": [["22:00", "06:00"]]},
                "breaks": {"2026-12-24": [["22:00", "24:00"]], "2026-12-25": [["00:00", "06:00"]]},
            },
            r"never open",
        ),
    ],
)
def test_what_is_written_wrongly_is_refused_with_its_place_and_the_way_out(parts, message):
    with pytest.raises(CalendarError, match=message):
        calendar(**{"timezone": "Europe/Berlin", **parts})


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "5", '"UTC"', "[]"])
def test_a_text_that_is_no_calendar_is_refused(text):
    with pytest.raises(CalendarError, match="calendar: "):
        calendar_for(text)


def test_a_calendar_that_opens_once_is_a_calendar():
    made = calendar(weekly={}, overrides={"2026-12-24": OFFICE})

    assert open_hours(made, "2026-12-24") == ["09:00+0100-17:00+0100"]


# Exceptions


def test_a_holiday_lets_no_window_start_and_leaves_the_night_before_alone():
    nights = dict.fromkeys(DAY_NAMES, NIGHT)
    made = calendar(weekly=nights, holidays=["2026-12-25"])

    assert open_hours(made, "2026-12-25") == ["00:00+0100-06:00+0100"]
    assert open_hours(made, "2026-12-26") == ["22:00+0100-00:00+0100"]


def test_an_override_replaces_the_week_and_the_holiday():
    made = calendar(
        holidays=["2026-12-24", "2026-12-25"],
        overrides={"2026-12-24": [["10:00", "11:00"]], "2026-12-28": []},
    )

    assert open_hours(made, "2026-12-24") == ["10:00+0100-11:00+0100"]
    assert open_hours(made, "2026-12-25") == []
    assert open_hours(made, "2026-12-28") == []


def test_a_break_is_taken_out_of_whatever_is_open():
    made = calendar(
        weekly={"mon": [["22:00", "06:00"]], "wed": OFFICE},
        breaks={"2026-03-03": [["02:00", "03:00"]], "2026-03-04": [["12:00", "13:00"]]},
    )

    assert open_hours(made, "2026-03-03") == ["00:00+0100-02:00+0100", "03:00+0100-06:00+0100"]
    assert open_hours(made, "2026-03-04") == ["09:00+0100-12:00+0100", "13:00+0100-17:00+0100"]


# Clocks that change: Berlin springs on 2026-03-29 at 02:00, and falls on 2026-10-25 at 03:00


@pytest.mark.parametrize(
    ("window", "open_in_spring"),
    [
        (["01:00", "04:00"], ["01:00+0100-04:00+0200"]),
        (["02:30", "05:00"], ["03:30+0200-05:00+0200"]),
        (["01:00", "02:30"], ["01:00+0100-03:30+0200"]),
        (["02:15", "02:45"], ["03:15+0200-03:45+0200"]),
        (["02:30", "03:15"], []),
    ],
)
def test_a_time_that_is_skipped_is_moved_forward_by_the_gap(window, open_in_spring):
    assert open_hours(calendar(weekly={"sun": [window]}), "2026-03-29") == open_in_spring


@pytest.mark.parametrize(
    ("window", "open_in_autumn"),
    [
        (["01:00", "04:00"], ["01:00+0200-04:00+0100"]),
        (["02:30", "05:00"], ["02:30+0200-05:00+0100"]),
        (["01:00", "02:30"], ["01:00+0200-02:30+0200"]),
        (["02:15", "02:45"], ["02:15+0200-02:45+0200"]),
        (["02:30", "03:00"], ["02:30+0200-03:00+0100"]),
    ],
)
def test_a_time_that_happens_twice_means_the_first(window, open_in_autumn):
    assert open_hours(calendar(weekly={"sun": [window]}), "2026-10-25") == open_in_autumn


@pytest.mark.parametrize(
    ("timezone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Antarctica/Troll", "2026-03-29", 22),
        ("America/Sao_Paulo", "2018-11-04", 23),  # began at 01:00
        ("America/Sao_Paulo", "2018-02-17", 25),  # ended at 24:00 of the second pass
        ("Atlantic/Azores", "2026-03-29", 23),  # 00:00 became 01:00
        ("Atlantic/Azores", "2026-10-25", 25),  # 01:00 became 00:00
    ],
)
def test_a_whole_day_is_as_long_as_the_clocks_make_it(timezone, day, hours):
    made = calendar(timezone, weekly={}, overrides={day: [["00:00", "24:00"]]})
    noon = instant(f"{day}T12:00", timezone)

    ((start, end),) = made.open_spans(noon - 3 * DAY, noon + 3 * DAY)

    assert (end - start) / 3600 == hours


def test_whole_days_join_without_a_seam_at_any_change_of_clocks():
    week = dict.fromkeys(DAY_NAMES, ALL_DAY)
    start, end = instant("2015-01-01", "UTC"), instant("2036-01-01", "UTC")

    for timezone in ("Atlantic/Azores", "America/Sao_Paulo", "Asia/Gaza", "Antarctica/Troll"):
        assert calendar(timezone, weekly=week).open_spans(start, end) == ((start, end),)


# What is remembered


def test_the_order_of_questions_does_not_change_the_answers():
    years = [
        (instant(f"{y}-01-01", "UTC"), instant(f"{y + 1}-01-01", "UTC")) for y in range(2018, 2026)
    ]
    forwards, backwards = calendar(), calendar()

    answers = [forwards.open_spans(*year) for year in years]
    reverse = [backwards.open_spans(*year) for year in reversed(years)]

    assert answers == reverse[::-1]
    assert answers == [calendar().open_spans(*year) for year in years]


@pytest.mark.parametrize(
    ("timezone", "hours_east"), [("Pacific/Niue", -11), ("UTC", 0), ("Pacific/Kiritimati", 14)]
)
def test_no_time_is_lost_where_remembered_years_meet(timezone, hours_east):
    made = calendar(timezone, weekly=dict.fromkeys(DAY_NAMES, LONG_SHIFT))
    first, last = date(2015, 1, 1).toordinal(), date(2036, 1, 1).toordinal()
    openings = [
        (day - date(1970, 1, 1).toordinal()) * DAY + (20 - hours_east) * 3600
        for day in range(first, last)
    ]

    asked_one_by_one = [made.open_spans(at, at + DAY) for at in openings]

    assert asked_one_by_one == [((at, at + 23 * 3600),) for at in openings]


def test_what_is_remembered_is_open_up_to_its_end_and_beyond():
    made = calendar("UTC", weekly=dict.fromkeys(DAY_NAMES, ALL_DAY))

    end = made.timeline(0, 0).end

    assert made.timeline(end, end).is_open(end)


def test_threads_may_share_a_calendar():
    shared, fresh = calendar(), calendar()
    years = [
        (instant(f"{y}-01-01", "UTC"), instant(f"{y + 1}-01-01", "UTC")) for y in range(2010, 2030)
    ]
    seen = {}
    threads = [
        Thread(target=lambda year=year: seen.update({year: shared.open_spans(*year)}))
        for year in years
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == {year: fresh.open_spans(*year) for year in years}


@pytest.mark.parametrize("year", ["1899", "2200"])
def test_years_that_are_not_counted_are_refused(year):
    at = instant(f"{year}-06-01", "UTC")

    with pytest.raises(OutOfRange, match="1900 to 2199"):
        calendar().open_spans(at, at + 1)
