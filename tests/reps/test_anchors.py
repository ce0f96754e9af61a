"""A day of the trail is sealed once, and no rewriting of it goes unseen."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from reps import trail
from reps.due import routines
from reps.models import AuditAnchor, AuditEvent, AuditHead
from reps.trail import anchors, audit
from tests import make, tamper
from tests.clock import travel

AT = make.MONDAY_9AM
DAY = timedelta(days=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    """Three chains over three days, each day sealed an hour after its end."""
    row = make.team("North")
    for number in range(3):
        at = AT + number * DAY
        trail.save(row, by=make.user(), at=at, reason=f"reason {number}", data={"n": number})
        make.saved(make.Team(name=f"Other {number}"), at=at)
        anchors.seal(at=anchors.next_at(at))
    return row


def faults() -> list[str]:
    return [*map(str, audit.broken()), *anchors.broken()]


# --- When, and what -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("2026-06-15 00:00", "2026-06-15 01:00"),
        ("2026-06-15 00:59", "2026-06-15 01:00"),
        ("2026-06-15 01:00", "2026-06-16 01:00"),
        ("2026-06-15 23:30", "2026-06-16 01:00"),
    ],
)
def test_a_day_is_sealed_an_hour_after_midnight(now, then):
    read = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (now, then)]

    assert anchors.next_at(read[0]) == read[1]


def test_each_day_covers_the_events_after_the_one_before(team):
    first, second, third = AuditAnchor.objects.order_by("day")

    assert [first.day, second.day, third.day] == [(AT + n * DAY).date() for n in range(3)]
    assert (first.first_id, second.first_id) == (1, first.last_id + 1)
    assert (second.prev_root, third.prev_root) == (first.root, second.root)
    assert first.events + second.events + third.events == AuditEvent.objects.count()
    assert faults() == []


def test_the_same_day_is_sealed_once(team):
    assert anchors.seal(at=AT + 3 * DAY) is None
    assert AuditAnchor.objects.count() == 3


def test_days_without_a_run_are_sealed_with_the_next(team):
    make.saved(make.Team(name="Late"), at=AT + 5 * DAY)

    made = anchors.seal(at=AT + 8 * DAY)

    assert made.day == (AT + 7 * DAY).date()
    assert made.events == 1
    assert faults() == []


def test_a_day_on_which_nothing_happened_is_sealed_too(team):
    made = anchors.seal(at=AT + 5 * DAY)

    assert (made.events, made.last_id) == (0, made.first_id - 1)
    assert faults() == []


def test_what_happens_today_is_left_for_tomorrow(team):
    trail.save(team, by=None, at=AT + 3 * DAY, reason="today")

    assert anchors.seal(at=AT + 3 * DAY) is None
    assert anchors.seal(at=AT + 4 * DAY).events == 1


def test_the_routine_runs_once_a_day(team):
    with travel(AT + 4 * DAY):
        routines.drain(driver="test", due_before=AT + 4 * DAY)
    with travel(AT + 4 * DAY + make.MINUTE):
        routines.drain(driver="test", due_before=AT + 4 * DAY + make.MINUTE)

    assert AuditAnchor.objects.count() == 4


# --- Kept elsewhere -------------------------------------------------------------------------------


def test_the_newest_seal_is_printed_for_keeping_elsewhere(team):
    said = StringIO()

    call_command("audit_anchor", "--print", stdout=said)

    newest = AuditAnchor.objects.order_by("day").last()
    assert json.loads(said.getvalue()) == {
        "day": newest.day.isoformat(),
        "last_id": newest.last_id,
        "events": newest.events,
        "root": newest.root,
    }


def test_without_a_seal_there_is_nothing_to_print():
    with pytest.raises(CommandError, match="No day"):
        call_command("audit_anchor", "--print")


def test_a_file_outside_knows_an_anchor_that_was_rewritten(team, settings, tmp_path):
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "kept" / "anchors.jsonl")
    anchors.run(AT + 4 * DAY)
    assert faults() == []
    assert len((tmp_path / "kept" / "anchors.jsonl").read_text().splitlines()) == 4

    # Events, heads and every anchor made anew by somebody who may do anything in the database.
    tamper.run("DELETE FROM reps_auditevent WHERE chain = %s", f"reps.team:{team.pk}")
    tamper.run("DELETE FROM reps_audithead WHERE chain = %s", f"reps.team:{team.pk}")
    tamper.run("DELETE FROM reps_auditanchor")
    for number in range(4):
        anchors.seal(at=anchors.next_at(AT + number * DAY))

    assert list(audit.broken()) == []
    assert [fault for fault in anchors.broken() if str(AT.date()) in fault]


def test_a_restore_takes_back_the_days_after_it(team, settings, tmp_path):
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors.jsonl")
    anchors.run(AT + 4 * DAY)
    tamper.run("DELETE FROM reps_auditanchor WHERE day > %s", (AT + DAY).date())
    assert len(faults()) == 2

    anchors.note_restore(at=AT + 5 * DAY)

    assert faults() == []
    anchors.run(AT + 5 * DAY)
    assert faults() == []


# --- Tampering (fault 78): fifty ways -------------------------------------------------------------

EVENT_COLUMNS = {
    "chain": "'reps.team:999'",
    "seq": "seq + 100",
    "kind": "'other'",
    "at": "'2020-01-01 00:00:00+00'",
    "actor_id": "NULL",
    "actor_label": "'Somebody Else'",
    "reason_code": "'other'",
    "reason": "'other'",
    "subject": "'reps.rep'",
    "subject_id": "subject_id + 1",
    "writes_history": "NOT writes_history",
    "data": "'[99]'",
    "prev_hash": "'x'",
    "hash": "'x'",
}
ANCHOR_COLUMNS = {
    "day": "'2020-01-01'",
    "first_id": "first_id + 1",
    "last_id": "last_id + 1",
    "events": "events + 1",
    "prev_root": "'x'",
    "root": "'x'",
}
# Of three events and three anchors: the first, one in the middle, the last.
EDITS = [
    *(
        f"UPDATE reps_auditevent SET {column} = {value} WHERE id = {{events[{which}]}}"
        for column, value in EVENT_COLUMNS.items()
        for which in (1, 3)
    ),
    *(
        f"UPDATE reps_auditanchor SET {column} = {value} WHERE id = {{anchors[{which}]}}"
        for column, value in ANCHOR_COLUMNS.items()
        for which in (0, 1)
    ),
    *(f"DELETE FROM reps_auditevent WHERE id = {{events[{which}]}}" for which in range(4)),
    "DELETE FROM reps_auditanchor WHERE id = {anchors[0]}",
    "DELETE FROM reps_auditanchor WHERE id = {anchors[1]}",
    "DELETE FROM reps_auditevent",
    "UPDATE reps_auditevent SET reason = 'all the same'",
    "DELETE FROM reps_auditevent WHERE id > {events[1]}",
    "UPDATE reps_auditevent SET actor_label = 'Nobody' WHERE kind = 'changed'",
]


def scene(team) -> dict[str, list[int]]:
    events = AuditEvent.objects.filter(chain=f"reps.team:{team.pk}").order_by("pk")
    return {
        "events": list(events.values_list("pk", flat=True)),
        "anchors": list(AuditAnchor.objects.order_by("pk").values_list("pk", flat=True)),
    }


class Undone(Exception):
    pass


def test_there_are_fifty_ways():
    assert len(EDITS) == 50


def test_the_product_itself_is_refused_every_time(team):
    known = scene(team)
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one user, who may do everything")

    for edit in EDITS:
        with (
            pytest.raises(IntegrityError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(edit.format(**known))

    assert faults() == []


@pytest.mark.parametrize("number", range(len(EDITS)))
def test_whoever_gets_around_that_is_found(team, number):
    edit = EDITS[number].format(**scene(team))

    assert tamper.run(edit), edit

    assert faults(), edit


def test_a_chain_rewritten_as_a_whole_with_its_head_is_found_by_its_day(team):
    chain = f"reps.team:{team.pk}"
    previous = ""
    for event in AuditEvent.objects.filter(chain=chain).order_by("seq"):
        event.reason_code, event.prev_hash = "harmless", previous
        previous = audit.digest(event)
        tamper.run(
            "UPDATE reps_auditevent SET reason_code = %s, prev_hash = %s, hash = %s WHERE id = %s",
            event.reason_code,
            event.prev_hash,
            previous,
            event.pk,
        )
    AuditHead.objects.filter(chain=chain).update(hash=previous)

    assert list(audit.broken()) == []
    assert list(anchors.broken()) != []


def test_two_events_that_changed_places_are_found(team):
    one, two = itertools.islice(AuditEvent.objects.filter(chain=f"reps.team:{team.pk}"), 2)
    tamper.run("UPDATE reps_auditevent SET seq = 99 WHERE id = %s", one.pk)
    tamper.run("UPDATE reps_auditevent SET seq = %s WHERE id = %s", one.seq, two.pk)
    tamper.run("UPDATE reps_auditevent SET seq = %s WHERE id = %s", two.seq, one.pk)

    assert faults()


# --- What a library brings and the product must not have -----------------------------------------


@pytest.mark.parametrize(
    "command", ["clean_old_history", "clean_duplicate_history", "populate_history"]
)
def test_history_is_neither_purged_nor_made_up(team, command):
    with pytest.raises(CommandError):
        call_command(command)

    assert team.history.count() == 4
