"""Steps of clocks: each once, at its instant in working time, and always to somebody."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail

from reps import verify
from reps.due import jobs
from reps.models import AuditEvent, Message
from reps.post import deliver, kinds
from reps.services import people
from routing import signals, work
from routing.models import RepLoad
from sla.models import Clock, Escalation
from sla.services import escalate
from tests import make

AT = make.MONDAY_9AM
MINUTE = make.MINUTE
pytestmark = pytest.mark.django_db


@pytest.fixture
def boss():
    """A manager who can own leads too."""
    make.organisation()
    user = make.user("boss", group="manager")
    team = make.team("North", manager=user)
    make.rep(user=user, team=team)
    return user


@pytest.fixture
def ben(boss):
    return make.rep("ben", team=boss.rep.team)


@pytest.fixture
def ann(ben):
    return make.rep("ann", team=ben.team, backup=ben)


def tick(at, *, driver="test") -> int:
    return jobs.drain("clocks", driver=driver, due_before=at)


def taken() -> list[tuple[str, str]]:
    return list(Escalation.objects.order_by("pk").values_list("action", "effect"))


def owner(lead):
    lead.refresh_from_db()
    return lead.owner


# --- The whole chain ----------------------------------------------------------------------------


def test_remind_then_manager_then_backup_then_manager_as_owner(ann, ben, boss):
    make.policy(budget=900)
    lead = make.owned(ann)
    instants = [AT + timedelta(seconds=s) for s in (450, 900, 1800, 2700)]

    seen = []
    for instant in instants:
        assert tick(instant - timedelta(microseconds=1)) == 0
        assert tick(instant) == 1
        seen.append((owner(lead).user.username, Escalation.objects.latest("pk").action))

    assert seen == [
        ("ann", "remind"),
        ("ann", "tell_manager"),
        ("ben", "to_backup"),
        ("boss", "to_manager"),
    ]
    assert list(Escalation.objects.order_by("pk").values_list("due_at", flat=True)) == instants
    found = Clock.objects.get()
    assert (found.state, found.breached_at, found.next_at) == ("RUNNING", instants[1], None)
    assert lead.owner_epoch == 3
    assert [one.reason_code for one in lead.assignments.order_by("epoch")] == [
        "CORRECTED",
        "ESCALATED",
        "ESCALATED",
    ]
    assert tick(AT + timedelta(days=9)) == 0
    assert not [line for one, line in verify.run(at=instants[-1], codes=["I6", "I8", "I9"]) if line]


def test_each_step_tells_the_right_people(ann, ben, boss):
    make.policy(budget=900)
    make.owned(ann)
    for second in (450, 900, 1800, 2700):
        tick(AT + timedelta(seconds=second))

    told = {}
    for message in Message.objects.filter(kind="clock_step").order_by("pk"):
        told.setdefault(message.payload["action"], set()).add(message.recipient.username)
        assert message.urgent
    assert told == {
        "remind": {"ann"},
        "tell_manager": {"boss"},
        "to_backup": {"ben", "boss"},
        "to_manager": {"boss"},
    }


def test_each_step_is_in_the_trail_and_changes_no_history_by_itself(ann, boss):
    make.policy(budget=900)
    lead = make.owned(ann)
    history = lead.history.count()

    tick(AT + timedelta(seconds=450), driver="sweep")

    event = AuditEvent.objects.get(kind="escalated")
    assert (event.subject_id, event.reason_code, event.writes_history) == (lead.pk, "remind", False)
    assert event.data["driver"] == Escalation.objects.get().driver == "sweep"
    assert lead.history.count() == history


def test_several_steps_that_are_due_at_once_are_taken_in_order(ann, boss):
    make.policy(budget=900)
    lead = make.owned(ann)

    assert tick(AT + timedelta(hours=5)) == 4

    assert [action for action, _ in taken()] == [
        "remind",
        "tell_manager",
        "to_backup",
        "to_manager",
    ]
    assert owner(lead).user == boss


def test_a_step_is_taken_once_however_often_drivers_come(ann):
    make.policy(budget=900)
    lead = make.owned(ann)
    now = AT + timedelta(seconds=450)
    clock = Clock.objects.get()
    tick(now)

    again = escalate.fire(clock_id=clock.pk, lead_id=lead.pk, driver="other", due_before=now)

    assert again == 0
    assert Escalation.objects.count() == 1


# --- Nights, weekends, absences -----------------------------------------------------------------


def test_the_chain_rests_at_night_and_at_the_weekend(ben, boss):
    berlin = make.calendar("Berlin", time_zone="Europe/Berlin")
    kim = make.rep("kim", calendar=berlin, backup=ben)
    make.policy(budget=900)
    friday = datetime(2026, 6, 12, 14, 50, tzinfo=UTC)  # ten minutes before closing
    lead = make.owned(kim, at=friday)

    tick(datetime(2026, 6, 15, 6, 59, 59, tzinfo=UTC))
    assert taken() == [("remind", "Reminded kim")]

    assert tick(datetime(2026, 6, 15, 7, 4, 59, tzinfo=UTC)) == 0
    assert tick(datetime(2026, 6, 15, 7, 5, tzinfo=UTC)) == 1
    assert Escalation.objects.latest("pk").action == "tell_manager"
    assert tick(datetime(2026, 6, 15, 7, 20, tzinfo=UTC)) == 1
    assert owner(lead) == ben


def test_the_chain_rests_while_the_owner_is_out_of_office(ann):
    make.absence(ann, AT + 5 * MINUTE, AT + timedelta(days=1))
    make.policy(budget=900)
    make.owned(ann)

    assert tick(AT + timedelta(days=1) + 2 * MINUTE) == 0
    assert tick(AT + timedelta(days=1) + timedelta(minutes=2, seconds=30)) == 1


def test_a_backup_who_is_out_of_office_is_passed_over(ann, ben, boss):
    cleo = make.rep("cleo")
    ben.backup = cleo
    make.saved(ben)
    make.absence(ben, AT, AT + timedelta(days=3))
    make.policy(budget=900)
    lead = make.owned(ann)

    tick(AT + timedelta(seconds=1800))

    assert owner(lead) == cleo


# --- Who takes over -----------------------------------------------------------------------------


def test_a_backup_who_is_paused_gone_or_full_is_passed_over(ann, ben, boss):
    cleo, dora = make.rep("cleo", is_active=False), make.rep("dora", capacity=0)
    eve = make.rep("eve")
    for one, backup in ((ben, cleo), (cleo, dora), (dora, eve)):
        one.backup = backup
        make.saved(one)
    people.pause(rep=ben, until=None, reason="Training", by=boss, at=AT)
    make.policy(budget=900)
    lead = make.owned(ann)

    tick(AT + timedelta(seconds=1800))

    assert owner(lead) == eve


def test_backups_in_a_circle_end_with_the_manager_being_told(ann, ben, boss):
    ben.backup = ann
    ben.capacity = 0
    make.saved(ben)
    make.policy(budget=900)
    lead = make.owned(ann)

    tick(AT + timedelta(seconds=1800))

    assert owner(lead) == ann
    step = Escalation.objects.get(action="to_backup")
    assert step.recipients == 1
    assert "told the manager" in step.effect


def test_a_manager_who_owns_no_leads_is_told(ben):
    team = make.team("South", manager=make.user("chief"))
    kim = make.rep("kim", team=team)
    make.policy(budget=900)
    lead = make.owned(kim)

    tick(AT + timedelta(hours=2))

    assert owner(lead) == kim
    assert taken()[-1] == ("to_manager", "chief cannot take it now; told them")


def test_without_a_manager_whoever_answers_for_the_organisation_is_told():
    organisation = make.organisation()
    kim = make.rep("kim", team=make.team("Alone"))
    make.policy(budget=900)
    make.owned(kim)

    tick(AT + timedelta(seconds=900))

    message = Message.objects.get(kind="clock_step", payload__action="tell_manager")
    assert message.recipient == organisation.responsible


def test_a_lead_goes_to_nobody_who_held_it_before(ann, ben, boss):
    make.policy(budget=900)
    lead = make.owned(ben)
    work.give_to(
        lead_id=lead.pk,
        epoch=1,
        rep_id=ann.pk,
        reason_code="CORRECTED",
        reason="",
        by=None,
        at=AT,
        driver="test",
    )

    tick(AT + timedelta(seconds=1800))

    assert owner(lead) == ann


def test_a_lead_in_a_queue_reminds_whoever_answers_for_it(ann):
    keeper = make.user("keeper")
    make.policy(metric="CLAIM", budget=600)
    lead = make.queued(make.queue(make.pool(ann), responsible=keeper))

    tick(AT + timedelta(seconds=300))

    assert Message.objects.get(kind="clock_step").recipient == keeper
    assert owner(lead) is None


def test_a_holders_clock_ends_with_its_holder_and_the_next_one_starts(ann, ben):
    make.policy(scope="HOLD", budget=900)
    lead = make.owned(ann)

    tick(AT + timedelta(seconds=1800))

    first, second = Clock.objects.order_by("pk")
    assert (first.state, first.next_step, first.next_at) == ("STOPPED", 3, None)
    assert (second.state, second.holder, second.epoch) == ("RUNNING", ben, 2)
    assert second.due_at == AT + timedelta(seconds=1800 + 900)
    assert owner(lead) == ben


# --- What stops it ------------------------------------------------------------------------------


def test_an_acknowledgement_that_came_first_ends_the_chain(ann):
    make.policy(budget=900)
    lead = make.owned(ann)
    work.acknowledge(lead_id=lead.pk, epoch=1, by=ann.user, at=AT + MINUTE)

    assert tick(AT + timedelta(days=1)) == 0

    assert not Escalation.objects.exists()


def test_closing_a_lead_after_a_breach_is_consistent(ann):
    make.policy(budget=900)
    lead = make.owned(ann)
    tick(AT + timedelta(seconds=900))

    work.record_outcome(
        lead_id=lead.pk,
        epoch=1,
        kind="WON",
        by=ann.user,
        at=AT + timedelta(seconds=1000),
        driver="test",
    )

    found = Clock.objects.get()
    assert (found.state, found.breached_at) == ("STOPPED", AT + timedelta(seconds=900))
    assert tick(AT + timedelta(days=1)) == 0
    assert not [line for _, line in verify.run(at=AT, codes=["I8", "I9"]) if line]


@pytest.mark.parametrize("second", [899, 900, 901])
def test_closing_around_the_deadline_is_consistent_whoever_was_first(ann, second):
    make.policy(budget=900)
    lead = make.owned(ann)
    now = AT + timedelta(seconds=second)
    tick(now)

    work.record_outcome(lead_id=lead.pk, epoch=1, kind="WON", by=ann.user, at=now, driver="test")

    assert not [line for _, line in verify.run(at=now, codes=["I6", "I8", "I9"]) if line]


def test_when_a_step_fails_midway_it_has_not_been_taken(ann, ben):
    make.policy(budget=900)
    lead = make.owned(ann)
    tick(AT + timedelta(seconds=900))
    before = Clock.objects.values().get(), Message.objects.count(), AuditEvent.objects.count()

    def fails(sender, **kwargs):
        raise RuntimeError("the receiver fails")

    signals.leads_placed.connect(fails)
    try:
        assert tick(AT + timedelta(seconds=1800)) == 0
    finally:
        signals.leads_placed.disconnect(fails)

    after = Clock.objects.values().get(), Message.objects.count(), AuditEvent.objects.count()
    assert before == after
    assert owner(lead) == ann
    assert tick(AT + timedelta(seconds=1800)) == 1
    assert owner(lead) == ben


def test_a_driver_behind_the_times_leaves_a_lead_that_has_just_changed_hands(ann, ben, boss):
    cleo = make.rep("cleo", team=ann.team)
    make.policy(budget=900)
    lead = make.owned(ann)
    due = AT + timedelta(seconds=1800)
    tick(due - timedelta(seconds=1))
    # A person moves the lead after the moment as of which the sweep works.
    work.move_by_hand(
        lead_id=lead.pk,
        epoch=1,
        to=cleo,
        reason="x",
        by=boss,
        at=due + timedelta(seconds=1),
        driver="web",
    )

    assert tick(due, driver="sweep") == 0
    assert tick(due + timedelta(seconds=1), driver="sweep") == 1

    assert not [line for _, line in verify.run(at=due, codes=["I3", "I8", "I9", "I12"]) if line]
    assert owner(lead) == cleo


# --- Load and words -----------------------------------------------------------------------------


def test_an_escalation_never_exceeds_a_cap(ann, ben, boss):
    for rep, capacity in ((ben, 0), (boss.rep, 0)):
        rep.capacity = capacity
        make.saved(rep)
    make.policy(budget=900)
    lead = make.owned(ann)

    tick(AT + timedelta(hours=2))

    assert owner(lead) == ann
    assert not RepLoad.objects.filter(rep=ben, open__gt=0).exists()
    assert Escalation.objects.count() == 4


def test_a_reminder_is_dropped_once_the_promise_is_kept_and_a_breach_stays_news(ann):
    make.policy(budget=900)
    lead = make.owned(ann)
    tick(AT + timedelta(seconds=900))
    work.acknowledge(lead_id=lead.pk, epoch=1, by=ann.user, at=AT + timedelta(seconds=950))

    wanted = {
        message.payload["action"]: kinds.get("clock_step").still_wanted(message)
        for message in Message.objects.filter(kind="clock_step")
    }
    assert wanted == {"remind": False, "tell_manager": True}


def test_every_step_has_its_words(ann):
    make.policy(budget=900)
    lead = make.owned(ann, {"name": "Zoë Lee"})
    tick(AT + timedelta(hours=2))

    texts = [
        kinds.get("clock_step").render(message)
        for message in Message.objects.filter(kind="clock_step")
    ]

    assert len({text.subject for text in texts}) >= 4
    for text in texts:
        assert "Zoë Lee" in text.subject
        assert text.url.endswith(f"/leads/{lead.pk}/")


def test_the_oldest_waiting_step_is_known(ann):
    assert escalate.oldest() is None
    make.policy(budget=900)
    make.owned(ann)

    assert escalate.oldest() == AT + timedelta(seconds=450)


def test_a_policy_without_steps_only_notes_the_deadline(ann):
    make.policy(budget=900, steps=[])
    lead = make.owned(ann)

    assert tick(AT + timedelta(days=1)) == 0
    work.acknowledge(lead_id=lead.pk, epoch=1, by=ann.user, at=AT + timedelta(hours=1))

    assert Clock.objects.get().breached_at == AT + timedelta(hours=1)


def test_a_message_tells_times_in_the_zone_of_its_reader(ann):
    make.policy(budget=900)
    make.owned(ann)
    ann.user.time_zone = "Asia/Tokyo"
    ann.user.save(update_fields=["time_zone"])
    tick(AT + timedelta(seconds=500))

    deliver.drain(driver="sweep", due_before=AT + timedelta(hours=1))

    said = next(letter for letter in mail.outbox if "is waiting" in letter.subject)
    due = Clock.objects.get().due_at.astimezone(ZoneInfo("Asia/Tokyo"))
    assert f"{due:%H:%M} JST" in said.body
