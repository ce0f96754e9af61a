"""Conditions of any depth in the form: what is posted, stored and shown again is the same."""

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from routing import engine
from routing.engine.conditions import MAX_DEPTH
from routing.rules import typed
from routing.rules.builder import Block, Row, RowRefused, Sheet, check_of, fact_choices
from routing.rules.sentences import Names, condition_words, found_words

NAMES = Names(reps={7: "Robin East", 9: "Kim West"}, territories={5: "DACH"})

CHECKS = (
    {"fact": "employees", "op": "gte", "value": 500},
    {"fact": "employees", "op": "between", "value": [50, 500.5]},
    {"fact": "country", "op": "in", "value": ["DE", "AT"]},
    {"fact": "hand_raise", "op": "eq", "value": True},
    {"fact": "account_owner", "op": "not_empty"},
    {"fact": "territory", "op": "ne", "value": 5},
    {"fact": "postal_code", "op": "prefix", "value": ["941", "942"]},
    {"fact": "email_domain", "op": "matches_domain", "value": ["acme.com"]},
    {"fact": "parent_industry", "op": "contains", "value": "tech"},
    {"fact": "parent_domain", "op": "matches_domain", "value": ["acme.com"]},
    {"fact": "answers", "op": "has_any", "value": ["plan=pro", "plan=team"]},
    {"fact": "answers", "op": "prefix", "value": ["plan="]},
    {"fact": "account_team", "op": "has_none", "value": [7, 9]},
    {"fact": "handed_back", "op": "contains", "value": 7},
    {"fact": "waited", "op": "gte", "value": 900},
    {"fact": "waited", "op": "between", "value": [60, 7200]},
    {
        "fact": "events",
        "op": "happened",
        "value": {"name": "pricing_page", "at_least": 3, "within": 172_800},
    },
    {
        "fact": "events",
        "op": "not_happened",
        "value": {"name": "demo", "at_least": 1, "within": None},
    },
    {
        "fact": "location",
        "op": "within_km",
        "value": {"lat": 37.7864, "lon": -122.3892, "km": 25, "of": "94105"},
    },
    {
        "fact": "parent_location",
        "op": "within_km",
        "value": {"lat": 48.8566, "lon": 2.3522, "km": 2.5, "of": "Paris (North)"},
    },
    {
        "fact": "now",
        "op": "in_hours",
        "value": {
            "zone": "America/New_York",
            "weekly": {
                "mon": [["09:00", "12:00"], ["13:00", "17:00"]],
                "tue": [["09:00", "12:00"], ["13:00", "17:00"]],
                "fri": [["22:00", "06:00"]],
            },
        },
    },
)
checks = st.sampled_from(CHECKS)
groups = st.recursive(
    checks,
    lambda inner: (
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda part: {"not": part}, inner)
    ),
    max_leaves=8,
)
facts = st.fixed_dictionaries(
    {},
    optional={
        "employees": st.sampled_from([49, 50, 500, 501]),
        "country": st.sampled_from(["DE", "de", "US"]),
        "hand_raise": st.booleans(),
        "account_owner": st.sampled_from([7, 8]),
        "territory": st.sampled_from([5, 6]),
        "postal_code": st.sampled_from(["94105", "10001"]),
        "answers": st.sampled_from([["plan=pro"], ["size=9"]]),
        "account_team": st.sampled_from([[7], [8]]),
        "waited": st.sampled_from([0, 900, 7201]),
        "events": st.sampled_from([[["pricing_page", 5]] * 3, [["demo", 1]]]),
        "location": st.sampled_from([[37.8, -122.3], [0, 0]]),
        "now": st.sampled_from([1_767_625_200, 1_767_582_000]),
    },
)


def form_of(sheet: Sheet) -> QueryDict:
    """What the browser sends for this sheet."""
    data = QueryDict(mutable=True)
    for place, block in enumerate(sheet.blocks):
        data.appendlist("g_match", block.match)
        data.appendlist("g_parent", str(block.parent))
        for row in block.rows:
            for name, value in (("group", place), ("fact", row.fact), ("op", row.op)):
                data.appendlist(f"c_{name}", str(value))
            data.appendlist("c_value", row.value)
    return data


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check['fact']}-{check['op']}")
def test_a_row_gives_a_check_back_exactly(check):
    sheet = Sheet.of(check, NAMES)

    assert sheet.condition(NAMES) == {"all": [check]}
    assert Sheet.posted(form_of(sheet)).condition(NAMES) == {"all": [check]}


