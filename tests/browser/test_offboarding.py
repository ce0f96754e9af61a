"""Somebody leaves: planned, looked at, done and undone, by a person in a browser."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from routing.models import Lead, Offboarding
from tests.routing.test_offboarding import Scene
from tests.routing.test_views_offboarding import goes_on

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]


def test_a_rep_is_offboarded_with_a_look_first_and_it_is_undone(settings, live_server, sign_in):
    settings.BASE_URL = live_server.url
    made = Scene()
    page = sign_in("boss", reverse("people"))

    page.get_by_role("link", name="Offboarding").click()
    page.get_by_label("Who leaves", exact=True).select_option(label="leaver")
    page.get_by_label("Successor").select_option(label="heir")
    page.get_by_label("Reason").fill("leaves in June")
    page.get_by_role("button", name="Find what names them").click()

    # The whole plan is there before anything has changed.
    expect(page.locator("main")).to_contain_text("Globex: Owner (AE)")
    expect(page.get_by_role("region", name="Who gets what")).to_contain_text("Open leads: 2")
    assert Lead.objects.filter(owner=made.rep).count() == 2
    page.get_by_label("Who gets US").select_option(label="other")
    page.get_by_role("button", name="Start now").click()
    page.wait_for_load_state()
    goes_on()
    page.reload()
    expect(page.locator("header:has(#sum) .pill")).to_have_text("Done")
    assert Lead.objects.filter(owner=made.heir).count() == 2
    made.territory.refresh_from_db()
    assert made.territory.owner == made.other

    page.get_by_role("button", name="Undo it").click()
    page.wait_for_load_state()
    goes_on()
    page.reload()
    expect(page.locator("header:has(#sum) .pill")).to_have_text("Undone")
    assert Lead.objects.filter(owner=made.rep).count() == 2
    made.territory.refresh_from_db()
    assert made.territory.owner == made.rep
    assert Offboarding.objects.get().items.filter(state="EXCEPTION").count() == 0

    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not wide
