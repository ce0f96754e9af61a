"""The plan drawn, handed over and looked through: map, tree and table agree."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from reps.models import AuditEvent
from routing.models import Lead
from routing.ownership import CapReached
from routing.rules import standard
from routing.territories import handover
from routing.territories.coverage import coverage
from routing.territories.handover import TerritoryRefused
from routing.territories.picture import COLOURS, NoSuchPlace, picture
from routing.territories.placing import Figures, total
from tests import make

pytestmark = pytest.mark.django_db
AT = make.MONDAY_9AM


@pytest.fixture
def boss():
    return make.user("riley", group="revops")


@pytest.fixture
def plan(boss):
    make.organisation()
    reps = {name: make.rep(name) for name in ("ann", "ben", "cyd", "dee")}
    make.rules(
        *standard.rules(
            pool=make.pool(reps["dee"], name="General"), fallback=make.queue(name="Last")
        )
    )
    us = make.territory("US", countries=["US"], owner=reps["ann"])
    west = make.territory("West", parent=us, regions=["California", "NV"], owner=reps["ben"])
    bay = make.territory("Bay", parent=west, postal_ranges=[["94000", "95199"]])
    dach = make.territory("DACH", countries=["DE", "AT"], owner=reps["cyd"], backup=reps["ann"])
    for where in (
        {"country": "US", "region": "California", "postal_code": "94103"},
        {"country": "US", "region": "California", "postal_code": "90001"},
        {"country": "US", "region": "Ohio"},
        {"country": "DE"},
        {"country": "FR"},
        {"country": "FR"},
    ):
        make.routed(make.lead({"hand_raise": True, **where}))
    make.account("Paris SA", country="FR")
    make.account("Reno Inc", country="US", region="NV")
    return {**reps, "us": us, "west": west, "bay": bay, "dach": dach}


def draw(boss, **asked):
    return picture(user=boss, at=AT, **asked)


def added(figures):
    found = Figures()
    for one in figures:
        found.add(one)
    return found


@pytest.mark.parametrize("within", ["", "US", "DE", "US-CA", "FR"])
def test_tree_and_table_of_a_picture_add_up_to_the_same(plan, boss, within):
    drawn = draw(boss, within=within)
    table = added(row.figures for row in drawn.rows)
    tree = added([*(node.own for node in drawn.tree), drawn.uncovered])

    assert table == tree == drawn.figures
    assert added(row.uncovered for row in drawn.rows) == drawn.uncovered


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("within", ["", "US"])
def test_every_place_of_the_table_is_on_the_map_in_the_same_colour(
    client, plan, boss, within, colour
):
    client.force_login(boss)
    page = client.get(reverse("territories"), {"within": within, "colour": colour})
    shapes = {one["code"]: one for one in page.context["map"]["shapes"]}
    drawn = page.context["drawn"]
    known = [row for row in drawn.rows if row.opens]

    assert known
    for row in known:
        shape = shapes[row.code]
        assert shape["kind"] == row.mark.kind
        assert row.mark.words in shape["words"]
        assert str(row.figures.recent) in shape["words"]


def test_a_picture_of_the_world_says_who_takes_what(plan, boss):
    rows = {row.code: row for row in draw(boss).rows}

    assert rows["DE"].territory == plan["dach"]
    assert rows["US"].inside == [plan["west"].pk, plan["bay"].pk]
    assert rows["FR"].uncovered.weight == 3
    assert "ES" not in rows


def test_a_state_lists_the_territories_that_lie_in_it(plan, boss):
    california = {row.name for row in draw(boss, within="US-CA").rows}
    nevada = {row.name for row in draw(boss, within="US-NV").rows}

    assert california == {"US", "West", "Bay"}
    assert nevada == {"US", "West"}


def test_gaps_are_told_apart_from_what_is_covered(plan, boss):
    marks = {row.code: row.mark.kind for row in draw(boss, colour="gaps").rows}

    assert (marks["DE"], marks["FR"], marks["US"]) == ("s0", "s3", "s0")


def test_a_place_that_is_none_is_refused(plan, boss):
    for within in ("XX", "DE-BY", "US-ZZ"):
        with pytest.raises(NoSuchPlace):
            draw(boss, within=within)


def test_a_manager_counts_the_leads_of_the_team_only(plan):
    other = make.user("morgan", group="manager")

    assert draw(other).figures.recent == 0


def test_a_picture_costs_the_same_statements_for_more_territories(
    plan, boss, django_assert_max_num_queries
):
    for number in range(30):
        make.territory(f"T{number}", countries=["BR"], owner=plan["ann"])
    draw(boss)

    with django_assert_max_num_queries(30):
        draw(boss)


def test_handing_over_leaves_the_leads_unless_asked(plan, boss):
    give(plan["west"], plan["ben"], plan["cyd"], boss)
    plan["west"].refresh_from_db()

    assert plan["west"].owner == plan["cyd"]
    assert Lead.objects.filter(owner=plan["ben"]).count() == 1
    event = AuditEvent.objects.get(subject="accounts.territory", kind="reassigned")
    assert event.data["from_rep"] == plan["ben"].pk


def give(territory, seen, to, boss, leads=(), reason="Ben moves on"):
    return handover.give(
        territory_id=territory.pk,
        seen_owner=seen.pk,
        to=to,
        reason=reason,
        by=boss,
        at=AT,
        driver="test",
        leads=leads,
    )


def test_leads_of_the_territory_move_through_ownership_if_asked(plan, boss):
    found = handover.concerned(territory=plan["west"], user=boss, at=AT)
    moved = give(plan["west"], plan["ben"], plan["cyd"], boss, leads=found.movable)

    assert (found.open, found.accounts, moved) == (1, 1, 1)
    lead = Lead.objects.get(pk=found.movable[0][0])
    assert (lead.owner, lead.owner_epoch) == (plan["cyd"], found.movable[0][1] + 1)


def test_leads_of_named_accounts_stay_with_their_owner(plan, boss):
    account = make.account("Named", country="US", region="NV", domain="named.example")
    make.account_owner(account, plan["ben"])
    make.routed(make.lead({"email": "x@named.example", "company": "Named", "hand_raise": True}))

    found = handover.concerned(territory=plan["west"], user=boss, at=AT)

    assert len(found.movable) == 1


def test_a_full_owner_gets_neither_territory_nor_leads(plan, boss):
    full = make.rep("eve", capacity=1)
    more = make.routed(make.lead({"country": "US", "region": "Nevada", "hand_raise": True}))
    assert more.owner == plan["ben"]
    found = handover.concerned(territory=plan["west"], user=boss, at=AT)

    with pytest.raises(CapReached):
        give(plan["west"], plan["ben"], full, boss, leads=found.movable)
    plan["west"].refresh_from_db()
    assert plan["west"].owner == plan["ben"]


def test_who_looked_at_an_older_plan_is_refused(plan, boss):
    with pytest.raises(TerritoryRefused, match="meanwhile"):
        give(plan["west"], plan["ann"], plan["cyd"], boss)


def test_a_lead_that_is_not_of_the_territory_does_not_move(plan, boss):
    other = Lead.objects.get(owner=plan["cyd"])

    with pytest.raises(TerritoryRefused, match="changed hands"):
        give(plan["west"], plan["ben"], plan["ann"], boss, [(other.pk, other.owner_epoch)])


def test_gaps_are_weighted_and_come_with_a_way_out(client, plan, boss):
    found = coverage(user=boss, at=AT)

    assert [(gap.words, gap.figures.recent, gap.figures.accounts) for gap in found.gaps] == [
        ("France", 2, 1)
    ]
    client.force_login(boss)
    page = client.get(f"{reverse('territory_add')}?{found.gaps[0].fill}")
    assert page.context["form"]["countries"].value() == "FR"


def test_double_cover_names_the_winner_and_why(plan, boss):
    make.territory("Alps", countries=["AT"], owner=plan["ann"], rank=-1)

    double = coverage(user=boss, at=AT).doubles[0]

    assert (double.winner.name, double.other.name, double.is_tie) == ("Alps", "DACH", False)
    assert "lower rank: -1 before 0" in double.because


def test_a_tie_that_nobody_decided_comes_first(plan, boss):
    make.territory("Alps", countries=["AT"], owner=plan["ann"])

    assert coverage(user=boss, at=AT).doubles[0].is_tie


def test_a_narrower_place_in_a_wider_one_is_no_double_cover(plan, boss):
    assert coverage(user=boss, at=AT).doubles == []


def test_territories_without_people_are_listed(plan, boss):
    plan["ben"].is_active = False
    make.saved(plan["ben"])
    found = coverage(user=boss, at=AT)

    assert [one.territory.name for one in found.nobody] == ["Bay"]
    assert [one.territory.name for one in found.left] == ["West"]
    assert {one.territory.name for one in found.no_backup} == {"US", "West"}


def test_coverage_covers_every_lead_and_account_once(plan, boss):
    found = coverage(user=boss, at=AT)
    both = added([found.covered, found.uncovered])

    assert (both.recent, both.accounts) == (6, 2)
    assert total([]) == Figures()


def test_a_rep_opens_neither_map_nor_coverage_nor_hand_over(client, plan):
    client.force_login(plan["ann"].user)

    for name, args in (
        ("territories", []),
        ("territory_coverage", []),
        ("territory_reassign", [plan["west"].pk]),
        ("territory_imports", []),
        ("territory_export", []),
    ):
        assert client.get(reverse(name, args=args)).status_code == 403


def test_handing_over_from_the_page(client, plan, boss):
    client.force_login(boss)
    address = reverse("territory_reassign", args=[plan["west"].pk])
    page = client.post(address, {"seen_owner": plan["ben"].pk, "to": plan["cyd"].pk, "reason": ""})
    assert page.status_code == 422

    client.post(
        address,
        {"seen_owner": plan["ben"].pk, "to": plan["cyd"].pk, "reason": "x", "move_leads": "on"},
    )
    plan["west"].refresh_from_db()
    assert plan["west"].owner == plan["cyd"]
    assert not Lead.objects.filter(owner=plan["ben"]).exists()


def test_a_territory_is_saved_with_stand_ins_ranges_and_pool(client, plan, boss):
    pool = make.pool(plan["dee"], name="Shared")
    client.force_login(boss)
    client.post(
        reverse("territory", args=[plan["bay"].pk]),
        {
            "name": "Bay",
            "parent": plan["west"].pk,
            "pool": pool.pk,
            "postal_ranges": "94000 to 95199, 95200-95299",
            "backup_0": plan["ann"].pk,
            "backup_1": plan["cyd"].pk,
            "rank": "0",
            "is_active": "on",
            "g_match": "all",
            "g_parent": "0",
            "c_group": "0",
            "c_fact": "tier",
            "c_op": "eq",
            "c_value": "HOT",
        },
    )
    bay = plan["bay"]
    bay.refresh_from_db()
    pool.refresh_from_db()

    assert bay.postal_ranges == [["94000", "95199"], ["95200", "95299"]]
    assert (bay.backup, [one.rep for one in bay.further_backups.all()]) == (
        plan["ann"],
        [plan["cyd"]],
    )
    assert bay.conditions == {"all": [{"fact": "tier", "op": "eq", "value": "HOT"}]}
    assert pool.territory == bay


def test_a_file_is_looked_at_and_then_taken_in(client, plan, boss):
    client.force_login(boss)
    file = SimpleUploadedFile("plan.csv", b"name,countries\nSpain,ES\nOdd,Atlantis\n")
    looked = client.post(reverse("territory_imports"), {"file": file}, follow=True)
    assert "write DE or Germany" in looked.content.decode()

    done = client.post(looked.request["PATH_INFO"], follow=True)
    assert "1 created, 0 updated, 0 unchanged, 1 refused" in done.content.decode()
    exported = b"".join(client.get(reverse("territory_export")).streaming_content).decode()
    assert "Spain" in exported
