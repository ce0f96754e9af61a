"""The main job in a browser: form → claim → acknowledge → board → trail."""

import pytest
from playwright.sync_api import Page, expect

from reps.due import jobs
from reps.due.clock import database_now
from routing.models import Lead, Submission
from tests import make

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def organisation(settings, live_server):
    """A team with a manager and two reps, and a queue from which they claim."""
    settings.BASE_URL = live_server.url
    organisation = make.organisation()
    manager = make.user("morgan", group="manager", first_name="Morgan", last_name="Manager")
    make.user("riley", group="revops", first_name="Riley", last_name="Ops")
    team = make.team("East", manager=manager)
    robin = make.user("robin", group="rep", first_name="Robin", last_name="East")
    jamie = make.user("jamie", group="rep", first_name="Jamie", last_name="North")
    reps = [make.rep(user=person, team=team) for person in (robin, jamie)]
    pool = make.pool(*reps, name="Inbound")
    queue = make.queue(pool, name="Inbound desk", responsible=manager)
    make.rules({"name": "To the desk", "path": {"target": {"kind": "queue", "id": queue.pk}}})
    make.policy(name="Acknowledge in 15 minutes")
    source = make.source("web", is_hand_raise=True)
    make.form("talk", source=source, title="Talk to us")
    return organisation


def drain(*names: str) -> None:
    for name in names:
        jobs.drain(name, driver="test", due_before=database_now())


def submit_form(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("First name").fill("Jordan")
    page.get_by_label("Last name").fill("Buyer")
    page.get_by_label("Work e-mail").fill("jordan@tallwater-freight.com")
    page.get_by_label("Company").fill("Tallwater Freight")
    page.get_by_label("How can we help?").fill("Please call me about pricing.")
    page.locator("form button[type=submit]").click()
    page.wait_for_url("**/thanks/**")


def test_from_the_form_to_the_trail(page, sign_in, live_server, organisation):
    submit_form(page, f"{live_server.url}/f/talk/")
    assert Submission.objects.get().state == Submission.State.RECEIVED

    drain("intake", "route")
    lead = Lead.objects.get()
    assert lead.queue.name == "Inbound desk"

    # The rep sees that somebody waits, but not who, until the lead is theirs.
    rep = sign_in("robin")
    queue = rep.locator("ol.q")
    expect(queue).to_be_visible()
    expect(queue).not_to_contain_text("Jordan")
    queue.get_by_role("button").first.click()
    expect(rep.get_by_text("Jordan Buyer").first).to_be_visible()
    lead.refresh_from_db()
    assert lead.owner.user.username == "robin"

    # The prospect learns who will be in touch.
    page.goto(page.url)
    expect(page.get_by_text("Robin East").first).to_be_visible()

    rep.goto(live_server.url)
    rep.locator("[data-ack]").first.click()
    expect(rep.locator("[data-ack]")).to_have_count(0)
    lead.refresh_from_db()
    assert lead.acknowledged_at is not None
    assert lead.state == Lead.State.WORKING

    # The lead says in plain words why it is theirs.
    rep.goto(f"{live_server.url}/leads/{lead.pk}/")
    expect(rep.get_by_text("claimed", exact=False).first).to_be_visible()
    expect(rep.get_by_text("Please call me about pricing.").first).to_be_visible()

    manager = sign_in("morgan", "/board/")
    expect(manager.get_by_text("Robin East").first).to_be_visible()
    expect(manager.locator("tr", has_text="Robin East").first).to_contain_text("1 / 1000")

    revops = sign_in("riley", "/history/")
    row = revops.locator("tbody tr", has_text="Jordan Buyer").first
    expect(row).to_contain_text("Robin East")
    expect(row).to_contain_text("Claimed")
    revops.goto(f"{live_server.url}/history/lead/{lead.pk}/")
    for words in ("Jordan Buyer", "Claimed", "Acknowledged"):
        expect(revops.get_by_text(words, exact=False).first).to_be_attached()


def test_on_a_phone_the_rep_hands_a_lead_back_and_the_other_one_gets_it(
    page, sign_in, live_server, organisation
):
    submit_form(page, f"{live_server.url}/f/talk/")
    drain("intake", "route")
    lead = Lead.objects.get()
    rep = sign_in("robin", width=390)
    rep.locator("ol.q").get_by_role("button").first.click()
    lead.refresh_from_db()

    rep.goto(f"{live_server.url}/leads/{lead.pk}/")
    assert rep.evaluate("document.documentElement.scrollWidth") <= 390
    form = rep.locator("form[action$='/decline/']")
    if not form.get_by_role("button").first.is_visible():
        rep.locator("details", has=form).locator("summary").last.click()
    form.locator("[name=reason]").fill("Not my language")
    form.get_by_role("button").first.click()

    lead.refresh_from_db()
    assert lead.owner is None
    drain("route")
    lead.refresh_from_db()
    assert lead.queue.name == "Inbound desk"

    other = sign_in("jamie")
    other.locator("ol.q").get_by_role("button").first.click()
    lead.refresh_from_db()
    assert lead.owner.user.username == "jamie"


def test_without_javascript_the_form_works(browser, live_server, organisation):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()

    submit_form(page, f"{live_server.url}/f/talk/")

    expect(page.locator("body")).to_contain_text("Thank you")
    assert Submission.objects.count() == 1
    context.close()
