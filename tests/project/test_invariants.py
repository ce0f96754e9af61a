"""`verify` finds what it promises to find: a planted violation of every invariant."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction

from reps import invariants as people_invariants
from reps import verify
from reps.due import heartbeats, jobs
from reps.models import AuditEvent, Heartbeat, Message, Team
from reps.post import outbox
from reps.services import people
from reps.trail import anchors, audit
from routing import work
from routing.dispatch import inputs
from routing.fairness.undo import undo
from routing.models import (
    Assignment,
    BalanceLine,
    Decision,
    Enrichment,
    Lead,
    Limit,
    PersonalFacts,
    Prospect,
    RepLoad,
    Submission,
    Touch,
)
from routing.scoring import edit as score_edit
from sla.models import Clock, Escalation, Pause
from tests import make
from tests.tamper import run

AT = make.MONDAY_9AM
LATER = AT + timedelta(hours=1)
POSTGRES = "postgresql"


# --- A database in which something of everything has happened -----------------------------------


@pytest.fixture(scope="module")
def built(django_db_setup, django_db_blocker):
    """The database of all tests of this module; each works on it in a savepoint of its own."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield lived_in()
        transaction.set_rollback(True)


@pytest.fixture
def world(built, db):
    return built


def lived_in() -> dict[str, Any]:
    """Leads routed, worked, handed back, escalated, claimed, closed, recycled, left behind."""
    make.organisation()
    boss = make.user("boss")
    team = make.team("North", manager=boss)
    ann, ben, cleo = (make.rep(name, team=team) for name in ("ann", "ben", "cleo"))
    ann.backup = ben
    make.saved(ann)
    pool = make.pool(ann, ben, cleo)
    shared = make.queue(pool, name="Shared")
    make.policy("Acknowledge")
    make.policy("Claim", metric="CLAIM", budget=600)
    make.factor(30, {"fact": "country", "op": "eq", "value": "DE"})
    make.rules(
        {
            "name": "Shared by all",
            "condition": {"fact": "product_interest", "op": "eq", "value": "shared"},
            "path": {"target": {"kind": "queue", "id": shared.pk}},
        },
        make.round_robin(pool),
    )
    leads = make.leads(6, fields={"country": "DE", "title": "Head of Sales"})
    claimed = make.lead({"product_interest": "shared"})
    jobs.drain("route", driver="test", due_before=AT)
    for lead in [*leads, claimed]:
        lead.refresh_from_db()

    mine = leads[0]
    work.acknowledge(lead_id=mine.pk, epoch=1, by=mine.owner.user, at=AT + make.MINUTE)
    work.record_outcome(
        lead_id=mine.pk,
        epoch=1,
        kind="WON",
        by=mine.owner.user,
        at=AT + 2 * make.MINUTE,
        driver="test",
    )
    other = leads[1]
    work.decline(
        lead_id=other.pk,
        epoch=1,
        reason="Not my field",
        by=other.owner.user,
        at=AT + make.MINUTE,
        driver="test",
    )
    undo(
        lead_id=leads[5].pk,
        epoch=1,
        by=boss,
        at=AT + make.MINUTE,
        reason="Wrong country",
        driver="test",
    )
    work.claim(lead_id=claimed.pk, epoch=1, by=cleo.user, at=AT + 3 * make.MINUTE, driver="test")
    work.recycle(
        lead_id=leads[2].pk,
        epoch=1,
        until=AT + timedelta(days=30),
        reason="Next quarter",
        by=leads[2].owner.user,
        at=AT + 3 * make.MINUTE,
        driver="test",
    )
    for minute in (10, 20, 40, 60):
        now = AT + minute * make.MINUTE
        for name in ("intake", "route", "clocks"):
            jobs.drain(name, driver="test", due_before=now)
    people.deactivate(rep=ben, reason="left", by=boss, at=LATER, driver="test")
    jobs.drain("route", driver="test", due_before=LATER)
    jobs.drain("outbox", driver="test", due_before=LATER)
    Message.objects.exclude(state=Message.State.SENT).exclude(state=Message.State.DROPPED).delete()
    return {"leads": leads, "boss": boss, "ann": ann}


