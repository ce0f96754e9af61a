"""A promise is broken: what its rep, their manager and the backup see of it, each in a browser."""

import re
import time
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from reps.due import jobs
from reps.due.clock import database_now
from routing.models import Lead
from sla.models import Clock, Escalation
from tests import make

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]

BUDGET = timedelta(minutes=10)
# How much of it is left when the rep first looks: enough to see it run, little to wait for.
LEFT = timedelta(seconds=25)
PERSON = "Jordan Buyer"
POLICY = "Acknowledge in ten minutes"
# The bell asks every ten seconds, on a machine that may be busy.
LIVE = 30_000


@pytest.fixture
def cast(settings, live_server):
    """A rep who gets every lead, the colleague who backs them up, and their manager."""
    settings.BASE_URL = live_server.url
    make.organisation()
    manager = make.user("morgan", group="manager", first_name="Morgan", last_name="Manager")
    team = make.team("East", manager=manager)
    jamie = make.user("jamie", group="rep", first_name="Jamie", last_name="North")
    backup = make.rep(user=jamie, team=team)
    robin = make.user("robin", group="rep", first_name="Robin", last_name="East")
    rep = make.rep(user=robin, team=team, backup=backup)
    make.rules(make.round_robin(make.pool(rep, name="Inbound")))
    make.policy(
        name=POLICY,
        budget=int(BUDGET.total_seconds()),
        steps=[
            {"at_percent": 50, "do": "remind"},
            {"at_percent": 100, "do": "tell_manager"},
            {"at_percent": 101, "do": "to_backup"},
            {"at_percent": 1000, "do": "tell_manager"},
        ],
    )


def late_lead() -> Lead:
    """A lead that came when most of its ten minutes had passed by now, and was routed then."""
    at = database_now() - (BUDGET - LEFT)
    person = {"first_name": "Jordan", "last_name": "Buyer", "company": "Tallwater Freight"}
    return make.routed(make.lead(person, at=at), at=at)


def next_step() -> Escalation:
    """Wait until the clock's next step is due, and let a driver take that one alone."""
    due = Clock.objects.get(state=Clock.State.RUNNING).next_at
    assert due is not None
    assert due - database_now() < LEFT + timedelta(seconds=10)
    while database_now() < due:
        time.sleep(0.1)
    # Done now, as the sweep does it: what was told minutes ago is not called out any more.
    assert jobs.drain("clocks", driver="test", due_before=due, at=database_now()) == 1
    return Escalation.objects.latest("pk")


def called_out(page: Page, words: str) -> None:
    """It comes by itself, on the page that is open: as a toast, and as a line of the bell."""
    expect(page.get_by_role("alert").filter(has_text=words)).to_be_visible(timeout=LIVE)
    page.locator("#bell summary").click()
    expect(page.locator("#bell a.bell-line").filter(has_text=words)).to_be_visible()
    page.locator("#bell summary").click()


def is_mine(page: Page) -> None:
    """The lead stands on the home page, among what is needed now."""
    expect(page.locator("ol.needs li.need")).to_have_count(1, timeout=LIVE)
    expect(page.locator("ol.needs li.need")).to_contain_text(PERSON)


def clock_time(at) -> str:
    return f"{timezone.localtime(at):%H:%M}"


