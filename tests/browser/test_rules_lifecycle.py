"""A version of the rules from an empty screen to live and back, by people in a browser."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from reps.due import jobs
from reps.due.clock import database_now
from routing.models import Lead, Organisation, RuleSet, Simulation
from tests import make

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]

PHONE = 390


@pytest.fixture
def team(settings, live_server):
    """Two reps in a pool, a queue, a manager and an operator; no rules yet."""
    settings.BASE_URL = live_server.url
    make.organisation(approval_above=20)
    manager = make.user("morgan", group="manager", first_name="Morgan", last_name="Manager")
    make.user("riley", group="revops", first_name="Riley", last_name="Ops")
    assert not manager.is_superuser
    east = make.team("East", manager=manager)
    robin = make.user("robin", group="rep", first_name="Robin", last_name="East")
    jamie = make.user("jamie", group="rep", first_name="Jamie", last_name="North")
    reps = [make.rep(user=person, team=east) for person in (robin, jamie)]
    make.queue(make.pool(*reps, name="Everybody"), name="Last resort", responsible=manager)
    make.source("web")
    return reps


def press(page: Page, words: str) -> None:
    page.get_by_role("button", name=words, exact=True).click()


def go(page: Page, live_server, name: str, *args: object) -> None:
    page.goto(live_server.url + reverse(name, args=args))


def route(country: str, *, times: int = 1) -> list[Lead]:
    """Let so many leads of a country come in now, and be routed."""
    at = database_now()
    came = [make.lead({"country": country}, at=at) for _ in range(times)]
    jobs.drain("route", driver="test", due_before=database_now())
    for lead in came:
        lead.refresh_from_db()
    return came


def take_the_small_team(page: Page, live_server) -> None:
    """The template as a draft: its sentences, and its golden leads as written."""
    expect(page.locator("main")).to_contain_text("No rules are live yet")
    page.get_by_role("link", name="Take a template").click()
    page.get_by_role("link", name="Use “Small team”").click()
    page.wait_for_url("**/setup/rules/?template=small_team")
    words = page.get_by_role("region", name="The rules in words")
    expect(words.get_by_role("listitem")).to_have_count(3)
    expect(words).to_contain_text("give it to the pool Everybody, in turn")
    page.get_by_label("Pool").select_option(label="Everybody")
    page.get_by_label("Fallback queue").select_option(label="Last resort")
    press(page, "Make it a draft")
    page.wait_for_url("**/rules/draft/")

    expect(page.locator("ol.ruleset > li")).to_have_count(3)
    expect(page.locator("ol.ruleset > li").nth(1)).to_contain_text("Everybody in turn")
    expect(page.get_by_role("region", name="Checks")).to_contain_text("Every lead lands somewhere")
    go(page, live_server, "golden_leads")
    expect(page.locator("main")).to_contain_text("all as written")
    expect(page.locator("main")).to_contain_text("A named account goes to its owner")


def write_the_exception(page: Page) -> None:
    """In the builder: leads from Austria go to Jamie; saved once, then looked after."""
    page.get_by_role("link", name="Rule", exact=True).click()
    page.get_by_label("Name", exact=True).fill("Austria")
    page.locator("[name=c_fact]").first.select_option(value="country")
    page.locator("[name=c_op]").first.select_option(value="eq")
    page.locator("[name=c_value]").first.fill("AT")
    page.locator("[data-target]").first.select_option(label="Jamie North")
    # The sentence under the form keeps in step, before anything is saved.
    told = page.get_by_role("region", name="The rule in words")
    expect(told).to_contain_text("If country is AT, then give it to Jamie North")
    press(page, "Save the rule")
    page.wait_for_url("**/rules/draft/")

    page.get_by_role("link", name="Austria", exact=True).click()
    expect(page.locator("[name=c_value]").first).to_have_value("AT")
    page.get_by_label("Why this rule").fill("Jamie speaks with Vienna.")
    page.get_by_label("Rule owner").select_option(label="Morgan Manager")
    press(page, "Save the rule")
    page.wait_for_url("**/rules/draft/")
    expect(page.locator("li.rule", has_text="Austria")).to_contain_text("Jamie speaks with Vienna.")


def mend_what_the_checks_find(page: Page) -> None:
    """A rule that is never reached is moved up; without a fallback nothing goes live."""
    rules, checks = page.locator("ol.ruleset > li"), page.get_by_role("region", name="Checks")
    expect(checks).to_contain_text("“Austria” is never reached")
    press(page, "Ask “Austria” earlier")
    expect(rules.nth(1)).to_contain_text("Austria")
    expect(checks).not_to_contain_text("never reached")
    expect(checks).to_contain_text("Every lead lands somewhere")

    press(page, "Take out “Fallback”")
    expect(rules).to_have_count(3)
    expect(checks).to_contain_text("1 error")
    press(page, "Publish v2")
    expect(page.locator(".toast.warn")).to_contain_text("fallback")
    assert Organisation.get().live_ruleset.version == 1

    page.get_by_role("link", name="Rule", exact=True).click()
    page.get_by_label("Name", exact=True).fill("Fallback")
    page.get_by_label("This is the fallback").check()
    page.locator("[data-target]").first.select_option(label="Last resort")
    press(page, "Save the rule")
    page.wait_for_url("**/rules/draft/")
    expect(rules).to_have_count(4)
    expect(checks).to_contain_text("0 errors")


def simulate(page: Page, live_server) -> None:
    """Last month again by both versions: of four leads from Austria, Robin's two would move."""
    page.get_by_role("link", name="Simulate it in full").click()
    expect(page.get_by_label("Version")).to_have_value(str(RuleSet.objects.get(version=2).pk))
    press(page, "Simulate")
    page.wait_for_url(re.compile(r"/simulations/\d+/"))
    while jobs.drain("simulations", driver="test", due_before=database_now()):
        pass
    assert Simulation.objects.get().state == Simulation.State.DONE
    page.reload()
    expect(page.locator("main")).to_contain_text("all agree with production")
    expect(page.locator(".stat", has_text="Change holder")).to_contain_text("2 of 6")
    leads = page.locator("#leads tbody tr")
    expect(leads).to_have_count(2)
    for row in leads.all():
        expect(row).to_contain_text("Robin East")
        expect(row).to_contain_text("Jamie North")


