"""Which column is what: every slip is named by its key."""

import json
from datetime import UTC, datetime

import pytest

from reps import tables
from reps.mapping import BadMapping, load
from routing.dedupe.addresses import DEFAULT
from routing.dedupe.identity import recognise
from routing.intake import mapping
from routing.intake.normalise import Refused, normalise

FIELDS = {"fields": {"name": "name", "email": "mail", "company": "company"}}


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"fields": {"emial": "mail"}}, "fields.emial"),
        ({"fields": {"email": ""}}, "fields.email"),
        ({"fields": {"email": {"colum": "mail"}}}, "fields.email.colum"),
        ({"fields": ["email"]}, "fields"),
        ({"fields": {"company": "company"}}, "fields"),
        ({**FIELDS, "colour": 1}, "colour"),
        ({**FIELDS, "constants": {"country": True}}, "constants.country"),
        ({**FIELDS, "values": {"title": {"a": "b"}}}, "values.title"),
        ({**FIELDS, "clock": {"column": "name", "time": 540}}, "clock.time"),
        ({**FIELDS, "clock": {"column": "name", "time_zone": "Mars/North"}}, "clock.time_zone"),
        ({**FIELDS, "clock": {"format": "%Y"}}, "clock.column"),
        ({**FIELDS, "history": {"buyer": "x"}}, "history.buyer"),
        ({**FIELDS, "ignore": {"a": 1}}, "ignore"),
    ],
)
def test_a_wrong_mapping_names_the_key(data, key):
    with pytest.raises(BadMapping) as refused:
        mapping.read(data)

    assert refused.value.key == key


def test_a_mapping_must_fit_the_file_and_never_read_what_it_ignores():
    columns = ("name", "mail", "company")

    with pytest.raises(BadMapping, match=r"fields.email: the file has no column “e-mail”"):
        mapping.read({"fields": {"email": "e-mail"}}).check(columns)
    with pytest.raises(BadMapping, match="never to be read"):
        mapping.read({**FIELDS, "ignore": ["company"]}).check(columns)


@pytest.mark.parametrize("text", ["a: [", "- a", "just words", "a: !!python/object:os.system {}"])
def test_a_mapping_file_that_is_none_is_refused(text):
    with pytest.raises(BadMapping):
        load(text)


def test_columns_are_guessed_by_their_names():
    found = mapping.guess(["Lead ID", "E-mail", "Surname", "Company Name", "Created at", "Booth"])

    assert found == {
        "fields": {"email": "E-mail", "last_name": "Surname", "company": "Company Name"},
        "key": "Lead ID",
        "clock": "Created at",
    }


def incoming(data, cells, **more):
    how = mapping.read(data)
    given = {"job": 7, "source": "fair", "backfill": False, **more}
    return how.incoming(tables.Row(2, cells), **given)


def test_a_row_hands_in_its_fields_with_values_defaults_and_factors():
    data = {
        "fields": {
            "email": "m",
            "product_interest": "p",
            "campaign": {"column": "o", "default": "none"},
            "expected_value": {"column": "v", "times": 1000},
        },
        "constants": {"country": "BR"},
        "values": {"product_interest": {"GTXPro": "GTX Pro"}},
        "answers": ["booth"],
    }
    cells = {"m": "a@b.org", "p": "GTXPro", "o": "", "v": "1.5", "booth": "A1", "secret": "no"}

    one = incoming(data, cells)

    assert json.loads(one.raw) == {
        "email": "a@b.org",
        "product_interest": "GTX Pro",
        "campaign": "none",
        "expected_value": "1500",
        "country": "BR",
        "booth": "A1",
    }
    assert one.key == "import-7-2"
    assert not one.problems


def test_a_bare_date_gets_the_time_of_day_of_its_zone():
    data = {
        **FIELDS,
        "clock": {
            "column": "d",
            "format": "%d.%m.%Y",
            "time": "08:30",
            "time_zone": "Europe/Berlin",
        },
    }
    cells = {"name": "", "mail": "a@b.org", "company": "", "d": "01.07.2017"}

    assert incoming(data, cells).occurred_at == datetime(2017, 7, 1, 6, 30, tzinfo=UTC)
    assert incoming(data, {**cells, "d": "tomorrow"}).problems[0].field == "d"


def test_only_the_context_can_make_a_person_known_by_an_id():
    keys = recognise([normalise({}, external_id="fair:1")], {}, DEFAULT).keys
    assert keys == [[("EXTERNAL", "fair:1")]]
    with pytest.raises(Refused):
        normalise({"external_id": "fair:1", "person_key": "fair:1"})
