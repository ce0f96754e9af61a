"""The pages of the score, and its part of the API."""

import pytest
from django.urls import reverse

from routing.models import FunnelDefinition, Organisation, ScoreModel, ScoreReview
from routing.rules import starters
from routing.scoring import definitions, edit
from tests import make

AT = make.MONDAY_9AM
ROW = {"g_match": "all", "g_parent": "0", "c_group": "0", "c_fact": "employees", "c_op": "gte"}
BIG = {**ROW, "c_value": "500"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client):
    make.organisation()
    person = make.user("boss", group="revops")
    client.force_login(person)
    return person


def add(client, part="factors", **data):
    return client.post(reverse("score_line_add", args=[part]), {"line": "", **data})


def test_a_line_is_tried_drafted_changed_and_published(client, boss):
    make.leads(2, fields={"employees": 800})
    form = {"name": "Big", "points": "65", "active": "on", **BIG}

    tried = client.post(reverse("score_line_add_preview", args=["factors"]), form)
    assert "<b>2</b> would score otherwise" in tried.content.decode()
    assert edit.open_draft() is None

    assert add(client, **form).status_code == 302
    page = client.get(reverse("score")).content.decode()
    assert "employees is at least 500" in page
    assert "+65" in page
    assert Organisation.get().live_score_model is None

    client.post(reverse("score_line", args=["factors", 0]), {**form, "line": "Big", "points": "70"})
    refused = client.post(reverse("score_publish"), {"reason": ""})
    client.post(reverse("score_publish"), {"reason": "size sells", "again": "on"})

    live = Organisation.get().live_score_model
    assert refused.status_code == 422
    assert (live.note, live.published_by, live.body["factors"][0]["points"]) == (
        "size sells",
        boss,
        70,
    )


def test_mistakes_keep_what_was_typed_and_name_the_field(client, boss):
    odd = add(client, name="Odd", points="1", **{**BIG, "c_fact": "score"})
    event = add(
        client, "events", name="Prices", event="pricing_page", points="x", half_life_days="0"
    )

    assert (odd.status_code, event.status_code) == (422, 422)
    page = event.content.decode()
    assert 'value="pricing_page"' in page
    assert "Enter a whole number" in page
    assert edit.open_draft() is None


def test_events_and_bounds_are_edited_and_a_line_is_taken_out(client, boss):
    add(client, "events", name="Prices", event="pricing_page", points="15", half_life_days="7")
    bad = client.post(
        reverse("score_bounds"),
        {"fit": "100", "engagement": "50", "threshold": "55", "warm": "80", "hot": "70"},
    )
    client.post(
        reverse("score_bounds"),
        {"fit": "100", "engagement": "50", "threshold": "55", "warm": "40", "hot": "70"},
    )

    body = edit.open_draft().body
    assert bad.status_code == 422
    assert body["events"] == [
        {
            "name": "Prices",
            "event": "pricing_page",
            "points": 15,
            "half_life_days": 7.0,
            "active": False,
        }
    ]
    assert (body["threshold"], body["tiers"], body["weights"]["engagement"]) == (
        55,
        {"hot": 70, "warm": 40},
        50,
    )
    client.post(reverse("score_line_delete", args=["events"]), {"line": "Prices"})
    assert edit.open_draft().body["events"] == []
    client.post(reverse("score_publish"), {"act": "discard"})
    assert edit.open_draft() is None


def test_one_goes_back_to_a_version_with_a_reason(client, boss):
    first = make.factor(10, {"all": []}, "First")
    make.factor(20, {"all": []}, "Second")
    address = reverse("score_version", args=[first.version])

    assert "First" in client.get(address).content.decode()
    assert client.post(address, {"reason": ""}).status_code == 422
    client.post(address, {"reason": "too many"})

    assert Organisation.get().live_score_model == first


def test_reps_read_definitions_and_nothing_else(client, boss):
    make.factor(10, {"all": []})
    client.force_login(make.user("rep", group="rep"))

    answers = {
        name: client.get(reverse(name)).status_code
        for name in ("score", "score_calibration", "score_definitions", "score_preview")
    }
    written = client.post(reverse("definition", args=["mql"]), {"text": "Mine"}).status_code
    api = client.get("/api/v1/score-models/").status_code

    assert answers == {
        "score": 403,
        "score_calibration": 403,
        "score_definitions": 200,
        "score_preview": 403,
    }
    assert (written, api) == (403, 403)


