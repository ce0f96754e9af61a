"""The demo organisation, and the traffic that plays its prospects and reps."""

import json
import stat
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command

from reps.availability import calendar_of
from reps.due import jobs
from reps.due.clock import database_now
from reps.models import Absence, AuditEvent, ChannelChoice, Rep, Team, User
from reps.trail.history import tracked_models
from routing.demo import browser, organisation, people, rules, traffic
from routing.demo.prospects import Prospects
from routing.demo.sellers import Seller
from routing.intake import process
from routing.models import (
    Lead,
    Limit,
    Organisation,
    Pool,
    PoolMember,
    Queue,
    RuleSet,
    Source,
    Submission,
    Touch,
)
from routing.rules import golden
from routing.rules.lint import lint
from sla.models import Policy
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def demo_mode(settings, tmp_path):
    settings.DEMO = True
    settings.VAR = tmp_path
    return tmp_path


@pytest.fixture
def demo(demo_mode):
    call_command("demo")
    return demo_mode


def history_rows() -> dict[str, int]:
    return {model._meta.label: model.history.count() for model in tracked_models()}


def test_it_refuses_outside_of_demo_mode(settings):
    settings.DEMO = False

    with pytest.raises(CommandError, match="not a demo"):
        call_command("demo")

    assert not Organisation.objects.exists()
    assert not User.objects.exists()


def test_it_refuses_a_database_that_holds_an_organisation_of_its_own(demo_mode):
    make.organisation()

    with pytest.raises(CommandError, match="an organisation of its own"):
        call_command("demo")

    assert not User.objects.filter(username="admin").exists()


def test_the_four_logins_work_and_have_their_groups(demo, client):
    for name in ("admin", "manager", "rep", "revops"):
        assert client.login(username=name, password="demo"), name
        assert name in User.objects.get(username=name).groups.values_list("name", flat=True)

    assert User.objects.get(username="admin").is_superuser
    assert User.objects.filter(is_superuser=True).count() == 1


def test_a_second_run_changes_nothing(demo):
    before = history_rows()
    events, keys = AuditEvent.objects.count(), (demo / organisation.KEYS_FILE).read_text()

    call_command("demo")

    assert history_rows() == before
    assert AuditEvent.objects.count() == events
    assert (demo / organisation.KEYS_FILE).read_text() == keys


@pytest.mark.nightly
def test_what_people_changed_or_removed_stays_so(demo):
    source = Source.objects.get(slug="manual")
    source.name = "Typed in"
    source.save()
    Policy.objects.first().delete()
    policies = Policy.objects.count()

    call_command("demo")

    assert Source.objects.get(slug="manual").name == "Typed in"
    assert Policy.objects.count() == policies


def test_the_rules_are_live_and_the_linter_finds_nothing(demo):
    live = Organisation.get().live_ruleset

    assert live.state == RuleSet.State.PUBLISHED
    assert lint(live) == []


@pytest.mark.nightly
def test_its_golden_leads_come_out_as_written_at_any_hour(demo):
    live = Organisation.get().live_ruleset

    for hours in (0, 7, 15, 90, 130):
        results = golden.run(live, at=database_now() + timedelta(hours=hours))
        assert len(results) == 6
        assert [one.golden.name for one in results if not one.passed] == [], hours


def test_what_the_rules_can_do_is_there_to_be_seen(demo):
    """An exception that ends, an experiment, a lane, a limit, learners and who stands in."""
    live, dach = Organisation.get().live_ruleset, Pool.objects.get(name="DACH")
    jobs.drain("weights", driver="test", due_before=database_now())

    assert [rule.name for rule in live.rules.exclude(expires_at=None)] == ["Logistics fair"]
    assert all(rule.review_on and rule.owner for rule in live.rules.all())
    assert [rule.name for rule in live.rules.all() if "split" in rule.path] == ["General pool"]
    assert dach.lanes == ["HOT"]
    assert Limit.objects.get().sentence == "New leads in a period: 20, rolling hour, every member"
    causes = dict(
        PoolMember.objects.exclude(weight_cause="").values_list(
            "rep__user__username", "weight_cause"
        )
    )
    assert causes.keys() == {"rasmus", "callum"}
    assert "protected" in causes["rasmus"]
    assert "ramping" in causes["callum"]
    away = Absence.objects.get()
    assert away.delegate != away.rep.backup
    assert away.cover == Absence.Cover.MOVE


