"""The pages about people who may be one."""

import pytest
from django.test import Client
from django.urls import reverse

from routing.dedupe import suggest
from routing.models import DuplicatePair, DuplicatePolicy, Lead, Merge, Prospect
from tests import make

pytestmark = pytest.mark.django_db
AT = make.MONDAY_9AM


@pytest.fixture
def boss():
    made = make.user("boss", group="revops")
    make.organisation(responsible=made)
    return made


@pytest.fixture
def client(boss):
    made = Client()
    made.force_login(boss)
    return made


@pytest.fixture
def pair(boss) -> DuplicatePair:
    make.owned(make.rep("ann"), {"email": "ann.lee@acme.com", "name": "Ann Lee", "title": "CEO"})
    make.owned(make.rep("ben"), {"email": "a.lee@acme.com", "name": "Ann Lee", "title": "CFO"})
    while suggest.drain(driver="test", due_before=AT):
        pass
    return DuplicatePair.objects.get(state="OPEN")


def page(client, name, *args) -> str:
    return client.get(reverse(name, args=args)).content.decode()


def test_an_empty_list_says_what_to_expect(client):
    assert "Nothing to decide" in page(client, "duplicates")


def test_the_list_shows_both_with_what_speaks_for_it_and_the_navigation_counts(client, pair):
    text = page(client, "duplicates")

    assert "ann.lee@acme.com" in text
    assert "a.lee@acme.com" in text
    assert "same name, same company domain" in text
    assert "1 possible duplicates to decide" in text


def test_two_stand_side_by_side_with_what_merging_would_do(client, pair):
    text = page(client, "duplicate", pair.pk)

    first, second = Lead.objects.order_by("pk")
    assert "CEO" in text
    assert "CFO" in text
    assert f"Lead {first.pk} stays, with Ann" in text or f"Lead {first.pk} stays, with ann" in text
    assert f"Lead {second.pk} is closed as merged" in text


def test_merging_keeps_the_chosen_values_and_can_be_undone(client, pair):
    answer = client.post(
        reverse("duplicate", args=[pair.pk]),
        {"do": "merge", "winner": "first", "take_title": "second", "take_email": "first"},
    )

    assert answer.status_code == 302
    winner = Prospect.objects.get(pk=pair.first_id)
    assert (winner.title, winner.email) == ("CFO", "ann.lee@acme.com")
    row = Merge.objects.get()
    assert "Undo the merge" in page(client, "duplicates")

    client.post(reverse("merge_undo", args=[row.pk]), {"reason": "two people"})

    winner.refresh_from_db()
    assert winner.title == "CEO"
    assert Lead.objects.open().count() == 2


def test_kept_apart_they_are_gone_from_the_list(client, pair):
    client.post(
        reverse("duplicate", args=[pair.pk]), {"do": "apart", "winner": "first", "reason": "twins"}
    )

    pair.refresh_from_db()
    assert (pair.state, pair.reason) == ("APART", "twins")
    assert "Nothing to decide" in page(client, "duplicates")


def test_a_lead_says_of_whom_it_may_be_a_duplicate_to_those_who_decide(client, pair):
    lead = Lead.objects.order_by("pk").first()
    rep = Client()
    rep.force_login(lead.owner.user)

    assert "Possible duplicate of Ann Lee" in page(client, "lead", lead.pk)
    assert "Possible duplicate of" not in page(rep, "lead", lead.pk)


def test_a_rep_decides_nothing(pair):
    rep = Client()
    rep.force_login(make.rep("cleo").user)

    for name, args in (("duplicates", ()), ("duplicate", (pair.pk,)), ("duplicate_policy", ())):
        assert rep.get(reverse(name, args=args)).status_code == 403


def filled_in(client) -> dict[str, str]:
    """The form of the policy as it stands, as a browser would send it."""
    context = client.get(reverse("duplicate_policy")).context
    sent = {}
    for form in (
        context["form"],
        *(one.management_form for one in (context["providers"], context["returns"])),
        *context["providers"],
        *context["returns"],
    ):
        for field in form:
            value = field.value()
            if field.widget_type == "checkbox":
                if value:
                    sent[field.html_name] = "on"
            elif value is not None:
                sent[field.html_name] = str(value)
    return sent


def test_the_policy_is_changed_in_versions(client):
    sent = filled_in(client)
    del sent["p-0-on"]
    sent |= {"r-0-state": "DISQUALIFIED", "r-0-words": "spam", "r-0-do": "IGNORE"}
    sent["shared_mailboxes"] = "info, Desk"

    answer = client.post(reverse("duplicate_policy"), sent)

    assert answer.status_code == 302
    row = DuplicatePolicy.objects.get()
    assert row.providers[0]["name"] == "Gmail"
    assert row.providers[0]["on"] is False
    assert len(row.providers) == len(DuplicatePolicy().providers)
    assert row.returns[0]["do"] == "IGNORE"
    assert row.shared_mailboxes == ["desk", "info"]
    assert (row.version, row.history.count()) == (1, 1)


def test_what_is_no_domain_is_named_and_what_was_typed_stays(client):
    sent = filled_in(client)
    sent["p-0-domains"] = "not a domain"

    answer = client.post(reverse("duplicate_policy"), sent)

    assert answer.status_code == 422
    assert "is no domain" in answer.content.decode()
    assert not DuplicatePolicy.objects.exists()
