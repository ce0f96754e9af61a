"""The only writer of owner, place and epoch: epochs, caps, loads, all or nothing."""

from datetime import timedelta

import pytest

from reps.models import AuditEvent, Message
from reps.trail import audit
from routing import ownership, signals, waking, work
from routing.models import Assignment, Lead, RepLoad
from routing.ownership import CapReached, EpochPassed, Move, NothingToMove, RepUnavailable
from sla.models import Clock
from tests import make

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    return make.rep("ann")


@pytest.fixture
def ben(ann):
    return make.rep("ben")


def to_rep(lead, rep, **more) -> Move:
    return Move(
        lead_id=lead.pk,
        epoch=more.pop("epoch", lead.owner_epoch),
        place=Lead.Place.OWNER,
        rep_id=rep.pk,
        reason_code=more.pop("reason_code", "CORRECTED"),
        reason=more.pop("reason", "because"),
        **more,
    )


def change(*moves, at=AT, by=None):
    return ownership.change_many(moves, by=by, at=at, driver="test")


def test_a_lead_gets_an_owner_and_its_first_epoch(ann):
    lead = make.lead()

    change(to_rep(lead, ann))

    lead.refresh_from_db()
    assert (lead.place, lead.owner, lead.queue, lead.owner_epoch) == ("OWNER", ann, None, 1)
    assert lead.responsible == ann.user
    assert lead.assigned_at == AT
    assert lead.acknowledged_at is None


def test_no_move_is_no_change():
    assert ownership.change_many([], by=None, at=AT, driver="test") == []


def test_custody_is_opened_with_its_reason_driver_and_load(ann):
    lead = make.lead()
    boss = make.user("boss")

    change(to_rep(lead, ann), by=boss)

    custody = lead.assignments.get()
    assert (custody.epoch, custody.rep, custody.from_rep, custody.from_place) == (
        1,
        ann,
        None,
        "QUEUE",
    )
    assert (custody.reason_code, custody.reason, custody.by, custody.driver) == (
        "CORRECTED",
        "because",
        boss,
        "test",
    )
    assert (custody.opened_seq, custody.load_after, custody.cap) == (1, 1, ann.capacity)


def test_custody_ends_when_the_next_begins(ann, ben):
    lead = make.owned(ann)
    later = AT + make.MINUTE

    change(to_rep(lead, ben), at=later)

    first, second = ownership.custody(lead)
    assert first.ended_at == second.started_at == later
    assert (first.rep, second.rep, second.from_rep) == (ann, ben, ann)
    assert first.closed_seq == 2
    assert second.ended_at is None


def test_loads_follow_the_leads(ann, ben):
    lead, other = make.owned(ann), make.owned(ann)

    change(to_rep(lead, ben))

    assert dict(RepLoad.objects.values_list("rep", "open")) == {ann.pk: 1, ben.pk: 1}
    assert RepLoad.objects.get(rep=ann).seq == 3
    assert other.owner == ann


def test_a_move_of_another_epoch_is_refused(ann, ben):
    lead = make.owned(ann)

    with pytest.raises(EpochPassed, match="quicker"):
        change(to_rep(lead, ben, epoch=lead.owner_epoch - 1))

    lead.refresh_from_db()
    assert lead.owner == ann


def test_a_closed_lead_stays_closed(ann, ben):
    lead = make.owned(ann)
    work.record_outcome(lead_id=lead.pk, epoch=1, kind="WON", by=ann.user, at=AT, driver="test")

    with pytest.raises(NothingToMove, match="closed"):
        change(to_rep(lead, ben, epoch=2))


def test_a_lead_is_not_moved_to_where_it_is(ann):
    lead = make.owned(ann)

    with pytest.raises(NothingToMove, match="already there"):
        change(to_rep(lead, ann))


def test_nobody_gets_more_leads_than_their_cap(ann):
    small = make.rep("small", capacity=2)
    make.owned(small)
    make.owned(small)
    lead = make.lead()

    with pytest.raises(CapReached, match="2 open leads of 2"):
        change(to_rep(lead, small))

    lead.refresh_from_db()
    assert lead.owner is None
    assert RepLoad.objects.get(rep=small).open == 2


def test_the_cap_holds_inside_of_one_call(ann):
    small = make.rep("small", capacity=2)
    leads = make.leads(3)

    with pytest.raises(CapReached):
        change(*[to_rep(lead, small) for lead in leads])

    assert not Assignment.objects.exists()
    assert not RepLoad.objects.filter(open__gt=0).exists()


def test_room_that_the_same_call_frees_may_be_used_by_a_later_move(ann):
    small = make.rep("small", capacity=1)
    held, lead = make.owned(small), make.lead()

    change(to_rep(held, ann), to_rep(lead, small))

    assert RepLoad.objects.get(rep=small).open == 1
    assert [a.load_after for a in Assignment.objects.filter(rep=small).order_by("pk")] == [1, 1]


