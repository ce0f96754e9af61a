"""Leads find their accounts by indexed keys, many at a time."""

import pytest

from accounts.matching import LeadIdentity
from accounts.services import matching
from accounts.services.matching import NET_NEW, match_many
from tests import make

pytestmark = pytest.mark.django_db


def one(**fields):
    (found,) = match_many([LeadIdentity(**fields)])
    return found


def test_a_domain_finds_its_account():
    account = make.account("Acme", domain="acme.com")

    found = one(company="", domain="mail.acme.com")

    assert (found.verdict, found.account_id) == ("match", account.pk)
    assert found.evidence


def test_a_legal_name_finds_its_account():
    account = make.account("Müller & Söhne GmbH")

    found = one(company="Mueller und Soehne", domain="")

    assert found.account_id in (account.pk, None)
    assert one(company="Müller & Söhne", domain="").account_id == account.pk


def test_an_alias_finds_its_account():
    account = make.account("International Business Machines", aliases=["IBM"])

    assert one(company="IBM", domain="").account_id == account.pk


def test_nothing_known_is_net_new():
    make.account("Acme", domain="acme.com")

    assert one(company="Somebody", domain="somebody.com") == NET_NEW
    assert one(company="", domain="") == NET_NEW


def test_an_inactive_account_is_not_found():
    make.account("Acme", domain="acme.com", is_active=False)

    assert one(company="Acme", domain="acme.com") == NET_NEW


def test_answers_come_in_the_order_of_the_questions():
    acme, beta = make.account("Acme", domain="acme.com"), make.account("Beta", domain="beta.com")

    found = match_many(
        [
            LeadIdentity(company="", domain="beta.com"),
            LeadIdentity(company="", domain="nobody.com"),
            LeadIdentity(company="", domain="acme.com"),
        ]
    )

    assert [answer.account_id for answer in found] == [beta.pk, None, acme.pk]


@pytest.mark.parametrize("size", [1, 2, 50])
def test_any_number_of_leads_costs_two_statements(django_assert_num_queries, size):
    for number in range(size):
        make.account(f"Company {number}", domain=f"company{number}.com")
    asked = [LeadIdentity(company="", domain=f"company{number}.com") for number in range(size)]

    with django_assert_num_queries(2):
        found = match_many(asked)

    assert all(answer.verdict == "match" for answer in found)


def test_nobody_to_match_is_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert match_many([]) == []
        assert match_many([LeadIdentity(company="  ", domain="")]) == [NET_NEW]


def test_a_name_that_very_many_share_is_bounded(monkeypatch):
    monkeypatch.setattr(matching, "MOST_CANDIDATES", 3)
    for _ in range(6):
        make.account("Acme")

    assert one(company="Acme", domain="").verdict in ("review", "match", "net_new")


def test_two_accounts_of_one_name_are_a_matter_for_a_person():
    make.account("Acme", city="Berlin")
    make.account("Acme", city="Paris")

    assert one(company="Acme", domain="").verdict != "match"
