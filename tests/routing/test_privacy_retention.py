"""What is deleted by age is what the rules say, never more, never what somebody must keep."""

import json
import random
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command

from reps import retention, verify
from reps.due import routines
from reps.models import Alarm, AuditEvent, Message, RetentionRule, Strike
from routing import work
from routing.intake import doors, imports, process
from routing.models import (
    Decision,
    ImportJob,
    Lead,
    Prospect,
    Simulation,
    Submission,
)
from routing.privacy import erase
from tests import make

AT = make.MONDAY_9AM
DAY = timedelta(days=1)
NOW = AT + 1000 * DAY
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def outside(settings, tmp_path):
    settings.ERASURE_LEDGER = str(tmp_path / "erasures.log")


@pytest.fixture
def rep():
    make.organisation()
    make.source()
    return make.rep("ann")


def keep(what: str, days: int, *, is_active: bool = True) -> None:
    retention.set_rule(what=what, days=days, is_active=is_active, by=make.user(), at=AT)


def closed(rep, *, days_ago: int, fields=None) -> Lead:
    """A lead that was lost so many days before now."""
    at = NOW - days_ago * DAY
    lead = make.owned(rep, fields, at=at)
    return work.record_outcome(
        lead_id=lead.pk,
        epoch=lead.owner_epoch,
        kind="LOST",
        reason="No budget",
        by=rep.user,
        at=at,
        driver="test",
    )


def run() -> dict[str, int]:
    return retention.sweep(at=NOW)[0]


# --- By default -----------------------------------------------------------------------------------


def test_without_a_rule_only_what_nobody_would_miss_goes(rep):
    closed(rep, days_ago=900)
    Alarm.objects.create(key="old", text="x", since=AT, seen_at=AT, cleared_at=NOW - 91 * DAY)
    Alarm.objects.create(key="open", text="x", since=AT, seen_at=AT)
    Alarm.objects.create(key="new", text="x", since=AT, seen_at=AT, cleared_at=NOW - 89 * DAY)
    Strike.objects.create(job="route", row_id=1, failures=1, last_at=AT)
    Strike.objects.create(job="route", row_id=2, failures=3, last_at=AT, given_up_at=AT)
    Session.objects.create(session_key="old", session_data="", expire_date=NOW - 90 * DAY)
    Session.objects.create(session_key="new", session_data="", expire_date=NOW + DAY)

    assert run() == {"alarms": 1, "sessions": 1, "strikes": 1}

    assert set(Alarm.objects.values_list("key", flat=True)) == {"open", "new"}
    assert Strike.objects.get().row_id == 2
    assert bytes(Submission.objects.get().raw)


def test_what_is_evidence_is_no_kind_of_thing_to_be_deleted():
    kinds = {rule.kept.slug for rule in retention.rules()}

    assert kinds == {
        "alarms",
        "dismissed",
        "imports",
        "messages",
        "people",
        "provider-answers",
        "quarantined",
        "sessions",
        "simulations",
        "strikes",
        "submissions",
    }
    assert {rule.kept.slug for rule in retention.rules() if rule.is_active} == {
        "alarms",
        "provider-answers",
        "sessions",
        "strikes",
    }


# --- Rules ----------------------------------------------------------------------------------------


def test_no_rule_goes_below_what_a_promise_needs(rep):
    for rule in retention.rules():
        with pytest.raises(retention.RetentionRefused):
            keep(rule.kept.slug, rule.kept.least_days - 1)
        keep(rule.kept.slug, rule.kept.least_days)

    with pytest.raises(retention.RetentionRefused):
        keep("audit", 1000)


def test_a_row_that_says_less_than_a_promise_needs_is_read_as_the_promise(rep):
    make.saved(RetentionRule(what="dismissed", days=1))

    (found,) = [rule for rule in retention.rules() if rule.kept.slug == "dismissed"]

    assert found.days == 30


def test_a_rule_that_is_switched_off_deletes_nothing(rep):
    keep("alarms", 7, is_active=False)
    Alarm.objects.create(key="old", text="x", since=AT, seen_at=AT, cleared_at=AT)

    assert run() == {}


def test_setting_the_same_again_leaves_no_further_history(rep):
    keep("imports", 30)
    keep("imports", 30)

    assert RetentionRule.objects.get().history.count() == 1


# --- Each kind ------------------------------------------------------------------------------------