def test_a_rep_who_left_gets_nothing(ann):
    gone = make.rep("gone", is_active=False)
    lead = make.lead()

    with pytest.raises(RepUnavailable, match="has left"):
        change(to_rep(lead, gone))


def test_all_moves_are_made_or_none(ann, ben):
    lead, other = make.owned(ann), make.owned(ann)

    with pytest.raises(EpochPassed):
        change(to_rep(lead, ben), to_rep(other, ben, epoch=99))

    lead.refresh_from_db()
    assert lead.owner == ann
    assert lead.history.count() == 2


def test_history_and_trail_tell_of_the_change_once(ann, ben):
    lead = make.owned(ann)
    boss = make.user("boss")

    change(to_rep(lead, ben, reason="Speaks French"), by=boss, at=AT + make.MINUTE)

    row = lead.history.order_by("-history_id").first()
    assert (row.owner_id, row.owner_epoch, row.history_user, row.history_date) == (
        ben.pk,
        2,
        boss,
        AT + make.MINUTE,
    )
    event = AuditEvent.objects.filter(subject="routing.lead", subject_id=lead.pk).latest("seq")
    assert (event.kind, event.actor, event.reason_code, event.reason) == (
        "placed",
        boss,
        "CORRECTED",
        "Speaks French",
    )
    assert event.data["owner_id"] == ben.pk
    assert event.data["from_owner_id"] == ann.pk
    assert event.data["owner_epoch"] == 2
    assert (
        lead.history.count()
        == AuditEvent.objects.filter(
            subject="routing.lead", subject_id=lead.pk, writes_history=True
        ).count()
    )


def test_when_a_receiver_fails_nothing_at_all_has_happened(ann, ben):
    make.policy()
    lead = make.owned(ann)
    before = {
        "history": lead.history.count(),
        "trail": AuditEvent.objects.count(),
        "messages": Message.objects.count(),
        "clocks": list(Clock.objects.values()),
        "loads": list(RepLoad.objects.order_by("pk").values()),
    }

    def fails(sender, **kwargs):
        raise RuntimeError("the receiver fails")

    signals.leads_placed.connect(fails)
    try:
        with pytest.raises(RuntimeError):
            change(to_rep(lead, ben))
    finally:
        signals.leads_placed.disconnect(fails)

    lead.refresh_from_db()
    assert (lead.owner, lead.owner_epoch) == (ann, 1)
    assert before == {
        "history": lead.history.count(),
        "trail": AuditEvent.objects.count(),
        "messages": Message.objects.count(),
        "clocks": list(Clock.objects.values()),
        "loads": list(RepLoad.objects.order_by("pk").values()),
    }
    assert not list(audit.broken())


def test_a_new_owner_has_neither_seen_nor_worked_it(ann, ben):
    lead = make.owned(ann)
    work.acknowledge(lead_id=lead.pk, epoch=1, by=ann.user, at=AT)

    change(to_rep(lead, ben))

    lead.refresh_from_db()
    assert (lead.state, lead.acknowledged_at) == ("NEW", None)
    assert lead.former_owner == ann


def test_what_was_reached_with_the_person_stays_across_owners(ann, ben):
    lead = make.owned(ann)
    work.log_contact(
        lead_id=lead.pk, epoch=1, way="CALL", reached=True, note="", by=ann.user, at=AT
    )

    change(to_rep(lead, ben))

    lead.refresh_from_db()
    assert (lead.state, lead.contacted_at) == ("CONTACTED", AT)


def test_whoever_answers_for_a_queue_answers_for_its_leads(ann):
    queue = make.queue(make.pool(ann), responsible=make.user("keeper"))

    lead = make.queued(queue)

    assert lead.responsible.username == "keeper"


def test_one_signal_tells_of_all_moves(ann):
    leads, heard = make.leads(3), []

    def listen(sender, *, moves, **kwargs):
        heard.append([one.lead.pk for one in moves])

    signals.leads_placed.connect(listen)
    try:
        change(*[to_rep(lead, ann) for lead in leads])
    finally:
        signals.leads_placed.disconnect(listen)

    assert heard == [[lead.pk for lead in leads]]


@pytest.mark.parametrize(("spare", "woken"), [(0, 1), (1, 2), (20, 3)])
def test_freed_capacity_wakes_the_oldest_and_a_few_more(ann, monkeypatch, spare, woken):
    monkeypatch.setattr(waking, "SPARE_WAKES", spare)
    small = make.rep("small", capacity=1)
    make.rules(make.round_robin(make.pool(small), on_empty="wait"))
    held = make.owned(small)
    waiting = [make.routed(lead) for lead in make.leads(3)]
    assert {lead.waiting for lead in waiting} == {"CAPACITY"}
    now = AT + timedelta(minutes=5)

    work.record_outcome(lead_id=held.pk, epoch=1, kind="WON", by=small.user, at=now, driver="test")

    due = Lead.objects.filter(route_at__lte=now).values_list("pk", flat=True)
    assert sorted(due) == [lead.pk for lead in waiting[:woken]]
