"""A realignment: drafted, previewed, approved by a second person, in effect, undone."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from accounts.models import Territory, TerritoryPlan
from reps.due import jobs
from reps.due.clock import database_now
from routing.models import Lead
from tests import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def drain(*names):
    for name in names:
        jobs.drain(name, driver="test", due_before=database_now())


def test_a_realignment_from_the_first_draft_to_its_undoing(settings, live_server, sign_in):
    settings.BASE_URL = live_server.url
    make.organisation()
    ann = make.rep(user=make.user("ann", group="rep", first_name="Ann", last_name="West"))
    ben = make.rep(user=make.user("ben", group="rep", first_name="Ben", last_name="North"))
    make.user("avery", group="revops", first_name="Avery", last_name="Ops")
    make.user("blake", group="manager", first_name="Blake", last_name="Boss")
    make.territory("West", owner=ann, countries=["US"], regions=["CA", "OR", "WA"])
    at = database_now()
    here = make.owned(ann, {"country": "US", "region": "OR"}, at=at)
    there = make.owned(ann, {"country": "US", "region": "CA"}, at=at)

    page = sign_in("avery", reverse("territories"))
    page.get_by_role("link", name="Plans", exact=True).click()
    page.get_by_role("link", name="Draft a realignment").first.click()
    page.get_by_label("Name").fill("Northwest")
    page.get_by_label("Why").fill("It has grown")
    page.get_by_label("Open leads").select_option(label="All open leads move")
    page.get_by_role("button", name="Start the draft").click()
    page.get_by_role("link", name="West", exact=True).click()
    parts = page.get_by_role("region", name="Split, or move parts")
    parts.get_by_label("OR", exact=True).check()
    parts.get_by_label("WA", exact=True).check()
    parts.get_by_label("Name of the new one").fill("Northwest")
    parts.get_by_label("Owner of the new one").select_option(label="Ben North")
    parts.get_by_role("button", name="Move these parts").click()
    changes = page.get_by_role("region", name="What changes")
    expect(changes).to_contain_text("CA, OR, WA → CA")
    assert not Territory.objects.filter(name="Northwest").exists()

    page.get_by_role("button", name="Preview what moves").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    drain("studies")
    moves = page.get_by_role("region", name="What moves")
    expect(moves.get_by_role("row", name="Ben North").first).to_contain_text("0 → 1")
    expect(moves.get_by_role("row", name="Together")).to_contain_text("2 → 2")
    page.get_by_role("button", name="Ask for approval").click()
    expect(page.locator("main")).to_contain_text("somebody else has to")

    plan = TerritoryPlan.objects.get()
    second = sign_in("blake", reverse("territory_plan", args=[plan.pk]))
    second.get_by_role("button", name="Approve", exact=True).click()
    drain("territory_plans", "realignments")
    second.reload()
    expect(second.locator("main")).to_contain_text("In effect")
    here.refresh_from_db()
    assert here.owner == ben
    assert Territory.objects.get(name="Northwest").regions == ["OR", "WA"]

    second.get_by_label("Why").fill("Too soon")
    second.get_by_role("button", name="Undo the plan").click()
    drain("realignments")
    second.reload()
    expect(second.get_by_role("region", name="Its open leads")).to_contain_text("Moved back")
    assert {lead.owner for lead in Lead.objects.filter(pk__in=[here.pk, there.pk])} == {ann}
    assert Territory.objects.get().regions == ["CA", "OR", "WA"]
