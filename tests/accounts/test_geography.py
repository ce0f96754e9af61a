import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import areas as areas_module
from accounts import geography
from accounts.areas import Area, AreaIndex, AreaTreeBroken, Place, most_specific, why
from accounts.management.commands import bench_territories


def winner(areas, place):
    return most_specific(AreaIndex(areas), place)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("us", "US"),
        ("USA", "US"),
        ("U.S.A.", "US"),
        ("united states", "US"),
        ("The United States of America", "US"),
        ("UK", "GB"),
        ("Great Britain", "GB"),
        ("DEU", "DE"),
        ("Deutschland", "DE"),
        ("Österreich", "AT"),
        ("Côte d'Ivoire", "CI"),
        ("Bosnia and Herzegovina", "BA"),
        ("BGR", "BG"),
        ("Saint Lucia", "LC"),
        ("Atlantis", None),
        ("", None),
    ],
)
def test_countries_are_known_by_code_and_usual_name(text, code):
    assert geography.country_code(text) == code


def test_us_states_become_two_letters():
    assert geography.region_code("US", "california") == "CA"
    assert geography.region_code("US", "us-ca") == "CA"
    assert geography.region_code("GE", "Georgia") == "GEORGIA"
    assert geography.region_code("FR", "Île-de-France") == "ILE DE FRANCE"


def test_postal_codes_lose_signs_and_zip_plus_four():
    assert geography.postal_code("US", "94103-1234") == "94103"
    assert geography.postal_code("", "94103-1234") == "94103"
    assert geography.postal_code("GB", "sw1a 1aa") == "SW1A1AA"
    assert geography.postal_code("PL", "00-950") == "00950"


def test_more_criteria_beat_narrower_geography():
    postal = Area(1, postal_prefixes=("941",))
    two = Area(2, countries=("US",), industries=("Retail",))

    assert winner([postal, two], Place("US", "CA", "94103", "retail")) == 2


def test_postal_code_beats_region_beats_country():
    country, region = Area(1, countries=("US",)), Area(2, regions=("California",))
    postal = Area(3, postal_ranges=(("94000", "94999"),))
    place = Place("United States", "CA", "94103-0001")

    assert winner([country, region, postal], place) == 3
    assert winner([country, region], place) == 2
    assert winner([country], place) == 1


def test_the_longer_prefix_is_the_narrower():
    short, long = Area(1, postal_prefixes=("94",)), Area(2, postal_prefixes=("941",))

    assert winner([short, long], Place("US", "", "94103")) == 2
    assert winner([short, long], Place("US", "", "94203")) == 1


def test_a_child_inherits_the_criteria_of_its_parents():
    emea = Area(1, countries=("DE", "FR"))
    retail = Area(2, parent=1, industries=("Retail",))

    assert winner([emea, retail], Place("DE", industry="Retail")) == 2
    assert winner([emea, retail], Place("US", industry="Retail")) is None


def test_the_deeper_area_wins_then_the_lower_rank_then_the_lower_id():
    top, child = Area(5, countries=("US",)), Area(9, parent=5)
    assert winner([top, child], Place("US")) == 9

    first, second = Area(8, countries=("US",), rank=1), Area(7, countries=("US",), rank=2)
    assert winner([first, second], Place("US")) == 8

    low, high = Area(3, countries=("US",)), Area(20, countries=("US",))
    assert winner([high, low], Place("US")) == 3


def test_head_counts_include_both_ends_and_unknown_is_outside():
    area = Area(1, employees_min=10, employees_max=50)

    assert winner([area], Place(employees=10)) == winner([area], Place(employees=50)) == 1
    assert winner([area], Place(employees=51)) is None
    assert winner([area], Place()) is None


def test_a_range_includes_codes_that_begin_with_its_upper_end():
    area = Area(1, postal_ranges=(("SW1", "SW3"),))

    assert winner([area], Place("GB", "", "SW3 4AB")) == 1
    assert winner([area], Place("GB", "", "SW4 4AB")) is None


def test_a_region_code_with_its_country_fixes_the_country():
    area = Area(1, regions=("US-WA",))

    assert winner([area], Place("US", "Washington")) == 1
    assert winner([area], Place("AU", "WA")) is None


def test_an_unreadable_criterion_holds_nowhere():
    assert winner([Area(1, countries=("Atlantis",))], Place("US")) is None
    assert winner([Area(1, postal_prefixes=("--",))], Place("US", "", "94103")) is None


def test_an_area_without_criteria_covers_what_nobody_else_does():
    world, us = Area(1), Area(2, countries=("US",))

    assert winner([world, us], Place("US")) == 2
    assert winner([world, us], Place()) == 1


def test_why_lists_everybody_who_covers_the_place_in_order():
    areas = [Area(1, countries=("US",)), Area(2, postal_prefixes=("94",)), Area(3, regions=("NY",))]

    contenders = why(AreaIndex(areas), Place("US", "CA", "94103"))

    assert [(one.area_id, one.geography) for one in contenders] == [
        (2, "postal_code"),
        (1, "country"),
    ]
    assert contenders[0].criteria == ("postal_code",)
    assert contenders[0].postal_width == 2


@pytest.mark.parametrize(
    "areas",
    [
        [Area(1, parent=2)],
        [Area(1, parent=2), Area(2, parent=1)],
        [Area(1), Area(1)],
    ],
)
def test_a_broken_tree_is_refused(areas):
    with pytest.raises(AreaTreeBroken):
        AreaIndex(areas)


