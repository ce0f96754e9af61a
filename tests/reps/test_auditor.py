"""The auditor: looks a little at a time, mends what may be mended, and says when it is too slow."""

import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from reps import verify
from reps.due import alarms, auditor, limits, routines
from reps.models import AuditEvent, Heartbeat, Message, Rep, Routine
from reps.verify import Invariant, Pace
from routing.models import Lead, RepLoad, Submission
from tests import make

AT = make.MONDAY_9AM
LATER = AT + timedelta(minutes=5)
pytestmark = pytest.mark.django_db


@pytest.fixture
def invariants(monkeypatch):
    """Only the invariants of the test; returns a way to add one."""
    monkeypatch.setattr(verify, "_invariants", {})
    monkeypatch.setattr(verify, "_repairs", {})
    monkeypatch.setattr(verify, "_newest_lead", lambda: 0)

    def add(code, check, pace=Pace.QUICK):
        verify._invariants[code] = Invariant(code, "a promise", check, pace)

    return add


def audit(at=AT):
    """One run, as the routine makes it; returns what it has left behind."""
    detail = auditor.run(at)
    Routine.objects.update_or_create(name="audit", defaults={"next_at": at, "detail": detail})
    return detail


def keys():
    return set(alarms.open_alarms().values_list("key", flat=True))


def test_a_healthy_product_gives_a_sign_of_life_and_no_alarm():
    make.organisation()
    rep = make.rep("ann")
    make.owned(rep)
    assert routines.names().count("audit") == 1

    detail = audit()

    assert detail["broken"] == {}
    assert {"I1", "I3", "I4", "I6", "I7", "I11", "I16"} <= set(detail["looked"])
    assert Heartbeat.objects.get(name="auditor").max_age == 900
    assert keys() == set()


def test_what_is_broken_is_an_alarm_until_it_is_mended(invariants):
    lines = ["lead 7 is lost"]
    invariants("X1", lambda at: list(lines))

    audit()
    assert keys() == {"invariant/X1"}
    lines.clear()
    audit(LATER)

    assert keys() == set()


def test_what_is_gone_at_a_second_look_was_only_the_world_moving(invariants):
    answers = iter([["half-way"], [], ["other"], ["another"]])
    invariants("X1", lambda at: next(answers))

    assert audit()["broken"] == {}
    assert audit(LATER)["broken"] == {}


def test_leads_are_looked_at_in_stretches_newest_first_and_then_on(invariants, monkeypatch):
    monkeypatch.setattr(verify, "_newest_lead", lambda: 2500)
    seen = []
    invariants("X1", lambda at, leads=None: seen.append(leads) or [], Pace.STRETCH)

    audit()

    assert seen == [(1501, 2500), (1501, 2500), (501, 1500), (1, 500)]


def test_a_run_out_of_time_goes_on_from_where_it_stopped(invariants, monkeypatch):
    monkeypatch.setattr(verify, "_newest_lead", lambda: 5000)
    monkeypatch.setitem(auditor.BUDGET, connection.vendor, 0.1)
    seen = []

    def check(at, leads=None):
        seen.append(leads)
        time.sleep(0.04)
        return []

    invariants("X1", check, Pace.STRETCH)
    for number in range(5):
        audit(AT + number * timedelta(minutes=5))

    # The newest come first each time, and the others one after the other.
    older = [leads for leads in seen if leads != (4001, 5000)]
    assert older[:4] == [(3001, 4000), (2001, 3000), (1001, 2000), (1, 1000)]


def test_a_violation_in_an_old_stretch_stays_an_alarm_until_it_is_mended(invariants, monkeypatch):
    monkeypatch.setattr(verify, "_newest_lead", lambda: 3000)
    broken = [True]

    def check(at, leads=None):
        return ["lead 5 is lost"] if broken[0] and leads[0] <= 5 <= leads[1] else []

    invariants("X1", check, Pace.STRETCH)
    for number in range(3):
        audit(AT + number * timedelta(minutes=5))
        assert keys() == {"invariant/X1"}

    broken[0] = False
    audit(LATER + timedelta(hours=1))

    assert keys() == set()


def test_what_is_too_slow_is_cut_off_and_said(invariants, monkeypatch):
    monkeypatch.setitem(auditor.BUDGET, connection.vendor, 0.3)
    endless = {
        "postgresql": "SELECT pg_sleep(30)",
        "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
        "SELECT count(*) FROM n",
    }

    def slow(at):
        with connection.cursor() as cursor:
            cursor.execute(endless[connection.vendor])
        return []

    invariants("X1", slow)
    invariants("X2", lambda at: [])
    began = time.monotonic()

    detail = audit()

    assert time.monotonic() - began < 3
    assert detail["slow"] == ["X1"]
    assert keys() == {"audit/slow"}
    # The next run begins with the one that had no turn, and lives on.
    assert audit(LATER)["next"] == "X1"
    assert Heartbeat.objects.filter(name="auditor").exists()


