"""From an empty installation to a first routed lead, through the web alone."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from reps import access
from reps.due import jobs
from reps.due.clock import database_now
from reps.models import User
from routing.models import Lead, Organisation
from tests import make

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]


def go(page: Page, live_server, name: str, *args: object) -> None:
    page.goto(live_server.url + reverse(name, args=args))


def press(page: Page, words: str) -> None:
    page.get_by_role("button", name=words, exact=True).click()


def test_a_manager_sets_everything_up_and_routes_a_first_lead(page: Page, live_server, settings):
    settings.BASE_URL = live_server.url
    page.set_default_timeout(20_000)
    access.sync_groups()
    manager = make.user("morgan", group="manager", first_name="Morgan")
    assert not manager.is_superuser

    # sign in; the guide says what comes next
    page.goto(live_server.url + "/setup/")
    page.locator("[name=username]").fill("morgan")
    page.locator("[name=password]").fill("secret-words")
    page.locator("form button[type=submit]").last.click()
    page.wait_for_url("**/setup/")
    expect(page.locator(".guide .next h2")).to_contain_text("Your organisation")

    page.locator(".guide .next a").first.click()
    page.get_by_label("Name of the organisation").fill("Acme")
    press(page, "Set up the organisation")
    page.wait_for_url("**/setup/")

    # hours
    expect(page.locator(".guide .next h2")).to_contain_text("Working hours")
    page.locator(".guide .next a").first.click()
    page.get_by_label("Name", exact=True).fill("Always")
    for key in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"):
        page.locator(f"[name={key}_from_0]").fill("00:00")
        page.locator(f"[name={key}_to_0]").fill("23:59")
    press(page, "Save the hours")
    page.wait_for_url("**/calendars/")

    # team
    go(page, live_server, "setup")
    expect(page.locator(".guide .next h2")).to_contain_text("A team")
    page.locator(".guide .next a").first.click()
    page.get_by_label("Name", exact=True).fill("East")
    page.locator("[name=calendar]").select_option(label="Always")
    press(page, "Make the team")
    page.wait_for_url("**/people/")

    # a rep, who gets an invitation
    go(page, live_server, "setup")
    expect(page.locator(".guide .next h2")).to_contain_text("Reps")
    page.locator(".guide .next a").first.click()
    page.get_by_label("First name").fill("Robin")
    page.locator("[name=last_name]").fill("East")
    page.locator("[name=email]").fill("robin@reps.test")
    page.locator("[name=username]").fill("robin")
    page.locator("[name=team]").select_option(label="East")
    press(page, "Add and invite")
    page.wait_for_url(re.compile(r"/people/reps/\d+/"))
    invitation = page.locator("[data-invitation]").inner_text()
    assert "/people/invite/" in invitation

    # pool, queue, promise, form
    go(page, live_server, "setup")
    page.locator(".guide .next a").first.click()
    page.locator("[name=name]").fill("Everybody")
    page.locator("[name=m_rep]").first.select_option(label="Robin East (East)")
    press(page, "Save the pool")
    page.wait_for_url("**/pools/")
    go(page, live_server, "setup")
    page.locator(".guide .next a").first.click()
    page.locator("[name=name]").fill("Shared")
    press(page, "Save the queue")
    page.wait_for_url("**/queues/")
    go(page, live_server, "setup")
    page.locator(".guide .next a").first.click()
    page.locator("[name=title]").fill("Talk to us")
    page.locator("[name=slug]").fill("contact")
    press(page, "Save the form")
    expect(page.locator("[data-link]")).to_contain_text("/f/contact/")

    # rules by a template, which brings its promise
    go(page, live_server, "setup")
    expect(page.locator(".guide .next h2")).to_contain_text("Rules")
    page.locator(".guide .next a").first.click()
    page.get_by_role("link", name="Use “Small team”").click()
    press(page, "Publish at once")
    page.wait_for_url("**/setup/")
    expect(page.locator(".guide .next h2")).to_contain_text("A first lead")

    # the form, as a prospect would fill it in
    page.locator(".guide .next a").first.click()
    page.wait_for_url("**/f/contact/**")
    page.locator("[name=first_name]").fill("Jordan")
    page.locator("[name=last_name]").fill("Buyer")
    page.locator("[name=email]").fill("jordan@tallwater.com")
    page.locator("[name=company]").fill("Tallwater")
    page.locator("form button[type=submit]").last.click()
    page.wait_for_url("**/thanks/**")

    for name in ("intake", "route"):
        jobs.drain(name, driver="test", due_before=database_now())

    # where it went, and why
    go(page, live_server, "setup")
    expect(page.locator(".guide")).to_contain_text("a lead reached Robin East")
    page.get_by_role("link", name="Jordan Buyer").click()
    page.wait_for_url(re.compile(r"/leads/\d+/"))
    expect(page.locator("main")).to_contain_text("Robin East")
    expect(page.locator("main")).to_contain_text("Everybody in turn")
    lead = Lead.objects.get()
    assert lead.owner.user.username == "robin"
    assert lead.mode == "TEST"
    assert lead.due_at is not None
    assert Organisation.get().responsible == manager

    # the rep chooses a password and signs in
    page.context.clear_cookies()
    page.goto(invitation)
    page.locator("[name=new_password1]").fill("long-enough-words")
    page.locator("[name=new_password2]").fill("long-enough-words")
    press(page, "Set the password")
    page.wait_for_url("**/login/**")
    assert User.objects.get(username="robin").check_password("long-enough-words")