@given(groups, facts)
def test_any_tree_fits_into_rows_and_means_the_same(condition, lead):
    sheet = Sheet.of(condition, NAMES)

    again = sheet.condition(NAMES)

    assert engine.holds(engine.parse(condition), lead) == engine.holds(engine.parse(again), lead)


@given(groups)
def test_what_is_posted_is_stored_and_shown_again_the_same(condition):
    stored = Sheet.posted(form_of(Sheet.of(condition, NAMES))).condition(NAMES)

    shown = Sheet.of(stored, NAMES)

    assert shown.condition(NAMES) == stored
    assert Sheet.posted(form_of(shown)) == shown


@given(
    st.lists(
        st.tuples(st.sampled_from(["all", "any", "none", "x"]), st.text(max_size=4)), max_size=9
    ),
    st.lists(st.tuples(st.text(max_size=3), checks), max_size=6),
)
def test_whatever_is_posted_becomes_a_condition_or_names_its_rows(blocks, rows):
    data = QueryDict(mutable=True)
    data.setlist("g_match", [match for match, _ in blocks])
    data.setlist("g_parent", [parent for _, parent in blocks])
    for group, check in rows:
        row = Sheet.of(check, NAMES).main.rows[0]
        for name, value in (("group", group), ("fact", row.fact), ("op", row.op)):
            data.appendlist(f"c_{name}", value)
        data.appendlist("c_value", row.value)
    sheet = Sheet.posted(data)

    condition = sheet.condition(NAMES)

    assert condition is not None or sheet.has_errors
    if condition is not None:
        engine.parse(condition)


def nested(depth: int) -> dict:
    condition = CHECKS[0]
    for number in range(depth):
        condition = {"all" if number % 2 else "any": [condition, CHECKS[2]]}
    return condition


def test_groups_may_be_nested_as_deep_as_the_engine_reads():
    assert Sheet.of(nested(MAX_DEPTH), NAMES).condition(NAMES)
    assert Sheet.of({"all": [nested(MAX_DEPTH)]}, NAMES) is None


def test_groups_nested_too_deep_are_refused_at_a_row():
    blocks = [Block("all", [Row("employees", "gte", "5")], parent=i - 1) for i in range(1, 22)]
    sheet = Sheet([Block("all", [Row("employees", "gte", "5")]), *blocks])

    assert sheet.condition(NAMES) is None
    assert "too deep" in sheet.blocks[-1].rows[0].error


def test_a_thousand_groups_in_each_other_are_no_danger():
    data = QueryDict(mutable=True)
    data.setlist("g_match", ["none"] * 999)
    data.setlist("g_parent", [str(max(0, i - 1)) for i in range(999)])

    assert Sheet.posted(data).condition(NAMES) == {"all": []}


def test_a_parent_that_comes_later_counts_as_the_main_block():
    data = QueryDict("g_match=all&g_match=any&g_parent=0&g_parent=7")

    assert Sheet.posted(data).blocks[1].parent == 0


def test_without_parents_every_group_stands_in_the_main_block():
    data = QueryDict("g_match=all&g_match=any&g_match=none")

    assert [block.parent for block in Sheet.posted(data).blocks] == [0, 0, 0]


# --- The buttons -------------------------------------------------------------------------


def shape(sheet: Sheet) -> list[tuple[str, int, int]]:
    return [(block.match, block.parent, block.depth) for block in sheet.blocks]


def test_a_group_is_added_where_its_button_stands():
    sheet = Sheet()
    assert sheet.act("group")
    assert sheet.act("group:1")
    assert sheet.act("group")
    sheet.blocks[3].match = "none"
    assert sheet.act("group:1")

    assert shape(sheet) == [
        ("all", 0, 0),
        ("any", 0, 1),
        ("any", 1, 2),
        ("any", 1, 2),
        ("none", 0, 1),
    ]
    assert [block.joined_by for block in sheet.blocks] == ["", "all", "any", "any", "all"]