@pytest.mark.parametrize("width", [1440, pytest.param(390, marks=pytest.mark.nightly)])
def test_a_broken_promise_is_seen_by_the_rep_the_manager_and_the_backup(
    sign_in, live_server, cast, width
):
    rep, manager = sign_in("robin"), sign_in("morgan", "/risk/")
    backup = sign_in("jamie", width=width)
    for page in (rep, backup):
        expect(page.locator("main")).to_contain_text("Nothing needs you now")

    # The rep has the lead; the promise runs, and the page says what comes of it.
    lead = late_lead()
    assert lead.owner.user.username == "robin"
    clock = Clock.objects.get()
    rep.goto(live_server.url)
    is_mine(rep)
    need = rep.locator("li.need")
    expect(need.locator("[data-clock]")).to_contain_text("left to acknowledge")
    expect(need).to_contain_text(f"Morgan Manager is told at {clock_time(clock.due_at)}")
    expect(rep.get_by_text("is waiting")).to_have_count(0)

    # Reminded, while it still runs.
    reminded = next_step()
    assert (reminded.action, reminded.effect) == ("remind", "Reminded Robin East")
    called_out(rep, f"{PERSON} is waiting")
    expect(manager.get_by_role("alert")).to_have_count(0)

    # The deadline passes: the manager is told, and sees it late with the rep.
    told = next_step()
    assert (told.action, told.effect) == ("tell_manager", "Told Morgan Manager")
    called_out(manager, f"{PERSON} is late")
    row = manager.locator("#risk tbody tr", has_text=PERSON)
    expect(row).to_contain_text("late", timeout=LIVE)
    expect(row).to_contain_text("Robin East")
    expect(row).to_contain_text("give the lead to the backup")
    manager.goto(f"{live_server.url}/board/")
    expect(manager.locator("tr", has_text="Robin East").first).to_contain_text("1 late")
    expect(rep.locator("li.need [data-clock]")).to_contain_text("late")
    expect(backup.locator("main")).not_to_contain_text(PERSON)

    # The backup gets it, is told so, and reads why; the rep does not have it any more.
    moved = next_step()
    assert (moved.action, moved.effect) == ("to_backup", "Gave it to Jamie North")
    lead.refresh_from_db()
    assert lead.owner.user.username == "jamie"
    is_mine(backup)
    expect(backup.locator("li.need .why")).to_contain_text("Robin East did not answer in time")
    called_out(backup, f"{PERSON} was late and went to the backup")
    assert backup.evaluate("document.documentElement.scrollWidth") <= width
    expect(rep.locator("main")).to_contain_text("Nothing needs you now", timeout=LIVE)
    expect(rep.locator("main")).not_to_contain_text(PERSON)
    gone = rep.goto(f"{live_server.url}/leads/{lead.pk}/")
    assert gone is not None
    assert gone.status == 404

    # The manager reads the whole of it: which step, when, and who was told.
    called_out(manager, f"{PERSON} was late and went to the backup")
    rows = manager.locator("tr[data-lead]", has_text=PERSON)
    manager.goto(f"{live_server.url}/board/")
    expect(rows.first).to_contain_text("Jamie North")
    manager.goto(f"{live_server.url}/leads/{lead.pk}/")
    line = manager.get_by_role("region", name="Time line")
    manager_trail = [(one.effect, clock_time(one.fired_at)) for one in (reminded, told, moved)]
    for effect, at in manager_trail:
        entry = line.get_by_role("listitem").filter(has_text=effect)
        expect(entry).to_contain_text(at)
    custody = manager.get_by_role("region", name="Custody")
    expect(custody).to_contain_text("Jamie North, now")
    manager.goto(f"{live_server.url}/history/lead/{lead.pk}/?show=escalations")
    entries = manager.get_by_role("listitem").filter(has_text="Escalated: ")
    expect(entries).to_have_count(3)
    for effect, at in manager_trail:
        entry = entries.filter(has_text=effect)
        expect(entry).to_contain_text(re.compile(re.escape(at)))

    # On the lead's own page the backup reads the same reason, and acknowledges.
    backup.locator("li.need h3 a").click()
    why = backup.get_by_role("region", name="Why me")
    expect(why).to_contain_text("Robin East did not answer in time")
    assert backup.evaluate("document.documentElement.scrollWidth") <= width
    backup.locator("[data-ack]").first.click()
    expect(backup.locator("[data-ack]")).to_have_count(0)
    lead.refresh_from_db()
    assert lead.acknowledged_at is not None