def test_bodies_go_and_receipts_stay(rep):
    keep("submissions", 100)
    old = closed(rep, days_ago=101)
    fresh = closed(rep, days_ago=99)
    still_open = make.owned(rep, at=AT)

    assert run() == {"submissions": 1}

    assert bytes(old.submissions.get().raw) == b""
    assert bytes(fresh.submissions.get().raw)
    assert bytes(still_open.submissions.get().raw)
    assert old.submissions.get().state == Submission.State.PROCESSED
    assert old.prospect.email


def test_a_repeated_delivery_is_recognised_after_its_body_is_gone(rep):
    keep("submissions", 30)
    source = make.source("web")
    body = {"email": "ada@example.com"}
    raw = json.dumps(body).encode()
    given = {"source": source, "raw": raw, "content_type": "application/json", "key": "k"}
    doors.receive(**given, at=NOW - 40 * DAY)
    process.drain(driver="test", due_before=NOW - 40 * DAY)
    lead = Lead.objects.get()
    act = {"lead_id": lead.pk, "at": NOW - 40 * DAY, "driver": "test"}
    given_to = work.give_to(
        **act, epoch=0, rep_id=rep.pk, reason_code="CORRECTED", reason="", by=None
    )
    work.record_outcome(**act, epoch=given_to.owner_epoch, kind="WON", by=rep.user)

    assert run()["submissions"] == 1

    assert doors.receive(**given, at=NOW).replayed


def test_what_was_dismissed_or_forgotten_goes(rep):
    keep("dismissed", 30)
    keep("quarantined", 90)
    for number, (state, days) in enumerate(
        [("DISMISSED", 31), ("DISMISSED", 29), ("QUARANTINED", 91), ("QUARANTINED", 89)]
    ):
        row = make.submission(at=NOW - days * DAY, key=f"k{number}")
        Submission.objects.filter(pk=row.pk).update(state=state, due_at=None)

    assert run() == {"dismissed": 1, "quarantined": 1}

    assert set(Submission.objects.values_list("idempotency_key", flat=True)) == {"k1", "k3"}


def test_people_are_erased_once_all_their_leads_are_long_closed(rep):
    keep("people", 200)
    old = closed(rep, days_ago=201).prospect
    fresh = closed(rep, days_ago=199).prospect
    back = closed(rep, days_ago=300, fields={"email": "back@example.com"}).prospect
    make.owned(rep, {"email": "back@example.com"}, at=NOW - DAY)

    assert run() == {"people": 1}

    for person, is_erased in ((old, True), (fresh, False), (back, False)):
        person.refresh_from_db()
        assert (person.erased_at is not None) == is_erased
    assert old.erasures.get().by is None


def test_sent_messages_go_and_waiting_or_dead_ones_stay(rep):
    keep("messages", 30)
    for number, state in enumerate(Message.State.values):
        Message.objects.create(
            key=f"m{number}",
            kind="lead_assigned",
            recipient=rep.user,
            state=state,
            created_at=NOW - 31 * DAY,
            due_at=NOW - 31 * DAY,
        )

    assert run() == {"messages": 3}

    assert set(Message.objects.values_list("state", flat=True)) == {"PENDING", "DEAD"}


def test_files_are_emptied_and_their_pages_still_open(rep, client):
    keep("imports", 7)
    job = imports.preview(
        source=make.source("file"),
        file_name="list.csv",
        content=b"email\nada@example.com\nbob@example.com\n",
        data={"fields": {"email": "email"}},
        mode="LIVE",
        by=None,
        at=NOW - 8 * DAY,
    )
    imports.start(job=job, at=NOW - 8 * DAY)
    imports.drain(driver="test", due_before=NOW - 8 * DAY)

    assert run() == {"imports": 1}

    job = ImportJob.objects.get()
    assert bytes(job.content) == b""
    assert imports.progress(job).looked_at == 2
    client.force_login(make.user(group="revops"))
    assert client.get(f"/imports/{job.pk}/").status_code == 200


def test_finished_simulations_go_and_running_ones_stay(rep):
    keep("simulations", 7)
    rules = make.rules(make.round_robin(make.pool(rep)))
    for state, days in (("DONE", 8), ("DONE", 6), ("RUNNING", 8)):
        Simulation.objects.create(
            draft=rules,
            draft_rules=[],
            draft_digest="",
            live=rules,
            state=state,
            asked_at=NOW - days * DAY,
            ended_at=None if state == "RUNNING" else NOW - days * DAY,
        )

    assert run() == {"simulations": 1}
    assert Simulation.objects.count() == 2