def test_taking_out_a_group_takes_all_in_it_and_leaves_the_rest():
    sheet = Sheet.of(
        {
            "all": [
                CHECKS[0],
                {"any": [CHECKS[2], {"all": [CHECKS[3], CHECKS[4]]}]},
                {"any": [CHECKS[5], {"all": [CHECKS[6], CHECKS[7]]}]},
            ]
        },
        NAMES,
    )

    assert sheet.act("cut:1")

    assert sheet.condition(NAMES) == {
        "all": [CHECKS[0], {"any": [CHECKS[5], {"all": [CHECKS[6], CHECKS[7]]}]}]
    }
    assert sheet.act("cut:0")
    assert len(sheet.blocks) == 3


def test_a_group_goes_with_its_last_row_unless_groups_stand_in_it():
    sheet = Sheet()
    sheet.act("group")
    sheet.act("group:1")

    sheet.act("drop:1:0")
    assert len(sheet.blocks) == 3
    sheet.act("drop:2:0")
    assert len(sheet.blocks) == 2


@pytest.mark.parametrize(
    "action", ["", "save", "row", "row:9", "drop:0", "cut", "cut:x", "group:9"]
)
def test_what_is_no_button_does_nothing(action):
    sheet = Sheet()

    assert not sheet.act(action)
    assert sheet == Sheet()


# --- Values in words ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "fact", "text", "value"),
    [
        ("happened", "events", "pricing_page", ["pricing_page", 1, None]),
        ("happened", "events", "Pricing_Page twice", ["pricing_page", 2, None]),
        ("happened", "events", "demo 3x in 2 days", ["demo", 3, 172_800]),
        ("happened", "events", "demo once within the last 90 min", ["demo", 1, 5400]),
        ("happened", "events", "demo within 1 day 6 hours", ["demo", 1, 108_000]),
        ("within_km", "location", "10 miles of 94105-1234", [37.7864, -122.3892, 16.093, "94105"]),
        ("within_km", "location", "2.5 km from 48.85,2.35", [48.85, 2.35, 2.5, ""]),
    ],
)
def test_typed_values_are_understood(op, fact, text, value):
    found = check_of(Row(fact, op, text), NAMES)["value"]

    assert list(found.values()) == value


@pytest.mark.parametrize(
    ("text", "weekly"),
    [
        ("mon 9-17 UTC", {"mon": [["09:00", "17:00"]]}),
        ("Monday-Tue 9-17 UTC", {day: [["09:00", "17:00"]] for day in ("mon", "tue")}),
        ("sat-mon 22:00-06:00 UTC", {d: [["22:00", "06:00"]] for d in ("sat", "sun", "mon")}),
        ("mon 08:00-12:00, mon 13:00-24:00 UTC", {"mon": [["08:00", "12:00"], ["13:00", "24:00"]]}),
    ],
)
def test_typed_hours_are_understood(text, weekly):
    assert check_of(Row("now", "in_hours", text), NAMES)["value"] == {
        "zone": "UTC",
        "weekly": weekly,
    }


@pytest.mark.parametrize(
    ("fact", "op", "text", "words"),
    [
        ("events", "happened", "two words", "pricing_page 3 times"),
        ("events", "happened", "demo within soon", "length of time"),
        ("events", "happened", "demo within 5 moons", "unit of time"),
        ("events", "happened", "Straße", "name of an event"),
        ("events", "happened", "demo 0 times", "at least 1"),
        ("location", "within_km", "94105", "25 km of 94105"),
        ("location", "within_km", "25 km of 00000", "no ZIP code that is known"),
        ("location", "within_km", "25 km of Paris", "no ZIP code of the United States"),
        ("location", "within_km", "x km of 94105", "no number"),
        ("location", "within_km", "nan km of 94105", "kilometres"),
        ("location", "within_km", "inf km of 94105", "kilometres"),
        ("location", "within_km", "5 km of 95, 0", "degrees"),
        ("now", "in_hours", "mon-fri 09:00-17:00", "hours and zone"),
        ("now", "in_hours", "mon-fri UTC", "which hours"),
        ("now", "in_hours", "noday 09:00-17:00 UTC", "no day"),
        ("now", "in_hours", "mon 09:00 UTC", "no hours"),
        ("now", "in_hours", "mon 09:00-25:00 UTC", "times of day"),
        ("now", "in_hours", "mon 09:00-17:00 Mars/Olympus", "no time zone"),
        ("waited", "gte", "soon", "length of time"),
        ("account_team", "contains", "Nobody Else", "called “Nobody Else”"),
        ("now", "gte", "5", "does not fit here"),
    ],
)
def test_what_cannot_be_read_says_how_to_write_it(fact, op, text, words):
    with pytest.raises((RowRefused, engine.InvalidPart)) as refused:
        check_of(Row(fact, op, text), NAMES)

    assert words in str(refused.value)


