"""What was promised and given: the pages of whoever sets up, and of each rep their own."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from routing import work
from routing.engine.rotation import UNIT
from routing.fairness import report
from routing.models import BalanceLine, Lead, PoolStanding
from tests import make
from tests.clock import travel

pytestmark = pytest.mark.django_db
LATER = make.MONDAY_9AM + timedelta(hours=1)


@pytest.fixture
def manager(client):
    user = make.user("morgan", group="manager")
    client.force_login(user)
    with travel(LATER):
        yield user


@pytest.fixture
def team(manager):
    return make.team("Home", manager=manager)


@pytest.fixture
def shared(team):
    """A pool of weights 2 and 1 that has given five leads, each in a batch of its own."""
    one, two = make.rep("one", team=team), make.rep("winifred", team=team)
    pool = make.pool(one, two, weights=(2, 1))
    make.rules(make.round_robin(pool))
    for _ in range(5):
        make.routed(make.lead())
    return pool


def rep_of(pool, name):
    return pool.members.get(rep__user__username=name).rep


def lanes(pool):
    return report.lanes(pool, since=make.MONDAY_9AM - timedelta(days=1), until=LATER)


# --- Figures ------------------------------------------------------------------------------


def test_a_report_says_what_was_promised_got_and_is_owed(shared):
    (lane,) = lanes(shared)

    one, two = lane.shares
    assert (lane.total, one.got + two.got) == (5, 5)
    assert (one.promised, two.promised) == (2 / 3, 1 / 3)
    assert one.mean == pytest.approx(10 / 3)
    assert one.low <= one.share <= one.high
    assert one.balance + two.balance == 0
    assert one.balance == pytest.approx(UNIT * (10 / 3 - one.got))
    assert one.last_turn == make.MONDAY_9AM


def test_leads_that_were_taken_back_or_came_before_are_not_counted(shared):
    lead = Lead.objects.filter(owner=rep_of(shared, "one")).first()
    lead.assignments.filter(rep__isnull=False).update(undone_at=LATER)

    assert lanes(shared)[0].total == 4
    assert report.lanes(shared, since=LATER, until=LATER + timedelta(1))[0].total == 0


def test_a_tier_of_its_own_is_a_lane_of_its_own(team):
    pool = make.pool(make.rep(team=team), make.rep(team=team), lanes=["HOT"])
    make.rules(make.round_robin(pool))
    make.factor(90, {"all": []})
    make.routed(make.lead())

    main, hot = lanes(pool)

    assert (main.tier, main.total, hot.tier, hot.total) == ("", 0, "HOT", 1)


def test_the_report_costs_the_same_for_few_members_and_many(shared, team):
    def cost(pool):
        with CaptureQueriesContext(connection) as found:
            lanes(pool)
        return len(found)

    assert cost(make.pool(*[make.rep(team=team) for _ in range(7)])) == cost(shared)


# --- Pages of whoever sets up ---------------------------------------------------------------


def test_the_page_shows_weights_shares_and_a_picture_for_those_who_cannot_see_it(client, shared):
    page = client.get(reverse("pool_fairness", args=[shared.pk])).content.decode()

    (lane,) = lanes(shared)
    for one in lane.shares:
        assert f"promised {one.promised_percent} %" in page
        assert one.balance_words in page
    assert page.count('role="img"') >= 2


def test_an_empty_pool_and_one_that_gave_nothing_have_a_page(client, team):
    for pool in (make.pool(), make.pool(make.rep(team=team))):
        assert client.get(reverse("pool_fairness", args=[pool.pk])).status_code == 200


def test_the_lines_of_a_member_add_up_to_the_balance_that_is_shown(client, shared):
    rep = rep_of(shared, "one")

    page = client.get(reverse("pool_ledger", args=[shared.pk, rep.pk]))

    (account,) = page.context["accounts"]
    stored = PoolStanding.objects.get(pool=shared, rep=rep).balance
    assert (account.sum, account.balance) == (stored, stored)
    assert "differs" not in page.content.decode()
    assert [line["row"].pk for line in page.context["lines"]] == list(
        BalanceLine.objects.filter(rep=rep).order_by("-pk").values_list("pk", flat=True)
    )


def test_a_balance_that_its_lines_do_not_explain_is_marked(client, shared):
    rep = rep_of(shared, "one")
    PoolStanding.objects.filter(rep=rep).update(balance=5)

    page = client.get(reverse("pool_ledger", args=[shared.pk, rep.pk]))

    assert "differs" in page.content.decode()


def test_a_line_opens_to_its_leads_and_names_only_those_one_may_see(client, shared):
    stranger = make.rep("far", team=make.team("Other"))
    rep = rep_of(shared, "one")
    line = BalanceLine.objects.filter(rep=rep, kind="LEADS").order_by("pk").first()
    address = reverse("pool_ledger", args=[shared.pk, rep.pk])

    seen = client.get(address, {"line": line.pk})
    (charge,) = next(one["charges"] for one in seen.context["lines"] if one["charges"])
    assert charge["lead"].prospect.name in seen.content.decode()

    _give(charge["lead"], stranger)
    hidden = client.get(address, {"line": line.pk}).content.decode()
    assert charge["lead"].prospect.name not in hidden
    assert "A lead that you may not see" in hidden


def _give(lead, rep):
    work.give_to(
        lead_id=lead.pk,
        epoch=lead.owner_epoch,
        rep_id=rep.pk,
        reason_code="CORRECTED",
        reason="moved",
        by=None,
        at=LATER,
        driver="test",
    )


def test_lines_come_in_pages(client, shared):
    rep = rep_of(shared, "one")
    last = BalanceLine.objects.filter(rep=rep).last()
    BalanceLine.objects.bulk_create(
        [
            BalanceLine(pool=shared, rep=rep, kind="SETTLED", units=0, balance_after=0, at=last.at)
            for _ in range(60)
        ]
    )
    address = reverse("pool_ledger", args=[shared.pk, rep.pk])

    first, second = client.get(address), client.get(address, {"page": 2})

    assert len(first.context["lines"]) == 50
    assert 10 <= len(second.context["lines"]) < 50


def test_a_manager_settles_with_a_reason(client, shared):
    rep = rep_of(shared, "one")
    address = reverse("pool_ledger", args=[shared.pk, rep.pk])

    without = client.post(address, {"reason": " "})
    done = client.post(address, {"reason": "Counted wrongly before the move"})

    assert (without.status_code, done.status_code) == (422, 302)
    assert "Say why" in without.content.decode()
    assert set(PoolStanding.objects.filter(pool=shared).values_list("balance", flat=True)) == {0}
    line = BalanceLine.objects.get(kind="SETTLED")
    assert (line.rep, line.reason) == (rep, "Counted wrongly before the move")
    assert line.by.username == "morgan"


def test_a_manager_of_others_neither_sees_nor_settles(client, shared):
    client.force_login(make.user(group="manager"))
    address = reverse("pool_ledger", args=[shared.pk, rep_of(shared, "one").pk])

    assert client.get(address).status_code == 404
    assert client.post(address, {"reason": "Mine"}).status_code == 404
    page = client.get(reverse("pool_fairness", args=[shared.pk])).content.decode()
    assert address not in page


# --- A rep's own --------------------------------------------------------------------------


def test_a_rep_sees_their_own_figures_and_the_pools_mean_and_nobody_else(client, shared):
    rep, other = rep_of(shared, "one"), rep_of(shared, "winifred")
    client.force_login(rep.user)

    page = client.get(reverse("my_fairness"))

    text = page.content.decode()
    (one,) = [share for _pool, own in page.context["pools"] for _lane, share, _bar in own]
    assert one.rep == rep
    assert "3.3" in text
    assert other.user.label not in text
    ledger = client.get(reverse("my_ledger", args=[shared.pk]))
    assert ledger.status_code == 200
    assert "Settle to zero" not in ledger.content.decode()
    assert other.user.label not in ledger.content.decode()


def test_a_rep_sees_no_page_of_a_pool_nor_anybody_elses_ledger(client, shared):
    rep, other = rep_of(shared, "one"), rep_of(shared, "winifred")
    foreign = make.pool(other)
    client.force_login(rep.user)

    assert client.get(reverse("pool_fairness", args=[shared.pk])).status_code == 403
    assert client.get(reverse("pool_ledger", args=[shared.pk, rep.pk])).status_code == 403
    assert client.get(reverse("my_ledger", args=[foreign.pk])).status_code == 404
    assert client.post(reverse("my_ledger", args=[shared.pk]), {"reason": "x"}).status_code == 405


def test_who_is_no_rep_has_no_share(client, manager):
    assert client.get(reverse("my_fairness")).status_code == 404


def test_home_leads_to_ones_own_share(client, shared):
    client.force_login(rep_of(shared, "one").user)

    assert reverse("my_fairness") in client.get(reverse("home")).content.decode()


# --- The API --------------------------------------------------------------------------------

API = "/api/v1"


def test_standings_by_api_are_those_of_the_page(client, shared):
    (lane,) = client.get(f"{API}/pools/{shared.pk}/standings/").json()

    (expected,) = lanes(shared)
    assert (lane["tier"], lane["total"]) == ("", 5)
    assert [one["rep"] for one in lane["members"]] == [one.rep.pk for one in expected.shares]
    assert [one["got"] for one in lane["members"]] == [one.got for one in expected.shares]
    assert sum(one["balance"] for one in lane["members"]) == pytest.approx(0)


def test_a_rep_reads_only_their_own_standing_and_ledger_by_api(client, shared):
    rep, other = rep_of(shared, "one"), rep_of(shared, "winifred")
    client.force_login(rep.user)

    (lane,) = client.get(f"{API}/pools/{shared.pk}/standings/").json()
    own = client.get(f"{API}/pools/{shared.pk}/ledger/?rep={rep.pk}")
    foreign = client.get(f"{API}/pools/{shared.pk}/ledger/?rep={other.pk}")

    assert [one["rep"] for one in lane["members"]] == [rep.pk]
    assert sum(line["change"] for line in own.json()["results"]) == pytest.approx(
        PoolStanding.objects.get(pool=shared, rep=rep).balance / UNIT, abs=1e-4
    )
    assert foreign.status_code == 404


@pytest.mark.parametrize("query", ["", "?rep=x", "?rep="])
def test_the_ledger_asks_for_a_rep(client, shared, query):
    answer = client.get(f"{API}/pools/{shared.pk}/ledger/{query}")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "rep")


def test_the_period_of_standings_has_an_end(client, shared):
    assert client.get(f"{API}/pools/{shared.pk}/standings/?days=0").status_code == 400
    assert client.get(f"{API}/pools/{shared.pk}/standings/?days=1").status_code == 200


def test_limits_by_api_are_checked_like_those_of_the_pages(client, shared, team):
    rep = rep_of(shared, "one")

    def post(**body):
        return client.post(f"{API}/limits/", json.dumps(body), "application/json")

    bad = post(rep=rep.pk, kind="flow", most=3)
    good = post(rep=rep.pk, kind="flow", most=3, window="DAY")
    foreign = post(rep=make.rep(team=make.team()).pk, kind="value", most=3)

    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (400, "window")
    assert good.status_code == 201, good.content
    assert foreign.status_code == 400
    client.force_login(rep_of(shared, "winifred").user)
    assert client.get(f"{API}/limits/").json()["results"] == []
