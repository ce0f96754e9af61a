"""How ranges, further conditions, pools and stand-ins of territories decide who gets a lead."""

from datetime import timedelta

import pytest

from routing.dispatch import snapshot
from routing.engine import Roster, TerritorySpec, codec
from routing.rules import standard
from routing.territories.serving import pools_of, specs
from tests import make

pytestmark = pytest.mark.django_db
AT = make.MONDAY_9AM
HOUR = timedelta(hours=1)


@pytest.fixture
def people():
    make.organisation()
    names = ("owner", "first", "second", "third", "shared", "general")
    found = {name: make.rep(name) for name in names}
    make.rules(
        *standard.rules(
            pool=make.pool(found["general"], name="General"), fallback=make.queue(name="Last")
        )
    )
    return found


def away(*reps):
    for rep in reps:
        make.absence(rep, AT - HOUR, AT + HOUR)


def lead(**fields):
    return make.routed(make.lead({"email": "x@acme.example", "hand_raise": True, **fields}))


def test_stand_ins_take_over_in_their_order(people):
    territory = make.territory(countries=["DE"], owner=people["owner"], backup=people["first"])
    make.territory_backup(territory, people["third"], 2)
    make.territory_backup(territory, people["second"], 1)
    away(people["owner"], people["first"])

    assert lead(country="DE").owner == people["second"]


def test_the_last_stand_in_is_reached(people):
    territory = make.territory(countries=["DE"], owner=people["owner"], backup=people["first"])
    make.territory_backup(territory, people["second"], 1)
    make.territory_backup(territory, people["third"], 2)
    away(people["owner"], people["first"], people["second"])

    assert lead(country="DE").owner == people["third"]


def test_a_range_of_postal_codes_is_narrower_than_the_country(people):
    make.territory("Germany", countries=["DE"], owner=people["owner"])
    make.territory(
        "South", countries=["DE"], postal_ranges=[["80000", "87999"]], owner=people["first"]
    )

    assert lead(country="DE", postal_code="80331").owner == people["first"]


def test_a_code_outside_the_range_stays_with_the_country(people):
    make.territory("Germany", countries=["DE"], owner=people["owner"])
    make.territory(
        "South", countries=["DE"], postal_ranges=[["80000", "87999"]], owner=people["first"]
    )

    assert lead(country="DE", postal_code="88000").owner == people["owner"]


HOT = {"fact": "hand_raise", "op": "eq", "value": True}


def test_a_further_condition_makes_a_territory_more_specific(people):
    make.territory("Germany", countries=["DE"], owner=people["owner"])
    make.territory("Asked", countries=["DE"], conditions=HOT, owner=people["first"])

    assert lead(country="DE").owner == people["first"]


def test_a_further_condition_that_fails_leaves_the_lead_to_the_others(people):
    make.territory("Germany", countries=["DE"], owner=people["owner"])
    make.territory("Asked", countries=["DE"], conditions={"not": HOT}, owner=people["first"])

    assert lead(country="DE").owner == people["owner"]


def test_a_part_without_anybody_is_shared_by_the_pool_of_the_whole(people):
    whole = make.territory("Europe")
    make.territory("Germany", parent=whole, countries=["DE"])
    make.pool(people["shared"], name="Europe", territory=whole)

    assert lead(country="DE").owner == people["shared"]


def test_a_part_with_an_owner_does_not_fall_to_the_pool_of_the_whole():
    whole = make.territory("Europe")
    owned = make.territory("Germany", parent=whole, owner=make.rep("ann"))
    below = make.territory("Munich", parent=owned)
    pool = make.pool(make.rep("ben"), territory=whole)

    rows = {one.pk: (one.parent_id, one.owner_id) for one in (whole, owned, below)}
    assert pools_of(rows) == {whole.pk: pool.pk}


def test_the_specs_cost_three_statements_however_many(django_assert_num_queries):
    rows = [make.territory(f"T {n}", owner=make.rep(f"r{n}")) for n in range(12)]
    for row in rows:
        make.territory_backup(row, rows[0].owner, 1)

    with django_assert_num_queries(3):
        specs()


def test_stand_ins_are_in_the_stored_roster_and_old_rosters_stay_as_they_were():
    plain, more = TerritorySpec(1, 2, 3, 4), TerritorySpec(5, 2, 3, 4, (6, 7))

    body = codec.encode_roster(Roster.of(territories=[plain, more]))

    assert codec.decode_roster(body).territories == {1: plain, 5: more}
    assert b'{"backup":3,"id":1,"owner":2,"pool":4}' in body


def test_a_condition_that_can_no_longer_be_read_widens_nothing(people):
    make.territory("Germany", countries=["DE"], owner=people["owner"])
    gone = {"fact": "gone", "op": "eq", "value": 1}
    make.territory("Odd", countries=["DE"], conditions=gone, owner=people["first"])
    snapshot.forget()

    assert lead(country="DE").owner == people["owner"]


def test_the_index_of_territories_outlives_changes_of_people_only(people):
    make.territory(countries=["DE"])
    before = snapshot.current(at=AT).areas
    make.absence(people["owner"], AT, AT + HOUR)
    same = snapshot.current(at=AT).areas
    make.territory(countries=["FR"])

    assert same is before
    assert len(snapshot.current(at=AT).areas) == len(before) + 1