@given(st.integers(0, 10**8))
def test_a_length_of_time_reads_back(seconds):
    assert typed.read_while(typed.while_words(seconds)) == seconds


minutes = st.integers(0, 1439)
windows = st.lists(
    st.tuples(minutes, st.integers(0, 1440)).filter(lambda w: w[0] != w[1]), max_size=2
)


@given(st.lists(windows, min_size=7, max_size=7).filter(any))
def test_hours_read_back_exactly(week):
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    text = [f"{start // 60:02}:{start % 60:02}" for start in range(1441)]
    weekly = {
        name: [[text[start], text[end]] for start, end in day]
        for name, day in zip(names, week, strict=True)
        if day
    }
    check = {"fact": "now", "op": "in_hours", "value": {"zone": "Europe/Berlin", "weekly": weekly}}

    assert Sheet.of(check, NAMES).condition(NAMES) == {"all": [check]}


@given(
    st.floats(-90, 90),
    st.floats(-180, 180),
    st.floats(0.001, 20_000),
    st.sampled_from(["", "Paris", "94105", "our office (new), 2nd floor"]),
)
def test_a_circle_reads_back_exactly(lat, lon, km, label):
    value = {"lat": lat, "lon": lon, "km": km, "of": label}
    check = {"fact": "location", "op": "within_km", "value": value}

    assert Sheet.of(check, NAMES).condition(NAMES) == {"all": [check]}


def test_conditions_on_moments_places_and_events_read_as_english():
    spoken = {check["fact"] + check["op"]: condition_words(check, NAMES) for check in CHECKS}

    assert spoken["eventshappened"] == ("intent events include pricing_page 3 times within 2 days")
    assert spoken["eventsnot_happened"] == "intent events do not include demo"
    assert spoken["locationwithin_km"] == "place is within 25 km of 94105"
    assert spoken["nowin_hours"] == (
        "the time is within mon-tue 09:00-12:00 13:00-17:00, fri 22:00-06:00 America/New_York"
    )
    assert spoken["waitedgte"] == "time waited for routing is at least 15 minutes"
    assert spoken["waitedbetween"] == "time waited for routing is between 1 minute and 2 hours"
    assert spoken["account_teamhas_none"] == "account team has none of Robin East or Kim West"
    assert condition_words({"not": CHECKS[-1]}, NAMES).startswith("the time is outside mon-tue")


def test_what_was_found_reads_as_english():
    assert found_words("now", 1_767_625_200, NAMES) == "2026-01-05 15:00 UTC"
    assert found_words("events", [["demo", 7260], ["demo", 5]], NAMES) == (
        "demo 2 hours ago, demo 5 seconds ago"
    )
    assert found_words("location", [37.7864, -122.3892], NAMES) == "37.7864, -122.389"
    assert found_words("waited", 1800, NAMES) == "30 minutes"
    assert found_words("account_team", [7, 9], NAMES) == "Robin East, Kim West"
    assert found_words("employees", 50.0, NAMES) == "50"


def test_only_what_people_may_ask_is_offered():
    offered = {fact.name for _, choices in fact_choices(NAMES) for fact in choices}

    assert {"now", "waited", "events", "location", "parent_industry", "segment"} <= offered
    assert not {"lead", "points", "daytime", "propensity", "answer_by"} & offered
