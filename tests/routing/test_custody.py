"""Custody minutes: who held a lead for how long, adding up exactly."""

from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing import custody, ownership, work
from routing.models import Lead
from tests import make

AT = make.MONDAY_9AM
MINUTE = make.MINUTE
HOUR = 60 * MINUTE
pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    make.organisation()
    return make.rep("ann", calendar=make.calendar("Office", time_zone="UTC"))


@pytest.fixture
def ben(ann):
    return make.rep("ben")


def give(lead, rep, *, at, by=None):
    lead.refresh_from_db()
    return work.give_to(
        lead_id=lead.pk,
        epoch=lead.owner_epoch,
        rep_id=rep.pk,
        reason_code="CORRECTED",
        reason="x",
        by=by,
        at=at,
        driver="test",
    )


def test_each_holder_has_their_seconds_and_their_working_seconds(ann, ben):
    make.absence(ann, AT + 2 * HOUR, AT + 4 * HOUR)
    boss = make.user("boss", first_name="Morgan")
    lead = make.owned(ann)
    give(lead, ben, at=AT + 20 * HOUR, by=boss)
    work.decline(
        lead_id=lead.pk, epoch=2, reason="No", by=ben.user, at=AT + 21 * HOUR, driver="test"
    )

    found = custody.spells(lead, at=AT + 22 * HOUR)

    assert [(one.epoch, one.place, one.holder) for one in found[:2]] == [
        (1, "OWNER", ann),
        (2, "OWNER", ben),
    ]
    assert (found[2].holder.name, found[2].label) == ("Waiting room", "Waiting room")
    assert [one.seconds for one in found] == [20 * 3600, 3600, 3600]
    # Ann's day has eight hours, two of which she is away; Ben works around the clock.
    assert [one.working_seconds for one in found] == [6 * 3600, 3600, None]
    assert [(one.reason_code, one.by_label) for one in found] == [
        ("CORRECTED", "System"),
        ("CORRECTED", "Morgan"),
        ("DECLINED", "ben"),
    ]
    assert [one.ended_at for one in found] == [AT + 20 * HOUR, AT + 21 * HOUR, None]
    assert custody.total(found) == 22 * 3600


def test_what_holds_it_without_a_name_is_told_by_its_place(ann):
    lead = make.owned(ann)
    work.record_outcome(
        lead_id=lead.pk, epoch=1, kind="WON", by=ann.user, at=AT + HOUR, driver="test"
    )

    closed = custody.spells(lead, at=AT + 2 * HOUR)[-1]

    assert (closed.holder, closed.label, closed.seconds) == (None, "Closed", 3600)


def test_a_lead_that_nobody_has_held_has_no_custody(ann):
    assert custody.spells(make.lead(), at=AT) == []


def test_statements_do_not_grow_with_the_moves(ann, ben):
    counted = set()
    lead = make.owned(ann)
    for round_ in range(2):
        for hop in range(1 + 6 * round_):
            give(lead, (ben, ann)[(hop + 7 * round_) % 2], at=AT + (10 * round_ + hop) * MINUTE)
        with CaptureQueriesContext(connection) as captured:
            custody.spells(lead, at=AT + HOUR)
        counted.add(len(captured))

    assert len(counted) == 1


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    moves=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 200_000), st.integers(0, 999_999)), max_size=10
    ),
    rest=st.integers(0, 10**12),
)
def test_spells_touch_and_add_up_to_the_whole(ann, ben, moves, rest):
    pool = make.pool(ann)
    with transaction.atomic():
        lead, now = make.owned(ann), AT
        for where, seconds, microseconds in moves:
            now += timedelta(seconds=seconds, microseconds=microseconds)
            lead.refresh_from_db()
            target = (
                {"place": Lead.Place.OWNER, "rep_id": ann.pk},
                {"place": Lead.Place.OWNER, "rep_id": ben.pk},
                {"place": Lead.Place.QUEUE, "queue_id": make.queue(pool).pk},
                {"place": Lead.Place.NURTURE},
            )[where]
            move = ownership.Move(
                lead_id=lead.pk, epoch=lead.owner_epoch, reason_code="CORRECTED", **target
            )
            try:
                ownership.change_many([move], by=None, at=now, driver="test")
            except ownership.NothingToMove:
                continue
        until = now + timedelta(microseconds=rest)

        found = custody.spells(lead, at=until)

        for one, other in pairwise(found):
            assert one.ended_at == other.started_at
        assert [one.epoch for one in found] == list(range(1, len(found) + 1))
        # To the microsecond by their moments, and to the second by their seconds.
        lasted = [(one.ended_at or until) - one.started_at for one in found]
        assert sum(lasted, timedelta()) == until - AT
        assert custody.total(found) == int(until.timestamp()) - int(AT.timestamp())
        assert all(0 <= (one.working_seconds or 0) <= one.seconds for one in found)
        transaction.set_rollback(True)
