"""Pools with their members and settings, and limits."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from reps.models import AuditEvent
from routing.models import Limit
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(client):
    user = make.user("morgan", group="manager")
    client.force_login(user)
    return user


@pytest.fixture
def team(manager):
    return make.team(manager=manager)


def members(**columns):
    """What a form posts of its rows of members; a name without its m_."""
    return {f"m_{name}": values for name, values in columns.items()}


def save(client, pool, **fields):
    return client.post(reverse("pool", args=[pool.pk]), {"name": pool.name, **fields})


# --- Pools and members --------------------------------------------------------------------


def test_members_keep_ramp_and_protected_share(client, team):
    one, two = make.rep("one", team=team), make.rep("two", team=team)
    pool = make.pool(one)

    answer = save(
        client,
        pool,
        **members(
            rep=[one.pk, two.pk, ""],
            weight=["2", "1", "1"],
            ramp_from=["", "2026-07-01", ""],
            ramp_days=["", "30", ""],
            protected=["25", "", ""],
        ),
    )

    assert answer.status_code == 302
    first, second = pool.members.order_by("position")
    assert (first.rep, first.weight, first.protected_percent) == (one, 2, 25)
    assert (second.ramp_from, second.ramp_days) == (date(2026, 7, 1), 30)


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("weight", "101", "1 to 100"),
        ("ramp_days", "9", "first day"),
        ("ramp_days", "many", "whole number"),
        ("ramp_from", "2026-02-31", "a date such as"),
        ("protected", "91", "90 is left"),
        ("rep", "999999", "Choose a rep"),
    ],
)
def test_a_member_that_cannot_be_read_says_which_column_and_why(client, team, column, value, says):
    rep, pool = make.rep(team=team), make.pool()
    row = {"rep": str(rep.pk), "weight": "1", "ramp_from": "", "ramp_days": "", "protected": ""}

    page = save(client, pool, **members(**{**row, column: value}))

    assert page.status_code == 422
    assert says in page.context["rows"][0].error
    assert not pool.members.exists()


def test_protected_shares_of_a_pool_leave_a_tenth_to_the_others(client, team):
    one, two = make.rep(team=team), make.rep(team=team)
    pool = make.pool()

    page = save(client, pool, **members(rep=[one.pk, two.pk], weight=[1, 1], protected=[60, 31]))

    assert "30 is left" in page.context["rows"][1].error


def test_settings_are_saved_and_what_is_left_empty_stays(client, team):
    pool = make.pool(bound=7)

    save(client, pool, lanes=["HOT"], catch_up="4", bound="", rebalances="on", band="30")

    pool.refresh_from_db()
    assert (pool.lanes, pool.bound, pool.catch_up) == (["HOT"], 7, 4)
    assert (pool.rebalances, pool.band, pool.rewards_performance) == (True, 30, False)


def test_a_setting_out_of_range_points_at_its_field(client, team):
    page = save(client, make.pool(), bound="51", most_percent="50")

    assert set(page.context["form"].errors) == {"bound", "most_percent"}


def test_a_member_moves_up_and_nothing_is_saved_before_that_is_asked(client, team):
    one, two = make.rep(team=team), make.rep(team=team)
    pool = make.pool(one, two)

    page = save(
        client, pool, act="up:1", lanes=["COLD"], **members(rep=[one.pk, two.pk], weight=[1, 5])
    )

    assert [row.rep for row in page.context["rows"]] == [str(two.pk), str(one.pk)]
    assert page.context["form"]["lanes"].value() == ["COLD"]
    assert [row.rep for row in pool.members.order_by("position")] == [one, two]


def test_the_page_shows_the_weight_in_force_with_its_cause(client, team):
    pool = make.pool(make.rep(team=team), make.rep(team=team))
    one, two = pool.members.all()
    answer = save(
        client,
        pool,
        **members(rep=[one.rep_id, two.rep_id], weight=["1", "1"], protected=["75", ""]),
    )

    page = client.get(reverse("pool", args=[pool.pk])).content.decode()

    assert answer.status_code == 302
    assert "In force now: 3 (protected share of 75 %)" in page
    event = AuditEvent.objects.get(kind="weight_changed")
    assert event.data["applied_weight"] == 300


# --- Limits -------------------------------------------------------------------------------


def limits(*rows):
    """Rows of (about, kind, most, period, tier) as a form posts them."""
    names = ("l_about", "l_kind", "l_most", "l_period", "l_tier")
    return {name: [row[n] for row in rows] for n, name in enumerate(names)}


def test_a_pool_gets_limits_for_every_member_and_for_one(client, team):
    rep = make.rep(team=team)
    pool = make.pool(rep)

    answer = client.post(
        reverse("pool_limits", args=[pool.pk]),
        limits(
            ("", "flow", "3", "DAY+", "HOT"),
            (rep.pk, "tier_share", "40", "WEEK+", "HOT"),
            ("", "", "", "", ""),
        ),
    )

    assert answer.status_code == 302
    assert {
        (row.rep_id, row.pool_id, row.kind, row.most, row.window, row.rolling, row.tier)
        for row in Limit.objects.all()
    } == {
        (None, pool.pk, "flow", 3, "DAY", True, "HOT"),
        (rep.pk, pool.pk, "tier_share", 40, "WEEK", True, "HOT"),
    }
    page = client.get(reverse("pool", args=[pool.pk])).content.decode()
    assert "New leads in a period: 3, rolling day, Hot, every member" in page


@pytest.mark.parametrize("most", ["0", None])
def test_a_pool_of_several_teams_leaves_each_rep_to_their_own_manager(client, team, most):
    stranger = make.rep(team=make.team("Elsewhere"))
    pool = make.pool(stranger, make.rep(team=team))
    theirs = Limit(rep=stranger, pool=pool, kind="flow", most=5, window="DAY")
    make.saved(theirs)
    own, kept = ("", "flow", "3", "DAY", ""), (stranger.pk, "flow", "5", "DAY", "")
    changed = [own] if most is None else [own, (stranger.pk, "flow", most, "DAY", "")]
    address = reverse("pool_limits", args=[pool.pk])

    page = client.post(address, limits(*changed))

    assert (page.status_code, "Only whoever manages" in page.context["refusal"]) == (422, True)
    assert list(Limit.objects.values_list("most", flat=True)) == [5]
    assert client.post(address, limits(own, kept)).status_code == 302


@pytest.mark.parametrize("verb", ["post", "patch", "delete"])
def test_a_manager_who_is_a_rep_too_sets_no_limits_of_their_own(client, manager, team, verb):
    """The way over the API is as narrow as the page: seeing oneself is not managing oneself."""
    me = make.rep(user=manager, team=make.team("Elsewhere"))
    sent = {"rep": me.pk, "kind": "flow", "most": 99, "window": "DAY"}
    address = "/api/v1/limits/"
    if verb != "post":
        row = make.saved(Limit(rep=me, kind="flow", most=5, window="DAY"))
        address += f"{row.pk}/"
        assert client.get(address).status_code == 200

    answer = getattr(client, verb)(address, sent, content_type="application/json")

    assert answer.status_code == 403
    assert list(Limit.objects.values_list("most", flat=True)) == ([] if verb == "post" else [5])


def test_a_rep_gets_limits_of_their_own(client, team):
    rep = make.rep(team=team)
    pool = make.pool(rep)

    client.post(
        reverse("rep_limits", args=[rep.pk]),
        limits(("", "points", "80", "", ""), (pool.pk, "flow", "2", "HOUR", "")),
    )

    assert set(rep.limits.values_list("kind", "pool", "most")) == {
        ("points", None, 80),
        ("flow", pool.pk, 2),
    }


def test_only_limits_that_differ_are_written(client, team):
    rep = make.rep(team=team)
    kept = make.saved(Limit(rep=rep, kind="flow", most=3, window="DAY"))
    changed = make.saved(Limit(rep=rep, kind="value", most=100))
    gone = make.saved(Limit(rep=rep, kind="points", most=10))

    client.post(
        reverse("rep_limits", args=[rep.pk]),
        limits(("", "flow", "3", "DAY", ""), ("", "value", "200", "", "")),
    )

    assert [row.history.count() for row in (kept, changed)] == [1, 2]
    assert rep.limits.get(kind="value").most == 200
    assert not rep.limits.filter(pk=gone.pk).exists()
    assert Limit.history.filter(id=gone.pk, history_type="-").exists()


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (("", "flow", "3", "", ""), "When: Choose the period"),
        (("", "points", "3", "DAY", ""), "When: Open leads are counted at every moment"),
        (("", "flow", "0", "DAY", ""), "At most: At least 1"),
        (("", "flow", "x", "DAY", ""), "At most: A whole number"),
        (("", "tier_share", "101", "DAY+", "HOT"), "At most: A share is at most 100"),
        (("", "tier_share", "40", "DAY+", ""), "Tier: Choose the tier"),
        (("", "tier_share", "40", "DAY", "HOT"), "When: A share is counted over the last"),
        (("", "", "40", "DAY", ""), "What: Choose what is limited"),
        (("", "flow", "4", "YEAR", ""), "When: Choose a period"),
        (("99999", "flow", "4", "DAY", ""), "Choose one from the list"),
        (("", "flow", "4", "DAY", "LUKEWARM"), "Tier: No such tier"),
    ],
)
def test_a_limit_that_cannot_be_counted_names_the_field_and_the_way_out(client, team, row, says):
    pool = make.pool(make.rep(team=team))

    page = client.post(reverse("pool_limits", args=[pool.pk]), limits(row))

    assert page.status_code == 422
    assert says in page.content.decode()
    assert not Limit.objects.exists()


def test_a_share_without_a_pool_is_refused_on_the_page_of_a_rep(client, team):
    page = client.post(
        reverse("rep_limits", args=[make.rep(team=team).pk]),
        limits(("", "tier_share", "40", "DAY+", "HOT")),
    )

    assert "Leads of: A share is counted among a pool" in page.content.decode()


def test_two_limits_of_the_same_are_refused_together(client, team):
    page = client.post(
        reverse("rep_limits", args=[make.rep(team=team).pk]),
        limits(("", "flow", "3", "DAY", ""), ("", "flow", "5", "DAY", "")),
    )

    assert page.status_code == 422
    assert "keep one of them" in page.content.decode()


def test_another_row_keeps_what_was_typed_and_saves_nothing(client, team):
    page = client.post(
        reverse("rep_limits", args=[make.rep(team=team).pk]),
        {**limits(("", "flow", "3", "", "")), "act": "row"},
    )

    assert page.status_code == 200
    assert [row.kind for row in page.context["rows"]] == ["flow", ""]
    assert not Limit.objects.exists()


def test_a_manager_limits_their_own_teams_only(client, team):
    stranger = make.rep(team=make.team("Other"))

    assert client.get(reverse("rep_limits", args=[stranger.pk])).status_code == 404


def test_a_rep_limits_nobody(client):
    rep = make.rep()
    pool = make.pool(rep)
    client.force_login(rep.user)

    for address in (reverse("rep_limits", args=[rep.pk]), reverse("pool_limits", args=[pool.pk])):
        assert client.get(address).status_code == 403


def test_the_page_of_a_pool_costs_the_same_for_few_members_and_many(client, team):
    def cost(pool):
        with CaptureQueriesContext(connection) as found:
            assert client.get(reverse("pool", args=[pool.pk])).status_code == 200
        return len(found)

    small = make.pool(make.rep(team=team))
    few = cost(small)
    large = make.pool(*[make.rep(team=team) for _ in range(6)])

    assert cost(large) == few
