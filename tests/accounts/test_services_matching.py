"""Leads find their accounts by indexed keys, many at a time."""

import io

import pytest
from django.core.management import call_command

from accounts.matching import Index, LeadIdentity, blocking
from accounts.models import AccountKey
from accounts.models.account import identity_of
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
def test_any_number_of_leads_costs_five_statements(django_assert_num_queries, size):
    for number in range(size):
        make.account(f"Company {number}", domain=f"company{number}.com")
    asked = [LeadIdentity(company="", domain=f"company{number}.com") for number in range(size)]

    with django_assert_num_queries(5):
        found = match_many(asked)

    assert all(answer.verdict == "match" for answer in found)


def test_nobody_to_match_is_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert match_many([]) == []
        assert match_many([LeadIdentity(company="  ", domain="")]) == [NET_NEW]


def test_a_name_that_very_many_share_is_bounded(monkeypatch):
    monkeypatch.setattr(blocking, "MOST_COMPARED", 3)
    compared = []
    decide = matching.decide
    monkeypatch.setattr(
        matching,
        "decide",
        lambda lead, found, weigh: compared.append(found) or decide(lead, found, weigh),
    )
    for _ in range(6):
        make.account("Acme")

    assert one(company="Acme", domain="").verdict == "review"
    assert [len(found) for found in compared] == [3]


def test_a_key_that_very_many_share_is_not_even_read(monkeypatch):
    monkeypatch.setattr(blocking, "COMMON_FROM", 3)
    for number in range(4):
        make.account(f"Zephyr {number}{number}")

    assert one(company="Zephyr Boats", domain="") == NET_NEW


def test_a_similar_name_is_found_and_named_for_review():
    account = make.account("Zephyr Marine Holdings", domain="zephyr.com")
    make.account("Somebody Marine")

    found = one(company="Zephyr Boats", domain="")

    assert found.account_id in (account.pk, None)
    assert found.contenders[0].account_id == account.pk


@pytest.mark.parametrize(
    "written",
    ["Zephyr Maritime Logistiks", "Zefyr Maritime Logistics", "Зефир Маритиме Логистикс"],
)
def test_slips_and_other_scripts_find_the_account(written):
    account = make.account("Zephyr Maritime Logistics Ltd")

    assert one(company=written).contenders[0].account_id == account.pk


def test_initials_find_the_account_and_the_name_finds_initials():
    long, short = make.account("Quality Xylophone Works"), make.account("ZQV")

    assert one(company="QXW").contenders[0].account_id == long.pk
    assert one(company="Zurich Quartz Vessels").contenders[0].account_id == short.pk


def test_a_match_on_a_child_names_its_parent():
    parent = make.account("Globex")
    make.account("Umbrella Labs", domain="umbrella.com", parent=parent)

    found = one(domain="umbrella.com")

    assert {"kind": "parent", "account_id": parent.pk, "account": "Globex"} in found.evidence


def test_among_equals_the_account_with_an_open_deal_leads():
    first, second = make.account("Acme"), make.account("Acme")
    make.opportunity(second, make.rep())

    found = one(company="Acme")

    assert (found.verdict, found.account_id) == ("review", second.pk)
    assert [(c.account_id, c.beaten_by) for c in found.contenders] == [
        (second.pk, ""),
        (first.pk, "open_deal"),
    ]


def test_the_database_and_a_file_answer_alike():
    book = [
        make.account("Zephyr Marine", domain="zephyr.com", city="Oslo", country="NO"),
        make.account("Zephyr Energy", city="Turin", country="IT"),
        make.account("Quality Xylophone Works", aliases=["Xylo"]),
        make.account("United Services"),
    ]
    index = Index(map(identity_of, book))
    asked = [
        LeadIdentity(company, domain, city)
        for company in ("", "Zephyr", "Zephyr Marine Inc", "QXW", "xylo", "United Service", "No")
        for domain in ("", "zephyr.com", "other.com")
        for city in ("", "Oslo")
    ]

    for lead, ours in zip(asked, match_many(asked), strict=True):
        assert ours.verdict == index.match(lead).verdict, lead
        assert ours.account_id == index.match(lead).account_id, lead


def test_keys_of_an_older_version_are_brought_in_line():
    account = make.account("Acme Rockets", domain="acme.com")
    right = set(AccountKey.objects.values_list("account", "kind", "value"))
    AccountKey.objects.filter(kind="WORD").delete()
    AccountKey.objects.create(account=account, kind="NAME", value="stale")

    first, again = io.StringIO(), io.StringIO()
    call_command("rekey_accounts", stdout=first)
    call_command("rekey_accounts", stdout=again)

    assert set(AccountKey.objects.values_list("account", "kind", "value")) == right
    assert "0 keys" not in first.getvalue()
    assert "1 accounts looked at, 0 keys" in again.getvalue()


def test_two_accounts_of_one_name_are_a_matter_for_a_person():
    make.account("Acme", city="Berlin")
    make.account("Acme", city="Paris")

    assert one(company="Acme", domain="").verdict != "match"