def violations(code: str, *, at=LATER) -> list[str]:
    ((_, found),) = verify.run(at=at, codes=[code])
    return found


@contextlib.contextmanager
def unguarded(table: str, *checks: str) -> Iterator[None]:
    """Lift check constraints of a table, so that what they refuse can be planted."""
    if connection.vendor == POSTGRES:
        run("SET CONSTRAINTS ALL IMMEDIATE")
        for name in checks:
            run(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        yield
        return
    run("PRAGMA ignore_check_constraints = ON")
    try:
        yield
    finally:
        run("PRAGMA ignore_check_constraints = OFF")


# --- The violations -----------------------------------------------------------------------------


def lost_submission(world) -> None:
    make.submission(at=AT)


def submission_to_nowhere(world) -> None:
    Touch.objects.filter(submission__isnull=False).first().delete()


def owner_without_custody(world) -> None:
    lead = Lead.objects.filter(owner__isnull=False).first()
    other = make.rep()
    run("UPDATE routing_lead SET owner_id = %s WHERE id = %s", other.pk, lead.pk)


def wrong_load(world) -> None:
    load = RepLoad.objects.filter(open__gt=0).first()
    run("UPDATE routing_repload SET open = open + 1 WHERE rep_id = %s", load.pk)


def hidden_overload(world) -> None:
    row = Assignment.objects.filter(rep__isnull=False).first()
    with unguarded("routing_assignment", "routing_cap_held_when_assigned"):
        run("UPDATE routing_assignment SET cap = 0 WHERE id = %s", row.pk)


def sleeping_clock(world) -> None:
    clock = Clock.objects.filter(state=Clock.State.RUNNING, next_at__isnull=False).first()
    clock = clock or Clock.objects.filter(state=Clock.State.RUNNING).first()
    run("UPDATE sla_clock SET next_at = %s WHERE id = %s", _stored(AT), clock.pk)


def forgotten_lead(world) -> None:
    lead = make.lead()
    run("UPDATE routing_lead SET route_at = NULL WHERE id = %s", lead.pk)


def lost_escalation(world) -> None:
    Escalation.objects.first().delete()


def early_step(world) -> None:
    row = Escalation.objects.first()
    with unguarded("sla_escalation", "sla_no_step_fires_early"):
        run(
            "UPDATE sla_escalation SET fired_at = %s WHERE id = %s",
            _stored(row.due_at - make.MINUTE),
            row.pk,
        )


def unexplained_place(world) -> None:
    row = AuditEvent.objects.filter(subject="routing.lead", kind="placed").first()
    run("DELETE FROM reps_auditevent WHERE id = %s", row.pk)


def skipped_epoch(world) -> None:
    lead = Lead.objects.filter(owner_epoch__gt=0).first()
    run("UPDATE routing_lead SET owner_epoch = owner_epoch + 1 WHERE id = %s", lead.pk)


def torn_custody(world) -> None:
    row = Assignment.objects.filter(ended_at__isnull=False).first()
    run(
        "UPDATE routing_assignment SET ended_at = %s WHERE id = %s",
        _stored(row.ended_at + make.MINUTE),
        row.pk,
    )


def stuck_message(world) -> None:
    outbox.put([outbox.Draft(key="stuck", kind="lead_assigned", to=world["boss"].pk)], at=AT)


def same_effect_twice(world) -> None:
    outbox.put([outbox.Draft(key="once", kind="lead_assigned", to=world["boss"].pk)], at=AT)
    if connection.vendor == POSTGRES:
        run("SET CONSTRAINTS ALL IMMEDIATE")
        run("ALTER TABLE reps_message DROP CONSTRAINT reps_message_key_key")
    Message.objects.bulk_create(
        [
            Message(
                key="once",
                kind="lead_assigned",
                recipient=world["boss"],
                created_at=AT,
                due_at=AT,
            )
        ]
    )


def silent_loop(world) -> None:
    Heartbeat.objects.create(name="sweep", at=AT, max_age=10)


def owner_who_left(world) -> None:
    lead = Lead.objects.filter(owner__isnull=False).first()
    run("UPDATE reps_rep SET is_active = %s WHERE id = %s", False, lead.owner_id)


def forgotten_history(world) -> None:
    run("UPDATE reps_team SET name = %s WHERE name = %s", "Silently renamed", "North")


def forged_author(world) -> None:
    row = Team.history.first()
    run(
        "UPDATE reps_historicalteam SET history_user_id = %s WHERE history_id = %s",
        world["boss"].pk,
        row.history_id,
    )


def edited_trail(world) -> None:
    row = AuditEvent.objects.filter(reason="Not my field").first()
    run("UPDATE reps_auditevent SET reason = %s WHERE id = %s", "Whatever", row.pk)


def unsigned_act(world) -> None:
    row = AuditEvent.objects.first()
    run("UPDATE reps_auditevent SET actor_label = '' WHERE id = %s", row.pk)


def rewritten_day(world) -> None:
    """One event altered, and the whole of its chain made to fit it, head included."""
    anchors.seal(at=AT + timedelta(days=2))
    assert not violations("A3")
    chain = AuditEvent.objects.filter(reason="Not my field").first().chain
    events = list(AuditEvent.objects.filter(chain=chain).order_by("seq"))
    for event, previous in zip(events, [None, *events], strict=False):
        event.reason = event.reason.replace("Not my field", "My field")
        event.prev_hash = previous.hash if previous else ""
        event.hash = audit.digest(event)
        run(
            "UPDATE reps_auditevent SET reason = %s, prev_hash = %s, hash = %s WHERE id = %s",
            event.reason,
            event.prev_hash,
            event.hash,
            event.pk,
        )
    run("UPDATE reps_audithead SET hash = %s WHERE chain = %s", events[-1].hash, chain)
    assert not violations("A1")


def silent_change(world) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE reps_team SET name = 'Silently renamed' WHERE name = 'North'")


def unfair_balance(world) -> None:
    run("UPDATE routing_poolstanding SET balance = balance + 1")


def forged_line(world) -> None:
    row = BalanceLine.objects.filter(kind="LEADS").first()
    run("UPDATE routing_balanceline SET units = units + 1 WHERE id = %s", row.pk)


def flooded_rep(world) -> None:
    """Several leads within a day, where the limit has allowed one since before."""
    holder = RepLoad.objects.filter(rep__is_active=True).latest("open").rep
    limit = Limit(rep=holder, kind="flow", most=50, window="DAY", rolling=True)
    make.saved(limit, at=AT)
    assert not violations("F3")
    run("UPDATE routing_limit SET most = 1 WHERE id = %s", limit.pk)


def idle_decision(world) -> None:
    row = Assignment.objects.filter(decision__outcome="assign").first()
    run("UPDATE routing_assignment SET decision_id = NULL WHERE id = %s", row.pk)


def another_answer(world) -> None:
    row = Decision.objects.filter(outcome="assign").first()
    run(
        "UPDATE routing_decision SET body = %s WHERE id = %s",
        row.body.replace('"outcome":"assign"', '"outcome":"park"'),
        row.pk,
    )


def other_facts(world) -> None:
    row = Decision.objects.filter(inputs_digest__gt="").first()
    Decision.objects.filter(pk=row.pk).update(facts={**row.facts, "country": "ZZ"})


def endless_pause(world) -> None:
    Pause.objects.create(
        lead=Lead.objects.filter(owner__isnull=False).first(),
        epoch=1,
        reason=make.pause_reason(),
        started_at=AT,
        resume_at=AT + make.MINUTE,
        by=world["boss"],
    )


def moved_deadline(world) -> None:
    """Later than it was promised, by nobody's act."""
    clock = Clock.objects.filter(state=Clock.State.MET).first()
    run("UPDATE sla_clock SET due_at = %s WHERE id = %s", _stored(LATER), clock.pk)


def held_for_data(world) -> None:
    lead = make.lead()
    Enrichment.objects.filter(pk=lead.pk).update(deadline_at=AT + timedelta(seconds=3))
    run("UPDATE routing_lead SET route_at = %s WHERE id = %s", _stored(LATER), lead.pk)


def key_of_somebody_merged(world) -> None:
    one, other = Prospect.objects.order_by("pk")[:2]
    Prospect.objects.filter(pk=one.pk).update(merged_into=other)


PLANTED: dict[str, Callable[[dict], None]] = {
    "E1": held_for_data,
    "I1": lost_submission,
    "I2": submission_to_nowhere,
    "I3": owner_without_custody,
    "I4": wrong_load,
    "I5": hidden_overload,
    "I6": sleeping_clock,
    "I7": forgotten_lead,
    "I8": lost_escalation,
    "I9": early_step,
    "I10": unexplained_place,
    "I11": skipped_epoch,
    "I12": torn_custody,
    "I13": stuck_message,
    "I14": same_effect_twice,
    "I15": silent_loop,
    "I16": owner_who_left,
    "H1": forgotten_history,
    "H2": forged_author,
    "A1": edited_trail,
    "A2": unsigned_act,
    "A3": rewritten_day,
    "L1": silent_change,
    "L2": silent_change,
    "F1": unfair_balance,
    "F2": forged_line,
    "F3": flooded_rep,
    "D1": idle_decision,
    "D2": another_answer,
    "D3": other_facts,
    "P1": key_of_somebody_merged,
    "S1": endless_pause,
    "S2": moved_deadline,
}
# Planted in a test of its own below, for it needs a second connection.
ELSEWHERE = {"I17"}
# What only PostgreSQL's own log knows.
POSTGRES_ONLY = {"L1", "L2"}
# What a constraint makes impossible on SQLite, where an inline UNIQUE cannot be dropped.
REFUSED_BY_SQLITE = {"I14"}


def _stored(at) -> Any:
    return connection.ops.adapt_datetimefield_value(at)


def test_every_invariant_has_its_planted_violation():
    assert {one.code for one in verify.all_invariants()} == set(PLANTED) | ELSEWHERE


def test_a_healthy_database_violates_nothing(world):
    found = {one.code: lines for one, lines in verify.run(at=LATER) if lines}

    assert not found


@pytest.mark.parametrize("code", PLANTED)
def test_a_planted_violation_is_found(world, code):
    assert not violations(code)

    if code in REFUSED_BY_SQLITE and connection.vendor != POSTGRES:
        with pytest.raises(IntegrityError), transaction.atomic():
            PLANTED[code](world)
        return
    PLANTED[code](world)

    assert violations(code) or (code in POSTGRES_ONLY and connection.vendor != POSTGRES)


def test_an_open_transaction_of_another_process_is_found(world, monkeypatch):
    monkeypatch.setattr(people_invariants, "LONGEST_TRANSACTION", timedelta(0))
    if connection.vendor != POSTGRES:
        # SQLite cannot be asked who holds a transaction; its writers time out instead.
        assert not violations("I17")
        return
    settings = connection.get_connection_params()
    with psycopg.connect(
        dbname=settings["dbname"],
        user=settings.get("user"),
        password=settings.get("password"),
        host=settings.get("host"),
        port=settings.get("port"),
    ) as other:
        other.execute("SELECT 1")
        # PostgreSQL shows a transaction the activity of its first look; this one has looked.
        run("SELECT pg_stat_clear_snapshot()")

        assert violations("I17")


# --- Further ways to break the same promises ----------------------------------------------------


def test_a_lead_with_two_live_assignments_is_refused_by_the_database(world):
    lead = Lead.objects.filter(owner__isnull=False).first()
    row = lead.assignments.get(ended_at__isnull=True)
    row.pk, row.epoch, row.decision_id, row.opened_seq = None, 99, None, 99_999

    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


def test_a_rep_above_their_cap_is_refused_by_the_database(world):
    row = Assignment.objects.filter(rep__isnull=False).first()

    with pytest.raises(IntegrityError), transaction.atomic():
        run("UPDATE routing_assignment SET load_after = cap + 1 WHERE id = %s", row.pk)


def test_a_hole_in_the_numbers_of_a_load_is_found(world):
    row = Assignment.objects.filter(closed_seq__isnull=False).first()
    run("UPDATE routing_assignment SET closed_seq = NULL WHERE id = %s", row.pk)

    assert violations("I5")


def test_a_lead_that_should_have_been_decided_is_found_unless_routing_is_paused(world):
    make.lead(at=AT)

    assert violations("I7")

    run(
        "UPDATE routing_organisation SET routing_paused_at = %s, routing_paused_by_id = %s",
        _stored(AT),
        world["boss"].pk,
    )
    assert not violations("I7")


def test_a_lead_for_which_nobody_active_answers_is_found(world):
    lead = Lead.objects.filter(owner__isnull=False).first()
    run("UPDATE reps_user SET is_active = %s WHERE id = %s", False, lead.responsible_id)

    assert violations("I7")


def test_a_row_that_is_gone_without_a_history_row_is_found(world):
    draft = score_edit.draft(by=None, at=make.MONDAY_9AM)
    run("DELETE FROM routing_scoremodel WHERE id = %s", draft.pk)

    assert violations("H1")


def test_a_missing_history_row_is_found(world):
    run("DELETE FROM reps_historicalteam")

    assert violations("H1")
    assert violations("H2")


def test_altered_personal_facts_are_found_and_erased_ones_are_no_fault(world):
    facts = PersonalFacts.objects.first()
    PersonalFacts.objects.filter(pk=facts.pk).update(facts={"title": "Somebody else"})

    assert violations("D2")

    facts.delete()
    assert not violations("D2")


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("UPDATE routing_rostersnapshot SET body = REPLACE(body, '1000', '999')", "roster"),
        ("UPDATE routing_batch SET counters = REPLACE(counters, '[', ' [')", "counters"),
        ("UPDATE routing_rule SET name = 'Renamed behind the back'", "rules"),
        ("UPDATE routing_decision SET place = place + 100", "order"),
        ("UPDATE routing_decision SET branch = 'x:b'", "answer"),
        ("UPDATE routing_decision SET inputs_digest = ''", "seal"),
    ],
)
def test_every_altered_input_of_a_decision_is_found_and_named(world, sql, named):
    assert not violations("D3")

    run(sql)

    found = violations("D3")
    assert found
    assert all(line.endswith(f"altered since: {named}") for line in found)


