"""The chain shows every edit, gap and swap, whoever made it."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from reps import trail
from reps.models import AuditEvent, AuditHead
from reps.models.audit import TrailIsAppendOnly
from reps.trail import audit
from tests import make
from tests.tamper import run

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    """A team with a chain of five events."""
    row = make.team("North")
    for number in range(4):
        trail.save(
            row,
            by=make.user(),
            at=AT + timedelta(seconds=number, microseconds=7),
            reason=f"reason {number}",
            data={"number": number, "share": 0.1, "text": "ü “x”", "none": None},
        )
    return row


def faults() -> list[tuple[int, str]]:
    return [
        (fault.seq, fault.what) for fault in audit.broken() if fault.chain.startswith("reps.team")
    ]


def event(team, seq) -> AuditEvent:
    return AuditEvent.objects.get(subject="reps.team", subject_id=team.pk, seq=seq)


def test_an_untouched_trail_is_whole(team):
    assert faults() == []
    assert [e.seq for e in AuditEvent.objects.filter(subject="reps.team").order_by("seq")] == [
        1,
        2,
        3,
        4,
        5,
    ]


def test_the_first_event_of_a_chain_follows_nobody(team):
    assert event(team, 1).prev_hash == ""
    assert event(team, 2).prev_hash == event(team, 1).hash


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("reason", "something else"),
        ("reason_code", "other"),
        ("kind", "other"),
        ("actor_label", "Somebody Else"),
        ("at", "2020-01-01 00:00:00"),
        ("subject_id", 999),
        ("data", '{"number": 99}'),
        ("writes_history", False),
        ("hash", "0" * 64),
        ("prev_hash", "0" * 64),
    ],
)
def test_an_edited_event_is_named(team, column, value):
    pk = event(team, 3).pk

    run(f"UPDATE reps_auditevent SET {column} = %s WHERE id = %s", value, pk)

    assert 3 in {seq for seq, _ in faults()}


def test_an_event_edited_together_with_its_hash_is_betrayed_by_its_successor(team):
    forged = event(team, 3)
    forged.reason = "something else"

    run(
        "UPDATE reps_auditevent SET reason = %s, hash = %s WHERE id = %s",
        forged.reason,
        audit.digest(forged),
        forged.pk,
    )

    assert faults() == [(4, "does not follow its predecessor")]


def test_a_deleted_event_is_named(team):
    run("DELETE FROM reps_auditevent WHERE id = %s", event(team, 3).pk)

    assert faults() == [(4, "event 3 is missing")]


def test_a_deleted_last_event_is_betrayed_by_the_head(team):
    run("DELETE FROM reps_auditevent WHERE id = %s", event(team, 5).pk)

    assert faults() == [(5, "the last event is missing or was changed")]


def test_a_deleted_first_event_is_named(team):
    run("DELETE FROM reps_auditevent WHERE id = %s", event(team, 1).pk)

    assert faults() == [(2, "event 1 is missing")]


def test_a_chain_without_events_is_betrayed_by_the_head(team):
    run("DELETE FROM reps_auditevent WHERE subject = 'reps.team'")

    assert faults() == [(5, "the last event is missing or was changed")]


def test_a_chain_without_a_head_is_named(team):
    run("DELETE FROM reps_audithead WHERE chain = %s", f"reps.team:{team.pk}")

    assert faults() == [(5, "the chain has no head")]


def test_swapped_events_are_named(team):
    two, three = event(team, 2).pk, event(team, 3).pk

    run("UPDATE reps_auditevent SET seq = 99 WHERE id = %s", two)
    run("UPDATE reps_auditevent SET seq = 2 WHERE id = %s", three)
    run("UPDATE reps_auditevent SET seq = 3 WHERE id = %s", two)

    assert {2, 3} <= {seq for seq, _ in faults()}


def test_an_event_added_at_the_end_without_the_head_is_named(team):
    last = event(team, 5)
    last.pk, last.seq, last.prev_hash = None, 6, last.hash
    last.hash = audit.digest(last)
    AuditEvent.objects.bulk_create([last])

    assert faults() == [(5, "the last event is missing or was changed")]


def test_single_chains_can_be_checked(team):
    other = make.team("South")
    run("UPDATE reps_auditevent SET reason = 'x' WHERE id = %s", event(team, 2).pk)

    assert not list(audit.broken([f"reps.team:{other.pk}"]))
    assert len(list(audit.broken([f"reps.team:{team.pk}"]))) == 1


def test_the_product_has_no_way_to_change_or_delete_an_event(team):
    one = event(team, 2)
    events = AuditEvent.objects.filter(pk=one.pk)

    for act in (
        one.save,
        one.delete,
        events.delete,
        lambda: events.update(reason="x"),
        lambda: AuditEvent.objects.bulk_update([one], ["reason"]),
        lambda: AuditEvent.objects.create(chain="x", seq=1, at=AT),
    ):
        with pytest.raises(TrailIsAppendOnly):
            act()

    assert faults() == []


def test_appending_costs_the_same_for_few_and_many(team, django_assert_num_queries):
    def entries(number):
        return [
            audit.Entry(
                subject="test.row",
                subject_id=pk % 7,
                kind="k",
                at=AT,
                by=None,
                reason_code="r",
            )
            for pk in range(number)
        ]

    for number in (2, 20):
        with django_assert_num_queries(3):
            audit.append(entries(number))

    assert not list(audit.broken())
    assert AuditHead.objects.get(chain="test.row:0").seq == 4


def test_a_second_writer_of_the_same_place_is_refused(team):
    twin = event(team, 5)
    twin.pk = None

    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEvent.objects.bulk_create([twin])


@pytest.mark.parametrize(
    "data",
    [
        {"when": AT, "float": 0.30000000000000004, "big": 10**30, "neg": -1.5e-7},
        {"nested": {"b": [1, "two", None, True], "a": {}}},
        {"text": 'quotes " and \\ and \u2028 and 👋'},
        {"whole": 3.0, "zero": 0, "exp": 1e22, "minus": -0.0, "edge": 1e16, "tiny": 5e-324},
    ],
)
def test_whatever_is_noted_reads_back_unbroken(team, data):
    trail.note(team, kind="noted", by=None, at=AT, reason_code="x", data=data)

    assert faults() == []
