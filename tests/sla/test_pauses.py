"""Clocks stand still for a reason, until a moment at most, and go on with what was left."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reps import verify
from reps.due import jobs
from reps.models import AuditEvent
from routing import ownership, work
from routing.models import Lead
from routing.work import NotYours
from sla.models import Clock, Pause
from sla.services import pauses
from sla.services.pauses import PauseRefused
from tests import make

AT = make.MONDAY_9AM
MINUTE = make.MINUTE
HOUR = 60 * MINUTE
pytestmark = pytest.mark.django_db


@pytest.fixture
def boss():
    make.organisation()
    return make.user("boss", group="manager")


@pytest.fixture
def ann(boss):
    return make.rep("ann", team=make.team("North", manager=boss))


@pytest.fixture
def ben(ann):
    return make.rep("ben", team=ann.team)


@pytest.fixture
def reason(boss):
    return make.pause_reason("Asked to call later", longest=24 * 3600)


def pause(lead, reason, *, by, at=AT + 5 * MINUTE, until=AT + 2 * HOUR, **more) -> Pause:
    lead.refresh_from_db()
    given = {"epoch": lead.owner_epoch, "note": "", **more}
    return pauses.pause(lead_id=lead.pk, reason=reason, until=until, by=by, at=at, **given)


def resume(lead, *, by, at):
    lead.refresh_from_db()
    return pauses.resume(lead_id=lead.pk, epoch=lead.owner_epoch, by=by, at=at)


def drain(at) -> int:
    return jobs.drain("pauses", driver="test", due_before=at)


def clock(lead, metric="ACKNOWLEDGE", **more) -> Clock:
    return Clock.objects.get(lead=lead, metric=metric, **more)


def violations(at) -> list[str]:
    codes = ["I6", "I8", "I9", "S1", "S2"]
    return [line for _, lines in verify.run(at=at, codes=codes) for line in lines]


# --- Standing still -----------------------------------------------------------------------------


def test_a_clock_that_stands_still_takes_no_step_and_shows_until_when(ann, reason):
    make.policy(budget=900)
    lead = make.owned(ann)

    made = pause(lead, reason, by=ann.user)

    found = clock(lead)
    assert (found.state, found.paused_at, found.next_at) == ("RUNNING", AT + 5 * MINUTE, None)
    # On record as it was; on the lead there is no deadline while none is running.
    assert found.due_at == AT + 15 * MINUTE
    lead.refresh_from_db()
    assert (lead.due_at, lead.due_what, lead.paused_until) == (None, "", AT + 2 * HOUR)
    assert (made.clocks, made.by, made.epoch) == ([found.pk], ann.user, 1)
    assert jobs.drain("clocks", driver="test", due_before=AT + HOUR) == 0
    assert violations(AT + HOUR) == []


def test_it_goes_on_with_the_time_that_was_left(ann, reason):
    make.policy(budget=900)
    lead = make.owned(ann)
    pause(lead, reason, by=ann.user)

    resume(lead, by=ann.user, at=AT + 65 * MINUTE)

    found = clock(lead)
    assert (found.paused_at, found.due_at) == (None, AT + 75 * MINUTE)
    assert found.first_due_at == AT + 15 * MINUTE
    assert [step["at"] - int(AT.timestamp()) for step in found.steps] == [
        seconds + 3600 for seconds in (450, 900, 1800, 2700)
    ]
    assert found.next_at == AT + timedelta(minutes=67, seconds=30)
    lead.refresh_from_db()
    assert (lead.due_at, lead.paused_until) == (AT + 75 * MINUTE, None)
    ended = Pause.objects.get()
    assert (ended.ended, ended.ended_at, ended.ended_by) == (
        "BY_HAND",
        AT + 65 * MINUTE,
        ann.user,
    )
    assert violations(AT + 66 * MINUTE) == []


def test_a_pause_at_night_costs_nothing(reason):
    make.policy(budget=900)
    kei = make.rep("kei", calendar=make.calendar("Tokyo", time_zone="Asia/Tokyo"))
    # 9:00 UTC is evening in Tokyo; work begins at midnight UTC.
    lead = make.owned(kei)
    due = clock(lead).due_at

    pause(lead, reason, by=kei.user, at=AT + MINUTE, until=AT + 10 * HOUR)
    assert drain(AT + 10 * HOUR) == 1

    assert clock(lead).due_at == due


def test_the_hours_are_those_that_were_promised_whatever_the_calendar_says_now(reason):
    make.policy(budget=3600)
    calendar = make.calendar("UTC", time_zone="UTC")
    kei = make.rep("kei", calendar=calendar)
    lead = make.owned(kei)
    pause(lead, reason, by=kei.user, at=AT + 30 * MINUTE, until=AT + 8 * HOUR)

    calendar.weekly = {"fri": [["09:00", "17:00"]]}
    make.saved(calendar)
    drain(AT + 8 * HOUR)

    # Until 17:00 it stood still; on Tuesday half an hour is left.
    assert clock(lead).due_at == AT.replace(day=16) + 30 * MINUTE


def test_steps_that_were_taken_stay_taken(ann, reason):
    make.policy(budget=900)
    lead = make.owned(ann)
    jobs.drain("clocks", driver="test", due_before=AT + 8 * MINUTE)

    pause(lead, reason, by=ann.user, at=AT + 10 * MINUTE)
    resume(lead, by=ann.user, at=AT + 70 * MINUTE)

    found = clock(lead)
    assert found.next_step == 1
    assert found.steps[0]["at"] == int((AT + timedelta(seconds=450)).timestamp())
    assert (found.next_at, found.due_at) == (AT + 75 * MINUTE, AT + 75 * MINUTE)


def test_a_step_that_was_overdue_is_due_when_the_clock_goes_on(ann, reason):
    make.policy(budget=900)
    lead = make.owned(ann)

    # The reminder was due after 7:30, but no driver came.
    pause(lead, reason, by=ann.user, at=AT + 10 * MINUTE)
    resume(lead, by=ann.user, at=AT + 70 * MINUTE)

    assert clock(lead).next_at == AT + 70 * MINUTE
    assert violations(AT + 70 * MINUTE) == []


def test_several_pauses_add_up(ann, reason):
    make.policy(budget=900)
    lead = make.owned(ann)
    for begin in (1, 13, 25):
        pause(lead, reason, by=ann.user, at=AT + begin * MINUTE)
        resume(lead, by=ann.user, at=AT + (begin + 10) * MINUTE)

    assert clock(lead).due_at == AT + 45 * MINUTE
    assert violations(AT + 36 * MINUTE) == []


def test_a_late_clock_runs_on_while_the_others_stand_still(ann, reason):
    make.policy("Quick", budget=60)
    make.policy("Contact", metric="CONTACT", budget=3600)
    lead = make.owned(ann)

    made = pause(lead, reason, by=ann.user)

    assert clock(lead).paused_at is None
    assert clock(lead, "CONTACT").paused_at == AT + 5 * MINUTE
    assert made.clocks == [clock(lead, "CONTACT").pk]
    lead.refresh_from_db()
    assert (lead.due_what, lead.paused_until) == ("ACKNOWLEDGE", AT + 2 * HOUR)


# --- Its end ------------------------------------------------------------------------------------


def test_a_pause_ends_when_its_time_is_up_even_if_nobody_came_for_a_while(ann, reason):
    make.policy(budget=900)
    lead = make.owned(ann)
    pause(lead, reason, by=ann.user, until=AT + HOUR)
    assert drain(AT + HOUR - timedelta(microseconds=1)) == 0

    # Every process was down for three minutes; nobody gains by that.
    assert violations(AT + 63 * MINUTE) != []
    assert drain(AT + 63 * MINUTE) == 1

    ended = Pause.objects.get()
    assert (ended.ended, ended.ended_at, ended.ended_by) == ("TIME", AT + HOUR, None)
    assert clock(lead).due_at == AT + 70 * MINUTE
    assert violations(AT + 63 * MINUTE) == []
    assert drain(AT + 9 * HOUR) == 0


def test_the_next_end_is_known(ann, reason):
    assert pauses.oldest() is None
    make.policy(budget=900)
    pause(make.owned(ann), reason, by=ann.user, until=AT + 2 * HOUR)
    pause(make.owned(ann), reason, by=ann.user, until=AT + HOUR)

    assert pauses.oldest() == AT + HOUR


def test_one_pause_that_cannot_be_ended_keeps_no_other_from_it(ann, reason, monkeypatch):
    make.policy(budget=900)
    broken, good = make.owned(ann), make.owned(ann)
    for lead in (broken, good):
        pause(lead, reason, by=ann.user)
    really = pauses.end

    def end(leads, **how):
        if broken.pk in leads:
            raise RuntimeError("poison")
        return really(leads, **how)

    monkeypatch.setattr(pauses, "end", end)
    for _ in range(4):
        drain(AT + 3 * HOUR)

    assert list(Pause.objects.filter(ended="").values_list("lead", flat=True)) == [broken.pk]
    # Given up, it stands where a person sees it.
    assert pauses.oldest() is None
    assert [line for line in violations(AT + 3 * HOUR) if "stands still" in line] != []


def test_keeping_the_promise_ends_the_pause_first(ann, reason):
    make.policy("Ack", budget=900)
    make.policy("Contact", metric="CONTACT", budget=3600)
    lead = make.owned(ann)
    pause(lead, reason, by=ann.user)

    work.acknowledge(lead_id=lead.pk, epoch=1, by=ann.user, at=AT + 65 * MINUTE)

    assert (clock(lead).state, clock(lead).breached_at) == ("MET", None)
    assert clock(lead).due_at == AT + 75 * MINUTE
    assert clock(lead, "CONTACT").due_at == AT + 2 * HOUR
    lead.refresh_from_db()
    assert (lead.due_what, lead.paused_until) == ("CONTACT", None)
    assert Pause.objects.get().ended == "DONE"


def test_a_new_owner_ends_the_pause_and_the_leads_clock_runs_on(ann, ben, boss, reason):
    make.policy("Lead", budget=900)
    make.policy("Hold", budget=600, scope="HOLD")
    lead = make.owned(ann)
    pause(lead, reason, by=ann.user)

    work.move_by_hand(
        lead_id=lead.pk,
        epoch=1,
        to=ben,
        reason="Ann is ill",
        by=boss,
        at=AT + 65 * MINUTE,
        driver="test",
    )

    ended = Pause.objects.get()
    assert (ended.ended, ended.ended_by) == ("MOVED", boss)
    assert clock(lead, scope="LEAD").due_at == AT + 75 * MINUTE
    assert clock(lead, scope="HOLD", epoch=1).state == "STOPPED"
    assert clock(lead, scope="HOLD", epoch=2).due_at == AT + 75 * MINUTE
    assert violations(AT + 66 * MINUTE) == []


def test_closing_a_lead_ends_its_pause(ann, reason):
    make.policy(budget=900)
    lead = make.owned(ann)
    pause(lead, reason, by=ann.user)

    work.record_outcome(
        lead_id=lead.pk, epoch=1, kind="WON", by=ann.user, at=AT + HOUR, driver="test"
    )

    found = clock(lead)
    assert (found.state, found.paused_at, found.breached_at) == ("STOPPED", None, None)
    assert Pause.objects.get().ended == "DONE"
    lead.refresh_from_db()
    assert (lead.due_at, lead.paused_until) == (None, None)


def test_a_promise_kept_after_the_pause_has_run_out_is_late_if_the_time_was_used_up(ann, reason):
    make.policy(budget=900)
    lead = make.owned(ann)
    pause(lead, reason, by=ann.user, until=AT + HOUR)

    # Nobody has ended the pause yet, but its time was up at ten; the deadline was at 10:10.
    work.acknowledge(lead_id=lead.pk, epoch=1, by=ann.user, at=AT + 71 * MINUTE)

    found = clock(lead)
    assert (found.due_at, found.breached_at) == (AT + 70 * MINUTE, AT + 71 * MINUTE)
    assert Pause.objects.get().ended == "TIME"


# --- Refusals -----------------------------------------------------------------------------------


def refused(lead, reason, kind=PauseRefused, **how) -> str:
    with pytest.raises(kind) as refusal:
        pause(lead, reason, **how)
    lead.refresh_from_db()
    assert lead.paused_until is None
    return str(refusal.value)


def test_only_the_owner_and_their_managers_may(ann, ben, boss, reason):
    make.policy(budget=900)
    lead = make.owned(ann)
    other = make.user("other", group="manager")

    for who in (ben.user, other):
        refused(lead, reason, NotYours, by=who)

    pause(lead, reason, by=boss)
    with pytest.raises(NotYours):
        resume(lead, by=ben.user, at=AT + 6 * MINUTE)
    resume(lead, by=boss, at=AT + 6 * MINUTE)


def test_what_nobody_owns_cannot_stand_still(ann, boss, reason):
    make.policy(metric="CLAIM")
    lead = make.queued(make.queue(make.pool(ann)))

    assert "Nobody owns" in refused(lead, reason, NotYours, by=boss)


def test_the_reason_sets_the_bounds(ann, reason):
    make.policy(budget=900)
    lead, me = make.owned(ann), ann.user
    begin = AT + 5 * MINUTE

    assert "in the future" in refused(lead, reason, by=me, until=begin)
    too_long = begin + 24 * HOUR + timedelta(seconds=1)
    assert "at most 1 day" in refused(lead, reason, by=me, until=too_long)
    reason.is_active = False
    make.saved(reason)
    assert "not in use" in refused(lead, reason, by=me)
    reason.is_active = True
    make.saved(reason)
    pause(lead, reason, by=me, until=begin + 24 * HOUR)


def test_what_is_late_cannot_be_paused_any_more(ann, reason):
    make.policy(budget=60)

    assert "too late" in refused(make.owned(ann), reason, by=ann.user, at=AT + MINUTE)


def test_some_promises_may_not_be_paused(ann, reason):
    make.policy(budget=900, pausable=False)

    assert "may not be paused" in refused(make.owned(ann), reason, by=ann.user)


def test_without_a_clock_there_is_nothing_to_pause(ann, reason):
    assert "No clock" in refused(make.owned(ann), reason, by=ann.user)


def test_one_pause_at_a_time(ann, reason):
    make.policy(budget=900)
    lead = make.owned(ann)
    pause(lead, reason, by=ann.user)

    with pytest.raises(PauseRefused, match="already"):
        pause(lead, reason, by=ann.user, at=AT + 6 * MINUTE)
    assert Pause.objects.count() == 1


def test_a_pause_that_has_run_out_is_none_any_more(ann, reason):
    make.policy(budget=7200)
    lead = make.owned(ann)
    pause(lead, reason, by=ann.user, until=AT + HOUR)

    pause(lead, reason, by=ann.user, at=AT + 61 * MINUTE, until=AT + 3 * HOUR)

    assert [one.ended for one in Pause.objects.order_by("pk")] == ["TIME", ""]


def test_an_epoch_that_has_passed_is_refused(ann, ben, reason):
    make.policy(budget=900)
    lead = make.owned(ann)

    for act in (
        lambda: pause(lead, reason, by=ann.user, epoch=7),
        lambda: pauses.resume(lead_id=lead.pk, epoch=7, by=ann.user, at=AT),
    ):
        with pytest.raises(ownership.EpochPassed):
            act()


def test_what_runs_cannot_go_on(ann):
    make.policy(budget=900)

    with pytest.raises(PauseRefused, match="do not stand still"):
        resume(make.owned(ann), by=ann.user, at=AT)


def test_a_breach_that_was_quicker_is_not_paused(ann, reason):
    make.policy(budget=60, steps=[{"at_percent": 100, "do": "tell_manager"}])
    lead = make.owned(ann)
    jobs.drain("clocks", driver="test", due_before=AT + MINUTE)

    # The rep's moment was read before the driver was quicker.
    message = refused(lead, reason, by=ann.user, at=AT + MINUTE - timedelta(seconds=1))

    assert "too late" in message


# --- On record ----------------------------------------------------------------------------------


def test_every_pause_and_every_end_is_on_the_leads_trail(ann, reason):
    make.policy(budget=900)
    lead = make.owned(ann)
    made = pause(lead, reason, by=ann.user, until=AT + HOUR, note="Ms Smith is ill")
    drain(AT + 2 * HOUR)

    began, ended = AuditEvent.objects.filter(kind__in=["paused", "resumed"]).order_by("seq")
    assert (began.subject_id, began.actor, began.reason) == (lead.pk, ann.user, reason.name)
    assert began.data["clocks"] == made.clocks
    assert (ended.actor, ended.reason_code) == (None, "time")
    (moved,) = ended.data["clocks"]
    assert moved == {
        "clock_id": made.clocks[0],
        "from": "2026-06-15T09:15:00Z",
        "to": "2026-06-15T10:10:00Z",
    }
    # What a person wrote may hold personal data, which a trail cannot forget.
    assert "Smith" not in str(began.data) + began.reason + str(ended.data)


def test_a_deadline_that_moved_by_no_act_is_found(ann, reason):
    make.policy(budget=900)
    lead = make.owned(ann)
    pause(lead, reason, by=ann.user)
    resume(lead, by=ann.user, at=AT + 65 * MINUTE)
    assert violations(AT + 66 * MINUTE) == []

    Clock.objects.update(due_at=AT + 9 * HOUR)

    (line,) = violations(AT + 66 * MINUTE)
    assert f"clock {clock(lead).pk}" in line


def test_the_end_of_one_move_costs_the_same_for_many_leads(ann, ben, reason):
    make.policy("Ack", budget=900)
    make.policy("Contact", metric="CONTACT", budget=3600)
    make.owned(ben)  # whose load is counted from now on
    found = {}
    for size in (2, 20):
        leads = [make.owned(ann) for _ in range(size)]
        for lead in leads:
            pause(lead, reason, by=ann.user)
        with CaptureQueriesContext(connection) as captured:
            ownership.change_many(
                [
                    ownership.Move(
                        lead_id=lead.pk,
                        epoch=lead.owner_epoch,
                        place=Lead.Place.OWNER,
                        rep_id=ben.pk,
                        reason_code="CORRECTED",
                    )
                    for lead in leads
                ],
                by=None,
                at=AT + 6 * MINUTE,
                driver="test",
            )
        found[size] = len(captured)

    assert len(set(found.values())) == 1, found
    assert not Pause.objects.filter(ended="").exists()