# --- Who must be kept -----------------------------------------------------------------------------


def test_a_legal_hold_keeps_everything_of_a_person(rep):
    for what, days in (("submissions", 30), ("people", 90), ("dismissed", 30), ("imports", 7)):
        keep(what, days)
    lead = closed(rep, days_ago=500, fields={"email": "held@example.com"})
    waiting = make.submission({"email": "held@example.com"}, at=NOW - 400 * DAY)
    Submission.objects.filter(pk=waiting.pk).update(state="DISMISSED", due_at=None)
    imports.cancel(
        job=imports.preview(
            source=make.source("file"),
            file_name="list.csv",
            content=b"email\nheld@example.com\n",
            data=None,
            mode="LIVE",
            by=None,
            at=NOW - 100 * DAY,
        ),
        at=NOW - 100 * DAY,
    )
    erase.set_legal_hold(
        prospect_id=lead.prospect_id, why="Case 1", by=make.user(), at=NOW - 90 * DAY
    )

    assert run() == {}

    assert Prospect.objects.get(pk=lead.prospect_id).email == "held@example.com"


# --- A thousand, by chance, against an oracle (fault 116, one tenth) ------------------------------


def test_a_hundred_leads_under_three_rules_go_exactly_as_an_oracle_says(rep):
    chance = random.Random(116)
    for what, days in (("submissions", 60), ("people", 120), ("messages", 45)):
        keep(what, days)
    people, bodies = set(), set()
    for number in range(100):
        days = chance.choice([10, 50, 59, 60, 61, 100, 119, 120, 121, 400])
        fields = {"email": f"p{number}@x{number}.example"}
        lead = (
            closed(rep, days_ago=days, fields=fields)
            if chance.random() < 0.8
            else make.owned(rep, fields, at=NOW - days * DAY)
        )
        is_held = chance.random() < 0.1
        if is_held:
            Prospect.objects.filter(pk=lead.prospect_id).update(legal_hold="Case")
        if lead.place == "CLOSED" and not is_held:
            if days > 60:
                bodies.add(lead.pk)
            if days > 120:
                people.add(lead.prospect_id)

    run()

    assert set(Submission.objects.filter(raw=b"").values_list("lead", flat=True)) == bodies
    erased = Prospect.objects.filter(erased_at__isnull=False)
    assert set(erased.values_list("pk", flat=True)) == people
    assert Decision.objects.count() == Decision.objects.filter(lead__isnull=False).count()
    broken = [
        one.code for one, lines in verify.run(at=NOW, codes=["I1", "I2", "I3", "H1", "A1"]) if lines
    ]
    assert broken == []


# --- The routine and the command ------------------------------------------------------------------


def test_the_routine_does_some_and_comes_again_for_the_rest(rep, monkeypatch):
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    kinds = {rule.kept.slug: rule.kept for rule in retention.rules()}
    object.__setattr__(kinds["alarms"], "in_one_run", 4)
    for number in range(6):
        Alarm.objects.create(key=f"a{number}", text="x", since=AT, seen_at=AT, cleared_at=AT)
    try:
        first = retention.run(NOW)
        second = retention.run(NOW)
    finally:
        object.__setattr__(kinds["alarms"], "in_one_run", 2000)

    assert first == {"alarms": 4, routines.AGAIN_IN: retention.AGAIN_AFTER}
    assert second == {"alarms": 2}


def test_each_run_that_deleted_something_is_on_record(rep):
    Alarm.objects.create(key="a", text="x", since=AT, seen_at=AT, cleared_at=AT)

    run()
    run()

    event = AuditEvent.objects.get(kind="deleted_by_age")
    assert event.data == {"alarms": 1}


def test_a_dry_run_counts_and_deletes_nothing(rep):
    Alarm.objects.create(key="a", text="x", since=AT, seen_at=AT, cleared_at=AT)
    said = StringIO()

    call_command("retention", "--dry-run", stdout=said)

    assert "alarms       1 would be deleted (after 90 days)" in said.getvalue()
    assert "submissions  kept for good" in said.getvalue()
    assert Alarm.objects.count() == 1
    call_command("retention", stdout=StringIO())
    assert not Alarm.objects.exists()