@pytest.mark.nightly
def test_at_any_hour_of_the_week_several_reps_are_on_shift(demo):
    reps = [
        calendar_of(rep, year=2026)
        for rep in Rep.objects.select_related("calendar", "team__calendar").exclude(
            role=Rep.Role.MANAGER
        )
    ]

    for hour in range(7 * 24):
        at = int((make.MONDAY_9AM + timedelta(hours=hour)).timestamp())
        assert sum(bool(calendar.open_spans(at, at + 1)) for calendar in reps) >= 3, hour


@pytest.mark.nightly
def test_people_have_managers_backups_and_the_desk(demo):
    sellers = Rep.objects.exclude(role=Rep.Role.MANAGER)
    desk = Queue.objects.get(name="Inbound desk")

    assert Team.objects.filter(manager__username="manager").count() == 2
    assert Team.objects.exclude(manager__username="manager").exists()
    assert set(ChannelChoice.objects.values_list("user", flat=True)) == set(
        User.objects.values_list("pk", flat=True)
    )
    assert sellers.count() == len(people.SELLERS)
    assert all(rep.backup and rep.backup.is_active for rep in sellers)
    assert desk.pool.members.filter(rep__user__username="rep").exists()


def test_the_api_keys_lie_in_a_private_file_and_open_their_sources(demo):
    path = demo / organisation.KEYS_FILE

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for slug, key in json.loads(path.read_text()).items():
        assert Source.objects.get(slug=slug).key_hash == organisation.keys.hash_key(key)


@pytest.mark.nightly
def test_lost_keys_are_issued_anew(demo):
    path = demo / organisation.KEYS_FILE
    before = path.read_text()
    path.unlink()

    call_command("demo")

    assert path.read_text() != before
    for slug, key in organisation.read_keys(demo).items():
        assert Source.objects.get(slug=slug).key_hash == organisation.keys.hash_key(key)


# --- Traffic ------------------------------------------------------------------------------


def test_a_form_is_sent_with_what_its_hidden_fields_hold():
    page = """
    <form action="/search"><input name="q"></form>
    <form method="post"><input type="hidden" name="nonce" value="n1"><input name="email">
    <input type="checkbox" name="agree"><select name="size"><option value="s">S</option>
    <option value="m" selected>M</option></select><textarea name="message"></textarea>
    <button name="go">Go</button></form>
    """

    forms = browser.forms_of(page)

    assert forms[1].fields == {"nonce": "n1", "email": "", "size": "m", "message": ""}
    assert "agree" in forms[1].names


def test_traffic_refuses_outside_of_demo_mode(settings):
    settings.DEMO = False

    with pytest.raises(CommandError, match="invented leads"):
        call_command("demo_traffic")


class Day:
    """A clock that only moves when somebody pauses, and stops after some pauses."""

    def __init__(self, pauses: int, then=lambda: None, speed: int = 1) -> None:
        self.now, self.left, self.then, self.speed = 1000.0, pauses, then, speed

    def clock(self) -> float:
        return self.now

    def pause(self, seconds: float) -> bool:
        self.now += seconds * self.speed
        self.left -= 1
        self.then()
        return self.left <= 0


def test_an_unreachable_server_is_waited_for():
    said: list[str] = []
    day = Day(pauses=3)

    traffic.Traffic(
        "http://127.0.0.1:9", {}, say=said.append, pause=day.pause, clock=day.clock
    ).run()

    assert len(said) == 1
    assert "trying again" in said[0]


def test_it_ends_by_itself_after_its_minutes():
    day = Day(pauses=1000)

    traffic.Traffic(
        "http://127.0.0.1:9", {}, say=lambda line: None, pause=day.pause, clock=day.clock
    ).run(minutes=1)

    assert day.left > 900


@pytest.fixture
def running(live_server, demo_mode, transactional_db):
    call_command("demo")
    return live_server.url, organisation.read_keys(demo_mode)


