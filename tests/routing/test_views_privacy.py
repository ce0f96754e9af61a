"""The pages, the API and the commands about personal data: who may, and what they do."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from reps.models import AuditEvent, RetentionRule
from routing.models import Erasure, Lead
from routing.privacy import erase
from tests import make, needles

AT = make.MONDAY_9AM
EMAIL = "needle.ada@needle-mail.example"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def outside(settings, tmp_path):
    settings.ERASURE_LEDGER = str(tmp_path / "erasures.log")


@pytest.fixture
def person():
    make.organisation()
    lead = make.lead({"email": EMAIL, "first_name": "Needleada", "last_name": "Needleking"})
    return lead.prospect


@pytest.fixture
def revops(client):
    client.force_login(make.user("ro", group="revops"))
    return client


PAGES = ["people_data", "retention", "person_data", "person_export", "person_erase", "person_hold"]


@pytest.mark.parametrize("group", ["rep", "manager", None])
@pytest.mark.parametrize("name", PAGES)
def test_only_revops_and_admins_come_near_it(client, person, group, name):
    client.force_login(make.user("somebody", group=group))
    url = reverse(name, args=[person.pk] if name.startswith("person_") else [])

    assert client.get(url).status_code == 403
    assert client.post(url, {"reason": "x", "confirm": person.pk}).status_code == 403
    person.refresh_from_db()
    assert person.email == EMAIL


@pytest.mark.parametrize("group", ["rep", "manager"])
def test_the_api_is_for_revops_and_admins_too(client, person, group):
    client.force_login(make.user("somebody", group=group))

    assert client.get(f"/api/v1/prospects/{person.pk}/export/").status_code == 403
    answer = client.post(
        f"/api/v1/prospects/{person.pk}/erase/", {"reason": "x"}, "application/json"
    )
    assert answer.status_code == 403
    assert not Erasure.objects.exists()


# --- Finding --------------------------------------------------------------------------------------


def test_one_who_is_found_is_shown_at_once(revops, person):
    answer = revops.post(reverse("people_data"), {"who": EMAIL})

    assert answer.url == reverse("person_data", args=[person.pk])


def test_several_of_a_name_are_listed(revops, person):
    other = make.lead({"first_name": "Needleada", "last_name": "Needleking"}).prospect

    page = revops.post(reverse("people_data"), {"who": "Needleada Needleking"})

    for one in (person, other):
        assert reverse("person_data", args=[one.pk]) in page.content.decode()


def test_nobody_is_said_to_be_nobody(revops, person):
    page = revops.post(reverse("people_data"), {"who": "nobody@needle-mail.example"})

    assert "Nobody is known by that" in page.content.decode()


def test_what_somebody_searches_for_is_in_no_address(revops):
    page = revops.get(reverse("people_data"))

    assert b'method="post"' in page.content
    assert b'method="get"' not in page.content.split(b"<main")[1]


# --- One person -----------------------------------------------------------------------------------


def test_everything_that_is_held_is_shown(revops, person):
    page = revops.get(reverse("person_data", args=[person.pk])).content.decode()

    assert EMAIL in page
    assert "What came in" in page
    assert "Needleada" in page


def test_the_way_there_is_on_the_lead_s_page_for_those_who_may(client, revops, person):
    url = reverse("lead", args=[person.leads.get().pk])
    link = reverse("person_data", args=[person.pk])

    assert link in revops.get(url).content.decode()
    client.force_login(make.user("boss", group="manager"))
    assert link not in client.get(url).content.decode()


def test_an_export_is_a_file_and_on_record(revops, person):
    answer = revops.post(reverse("person_export", args=[person.pk]))

    assert answer["Content-Disposition"] == f'attachment; filename="person-{person.pk}.json"'
    assert answer["Cache-Control"] == "no-store"
    assert answer.json()["identity"][0]["email"] == EMAIL
    assert AuditEvent.objects.get(kind="exported").actor_label == "ro"


@pytest.mark.parametrize("typed", ["", "no", "0"])
def test_without_the_number_nothing_is_erased(revops, person, typed):
    answer = revops.post(
        reverse("person_erase", args=[person.pk]), {"reason": "asked", "confirm": typed}
    )

    assert answer.status_code == 400
    person.refresh_from_db()
    assert person.email == EMAIL


def test_with_the_number_everything_is(revops, person):
    answer = revops.post(
        reverse("person_erase", args=[person.pk]),
        {"reason": "asked by letter", "confirm": str(person.pk)},
    )
    page = revops.get(answer.url).content.decode()

    assert needles.found(["needle"]) == set()
    assert "asked by letter" in page
    assert reverse("person_erase", args=[person.pk]) not in page
    assert (
        "Erased person"
        in revops.get(reverse("lead", args=[Lead.objects.get().pk])).content.decode()
    )


def test_a_hold_is_set_and_lifted_and_keeps_the_person(revops, person):
    hold, gone = reverse("person_hold", args=[person.pk]), reverse("person_erase", args=[person.pk])
    revops.post(hold, {"why": "Case 12/26"})

    answer = revops.post(gone, {"reason": "asked", "confirm": str(person.pk)}, follow=True)

    assert "legal hold (Case 12/26)" in answer.content.decode()
    person.refresh_from_db()
    assert person.email == EMAIL
    revops.post(hold, {"why": ""})
    revops.post(gone, {"reason": "asked", "confirm": str(person.pk)})
    person.refresh_from_db()
    assert person.email == ""


# --- The API --------------------------------------------------------------------------------------


def test_the_api_hands_out_and_erases(revops, person):
    base = f"/api/v1/prospects/{person.pk}"
    held = revops.get(f"{base}/export/").json()
    answer = revops.post(f"{base}/erase/", {"reason": "asked"}, "application/json")

    assert held["identity"][0]["email"] == EMAIL
    assert answer.status_code == 200
    assert answer.json()["counts"]["submissions"] == 1
    assert needles.found(["needle"]) == set()
    again = revops.post(f"{base}/erase/", {"reason": "asked"}, "application/json").json()
    assert again["id"] == answer.json()["id"]


def test_the_api_says_why_it_does_not(revops, person):
    erase.set_legal_hold(prospect_id=person.pk, why="Case 1", by=make.user(), at=AT)

    held = revops.post(
        f"/api/v1/prospects/{person.pk}/erase/", {"reason": "asked"}, "application/json"
    )
    without = revops.post(f"/api/v1/prospects/{person.pk}/erase/", {}, "application/json")

    assert (held.status_code, held.json()["code"]) == (409, "held_by_law")
    assert (without.status_code, without.json()["code"]) == (400, "invalid")
    assert revops.get("/api/v1/prospects/999999/export/").status_code == 404


# --- The commands ---------------------------------------------------------------------------------


def test_a_command_erases_by_address_or_number(person):
    said = StringIO()

    call_command("erase_prospect", email=EMAIL, reason="asked", yes=True, stdout=said)

    assert f"Erased person {person.pk}" in said.getvalue()
    assert "needle" not in said.getvalue().casefold()
    assert needles.found(["needle"]) == set()


def test_a_command_asks_before_it_erases(person, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda question: "yes")

    with pytest.raises(CommandError, match="Nothing was erased"):
        call_command("erase_prospect", str(person.pk), reason="asked", stdout=StringIO())

    monkeypatch.setattr("builtins.input", lambda question: str(person.pk))
    call_command("erase_prospect", str(person.pk), reason="asked", stdout=StringIO())
    assert Erasure.objects.count() == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Name the person"),
        (["999999"], "no such person"),
        (["--email", "nobody@x.example"], "no such person"),
        (["--email", "Needleada Needleking"], "Several people"),
    ],
)
def test_a_command_says_who_is_not_meant(person, arguments, says):
    make.lead({"first_name": "Needleada", "last_name": "Needleking"})

    with pytest.raises(CommandError, match=says):
        call_command("erase_prospect", *arguments, "--reason", "asked", "--yes")


def test_a_command_hands_out_json(person):
    said = StringIO()

    call_command("export_prospect", str(person.pk), stdout=said)

    assert json.loads(said.getvalue())["identity"][0]["email"] == EMAIL


# --- How long it is kept --------------------------------------------------------------------------


def test_the_page_shows_each_kind_and_what_would_go(revops, person):
    page = revops.get(reverse("retention")).content.decode()

    for words in ("Bodies of submissions", "Expired sign-ins", "People without an open lead"):
        assert words in page


def _sent(page) -> dict:
    sent = {}
    for form, _ in page.context_data["rows"]:
        slug = form.rule.kept.slug
        sent[f"{slug}-days"] = form.rule.days
        if form.rule.is_active:
            sent[f"{slug}-is_active"] = "on"
    return sent


def test_a_rule_is_set_on_the_page_and_on_record(revops):
    sent = _sent(revops.get(reverse("retention")))

    answer = revops.post(
        reverse("retention"), {**sent, "imports-days": "30", "imports-is_active": "on"}
    )

    assert answer.status_code == 302
    row = RetentionRule.objects.get()
    assert (row.what, row.days, row.is_active) == ("imports", 30, True)
    assert row.history.get().history_user.username == "ro"


def test_fewer_days_than_a_promise_needs_are_refused(revops):
    sent = _sent(revops.get(reverse("retention")))

    answer = revops.post(
        reverse("retention"), {**sent, "dismissed-days": "29", "dismissed-is_active": "on"}
    )

    assert answer.status_code == 400
    assert "30 days at least" in answer.content.decode()
    assert not RetentionRule.objects.exists()