def test_a_version_is_made_checked_simulated_approved_published_and_rolled_back(
    sign_in, live_server, team
):
    robin, jamie = team
    page = sign_in("morgan", "/rules/")
    take_the_small_team(page, live_server)
    go(page, live_server, "rules_draft")
    press(page, "Publish v1")
    page.wait_for_url("**/rules/")
    expect(page.locator("body")).to_contain_text("v1 is live.")
    # Each rep has two of these four, and one of the other two.
    owners = [lead.owner for lead in route("AT", times=4) + route("FR", times=2)]
    assert sorted(owner.pk for owner in owners) == sorted([robin.pk, jamie.pk] * 3)

    # --- the next version
    press(page, "Change the rules")
    page.wait_for_url("**/rules/draft/")
    write_the_exception(page)
    mend_what_the_checks_find(page)
    reach = page.get_by_role("region", name="What it moves")
    expect(reach).to_contain_text("33.3 %")
    expect(reach).to_contain_text("A second person has to approve it")
    simulate(page, live_server)

    # --- a second person
    go(page, live_server, "rules_draft")
    expect(reach).to_contain_text("From the simulation")
    press(page, "Publish v2")
    page.wait_for_url("**/rules/draft/")
    assert Organisation.get().live_ruleset.version == 1
    press(page, "Ask for approval")
    expect(reach).to_contain_text("Morgan Manager asks for approval")
    expect(reach.get_by_role("button", name="Approve these rules")).to_have_count(0)

    other = sign_in("riley", "/rules/draft/")
    press(other, "Approve these rules")
    expect(other.locator("main")).to_contain_text("Approved by Riley Ops")

    # --- live, and what it does
    page.reload()
    expect(reach).to_contain_text("Approved by Riley Ops")
    press(page, "Publish v2")
    page.wait_for_url("**/rules/")
    live = page.get_by_role("region", name="v2")
    expect(live).to_contain_text("live since")
    expect(page.locator("ol.ruleset > li").nth(1)).to_contain_text("If country is AT")
    assert {lead.owner for lead in route("AT", times=3)} == {jamie}

    # --- and back
    page.get_by_text("Roll back to v1").click()
    page.get_by_label("Why").fill("Vienna asked for Robin")
    press(page, "Make v1 live again")
    expect(page.get_by_role("region", name="v1")).to_contain_text("Vienna asked for Robin")
    expect(page.locator("ol.ruleset")).not_to_contain_text("Austria")
    assert Organisation.get().live_ruleset.version == 1
    assert {lead.owner for lead in route("AT", times=4)} == {robin, jamie}


def test_on_a_phone_the_rules_can_be_read(sign_in, live_server, team):
    everybody = make.round_robin(team[0].memberships.get().pool)
    live = make.rules({**everybody, "name": "Everybody in turn"}, at=database_now())
    page = sign_in("morgan", "/rules/", width=PHONE)
    wide = "document.documentElement.scrollWidth"

    for path, words in (
        ("rules", "Everybody in turn"),
        ("rules_version", "When it was live"),
        ("setup_rules", "Use “Small team”"),
        ("rule_findings", "Findings"),
        ("simulations", "Nothing simulated yet"),
        ("experiments", "Experiments"),
    ):
        args = [live.pk] if path == "rules_version" else []
        go(page, live_server, path, *args)
        expect(page.locator("main")).to_contain_text(words)
        assert page.evaluate(wide) <= PHONE, path

    # Any of the team may read what is live, by the address that is shared.
    rep = sign_in("robin", "/rules/live/", width=PHONE)
    expect(rep.locator("ol.ruleset")).to_contain_text("Everybody in turn")
    assert rep.evaluate(wide) <= PHONE
