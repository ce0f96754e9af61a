"""The canary goes the whole way, is in nobody's way, and leaves nothing behind."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from reps.due import alarms, jobs, routines
from reps.models import AuditEvent, Heartbeat, Message, Routine
from reps.verify import run as verify
from routing import canary, keys, visibility, work
from routing.dispatch import batch, replay
from routing.fairness.ledger import BalanceLine
from routing.models import (
    Assignment,
    Batch,
    Decision,
    Lead,
    Prospect,
    RepLoad,
    Source,
    Submission,
    Touch,
)
from routing.rules import lifecycle
from sla.models import Clock
from tests import make

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


@pytest.fixture
def website():
    return make.source("website")


@pytest.fixture
def team(website):
    make.organisation()
    make.policy()
    rep = make.rep("ann")
    make.rules(make.round_robin(make.pool(rep)))
    return rep


@pytest.fixture
def only_canary(monkeypatch):
    monkeypatch.setattr(routines, "_works", {"canary": routines._works["canary"]})


def tick(seconds=0, *, work_too=True):
    """What the drivers do at a moment: the routine, then intake and routing."""
    at = AT + timedelta(seconds=seconds)
    for name in ("routines", "intake", "route") if work_too else ("routines",):
        jobs.drain(name, driver="test", due_before=at)


def alive():
    return Heartbeat.objects.filter(name="canary").exists()


def test_a_canary_that_is_decided_is_a_sign_of_life(team, only_canary):
    tick(0)
    assert not alive()
    tick(5)

    assert alive()
    row = Routine.objects.get(name="canary")
    assert row.detail["seconds"] == 5
    assert row.next_at == AT + timedelta(seconds=5 + canary.REST)


@pytest.mark.parametrize("silent", ["intake", "route"])
def test_one_that_is_not_decided_is_no_sign_of_life_but_an_alarm(team, only_canary, silent):
    for seconds in range(0, 40, 5):
        at = AT + timedelta(seconds=seconds)
        for name in {"routines", "intake", "route"} - {silent}:
            jobs.drain(name, driver="test", due_before=at)

    assert not alive()
    assert alarms.open_alarms().get().key == canary.ALARM
    tick(40)
    tick(45)
    tick(50)
    assert alive()
    assert not alarms.open_alarms().exists()


def test_a_paused_router_is_a_decision_and_no_fault(team, only_canary):
    lifecycle.pause_routing(by=make.user(), at=AT)
    tick(0)
    tick(5)

    assert alive()


def test_without_an_organisation_or_rules_there_is_nothing_to_decide(only_canary):
    tick(0)
    assert alive()

    Heartbeat.objects.all().delete()
    make.organisation()
    tick(100)
    tick(105)

    assert alive()


def test_it_takes_no_capacity_no_turn_and_nobody_hears_of_it(team, only_canary):
    lines = BalanceLine.objects.count()
    for seconds in range(0, 70, 5):
        tick(seconds)

    assert Decision.objects.filter(rep=team).exists()
    assert not Assignment.objects.exists()
    assert not Message.objects.exists()
    assert not Clock.objects.exists()
    assert BalanceLine.objects.count() == lines
    assert not RepLoad.objects.exclude(open=0).exists()


def test_it_is_in_no_list_and_no_figure(team, only_canary, client):
    tick(0)
    lead = Lead.objects.get()
    assert lead.mode == "SHADOW"

    for group in ("admin", "revops", "manager", "rep"):
        assert lead not in visibility.visible_leads(make.user(group=group))
    assert lead not in visibility.visible_leads(make.user(is_superuser=True))
    assert lead not in Lead.objects.counted()
    waiting_room = lead.queue
    waiting_room.pool = make.pool(team)
    make.saved(waiting_room)
    assert lead not in work.claimable(team)
    client.force_login(make.user(group="revops"))
    for url in ("/leads/", "/board/", "/history/"):
        assert "Health check" not in client.get(url).content.decode()
    assert client.get(f"/leads/{lead.pk}/").status_code == 404


def test_other_shadow_leads_stay_in_sight(team):
    trial = make.lead(source=make.source("trial"), mode="SHADOW")

    assert trial in visibility.visible_leads(make.user(group="revops"))


@pytest.fixture
def soon_forgotten(monkeypatch):
    monkeypatch.setattr(canary, "KEPT", timedelta(seconds=60))


def test_nothing_grows_however_long_it_goes_on(team, only_canary, soon_forgotten):
    def rows():
        models = (Lead, Prospect, Submission, Touch, Decision, Batch, AuditEvent)
        return {model.__name__: model.objects.count() for model in models} | {
            "history": Lead.history.count()
        }

    for seconds in range(0, 180, 5):
        tick(seconds)
    first = rows()
    for seconds in range(180, 360, 5):
        tick(seconds)

    assert rows() == first
    assert first["Lead"] == first["Prospect"] == first["history"] == 1


def test_cleaning_up_leaves_every_real_decision_as_it_can_be_run_again(
    team, only_canary, soon_forgotten, website
):
    for seconds in range(0, 300, 5):
        make.submission(source=website, at=AT + timedelta(seconds=seconds))
        tick(seconds)

    assert Decision.objects.filter(applied=False).count() <= 3
    assert Decision.objects.filter(applied=True).count() == 60
    assert all(
        replay.run_again(one).decode() == one.body and not replay.check(one).altered
        for one in Decision.objects.all()
    )
    codes = ["D1", "D2", "D3", "I2", "I3", "I7", "I10", "I11", "F1", "F2"]
    assert not [
        lines for _one, lines in verify(at=AT + timedelta(seconds=300), codes=codes) if lines
    ]


def test_shadows_are_decided_last_and_the_canary_last_of_all(team, only_canary, website):
    tick(0, work_too=False)
    make.submission(source=website, mode="SHADOW")
    make.submission(source=website)
    jobs.drain("intake", driver="test", due_before=AT)

    batch.route(driver="test", at=AT, due_before=AT)

    order = [(one.lead.mode, one.lead.source.slug == "canary") for one in
             Decision.objects.order_by("place").select_related("lead__source")]  # fmt: skip
    assert order == [("LIVE", False), ("SHADOW", False), ("SHADOW", True)]


def test_a_source_of_that_name_that_somebody_opened_for_leads_is_not_hidden(team):
    theirs = make.source("canary")
    lead = make.lead(source=theirs)

    assert lead in visibility.visible_leads(make.user(group="revops"))


# --- From outside -----------------------------------------------------------------------


@pytest.fixture
def outside(live_server, team, monkeypatch):
    """The way in over HTTP; returns how the command is called, with the drivers at work."""
    source = canary.source(at=AT)
    key = keys.issue_key(source=source, by=make.user(is_superuser=True), at=AT)
    from routing.management.commands import canary as command

    def sleep(_seconds):
        from reps.due.clock import database_now

        for name in ("intake", "route"):
            jobs.drain(name, driver="test", due_before=database_now())

    monkeypatch.setattr(command.time, "sleep", sleep)

    def call(**options):
        printed = StringIO()
        call_command("canary", url=live_server.url, key=key, stdout=printed, **options)
        return printed.getvalue()

    return call


@pytest.mark.django_db(transaction=True)
def test_the_command_posts_waits_and_says_how_long_it_took(outside):
    assert "Decided after" in outside()
    assert "Decided after" in outside()
    assert Lead.objects.get().mode == "SHADOW"
    assert Source.objects.get(slug="canary").submissions.count() == 2


@pytest.mark.django_db(transaction=True)
def test_the_command_ends_with_an_error_if_nothing_is_decided(outside, monkeypatch):
    from routing.management.commands import canary as command

    monkeypatch.setattr(command.time, "sleep", lambda seconds: None)

    with pytest.raises(CommandError, match="not decided within"):
        outside(seconds=0.5)


@pytest.mark.django_db(transaction=True)
def test_the_command_ends_with_an_error_if_the_door_is_shut(outside, live_server):
    with pytest.raises(CommandError, match="401"):
        call_command("canary", url=live_server.url, key="lr_wrong", stdout=StringIO())
    with pytest.raises(CommandError, match="did not answer"):
        call_command("canary", url="http://127.0.0.1:9", key="x", stdout=StringIO())