def test_both_sides_sign_on_the_page(client, boss):
    make.factor(10, {"all": []})
    ben = make.user("ben", group="rep")
    same = {"marketing": boss.pk, "sales": boss.pk, "owner": boss.pk}
    assert client.post(reverse("score_people"), same).status_code == 422
    client.post(reverse("score_people"), {**same, "sales": ben.pk})
    proposal = client.get(reverse("definition", args=["mql"])).content.decode()
    assert definitions.PROPOSALS["MQL"].text.split(".")[0] in proposal
    client.post(reverse("definition", args=["mql"]), {"text": "Big ones", "reached": "", **BIG})
    row = FunnelDefinition.objects.get()
    sign = reverse("definition_sign", args=[row.pk])

    client.post(sign, {"side": "SALES"})
    row.refresh_from_db()
    assert row.sales_by is None
    client.post(sign, {"side": "MARKETING"})
    client.force_login(ben)
    page = client.get(reverse("score_definitions")).content.decode()
    client.post(sign, {"side": "SALES"})

    row.refresh_from_db()
    assert "Sign for Sales" in page
    assert (row.marketing_by, row.sales_by, row.is_signed) == (boss, ben, True)


def test_the_calibration_opens_filters_and_takes_a_review(client, boss):
    made = make.factor(10, {"all": []})
    make.leads(2)

    page = client.get(reverse("score_calibration"), {"days": "90", "version": made.version})
    refused = client.post(reverse("score_reviewed"), {"note": ""})
    client.post(reverse("score_reviewed"), {"note": "All in order"})

    assert page.status_code == 200
    assert refused.status_code == 422
    assert (ScoreReview.objects.get().note, ScoreReview.objects.get().by) == ("All in order", boss)
    assert "All in order" in client.get(reverse("score_calibration")).content.decode()


def test_the_lead_page_and_the_api_show_every_contribution(client, boss):
    make.score_model(
        profiles=[{"name": "Everybody", "condition": {"all": []}}],
        events=[{"name": "Prices", "event": "pricing_page", "points": 40, "half_life_days": 7}],
    )
    lead = make.lead({"events": [{"name": "pricing_page", "at": AT.isoformat()}]})

    page = client.get(reverse("lead", args=[lead.pk])).content.decode()
    told = client.get(f"/api/v1/leads/{lead.pk}/score/").json()

    assert "Everybody" in page
    assert "days ago" in page
    assert (told["profiles"], told["stored"], told["version"]) == (["Everybody"], 40, "s1")
    assert told["lines"][0]["name"] == "Prices"
    assert told["lines"][0]["count"] == 1


def test_the_api_drafts_tries_publishes_and_rolls_back(client, boss):
    first = make.factor(10, {"all": []}, "First")
    make.leads(1)
    body = {**first.body, "threshold": 5}

    def post(where, **data):
        return client.post(f"/api/v1/score-models/{where}", data, content_type="application/json")

    tried = post("preview/", body={**body, "factors": []})
    bad = post("draft/", body={"factors": [{"name": "A"}]})
    drafted = post("draft/", body=body)
    published = post("publish/", reason="lower")
    again = post("publish/", reason="lower")
    back = post(f"{first.pk}/rollback/", reason="higher")

    assert (tried.json()["leads"], tried.json()["changed"]) == (1, 1)
    assert (bad.status_code, bad.json()["code"]) == (409, "score_refused")
    assert (drafted.json()["state"], published.json()["is_live"]) == ("DRAFT", True)
    assert again.status_code == 409
    assert back.json()["is_live"]
    assert ScoreModel.objects.count() == 2


@pytest.mark.parametrize("choice", ["nurture", "none", "pool"])
def test_a_template_asks_what_becomes_of_cold_leads(client, boss, choice):
    make.score_model(threshold=55)
    pool = make.pool(make.rep(), name="Everybody")
    junior = make.pool(make.rep(), name="Junior SDRs")
    last = make.queue(pool, name="Last")
    cold = junior.pk if choice == "pool" else choice

    client.post(
        reverse("setup_rules"),
        {
            "template": "small_team",
            "pool": pool.pk,
            "fallback": last.pk,
            "cold_leads": cold,
        },
    )

    lead = make.routed(make.lead())
    rules = [rule.name for rule in Organisation.get().live_ruleset.rules.all()]
    assert starters.BY_SLUG["small_team"].has_threshold is False
    if choice == "nurture":
        assert (rules[0], lead.place) == ("Below 55 goes to nurture", "NURTURE")
    elif choice == "none":
        assert (rules[0], lead.owner.memberships.get().pool) == ("Named account", pool)
    else:
        assert rules[0] == "Below 55 goes to junior SDRs"
        assert lead.owner.memberships.get().pool == junior


def test_what_is_asked_of_the_pages_by_hand_breaks_nothing(client, boss, subtests):
    make.factor(10, {"all": []})
    for address in (
        "/rules/score/nothing/add/",
        "/rules/score/factors/99/",
        "/rules/score/versions/99/",
        "/rules/score/definitions/xyz/",
        "/rules/score/calibration/?days=²&version=9999999999999",
    ):
        with subtests.test(address):
            assert client.get(address).status_code in (200, 302, 404)
