"""The language of conditions: what each op means, and what is refused."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.engine import Check, ConditionError, first_failure, holds, ops_for, parse
from routing.engine.compile import compile_condition
from routing.engine.conditions import OPS, All, condition_to_json, facts_used
from routing.engine.weekly import WEEKDAYS

REGISTRY = {
    "employees": "number",
    "country": "text",
    "domain": "text",
    "is_customer": "boolean",
    "languages": "list",
    "account_owner": "id",
    "now": "time",
    "events": "events",
    "location": "point",
}
OFFICE_HOURS = {"zone": "America/New_York", "weekly": {"mon": [["09:00", "17:00"]]}}
SAN_FRANCISCO = {"lat": 37.7864, "lon": -122.3892, "km": 25, "of": "94105"}
OAKLAND, LOS_ANGELES = [37.8044, -122.2712], [34.0522, -118.2437]
DAY = 86_400
VISITS = [["pricing_page", 60], ["Pricing_Page", DAY], ["demo", 5], ["pricing_page", 30 * DAY]]


def visits(at_least=1, within=None):
    return {"name": "pricing_page", "at_least": at_least, "within": within}


def instant(text, zone="UTC"):
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def check(op, value=None):
    data = {"fact": "x", "op": op}
    return data if value is None else data | {"value": value}


def answer(condition, **facts):
    """Ask both ways, which must agree."""
    parsed = parse(condition)
    assert compile_condition(parsed)(facts) is holds(parsed, facts)
    return holds(parsed, facts)


@pytest.mark.parametrize(
    ("op", "value", "found", "expected"),
    [
        ("eq", "DE", "de", True),
        ("eq", "straße", "STRASSE", True),
        ("eq", "DE", "AT", False),
        ("eq", 1, 1.0, True),
        ("eq", 1, True, False),
        ("eq", True, 1, False),
        ("eq", True, True, True),
        ("eq", 1, "1", False),
        ("eq", "a", ["a"], False),
        ("ne", "DE", "AT", True),
        ("ne", "DE", "de", False),
        ("ne", "DE", 5, True),
        ("in", ["DE", "AT"], "at", True),
        ("in", ["DE", "AT"], "CH", False),
        ("in", [1, "x"], True, False),
        ("not_in", ["DE", "AT"], "CH", True),
        ("not_in", ["DE", "AT"], "de", False),
        ("gt", 5, 5, False),
        ("gt", 5, 5.5, True),
        ("gte", 5, 5, True),
        ("lt", 5, 4, True),
        ("lt", 5, 5, False),
        ("lte", 5, 5, True),
        ("gte", 0, True, False),
        ("gte", 0, "7", False),
        ("between", [50, 500], 50, True),
        ("between", [50, 500], 500, True),
        ("between", [50, 500], 501, False),
        ("between", [0, 1], True, False),
        ("contains", "Soft", "microsoft", True),
        ("contains", "soft", "hard", False),
        ("contains", "French", ["german", "FRENCH"], True),
        ("contains", "fr", ["french"], False),
        ("contains", 3, [1, 2, 3], True),
        ("contains", 1, [True], False),
        ("contains", "5", 5, False),
        ("prefix", "+49", "+4930", True),
        ("prefix", ["10", "11"], "11999", True),
        ("prefix", ["10", "11"], "12", False),
        ("prefix", "1", 11, False),
        ("matches_domain", "acme.com", "ACME.com", True),
        ("matches_domain", "acme.com", "mail.acme.com", True),
        ("matches_domain", "acme.com", "notacme.com", False),
        ("matches_domain", "mail.acme.com", "acme.com", False),
        ("matches_domain", ["x.org", ".acme.com"], "a.b.acme.com.", True),
        ("matches_domain", "acme.com", 5, False),
        ("has_any", ["French", 7], ["german", "FRENCH"], True),
        ("has_any", ["fr"], ["french"], False),
        ("has_any", [1], [True], False),
        ("has_any", ["french"], "french", False),
        ("has_none", ["french"], ["german"], True),
        ("has_none", ["german", "french"], ["German"], False),
        ("has_none", ["french"], 5, True),
        ("prefix", "plan=", ["size=9", "Plan=pro"], True),
        ("prefix", "plan=", ["size=9"], False),
        ("happened", visits(), VISITS, True),
        ("happened", visits(3), VISITS, True),
        ("happened", visits(4), VISITS, False),
        ("happened", visits(2, DAY), VISITS, True),
        ("happened", visits(2, DAY - 1), VISITS, False),
        ("happened", {"name": "demo", "within": 4}, VISITS, False),
        ("happened", visits(), [["pricing_page"], "pricing_page", ["pricing_page", "x"]], False),
        ("happened", visits(), "pricing_page", False),
        ("not_happened", visits(2, DAY), VISITS, False),
        ("not_happened", visits(2, DAY - 1), VISITS, True),
        ("within_km", SAN_FRANCISCO, OAKLAND, True),
        ("within_km", SAN_FRANCISCO, LOS_ANGELES, False),
        ("within_km", SAN_FRANCISCO | {"km": 0.001}, [37.7864, -122.3892], True),
        ("within_km", SAN_FRANCISCO, "94105", False),
        ("within_km", SAN_FRANCISCO, [91, 0], False),
        ("in_hours", OFFICE_HOURS, "2026-01-05", False),
        ("not_in_hours", OFFICE_HOURS, "2026-01-05", False),
        ("not_in_hours", OFFICE_HOURS, True, False),
        ("in_hours", OFFICE_HOURS, 10**30, False),
        ("empty", None, "x", False),
        ("empty", None, 0, False),
        ("empty", None, False, False),
        ("not_empty", None, 0, True),
        ("not_empty", None, [1], True),
    ],
)
def test_an_op_means_what_its_table_says(op, value, found, expected):
    assert answer(check(op, value), x=found) is expected


VALUES = {
    "in": ["a"],
    "not_in": ["a"],
    "between": [0, 1],
    "empty": None,
    "not_empty": None,
    "has_any": ["a"],
    "has_none": ["a"],
    "happened": visits(),
    "not_happened": visits(),
    "within_km": SAN_FRANCISCO,
    "in_hours": OFFICE_HOURS,
    "not_in_hours": OFFICE_HOURS,
    **dict.fromkeys(("gt", "gte", "lt", "lte"), 0),
}


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("facts", [{}, {"x": None}, {"x": ""}, {"x": []}])
def test_a_missing_fact_is_empty_without_events_and_satisfies_nothing_else(op, facts):
    condition = check(op, VALUES.get(op, "a"))

    expected = op in ("empty", "not_happened")

    assert answer(condition, **facts) is expected
    assert answer({"not": condition}, **facts) is not expected


def week(zone="America/New_York", **weekly):
    return {"fact": "now", "op": "in_hours", "value": {"zone": zone, "weekly": weekly}}


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-01-05T08:59:59", False),
        ("2026-01-05T09:00:00", True),
        ("2026-01-05T16:59:59", True),
        ("2026-01-05T17:00:00", False),
        ("2026-01-06T12:00:00", False),  # a Tuesday
        # In July the same hours are an hour earlier in UTC.
        ("2026-07-06T09:00:00", True),
        ("2026-07-06T08:59:59", False),
    ],
)
def test_hours_hold_from_their_start_until_before_their_end_by_the_clock_there(local, expected):
    now = instant(local, "America/New_York")

    assert answer(week(mon=[["09:00", "17:00"]]), now=now) is expected
    outside = {"fact": "now", "op": "not_in_hours", "value": OFFICE_HOURS}
    assert answer(outside, now=now) is not expected


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-01-09T21:59:59", False),
        ("2026-01-09T22:00:00", True),  # Friday evening
        ("2026-01-10T05:59:59", True),  # until Saturday morning
        ("2026-01-10T06:00:00", False),
        ("2026-01-09T03:00:00", False),  # Friday's window starts on Friday evening
        ("2026-01-11T23:00:00", False),
    ],
)
def test_a_window_past_midnight_belongs_to_the_day_it_starts_on(local, expected):
    now = instant(local, "Europe/Berlin")

    assert answer(week("Europe/Berlin", fri=[["22:00", "06:00"]]), now=now) is expected


def test_an_hour_that_comes_twice_lies_in_its_window_twice_and_one_left_out_never():
    # New York, 1 November 2026: the hour from one o'clock comes twice.
    first = instant("2026-11-01T05:30:00")
    night = week(sun=[["01:00", "02:00"]])

    assert answer(night, now=first)
    assert answer(night, now=first + 3600)
    assert not answer(night, now=first + 7200)
    # 8 March 2026: two o'clock to three does not exist.
    morning = instant("2026-03-08T06:00:00")
    lost = week(sun=[["02:00", "03:00"]])
    assert not any(answer(lost, now=morning + minute * 60) for minute in range(180))


@given(
    st.integers(instant("2020-01-01"), instant("2030-01-01")),
    st.integers(0, 1439),
    st.integers(0, 1440),
)
def test_a_window_of_every_day_asks_only_for_the_time_of_day(now, start, end):
    if start == end:
        end = (start + 1) % 1440
    clock = [f"{minute // 60:02}:{minute % 60:02}" for minute in (start, end)]
    every_day = {name: [clock] for name in WEEKDAYS}

    minute = now % DAY // 60
    inside = start <= minute < end if start < end else minute >= start or minute < end

    assert answer(week("UTC", **every_day), now=now) is inside


def test_inside_or_outside_at_every_moment():
    for hours in range(0, 24 * 14):
        now = int((datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=hours)).timestamp())
        inside = answer({"fact": "now", "op": "in_hours", "value": OFFICE_HOURS}, now=now)
        outside = answer({"fact": "now", "op": "not_in_hours", "value": OFFICE_HOURS}, now=now)
        assert inside is not outside


def test_groups_hold_as_their_names_say():
    yes, no = {"all": []}, {"any": []}

    assert answer(yes)
    assert not answer(no)
    assert answer({"all": [yes, yes, yes, yes]})
    assert not answer({"all": [yes, yes, yes, no]})
    assert answer({"any": [no, yes]})
    assert not answer({"any": [no, no]})
    assert answer({"not": no})
    assert not answer({"not": yes})


def hours(**parts):
    return {"fact": "now", "op": "in_hours", "value": OFFICE_HOURS | parts}


def circle(**parts):
    return {"fact": "location", "op": "within_km", "value": SAN_FRANCISCO | parts}


@pytest.mark.parametrize(
    ("condition", "path"),
    [
        (5, ""),
        ({}, ""),
        ({"some": []}, ""),
        ({"all": [], "any": []}, ""),
        ({"all": {}}, "all"),
        ({"all": [{"fact": "country", "op": "eq", "value": "DE"}, {"not": 3}]}, "all[1].not"),
        ({"all": [{"all": []}, {"any": [{"fact": "country", "op": "is"}]}]}, "all[1].any[0].op"),
        ({"fact": "country", "op": ["eq"]}, "op"),
        ({"fact": "", "op": "eq", "value": 1}, "fact"),
        ({"op": "eq", "value": 1}, "fact"),
        ({"fact": "shoe_size", "op": "eq", "value": 1}, "fact"),
        ({"fact": "country", "op": "eq", "value": 1}, "value"),
        ({"fact": "country", "op": "eq", "value": ""}, "value"),
        ({"fact": "country", "op": "eq"}, "value"),
        ({"fact": "country", "op": "gt", "value": 1}, "op"),
        ({"fact": "country", "op": "in", "value": []}, "value"),
        ({"fact": "country", "op": "in", "value": "DE"}, "value"),
        ({"fact": "country", "op": "in", "value": ["DE", 1]}, "value"),
        ({"fact": "country", "op": "prefix", "value": [""]}, "value"),
        ({"fact": "country", "op": "prefix", "value": []}, "value"),
        ({"fact": "domain", "op": "matches_domain", "value": "."}, "value"),
        ({"fact": "country", "op": "empty", "value": "x"}, "value"),
        ({"fact": "country", "op": "eq", "value": "DE", "case": True}, "case"),
        ({"fact": "employees", "op": "gte", "value": "500"}, "value"),
        ({"fact": "employees", "op": "gte", "value": True}, "value"),
        ({"fact": "employees", "op": "gte", "value": float("nan")}, "value"),
        ({"fact": "employees", "op": "between", "value": [5]}, "value"),
        ({"fact": "employees", "op": "between", "value": [5, 4]}, "value"),
        ({"fact": "employees", "op": "between", "value": [1, "x"]}, "value"),
        ({"fact": "employees", "op": "contains", "value": "1"}, "op"),
        ({"fact": "is_customer", "op": "eq", "value": 1}, "value"),
        ({"fact": "languages", "op": "eq", "value": "french"}, "op"),
        ({"fact": "languages", "op": "contains", "value": ["french"]}, "value"),
        ({"fact": "account_owner", "op": "eq", "value": "7"}, "value"),
        ({"fact": "account_owner", "op": "gt", "value": 7}, "op"),
        ({"fact": "languages", "op": "has_any", "value": [["x"]]}, "value"),
        ({"fact": "languages", "op": "has_any", "value": []}, "value"),
        ({"fact": "country", "op": "has_any", "value": ["x"]}, "op"),
        ({"fact": "now", "op": "eq", "value": 5}, "op"),
        ({"fact": "now", "op": "in_hours"}, "value"),
        ({"fact": "now", "op": "in_hours", "value": {"weekly": {}}}, "value.zone"),
        (hours(zone="Mars/Olympus"), "value.zone"),
        (hours(zone="../etc"), "value.zone"),
        (hours(zone="America"), "value.zone"),
        (hours(weekly={}), "value.weekly"),
        (hours(weekly=[]), "value.weekly"),
        (hours(weekly={"monday": [["09:00", "17:00"]]}), "value.weekly.monday"),
        (hours(weekly={"mon": []}), "value.weekly.mon"),
        (hours(weekly={"mon": [["09:00", "17:00"], ["9", "17:00"]]}), "value.weekly.mon[1]"),
        (hours(weekly={"mon": [["09:00"]]}), "value.weekly.mon[0]"),
        (hours(weekly={"mon": [["09:00", "09:00"]]}), "value.weekly.mon[0]"),
        (hours(weekly={"mon": [["24:00", "06:00"]]}), "value.weekly.mon[0]"),
        (hours(weekly={"mon": [["23:00", "24:30"]]}), "value.weekly.mon[0]"),
        (hours(also=1), "value.also"),
        (
            {"all": [{"all": []}, hours(weekly={"mon": [["09:00", "25:00"]]})]},
            "all[1].value.weekly.mon[0]",
        ),
        ({"fact": "events", "op": "happened", "value": "pricing_page"}, "value"),
        ({"fact": "events", "op": "happened", "value": {}}, "value.name"),
        ({"fact": "events", "op": "happened", "value": {"name": "Two words"}}, "value.name"),
        ({"fact": "events", "op": "happened", "value": visits(0)}, "value.at_least"),
        ({"fact": "events", "op": "happened", "value": visits(10**6)}, "value.at_least"),
        ({"fact": "events", "op": "happened", "value": visits(True)}, "value.at_least"),
        ({"fact": "events", "op": "happened", "value": visits(1, 0)}, "value.within"),
        ({"fact": "events", "op": "happened", "value": visits() | {"x": 1}}, "value.x"),
        ({"fact": "events", "op": "contains", "value": "x"}, "op"),
        (circle(lat=91), "value.lat"),
        (circle(lon="x"), "value.lon"),
        (circle(km=0), "value.km"),
        (circle(km=float("inf")), "value.km"),
        (circle(km=True), "value.km"),
        (circle(of=5), "value.of"),
        (circle(of="x" * 81), "value.of"),
    ],
)
def test_a_refusal_points_at_the_offending_part(condition, path):
    with pytest.raises(ConditionError) as caught:
        parse(condition, REGISTRY)

    assert caught.value.path == path
    assert caught.value.message


def test_nesting_beyond_reason_is_refused_rather_than_overflowing():
    condition = {"all": []}
    for _ in range(5000):
        condition = {"not": condition}

    with pytest.raises(ConditionError, match="deep"):
        parse(condition)


def test_without_a_registry_any_fact_may_be_asked_but_values_still_fit_the_op():
    assert parse({"fact": "whatever", "op": "in", "value": [1, "a", True]})
    with pytest.raises(ConditionError):
        parse({"fact": "whatever", "op": "gt", "value": "a"})


def test_ops_are_offered_by_kind_of_fact():
    assert ops_for("id") == ("eq", "ne", "in", "not_in", "empty", "not_empty")
    assert ops_for("list") == ("contains", "has_any", "has_none", "prefix", "empty", "not_empty")
    assert ops_for("time") == ("in_hours", "not_in_hours", "empty", "not_empty")
    assert ops_for("events") == ("happened", "not_happened", "empty", "not_empty")
    assert ops_for("point") == ("within_km", "empty", "not_empty")


def test_a_condition_is_written_as_it_was_read():
    condition = {
        "all": [
            {"any": [{"fact": "a", "op": "in", "value": ["x", 1]}, {"fact": "b", "op": "empty"}]},
            {"not": {"fact": "c", "op": "between", "value": [1, 2]}},
            hours(weekly={"fri": [["22:00", "06:00"], ["08:30", "12:00"]]}),
            circle(km=2.5),
            {"fact": "events", "op": "happened", "value": visits(3, 2 * DAY)},
            {"fact": "events", "op": "not_happened", "value": visits()},
        ]
    }

    assert condition_to_json(parse(condition)) == condition
    assert facts_used(parse(condition)) == {"a", "b", "c", "now", "location", "events"}


def test_what_is_left_out_is_written_with_its_default():
    condition = parse({"fact": "events", "op": "happened", "value": {"name": "demo"}}, REGISTRY)

    assert condition_to_json(condition)["value"] == {"name": "demo", "at_least": 1, "within": None}


@pytest.mark.parametrize(
    ("condition", "path", "fact", "inverted"),
    [
        ({"fact": "n", "op": "gt", "value": 9}, "", "n", False),
        (
            {"all": [{"all": []}, {"any": [{"fact": "n", "op": "eq", "value": 1}]}]},
            "all[1].any[0]",
            "n",
            False,
        ),
        ({"any": []}, "any", None, False),
        ({"all": [{"not": {"fact": "n", "op": "eq", "value": 5}}]}, "all[0].not", "n", True),
        ({"not": {"all": []}}, "not", None, True),
    ],
)
def test_the_first_failing_part_is_named(condition, path, fact, inverted):
    failure = first_failure(parse(condition), {"n": 5})

    assert (failure.path, failure.fact, failure.inverted) == (path, fact, inverted)
    assert failure.found == (5 if fact else None)


def test_a_condition_that_holds_has_no_failure():
    condition = {"any": [{"fact": "n", "op": "eq", "value": 1}, {"not": {"any": []}}]}

    assert first_failure(parse(condition), {"n": 5}) is None


def test_conditions_are_values():
    assert parse({"fact": "a", "op": "in", "value": [1]}) == Check("a", "in", (1,))
    assert hash(parse({"all": []})) == hash(All())
    for one in (hours(), circle(), {"fact": "events", "op": "happened", "value": visits()}):
        assert hash(parse(one)) == hash(parse(one))
        assert parse(one) == parse(one)


def test_a_failing_check_says_what_it_wanted_as_json():
    failure = first_failure(parse({"all": [hours()]}), {"now": instant("2026-01-06T12:00:00")})

    assert failure.path == "all[0]"
    assert failure.wanted == OFFICE_HOURS
