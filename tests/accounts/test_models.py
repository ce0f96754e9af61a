"""Accounts, owners, deals and territories: what the database and the models hold."""

from datetime import date, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import Account, AccountKey, AccountOwner, Opportunity, Territory
from accounts.services import ownership
from accounts.services.ownership import OwnerRefused
from tests import make

AT = make.MONDAY_9AM
TODAY = AT.date()
pytestmark = pytest.mark.django_db


def keys(account) -> set[tuple[str, str]]:
    return set(AccountKey.objects.filter(account=account).values_list("kind", "value"))


# --- Accounts -----------------------------------------------------------------------------------


def test_an_account_is_found_by_domain_name_and_aliases():
    account = make.account(
        "Acme GmbH", domain="https://www.acme.com/about", aliases=["Acme Rockets"]
    )

    kinds = [kind for kind, _ in keys(account)]
    assert kinds.count("NAME") == 2
    assert ("DOMAIN", "acme.com") in keys(account)


def test_the_keys_follow_every_save():
    account = make.account("Acme", domain="acme.com", aliases=["Old name"])
    before = keys(account)

    account.domain, account.aliases = "rockets.com", []
    make.saved(account)

    assert ("DOMAIN", "rockets.com") in keys(account)
    assert ("DOMAIN", "acme.com") not in keys(account)
    assert keys(account) < before | {("DOMAIN", "rockets.com")}
    assert ("NAME", "oldname") in before - keys(account)


def test_saving_again_changes_no_key():
    account = make.account("Acme", domain="acme.com")
    before = set(AccountKey.objects.values_list("pk", flat=True))

    make.saved(account)

    assert set(AccountKey.objects.values_list("pk", flat=True)) == before


def test_when_the_keys_cannot_follow_the_account_has_not_changed(monkeypatch):
    account = make.account("Acme", domain="acme.com")
    monkeypatch.setattr(Account, "refresh_keys", lambda self: 1 / 0)
    account.name = "Other"

    with pytest.raises(ZeroDivisionError):
        make.saved(account)

    account.refresh_from_db()
    assert account.name == "Acme"
    assert account.history.count() == 1


def test_an_id_elsewhere_names_one_account():
    make.account(external_id="crm-1")
    make.account()
    make.account()

    with pytest.raises(IntegrityError), transaction.atomic():
        make.account(external_id="crm-1")


# --- Owners -------------------------------------------------------------------------------------


def test_an_account_has_one_open_owner_per_role():
    account, rep = make.account(), make.rep()
    make.account_owner(account, rep)
    make.account_owner(account, rep, role="BACKUP")

    with pytest.raises(IntegrityError), transaction.atomic():
        make.account_owner(account, make.rep())


def test_an_ownership_does_not_end_before_it_starts():
    account, rep = make.account(), make.rep()
    row = AccountOwner(account=account, rep=rep, starts_on=TODAY, ends_on=TODAY - timedelta(days=1))

    with pytest.raises(ValidationError):
        row.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        make.saved(row)


def test_somebody_who_left_becomes_no_owner():
    row = AccountOwner(account=make.account(), rep=make.rep(is_active=False), starts_on=TODAY)

    with pytest.raises(ValidationError, match="left"):
        row.full_clean()


@pytest.fixture
def held():
    account, ann = make.account("Acme"), make.rep("ann")
    boss = make.user(is_superuser=True)
    row = ownership.set_owner(
        account=account, rep=ann, role="OWNER", starts_on=TODAY, by=boss, at=AT
    )
    return {"account": account, "ann": ann, "boss": boss, "row": row}


def set_owner(held, rep, *, on=TODAY + timedelta(days=10)):
    return ownership.set_owner(
        account=held["account"], rep=rep, role="OWNER", starts_on=on, by=held["boss"], at=AT
    )


def test_a_new_owner_follows_without_a_gap(held):
    ben = make.rep("ben")

    row = set_owner(held, ben)

    held["row"].refresh_from_db()
    assert held["row"].ends_on == row.starts_on == TODAY + timedelta(days=10)
    assert (row.rep, row.ends_on) == (ben, None)


def test_an_ownership_may_end_with_nobody_following(held):
    assert set_owner(held, None) is None

    held["row"].refresh_from_db()
    assert held["row"].ends_on == TODAY + timedelta(days=10)
    with pytest.raises(OwnerRefused, match="nobody to end"):
        set_owner(held, None)


def test_the_present_owner_somebody_gone_and_a_day_too_early_are_refused(held):
    for rep, day, words in (
        (held["ann"], TODAY, "already"),
        (make.rep(is_active=False), TODAY, "left"),
        (make.rep(), TODAY - timedelta(days=1), "begins only"),
    ):
        with pytest.raises(OwnerRefused, match=words):
            set_owner(held, rep, on=day)

    held["row"].refresh_from_db()
    assert held["row"].ends_on is None


# --- Deals --------------------------------------------------------------------------------------


def test_a_closed_deal_has_a_date_and_an_open_one_has_none():
    account, rep = make.account(), make.rep()

    for wrong in ({"state": "WON"}, {"state": "OPEN", "closed_at": AT}):
        with pytest.raises(IntegrityError), transaction.atomic():
            make.opportunity(account, rep, **wrong)

    make.opportunity(account, rep, state="LOST", closed_at=AT)
    assert Opportunity.objects.count() == 1


# --- Territories --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value"),
    [("countries", "DE"), ("countries", [1]), ("regions", [""]), ("industries", {"a": 1})],
)
def test_criteria_are_lists_of_texts(column, value):
    with pytest.raises(ValidationError):
        Territory(name="Odd", **{column: value}).full_clean()


@pytest.mark.parametrize(
    ("ranges", "said"),
    [
        ("94000", "list of pairs"),
        ([["94000"]], "list of pairs"),
        ([["94000", "--"]], "list of pairs"),
        ([["94999", "94000"]], "94999 comes after 94000"),
        ([["1", "2" * 13]], "as long as"),
    ],
)
def test_a_postal_range_has_two_ends_the_lower_first(ranges, said):
    with pytest.raises(ValidationError, match=said):
        Territory(name="Odd", postal_ranges=ranges).clean()


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ({"fact": "shoe_size", "op": "eq", "value": 1}, "shoe_size"),
        ({"fact": "territory", "op": "eq", "value": 1}, "only once the territory is"),
        ({"fact": "account_owner", "op": "not_empty"}, "only once the territory is"),
        ({"fact": "title", "op": "eq", "value": "CEO"}, "personal"),
        ("tier", "must be an object"),
    ],
)
def test_a_further_condition_asks_for_a_known_fact_that_may_decide(condition, said):
    with pytest.raises(ValidationError, match=said):
        Territory(name="Odd", conditions=condition).clean()


def test_sizes_go_from_small_to_large():
    row = Territory(name="Odd", employees_min=10, employees_max=5)

    with pytest.raises(ValidationError):
        row.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        make.saved(row)


def test_a_territory_is_no_part_of_itself():
    top = make.territory("Top")
    below = make.territory("Below", parent=top)
    top.parent = below

    with pytest.raises(ValidationError, match="itself"):
        top.full_clean()


def test_owned_rows_keep_their_owner():
    rep = make.rep()
    make.territory(owner=rep)

    assert rep.territories.count() == 1
    assert str(make.account_owner(make.account("Acme"), rep, starts_on=date(2026, 1, 1)))