DIGITS = st.text("0129AZ", min_size=1, max_size=3)
COUNTRIES = st.sampled_from(["US", "DE", "usa", "Germany", "Atlantis"])
REGIONS = st.sampled_from(["CA", "california", "US-CA", "DE-BY", "BY"])
SECTORS = st.sampled_from(["Retail", "retail ", "Energy"])
PLACES = st.builds(
    Place,
    country=COUNTRIES | st.just(""),
    region=REGIONS | st.just(""),
    postal_code=DIGITS | st.just("") | st.just("00102-9999"),
    industry=SECTORS | st.just(""),
    employees=st.none() | st.integers(0, 4),
    facts=st.dictionaries(st.sampled_from(["hot", "known"]), st.booleans()),
)


def hot(facts):
    return facts.get("hot") is True


def known(facts):
    return facts.get("known") is True


@st.composite
def forests(draw):
    def pick(one, most=2):
        return tuple(draw(st.lists(one, max_size=most)))

    areas = []
    for number in range(draw(st.integers(0, 8))):
        areas.append(
            Area(
                id=number,
                parent=draw(st.none() | st.integers(0, number - 1)) if number else None,
                countries=pick(COUNTRIES, 1),
                regions=pick(REGIONS, 1),
                postal_prefixes=pick(DIGITS),
                postal_ranges=pick(st.tuples(DIGITS, DIGITS)),
                industries=pick(SECTORS, 1),
                employees_min=draw(st.none() | st.integers(0, 3)),
                employees_max=draw(st.none() | st.integers(1, 4)),
                asks=pick(st.sampled_from([hot, known])),
                rank=draw(st.integers(0, 2)),
            )
        )
    return areas


def covering_by_the_book(areas, place):
    """Say again, naively, which areas cover a place and in which order."""
    by_id = {area.id: area for area in areas}
    country = geography.country_code(place.country) or (
        place.region[:2] if not place.country and "-" in place.region else ""
    )
    region = geography.region_code(country, place.region)
    code = geography.postal_code(country, place.postal_code)

    def postal_widths(area):
        for prefix in area.postal_prefixes:
            if code and code.startswith(prefix):
                yield len(prefix) + 1
        for low, high in area.postal_ranges:
            if len(code) >= max(len(low), len(high)) and low <= code and code[: len(high)] <= high:
                shared = 0
                while low[shared : shared + 1] == high[shared : shared + 1] != "":
                    shared += 1
                yield shared + 1

    def region_fits(text):
        if "-" in text:
            return (country, region) == tuple(text.split("-"))
        return region == geography.region_code("US", text)

    def holds(area):
        return (
            (not area.countries or country in map(geography.country_code, area.countries))
            and (not area.countries or country != "")
            and (not area.regions or any(map(region_fits, area.regions)))
            and (not (area.postal_prefixes or area.postal_ranges) or any(postal_widths(area)))
            and all(ask(place.facts) for ask in area.asks)
            and (
                not area.industries
                or place.industry.strip().lower() in [i.strip().lower() for i in area.industries]
            )
            and (
                (area.employees_min is None and area.employees_max is None)
                or (
                    place.employees is not None
                    and (area.employees_min is None or place.employees >= area.employees_min)
                    and (area.employees_max is None or place.employees <= area.employees_max)
                )
            )
        )

    ranked = []
    for area in areas:
        line = [area]
        while line[-1].parent is not None:
            line.append(by_id[line[-1].parent])
        if not all(holds(one) for one in line):
            continue
        postal = [one for one in line if one.postal_prefixes or one.postal_ranges]
        in_country = any(one.countries for one in line)
        in_region = any(one.regions for one in line)
        staffed = any((one.employees_min, one.employees_max) != (None, None) for one in line)
        criteria = sum([bool(postal), in_country, in_region, staffed])
        criteria += any(one.industries for one in line)
        criteria += sum(len(one.asks) for one in line)
        level = 3 if postal else 2 if in_region else 1 if in_country else 0
        width = max(postal_widths(postal[0]), default=0) if postal else 0
        ranked.append((-criteria, -level, -width, -len(line), area.rank, area.id))
    return [row[-1] for row in sorted(ranked)]


@given(forests(), PLACES)
def test_the_index_answers_as_a_look_at_every_area(areas, place):
    index = AreaIndex(areas)
    expected = covering_by_the_book(areas, place)

    assert [one.area_id for one in why(index, place)] == expected
    assert most_specific(index, place) == (expected[0] if expected else None)


@given(forests(), PLACES, st.randoms())
def test_the_order_of_the_areas_does_not_matter(areas, place, chance):
    shuffled = chance.sample(areas, len(areas))

    assert winner(shuffled, place) == winner(areas, place)


ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=20)


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_no_text_is_too_strange(country, region, code, industry):
    area = Area(1, None, (country,), (region,), (code,), ((code, region),), (industry,))

    winner([area, Area(2)], Place(country, region, code, industry))


@given(DIGITS, DIGITS)
def test_a_range_is_filed_under_few_beginnings(low, high):
    assert len(list(areas_module._prefixes_of(low, high))) <= 36 * 2 * 3


def areas_looked_at(size, monkeypatch):
    """How many areas one look-up examines, on average."""
    chance = random.Random(size)
    index = AreaIndex(bench_territories.plan(size, chance))
    places = [bench_territories.place(chance) for _ in range(500)]
    seen = []
    covers = areas_module._Node.covers
    monkeypatch.setattr(
        areas_module._Node, "covers", lambda node, spot: seen.append(node) or covers(node, spot)
    )
    for place in places:
        most_specific(index, place)
    monkeypatch.undo()
    return len(seen) / len(places)


def test_a_look_up_among_ten_thousand_examines_as_few_areas_as_among_ten(monkeypatch):
    assert areas_looked_at(10, monkeypatch) <= 2
    assert areas_looked_at(10_000, monkeypatch) <= 2
