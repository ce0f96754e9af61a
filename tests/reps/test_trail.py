"""One row, one history row, one audit event: all in the transaction of the change."""

from datetime import timedelta

import pytest
from django.db import transaction

from reps import trail
from reps.models import AuditEvent, RosterStamp, Team
from reps.trail import audit
from tests import make

AT = make.MONDAY_9AM
LATER = AT + timedelta(hours=1, microseconds=5)
pytestmark = pytest.mark.django_db


@pytest.fixture
def boss():
    return make.user("boss", first_name="Ada", last_name="Boss")


@pytest.fixture
def team():
    return make.team("North")


def events(team) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(subject="reps.team", subject_id=team.pk).order_by("seq"))


def test_saving_leaves_history_and_event_with_author_time_and_reason(team, boss):
    team.name = "South"
    trail.save(team, by=boss, at=LATER, reason="renamed", kind="moved", data={"why": "map"})

    row, event = team.history.order_by("-history_id").first(), events(team)[-1]
    assert (row.name, row.history_type, row.history_user, row.history_date) == (
        "South",
        "~",
        boss,
        LATER,
    )
    assert row.history_change_reason == event.reason_code == "renamed"
    assert (event.kind, event.actor, event.actor_label, event.at) == (
        "moved",
        boss,
        "Ada Boss",
        LATER,
    )
    assert event.data == {"name": "South", "why": "map"}
    assert event.writes_history


def test_without_a_person_the_system_did_it(team):
    assert (events(team)[0].actor, events(team)[0].actor_label) == (None, "System")


def test_deleting_leaves_the_last_state(team, boss):
    pk = team.pk

    trail.delete(team, by=boss, at=LATER, reason="merged")

    row = Team.history.filter(id=pk).order_by("-history_id").first()
    assert (row.history_type, row.name, row.history_user, row.history_date) == (
        "-",
        "North",
        boss,
        LATER,
    )
    last = AuditEvent.objects.filter(subject="reps.team", subject_id=pk).latest("seq")
    assert (last.kind, last.reason_code) == ("deleted", "merged")


def test_a_note_changes_no_history(team, boss):
    trail.note(team, kind="looked", by=boss, at=LATER, reason_code="curious", data={"n": 1})

    assert team.history.count() == 1
    assert not events(team)[-1].writes_history


@pytest.mark.parametrize("length", [40, 41, 100, 101, 600])
def test_a_long_reason_fits_and_is_kept_whole_in_the_trail(team, boss, length):
    reason = "because " * 80
    reason = reason[:length]

    trail.save(team, by=boss, at=LATER, reason=reason)

    event = events(team)[-1]
    assert event.reason_code == reason[:40]
    assert event.reason == (reason[:500] if length > 40 else "")
    assert team.history.order_by("-history_id").first().history_change_reason == reason[:100]


def test_what_was_said_of_one_change_is_not_said_of_the_next(team, boss):
    trail.save(team, by=boss, at=LATER, reason="renamed", kind="renamed", data={"n": 1})

    team.name = "West"
    team.save()

    row, event = team.history.order_by("-history_id").first(), events(team)[-1]
    assert (row.history_change_reason, row.history_user) == (None, None)
    assert (event.kind, event.reason_code, event.actor) == ("changed", "edited", None)
    assert "n" not in event.data


def test_the_longest_name_fits_the_trail(team):
    long = make.user("long", first_name="x" * 150, last_name="y" * 150)

    trail.save(team, by=long, at=LATER, reason="x")

    assert len(events(team)[-1].actor_label) == 200


def test_when_the_trail_fails_the_row_has_not_changed(team, boss, monkeypatch):
    monkeypatch.setattr(audit, "append", lambda entries: 1 / 0)
    team.name = "South"

    with pytest.raises(ZeroDivisionError):
        trail.save(team, by=boss, at=LATER, reason="renamed")

    team.refresh_from_db()
    assert team.name == "North"
    assert team.history.count() == 1


def test_when_the_change_is_rolled_back_so_are_history_and_event(team, boss):
    def fails():
        with transaction.atomic():
            trail.save(team, by=boss, at=LATER, reason="renamed")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()

    assert team.history.count() == len(events(team)) == 1


def test_whatever_shapes_the_roster_moves_its_stamp(team):
    before = RosterStamp.current()
    make.saved(team)
    after_team = RosterStamp.current()
    make.source()

    assert after_team > before
    assert RosterStamp.current() == after_team


def test_recording_nothing_writes_nothing(team, django_assert_num_queries):
    with django_assert_num_queries(0):
        trail.record(Team, [], by=None, at=AT)


def test_bulk_recording_of_what_shapes_the_roster_moves_its_stamp(team):
    before = RosterStamp.current()

    trail.record(Team, [trail.Change(id=team.pk)], by=None, at=AT)

    assert RosterStamp.current() > before