def test_facts_altered_together_with_every_digest_beside_them_are_still_found(world):
    """The audit trail has the seal too, and its own chain shows whoever writes it anew."""
    row = Decision.objects.filter(applied=True, place=0).first()
    facts = {**row.facts, "country": "ZZ"}
    seal = inputs.Seal(row.batch, roster=row.batch.roster.digest)
    forged = Decision(
        pk=row.pk, batch=row.batch, lead=row.lead, place=0, facts=facts, body=row.body
    )
    forged.personal_digest = row.personal_digest
    seal.put_on(forged)
    Decision.objects.filter(pk=row.pk).update(
        facts=facts, facts_digest=forged.facts_digest, inputs_digest=forged.inputs_digest
    )

    assert violations("D3") == [f"decision {row.pk}: altered since: seal"]


def test_a_clock_that_was_in_time_and_late_is_found(world):
    clock = Clock.objects.filter(state=Clock.State.MET).first()
    with unguarded("sla_clock", "sla_no_breach_before_the_deadline"):
        run(
            "UPDATE sla_clock SET breached_at = %s WHERE id = %s",
            _stored(clock.due_at + make.MINUTE),
            clock.pk,
        )

    assert violations("I9")


def test_a_quarantined_submission_is_no_loss(world):
    received = make.submission({"email": "not an address"}, at=AT)
    jobs.drain("intake", driver="test", due_before=AT)
    received.refresh_from_db()

    assert received.state == Submission.State.QUARANTINED
    assert not violations("I1")


def test_a_loop_that_speaks_is_not_silent(world):
    heartbeats.beat("sweep", max_age=10)
    spoke = Heartbeat.objects.get(name="sweep").at

    assert not violations("I15", at=spoke + timedelta(seconds=9))
    assert violations("I15", at=spoke + timedelta(seconds=11))


@pytest.mark.parametrize(
    "code",
    [one.code for one in verify.all_invariants() if one.pace is verify.Pace.STRETCH],
)
def test_a_planted_violation_is_found_in_a_stretch_of_leads_too(world, code):
    PLANTED[code](world)
    (one,) = [one for one in verify.all_invariants() if one.code == code]
    newest = verify.newest_lead()

    assert list(one.check(LATER, (1, newest)))
    assert not list(one.check(LATER, (newest + 1, newest + 1000)))