@pytest.mark.nightly
def test_prospects_come_through_every_door(running):
    url, keys = running
    prospects = Prospects(url, keys, seed=1)

    lines = [prospects.act() for _ in Prospects.ROUND]

    assert all(line.endswith(("(200)", "(202)", "(400)")) for line in lines), lines
    came = set(Submission.objects.values_list("source__slug", flat=True))
    assert came == {"website-demo", "website-guide", "product-signups", "partners"}
    assert Submission.objects.filter(state=Submission.State.QUARANTINED).count() == 1

    while process.drain(driver="test", due_before=database_now()):
        pass
    # What they did in the product before they signed up, and the card left at the fair.
    assert Touch.objects.filter(kind=Touch.Kind.SIGNAL, name="pricing_page").exists()
    assert Lead.objects.filter(campaign=rules.FAIR).count() == 1


@pytest.mark.nightly
def test_the_same_person_by_two_doors_is_one_lead(running):
    url, keys = running
    prospects = Prospects(url, keys, seed=1)
    person = prospects.person(organisation.market.COMPANIES)

    prospects.asks(person)
    prospects._api("product-signups", person)
    process.drain(driver="test", due_before=database_now())

    assert Submission.objects.count() == 2
    assert Lead.objects.count() == 1


@pytest.mark.nightly
def test_reps_sign_in_and_work_their_leads(running):
    url, keys = running
    said: list[str] = []

    def drivers() -> None:
        for name in ("intake", "route", "clocks"):
            jobs.drain(name, driver="test", due_before=database_now())

    # Each of the fifteen is seen three times, a minute apart.
    day = Day(pauses=45, then=drivers, speed=4)

    traffic.Traffic(
        url, keys, say=said.append, pause=day.pause, clock=day.clock, every=8, seed=4
    ).run()

    acts = " ".join(said)
    assert "acknowledges lead" in acts
    assert Lead.objects.filter(acknowledged_at__isnull=False).exists()
    refused = [line for line in said if "(5" in line or "(403" in line]
    assert refused == []
    # What the login of whoever tries the demo holds is left alone.
    assert not any(line.startswith("rep:") for line in said)


def test_whoever_was_not_reached_is_called_twice_and_not_for_ever(monkeypatch):
    lead = {"id": 1, "epoch": 1, "acknowledged_at": "then", "contacted_at": None}
    reached: list[bool] = []
    seller = Seller("http://127.0.0.1:9", "noor", "Noor Qadirzade")
    monkeypatch.setattr("random.Random.random", lambda self: 0.9)
    monkeypatch.setattr(seller, "_act", lambda *_, **sent: reached.append(sent["reached"]) or "")

    for now in range(0, 200, 10):
        list(seller.treat(lead, float(now)))
        if reached and reached[-1]:
            break

    assert reached == [False, True]


def test_whoever_calls_back_later_has_their_clocks_paused_and_is_left_alone(monkeypatch):
    lead = {"id": 1, "epoch": 1, "acknowledged_at": "then", "contacted_at": None}
    acts: list[tuple[str, int | None]] = []
    seller = Seller("http://127.0.0.1:9", "noor", "Noor Qadirzade")
    draws = iter([0.9, 0.1])  # not reached; asks to be called back
    monkeypatch.setattr("random.Random.random", lambda self: next(draws, 0.9))
    monkeypatch.setattr("random.Random.uniform", lambda self, *_: 15.0)
    monkeypatch.setattr(seller, "_list", lambda path: [{"id": 7}])
    monkeypatch.setattr(
        seller,
        "_act",
        lambda _lead, verb, *_, **sent: acts.append((verb, sent.get("reason"))) or "",
    )

    list(seller.treat(lead, 0.0))
    list(seller.treat(lead, 20.0))
    lead["paused_until"] = "later"
    list(seller.treat(lead, 500.0))

    assert acts == [("contact", None), ("pause", 7)]


@pytest.mark.nightly
def test_a_rep_whose_session_ended_signs_in_again(running):
    url, _ = running
    seller = Seller(url, "noor", "Noor Qadirzade")
    list(seller.look(0.0))
    assert seller.signed_in
    Session.objects.all().delete()

    list(seller.look(1.0))
    list(seller.look(2.0))

    assert seller.signed_in
