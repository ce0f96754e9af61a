"""Territories and accounts in pages, and who holds an account."""

from datetime import date

import pytest
from django.urls import reverse

from accounts.models import Account, AccountOwner, Territory
from accounts.services import ownership
from accounts.services.ownership import OwnerRefused
from tests import make

pytestmark = pytest.mark.django_db
TODAY = make.MONDAY_9AM.date()


@pytest.fixture
def manager(client):
    user = make.user("morgan", group="manager")
    client.force_login(user)
    return user


@pytest.fixture
def rep(manager):
    return make.rep("robin", team=make.team("East", manager=manager))


@pytest.mark.parametrize("name", ["territories", "territory_add", "accounts", "account_add"])
def test_managers_open_the_market_and_reps_do_not(client, manager, name):
    assert client.get(reverse(name)).status_code == 200

    client.force_login(make.user(group="rep"))
    assert client.get(reverse(name)).status_code == 403


def test_criteria_are_typed_as_words(client, manager, rep):
    client.post(
        reverse("territory_add"),
        {
            "name": "DACH",
            "owner": rep.pk,
            "countries": "Germany, at",
            "regions": "Bavaria",
            "postal_prefixes": "80, 81",
            "industries": "",
            "employees_min": "50",
            "rank": "0",
            "is_active": "on",
        },
    )

    row = Territory.objects.get()
    assert (row.countries, row.regions, row.postal_prefixes) == (
        ["DE", "AT"],
        ["Bavaria"],
        ["80", "81"],
    )
    assert row.owner == rep
    assert row.history.get().history_user == manager


def test_an_unknown_country_is_refused_and_what_was_typed_stays(client, manager):
    page = client.post(
        reverse("territory_add"), {"name": "Odd", "countries": "Atlantis", "rank": "0"}
    )

    assert page.status_code == 422
    assert "no country that we know" in page.content.decode()
    assert 'value="Atlantis"' in page.content.decode()


def test_the_tester_says_who_gets_a_place_and_by_what(client, manager):
    whole = make.territory("Europe", countries=["DE", "FR"])
    make.territory("Munich", parent=whole, postal_prefixes=["80"])

    page = client.get(reverse("territories"), {"country": "Germany", "postal_code": "80331"})

    assert [one["territory"].name for one in page.context["answers"]] == ["Munich", "Europe"]
    assert "postal code" in page.context["answers"][0]["by"]


def test_a_place_outside_every_territory_says_so(client, manager):
    make.territory("Europe", countries=["DE"])

    page = client.get(reverse("territories"), {"country": "US"})

    assert "No territory covers it" in page.content.decode()


def test_an_account_is_found_by_name_domain_and_owner(client, manager, rep):
    acme, other = make.account("Acme", domain="acme.com"), make.account("Other")
    make.account_owner(other, rep)

    found = {
        query: [a.name for a in client.get(reverse("accounts"), {"q": query}).context["page"]]
        for query in ("acm", "acme.com", "robin", "nobody")
    }

    assert found == {"acm": ["Acme"], "acme.com": ["Acme"], "robin": ["Other"], "nobody": []}
    assert acme.pk


def test_the_list_of_accounts_costs_the_same_for_more(
    client, manager, rep, django_assert_max_num_queries
):
    def statements() -> int:
        with django_assert_max_num_queries(40) as counted:
            client.get(reverse("accounts"))
        return len(counted)

    make.account_owner(make.account(), rep)
    few = statements()
    for _ in range(5):
        make.account_owner(make.account(parent=Account.objects.first()), rep)

    assert statements() == few


def test_a_new_owner_ends_the_one_before(manager, rep):
    account, second = make.account(), make.rep("second", team=rep.team)
    make.account_owner(account, rep, starts_on=date(2026, 1, 1))

    ownership.set_owner(
        account=account,
        rep=second,
        role="OWNER",
        starts_on=date(2026, 6, 1),
        by=manager,
        at=make.MONDAY_9AM,
    )

    rows = AccountOwner.objects.order_by("starts_on").values_list("rep", "starts_on", "ends_on")
    assert list(rows) == [
        (rep.pk, date(2026, 1, 1), date(2026, 6, 1)),
        (second.pk, date(2026, 6, 1), None),
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "already"),
        ({"starts_on": date(2020, 1, 1), "rep": "second"}, "begins only"),
        ({"rep": "left"}, "has left"),
    ],
)
def test_an_owner_who_makes_no_sense_is_refused_in_words(manager, rep, change, words):
    account = make.account()
    others = {
        "second": make.rep("second", team=rep.team),
        "left": make.rep("left", team=rep.team, is_active=False),
    }
    make.account_owner(account, rep, starts_on=date(2026, 1, 1))
    chosen = others.get(change.pop("rep", ""), rep)

    with pytest.raises(OwnerRefused) as refused:
        ownership.set_owner(
            **{
                "account": account,
                "rep": chosen,
                "role": "OWNER",
                "starts_on": TODAY,
                "by": manager,
                "at": make.MONDAY_9AM,
                **change,
            }
        )

    assert words in str(refused.value)
    assert AccountOwner.objects.get().ends_on is None


def test_the_page_names_an_owner_and_tells_a_refusal(client, manager, rep):
    account = make.account("Acme")
    body = {"role": "OWNER", "rep": rep.pk, "starts_on": "2026-06-01"}

    client.post(reverse("account_owner", args=[account.pk]), body)
    again = client.post(reverse("account_owner", args=[account.pk]), body)

    assert account.owners.get().rep == rep
    assert again.status_code == 422
    assert "already" in again.content.decode()


def test_holding_ends_only_by_its_own_button(client, manager, rep):
    account = make.account()
    make.account_owner(account, rep)
    body = {"role": "OWNER", "rep": "", "starts_on": "2030-01-01"}

    forgotten = client.post(reverse("account_owner", args=[account.pk]), body)
    still = account.owners.get().ends_on
    client.post(reverse("account_owner", args=[account.pk]), {**body, "end": "1"})

    assert forgotten.status_code == 422
    assert still is None
    assert account.owners.get().ends_on == date(2030, 1, 1)


def test_a_manager_takes_no_account_from_another_managers_rep(client, manager, rep):
    stranger = make.rep("stranger", team=make.team("West", manager=make.user(group="manager")))
    account = make.account()
    make.account_owner(account, stranger)

    page = client.post(
        reverse("account_owner", args=[account.pk]),
        {"role": "OWNER", "rep": rep.pk, "starts_on": "2030-01-01"},
    )

    assert page.status_code == 422
    assert "another team" in page.content.decode()
    assert account.owners.get().rep == stranger


def test_an_account_is_not_its_own_parent(client, manager):
    account = make.account("Acme")

    page = client.post(
        reverse("account", args=[account.pk]), {"name": "Acme", "parent": "Acme", "is_active": "on"}
    )

    assert page.status_code == 422
