"""The map of territories by keyboard: into a country, to a state, and a territory handed over."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from routing.models import Lead
from routing.rules import standard
from tests import make

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def plan(settings, live_server):
    settings.BASE_URL = live_server.url
    make.organisation()
    manager = make.user("riley", group="revops", first_name="Riley", last_name="Ops")
    team = make.team("West", manager=manager)
    people = {}
    for name in ("Robin", "Jamie"):
        user = make.user(name.lower(), group="rep", first_name=name, last_name="West")
        people[name] = make.rep(user=user, team=team)
    make.rules(
        *standard.rules(
            pool=make.pool(*people.values(), name="Everybody"), fallback=make.queue(name="Last")
        )
    )
    west = make.territory(
        "US West", countries=["US"], regions=["California", "Oregon"], owner=people["Robin"]
    )
    make.territory("DACH", countries=["DE", "AT", "CH"], owner=people["Jamie"])
    lead = make.routed(make.lead({"country": "US", "region": "California", "hand_raise": True}))
    assert lead.owner == people["Robin"]
    return {**people, "west": west, "lead": lead}


def test_a_territory_is_found_and_handed_over_without_a_mouse(plan, sign_in):
    page = sign_in("riley", reverse("territories"))
    here = page.locator("[data-territory-map] a:focus")

    # One stop for Tab: Austria, the first that somebody has. Arrows go to what lies there next.
    page.locator("[data-territory-map] a[tabindex='0']").focus()
    expect(here).to_have_attribute("data-code", "AT")
    page.keyboard.press("ArrowLeft")
    expect(here).to_have_attribute("data-code", "CH")
    page.keyboard.press("ArrowLeft")
    expect(here).to_have_attribute("data-code", "US")
    page.keyboard.press("Enter")
    expect(page.locator("#where")).to_contain_text("United States")

    california = page.locator("[data-territory-map] a[data-code=US-CA]")
    page.locator("[data-territory-map] a[data-code=US-OR]").focus()
    page.keyboard.press("ArrowDown")
    expect(california).to_be_focused()
    assert "Robin West" in california.get_attribute("aria-label")

    page.keyboard.press("r")
    expect(page.locator("h1")).to_contain_text("Hand over US West")
    page.get_by_label("New owner").select_option(label="Jamie West")
    page.get_by_label("Why").fill("Robin leads another team from Monday.")
    page.get_by_label("Move the one open lead").check()
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_contain_text("US West belongs to Jamie West now; 1 lead moved.")

    lead = Lead.objects.get(pk=plan["lead"].pk)
    plan["west"].refresh_from_db()
    assert (plan["west"].owner, lead.owner) == (plan["Jamie"], plan["Jamie"])
    assert plan["west"].history.first().history_change_reason.startswith("Robin leads another")
