"""Where postal codes lie: known ZIP codes, zones, and nothing where nothing is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import places
from routing.engine.earth import km_between


@pytest.mark.parametrize(
    ("country", "code", "city", "state", "zone"),
    [
        ("US", "94105", "San Francisco", "CA", "America/Los_Angeles"),
        ("US", "94105-1234", "San Francisco", "CA", "America/Los_Angeles"),
        ("usa", " 10001 ", "New York", "NY", "America/New_York"),
        ("US", "85001", "Phoenix", "AZ", "America/Phoenix"),
        ("PR", "00901", "San Juan", "PR", "America/Puerto_Rico"),
    ],
)
def test_a_zip_code_has_its_place(country, code, city, state, zone):
    place = places.of(country, code)

    assert (place.city, place.state, place.zone) == (city, state, zone)
    assert places.locate(country, code) == (place.lat, place.lon)
    assert places.zone_of(country, code) == zone


def test_places_lie_where_they_are():
    san_francisco, new_york = places.locate("US", "94105"), places.locate("US", "10001")

    # The great circle between the two cities is some 4,130 km.
    assert 4100 < km_between(*san_francisco, *new_york) < 4160


@pytest.mark.parametrize(
    ("country", "code"),
    [("DE", "10115"), ("", "94105"), ("US", ""), ("US", "00000"), ("US", "abc"), ("US", "09001")],
)
def test_what_is_not_known_is_nowhere(country, code):
    assert places.of(country, code) is None
    assert places.locate(country, code) is None


@pytest.mark.parametrize(
    ("country", "region", "zone"),
    [
        ("DE", "", "Europe/Berlin"),
        ("Spain", "", "Europe/Madrid"),
        ("JP", "", "Asia/Tokyo"),
        ("US", "Texas", "America/Chicago"),
        ("US", "CA", "America/Los_Angeles"),
        ("US", "", None),
        ("US", "Atlantis", None),
        # Too wide for one zone to speak for all.
        ("CA", "", None),
        ("AU", "", None),
        ("", "", None),
        ("Atlantis", "", None),
    ],
)
def test_a_country_has_a_zone_if_it_is_about_the_same_everywhere(country, region, zone):
    assert places.zone_of(country, "", region) == zone


def test_the_zone_of_the_zip_code_comes_before_that_of_the_state():
    # El Paso is in Texas, but keeps mountain time.
    assert places.zone_of("US", "79901", "TX") == "America/Denver"


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_whatever_is_written_there_is_no_exception(country, code, region):
    places.locate(country, code)
    places.zone_of(country, code, region)