def test_only_what_is_inside_of_the_limit_is_undone():
    Heartbeat.objects.create(name="before", at=AT, max_age=1)

    @limits.within(0.2)
    def write_and_dawdle():
        Heartbeat.objects.create(name="inside", at=AT, max_age=1)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_sleep(9)"
                if connection.vendor == "postgresql"
                else "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                "SELECT count(*) FROM n"
            )

    with pytest.raises(limits.TookTooLong):
        write_and_dawdle()

    assert list(Heartbeat.objects.values_list("name", flat=True)) == ["before"]
    with limits.within(5):
        Heartbeat.objects.create(name="after", at=AT, max_age=1)
    assert Heartbeat.objects.count() == 2


# --- What it may mend -------------------------------------------------------------------


def drifted(rep, by=3):
    RepLoad.objects.filter(rep=rep).update(open=by)


def test_a_counter_that_drifted_is_set_to_what_the_rep_holds_with_an_entry_in_the_trail():
    make.organisation()
    rep = make.rep("ann")
    make.owned(rep)
    drifted(rep)

    detail = audit()

    assert RepLoad.objects.get(rep=rep).open == 1
    assert detail["broken"] == {}
    assert detail["mended"] == {"I4": AT.isoformat()}
    note = AuditEvent.objects.get(kind="load_repaired")
    assert (note.subject_id, note.data) == (rep.pk, {"before": 3, "after": 1})
    assert keys() == set()


def test_the_same_drift_again_the_same_day_is_an_alarm():
    make.organisation()
    rep = make.rep("ann")
    make.owned(rep)
    drifted(rep)
    audit()
    drifted(rep)

    audit(LATER)

    assert RepLoad.objects.get(rep=rep).open == 3
    assert "invariant/I4" in keys()
    audit(AT + timedelta(days=1, minutes=10))
    assert RepLoad.objects.get(rep=rep).open == 1


def test_a_missing_load_is_made():
    make.organisation()
    rep = make.rep("ann")
    make.owned(rep)
    RepLoad.objects.all().delete()

    audit()

    assert RepLoad.objects.get(rep=rep).open == 1


def test_a_stuck_submission_is_tried_by_itself():
    make.organisation()
    stuck = make.submission(at=AT - timedelta(minutes=5))

    detail = audit()

    stuck.refresh_from_db()
    assert stuck.attempts == 1
    assert "I1" in detail["mended"]
    assert Submission.objects.count() == 1


def test_nothing_else_is_ever_mended():
    assert {one.code for one in verify.all_invariants() if verify.repair_of(one.code)} == {
        "I1",
        "I4",
    }


def test_an_owner_who_left_is_an_alarm_and_stays_as_it_is():
    make.organisation()
    rep = make.rep("ann")
    lead = make.owned(rep)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE reps_rep SET is_active = %s WHERE id = %s", [False, rep.pk])

    audit()

    assert "invariant/I16" in keys()
    assert Lead.objects.get(pk=lead.pk).owner == Rep.objects.get(pk=rep.pk)


# --- The whole, at night ----------------------------------------------------------------


def test_every_invariant_has_a_pace_and_whole_tables_wait_for_the_night():
    paces = {one.code: one.pace for one in verify.all_invariants()}

    assert {code for code, pace in paces.items() if pace is Pace.STRETCH} >= {
        "I2", "I3", "I8", "I9", "I10", "I11", "I12",
    }  # fmt: skip
    assert {"I5", "H1", "H2", "A1", "D2"} <= {
        code for code, pace in paces.items() if pace is Pace.WHOLE
    }


def test_the_night_begins_at_three_and_the_check_runs_in_a_process_of_its_own(monkeypatch):
    started = []
    monkeypatch.setattr(auditor, "spawn", lambda command: started.append(command) or 4711)
    Routine.objects.create(name="verify", next_at=AT)

    # A new installation waits for its first night.
    detail = auditor.start_whole(AT)
    assert started == []
    Routine.objects.filter(name="verify").update(detail=detail)
    detail = auditor.start_whole(auditor.tonight(AT))

    assert auditor.tonight(AT).isoformat() == "2026-06-16T03:00:00+00:00"
    assert detail["process"] == 4711
    assert started[0][-2:] == ["verify", "--report"]


def test_the_nightly_check_raises_and_clears_its_own_alarms(capsys):
    make.organisation()
    rep = make.rep("ann")
    make.owned(rep)
    alarms.raise_("verify/I5", "was broken", at=AT)
    Message.objects.all().delete()

    call_command("verify", "--report")

    assert keys() == set()
    assert Heartbeat.objects.get(name="verify").detail == {"violated": []}
