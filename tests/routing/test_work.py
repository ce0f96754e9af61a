"""What people do with leads: every verb, every refusal, all or nothing."""

from datetime import timedelta
from decimal import Decimal

import pytest

from reps.models import AuditEvent, Message
from reps.services import people
from routing import signals, work
from routing.models import Lead, Outcome, RepLoad, Touch
from routing.ownership import CapReached, EpochPassed, NothingToMove, RepUnavailable
from routing.states import WrongState
from routing.work import ClaimRefused, NotYours, RequestRefused, WorkRefused
from routing.work.answering import answers_for
from routing.work.refusals import AlreadyDone
from sla.models import Clock
from tests import make

AT = make.MONDAY_9AM
LATER = AT + timedelta(minutes=5)
pytestmark = pytest.mark.django_db


@pytest.fixture
def boss():
    return make.user("boss", group="manager")


@pytest.fixture
def ann(boss):
    make.organisation()
    return make.rep("ann", team=make.team("North", manager=boss))


@pytest.fixture
def ben(ann):
    return make.rep("ben", team=ann.team)


@pytest.fixture
def lead(ann):
    return make.owned(ann)


def acts_on(lead: Lead) -> list[str]:
    return list(
        AuditEvent.objects.filter(subject="routing.lead", subject_id=lead.pk)
        .order_by("seq")
        .values_list("kind", flat=True)
    )


def acknowledge(lead, by, *, epoch=None, at=LATER):
    return work.acknowledge(lead_id=lead.pk, epoch=epoch or lead.owner_epoch, by=by, at=at)


def contact(lead, by, *, reached=True, way="CALL", epoch=None, at=LATER):
    return work.log_contact(
        lead_id=lead.pk,
        epoch=epoch or lead.owner_epoch,
        way=way,
        reached=reached,
        note="Spoke about prices",
        by=by,
        at=at,
    )


def outcome(lead, by, kind, *, epoch=None, at=LATER, **more):
    return work.record_outcome(
        lead_id=lead.pk,
        epoch=epoch or lead.owner_epoch,
        kind=kind,
        by=by,
        at=at,
        driver="test",
        **more,
    )


# --- Acknowledge, contact -----------------------------------------------------------------------


def test_acknowledging_notes_when_and_starts_the_work(lead, ann):
    done = acknowledge(lead, ann.user)

    assert (done.state, done.acknowledged_at) == ("WORKING", LATER)
    assert acts_on(lead)[-1] == "acknowledged"


def test_nobody_acknowledges_the_lead_of_somebody_else(lead, ben, boss):
    for user in (ben.user, boss):
        with pytest.raises(NotYours):
            acknowledge(lead, user)


def test_a_lead_is_acknowledged_once(lead, ann):
    acknowledge(lead, ann.user)

    with pytest.raises(AlreadyDone):
        acknowledge(lead, ann.user)


def test_a_lead_that_has_changed_hands_is_not_acknowledged(lead, ann):
    with pytest.raises(EpochPassed):
        acknowledge(lead, ann.user, epoch=99)


def test_reaching_a_person_is_contact_and_acknowledgement(lead, ann):
    done = contact(lead, ann.user)

    assert (done.state, done.acknowledged_at, done.contacted_at) == ("CONTACTED", LATER, LATER)
    touch = Touch.objects.get(kind="CONTACT")
    assert (touch.by, touch.text, touch.answers) == (
        ann.user,
        "Spoke about prices",
        {"way": "CALL", "reached": True},
    )
    assert "prices" not in str(AuditEvent.objects.latest("pk").data)


def test_an_attempt_is_on_record_and_no_contact(lead, ann):
    done = contact(lead, ann.user, reached=False)

    assert (done.state, done.contacted_at) == ("WORKING", None)
    assert acts_on(lead)[-1] == "contact_tried"


def test_the_first_contact_is_the_one_that_counts(lead, ann):
    contact(lead, ann.user)
    done = contact(lead, ann.user, at=LATER + timedelta(days=1))

    assert done.contacted_at == LATER


@pytest.mark.parametrize("way", ["", "PIGEON"])
def test_an_unknown_way_of_contact_is_refused(lead, ann, way):
    with pytest.raises(WorkRefused, match="how you contacted"):
        contact(lead, ann.user, way=way)

    assert not Touch.objects.filter(kind="CONTACT").exists()


def test_nobody_logs_contact_for_somebody_else(lead, ben):
    with pytest.raises(NotYours):
        contact(lead, ben.user)


def test_one_act_leaves_one_history_row_and_one_event_that_agree(lead, ann):
    before = lead.history.count(), len(acts_on(lead))

    acknowledge(lead, ann.user)

    assert (lead.history.count(), len(acts_on(lead))) == (before[0] + 1, before[1] + 1)
    row = lead.history.order_by("-history_id").first()
    event = AuditEvent.objects.filter(subject="routing.lead", subject_id=lead.pk).latest("seq")
    assert (row.history_user, row.history_date) == (event.actor, event.at) == (ann.user, LATER)
    assert event.data == {"state": "WORKING", "acknowledged_at": event.data["acknowledged_at"]}


@pytest.mark.parametrize(
    ("signal", "act"),
    [
        (signals.leads_acknowledged, acknowledge),
        (signals.leads_contacted, contact),
        (signals.leads_placed, lambda lead, by: outcome(lead, by, "WON")),
    ],
    ids=["acknowledge", "contact", "close"],
)
def test_when_a_receiver_fails_the_act_has_not_happened(lead, ann, signal, act):
    history, acts = lead.history.count(), acts_on(lead)

    def fails(sender, **kwargs):
        raise RuntimeError("the receiver fails")

    signal.connect(fails)
    try:
        with pytest.raises(RuntimeError):
            act(lead, ann.user)
    finally:
        signal.disconnect(fails)

    lead.refresh_from_db()
    assert (lead.state, lead.place, lead.acknowledged_at) == ("NEW", "OWNER", None)
    assert (lead.history.count(), acts_on(lead)) == (history, acts)
    assert not Outcome.objects.exists()
    assert not Touch.objects.filter(kind="CONTACT").exists()


# --- Claim --------------------------------------------------------------------------------------


@pytest.fixture
def shared(ann, ben):
    return make.queue(make.pool(ann, ben), name="Shared", max_unworked=2)


def claim(lead, by, *, epoch=None):
    return work.claim(
        lead_id=lead.pk, epoch=epoch or lead.owner_epoch, by=by, at=LATER, driver="test"
    )


def test_a_claimed_lead_is_the_reps(shared, ann):
    lead = make.queued(shared)

    done = claim(lead, ann.user)

    assert (done.place, done.owner, done.owner_epoch) == ("OWNER", ann, 2)
    assert done.assignments.get(epoch=2).reason_code == "CLAIMED"


def test_whoever_claims_is_not_told_of_what_they_did(shared, ann):
    claim(make.queued(shared), ann.user)

    assert not Message.objects.filter(recipient=ann.user).exists()


def test_the_second_to_claim_is_told_so(shared, ann, ben):
    lead = make.queued(shared)
    claim(lead, ann.user)

    with pytest.raises(EpochPassed, match="quicker"):
        claim(lead, ben.user)


def test_a_queue_of_others_is_not_claimed_from(shared):
    stranger = make.rep("stranger")

    with pytest.raises(ClaimRefused, match="queue"):
        claim(make.queued(shared), stranger.user)


def test_somebody_who_is_no_rep_claims_nothing(shared, boss):
    with pytest.raises(ClaimRefused, match="Only reps"):
        claim(make.queued(shared), boss)


def test_nobody_claims_from_the_waiting_room(ann):
    with pytest.raises(ClaimRefused):
        work.claim(lead_id=make.lead().pk, epoch=0, by=ann.user, at=LATER, driver="test")


def test_a_paused_rep_claims_nothing(shared, ann, boss):
    lead = make.queued(shared)
    people.pause(rep=ann, until=None, reason="Training", by=boss, at=AT)

    with pytest.raises(ClaimRefused, match="away"):
        claim(lead, ann.user)


def test_unworked_claims_are_limited_until_one_is_acknowledged(shared, ann):
    first, second, third = (make.queued(shared) for _ in range(3))
    first = claim(first, ann.user)
    claim(second, ann.user)

    with pytest.raises(ClaimRefused, match="2 claimed leads"):
        claim(third, ann.user)

    acknowledge(first, ann.user)
    assert claim(third, ann.user).owner == ann


def test_a_queue_may_set_no_limit(ann):
    free = make.queue(make.pool(ann), max_unworked=0)

    for _ in range(5):
        claim(make.queued(free), ann.user)

    assert ann.leads.count() == 5


def test_a_full_rep_claims_nothing(shared):
    small = make.rep("small", capacity=0)
    make.saved(make.PoolMember(pool=shared.pool, rep=small))

    with pytest.raises(CapReached):
        claim(make.queued(shared), small.user)


def test_what_may_be_claimed_is_listed_hot_ones_first(shared, ann):
    make.factor(10, {"fact": "country", "op": "eq", "value": "DE"})
    plain, better, hot = (
        make.queued(shared),
        make.queued(shared, {"country": "DE"}),
        make.queued(shared, {"hand_raise": True}),
    )
    make.queued(make.queue(make.pool(make.rep("other"))))

    assert list(work.claimable(ann)) == [hot, better, plain]


# --- Decline ------------------------------------------------------------------------------------


def decline(lead, by, reason="Not my industry"):
    return work.decline(
        lead_id=lead.pk, epoch=lead.owner_epoch, reason=reason, by=by, at=LATER, driver="test"
    )


def test_a_declined_lead_is_routed_anew_to_somebody_else(ann, ben):
    make.rules(make.round_robin(make.pool(ann, ben)))
    lead = make.routed(make.lead())
    assert lead.owner == ann

    declined = decline(lead, ann.user)
    assert (declined.place, declined.route_at) == ("QUEUE", LATER)
    make.routed(lead, at=LATER)

    assert lead.owner == ben
    assert RepLoad.objects.get(rep=ann).open == 0


def test_a_declined_lead_never_comes_back_to_the_same_rep(ann, ben):
    make.rules(make.round_robin(make.pool(ann, ben), on_empty="wait"))
    lead = make.routed(make.lead())

    decline(lead, ann.user)
    make.routed(lead, at=LATER)
    decline(lead, ben.user)
    make.routed(lead, at=LATER)

    assert lead.owner is None
    assert lead.waiting == "NOBODY"
    assert lead.responsible is not None


@pytest.mark.parametrize("reason", ["", "   "])
def test_declining_needs_a_reason(lead, ann, reason):
    with pytest.raises(WorkRefused, match="why"):
        decline(lead, ann.user, reason)


def test_nobody_declines_for_somebody_else(lead, ben):
    with pytest.raises(NotYours):
        decline(lead, ben.user)


# --- By hand ------------------------------------------------------------------------------------


def by_hand(lead, to, by, reason="Speaks French", epoch=None):
    return work.move_by_hand(
        lead_id=lead.pk,
        epoch=epoch or lead.owner_epoch,
        to=to,
        reason=reason,
        by=by,
        at=LATER,
        driver="test",
    )


def test_a_manager_gives_a_lead_to_somebody_with_a_reason(lead, ben, boss):
    moved = by_hand(lead, ben, boss)

    custody = moved.assignments.get(epoch=2)
    assert moved.owner == ben
    assert (custody.reason_code, custody.reason, custody.by) == ("CORRECTED", "Speaks French", boss)
    assert Message.objects.filter(recipient=ben.user, kind="lead_assigned").exists()


def test_moving_by_hand_needs_a_reason(lead, ben, boss):
    with pytest.raises(WorkRefused, match="why"):
        by_hand(lead, ben, boss, reason=" ")


def test_moving_by_hand_keeps_cap_epoch_and_presence(lead, boss):
    with pytest.raises(CapReached):
        by_hand(lead, make.rep("full", capacity=0), boss)
    with pytest.raises(RepUnavailable):
        by_hand(lead, make.rep("gone", is_active=False), boss)
    with pytest.raises(EpochPassed):
        by_hand(lead, make.rep("other"), boss, epoch=7)
    with pytest.raises(NothingToMove):
        by_hand(lead, lead.owner, boss)


def test_many_are_moved_or_none(ann, ben, boss):
    leads = [make.owned(ann) for _ in range(3)]
    moves = [(one.pk, one.owner_epoch) for one in leads]
    small = make.rep("small", capacity=2)

    with pytest.raises(CapReached):
        work.move_many_by_hand(moves=moves, to=small, reason="x", by=boss, at=LATER, driver="test")
    assert ann.leads.count() == 3

    work.move_many_by_hand(moves=moves, to=ben, reason="x", by=boss, at=LATER, driver="test")
    assert ben.leads.count() == 3


def test_moving_many_needs_leads_that_exist_and_a_reason(ann, ben, boss):
    for moves, reason in (([], "x"), ([(999_999, 1)], "x"), ([(1, 1)], "")):
        with pytest.raises(WorkRefused):
            work.move_many_by_hand(
                moves=moves, to=ben, reason=reason, by=boss, at=LATER, driver="test"
            )


# --- Requests -----------------------------------------------------------------------------------


def ask(lead, by, *, wanted=None, reason="Too far away"):
    return work.request_reassignment(
        lead_id=lead.pk, epoch=lead.owner_epoch, reason=reason, by=by, at=LATER, wanted=wanted
    )


def approve(request, by, *, to=None, answer="Fine"):
    return work.approve(request_id=request.pk, to=to, answer=answer, by=by, at=LATER, driver="test")


def test_a_request_waits_for_the_manager_while_the_owner_answers(lead, ann, ben, boss):
    request = ask(lead, ann.user, wanted=ben)

    lead.refresh_from_db()
    assert (request.state, request.requested_by, lead.owner) == ("PENDING", ann, ann)
    message = Message.objects.get(kind="reassignment_requested")
    assert (message.recipient, message.payload) == (boss, {"request": request.pk})


def test_a_second_request_for_the_same_lead_is_refused(lead, ann):
    ask(lead, ann.user)

    with pytest.raises(RequestRefused, match="already"):
        ask(lead, ann.user)


def test_a_request_needs_a_reason_and_an_own_lead(lead, ann, ben):
    with pytest.raises(WorkRefused):
        ask(lead, ann.user, reason=" ")
    with pytest.raises(NotYours):
        ask(lead, ben.user)


def test_an_approved_request_moves_the_lead_to_whom_it_asks_for(lead, ann, ben, boss):
    request = approve(ask(lead, ann.user, wanted=ben), boss)

    lead.refresh_from_db()
    request.refresh_from_db()
    assert (lead.owner, request.state, request.decided_by) == (ben, "APPROVED", boss)
    assert lead.assignments.get(epoch=2).reason_code == "REQUESTED"
    assert Message.objects.filter(kind="reassignment_decided", recipient=ann.user).count() == 1


def test_an_approval_leaves_one_history_row_of_the_request(lead, ann, ben, boss):
    request = approve(ask(lead, ann.user, wanted=ben), boss)

    assert list(request.history.order_by("history_id").values_list("state", flat=True)) == [
        "PENDING",
        "APPROVED",
    ]


def test_the_manager_may_name_somebody_else(lead, ann, ben, boss):
    cleo = make.rep("cleo")

    approve(ask(lead, ann.user, wanted=ben), boss, to=cleo)

    lead.refresh_from_db()
    assert lead.owner == cleo


def test_a_request_for_nobody_in_particular_is_routed_anew_past_the_asker(ann, ben, boss):
    make.rules(make.round_robin(make.pool(ann, ben)))
    lead = make.routed(make.lead())
    assert lead.owner == ann

    approve(ask(lead, ann.user), boss)
    make.routed(lead, at=LATER)

    assert lead.owner == ben


def test_an_approval_that_cannot_be_carried_out_decides_nothing(lead, ann, boss):
    full = make.rep("full", capacity=0)
    request = ask(lead, ann.user, wanted=full)

    with pytest.raises(CapReached):
        approve(request, boss)

    request.refresh_from_db()
    assert request.state == "PENDING"
    assert not Message.objects.filter(kind="reassignment_decided").exists()


def test_a_refusal_needs_a_word_and_leaves_the_lead(lead, ann, boss):
    request = ask(lead, ann.user)
    with pytest.raises(WorkRefused):
        work.refuse(request_id=request.pk, answer=" ", by=boss, at=LATER)

    work.refuse(request_id=request.pk, answer="You are the best for it", by=boss, at=LATER)

    request.refresh_from_db()
    lead.refresh_from_db()
    assert (request.state, request.answer, lead.owner) == (
        "REFUSED",
        "You are the best for it",
        ann,
    )


def test_a_request_is_decided_once(lead, ann, ben, boss):
    request = ask(lead, ann.user, wanted=ben)
    work.refuse(request_id=request.pk, answer="No", by=boss, at=LATER)

    with pytest.raises(RequestRefused, match="already"):
        approve(request, boss)
    with pytest.raises(RequestRefused):
        work.refuse(request_id=request.pk, answer="No", by=boss, at=LATER)


def test_a_request_is_overtaken_when_the_lead_moves_another_way(lead, ann, ben, boss):
    request = ask(lead, ann.user)

    by_hand(lead, ben, boss)

    request.refresh_from_db()
    assert (request.state, request.decided_at) == ("STALE", LATER)
    assert request.history.order_by("-history_id").first().state == "STALE"
    with pytest.raises(RequestRefused):
        approve(request, boss)


def test_somebody_always_answers_for_a_rep(ann, boss):
    organisation = make.organisation()
    top = make.user("top")
    region = make.team("Region", manager=top)
    team = make.team("Team", parent=region, manager=None)
    lone = make.team("Lone", manager=None)
    chief = make.rep("chief", team=make.team("Chiefs", parent=region))
    chief.team.manager = chief.user
    make.saved(chief.team)

    assert answers_for(ann, AT) == boss
    assert answers_for(make.rep("below", team=team), AT) == top
    assert answers_for(make.rep("lone", team=lone), AT) == organisation.responsible
    assert answers_for(chief, AT) == top
    boss.is_active = False
    boss.save()
    assert answers_for(type(ann).objects.get(pk=ann.pk), AT) == organisation.responsible


# --- Leaving ------------------------------------------------------------------------------------


def test_deactivating_a_rep_places_everything_they_hold_anew(ann, ben, boss):
    make.rules(make.round_robin(make.pool(ann, ben)))
    leads = [make.owned(ann) for _ in range(5)]

    people.deactivate(rep=ann, reason="left the company", by=boss, at=LATER, driver="web")
    for lead in leads:
        lead.refresh_from_db()
        assert (lead.place, lead.owner, lead.route_at) == ("QUEUE", None, LATER)
        assert lead.assignments.get(epoch=2).reason_code == "LEAVER"
        make.routed(lead, at=LATER)

    assert {lead.owner for lead in leads} == {ben}
    assert RepLoad.objects.get(rep=ann).open == 0


def test_a_rep_leaves_once_and_with_a_reason(ann, boss):
    with pytest.raises(people.PeopleRefused, match="why"):
        people.deactivate(rep=ann, reason=" ", by=boss, at=LATER, driver="web")
    people.deactivate(rep=ann, reason="left", by=boss, at=LATER, driver="web")

    with pytest.raises(people.PeopleRefused, match="already"):
        people.deactivate(rep=ann, reason="left", by=boss, at=LATER, driver="web")


def test_a_long_reason_for_leaving_is_kept_whole_in_the_trail(ann, boss):
    reason = "Because " + "of this and that and " * 15

    people.deactivate(rep=ann, reason=reason, by=boss, at=LATER, driver="web")

    event = AuditEvent.objects.get(kind="left")
    assert event.reason == reason[:500]
    assert ann.history.first().history_change_reason == reason[:100]


# --- Outcomes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("MEETING", "MEETING"),
        ("SHOW", "MEETING"),
        ("NO_SHOW", "WORKING"),
        ("OPPORTUNITY", "QUALIFIED"),
    ],
)
def test_an_outcome_takes_the_lead_on(lead, ann, kind, state):
    acknowledge(lead, ann.user)

    done = outcome(lead, ann.user, kind)

    assert (done.state, done.place) == (state, "OWNER")
    assert Outcome.objects.get().kind == kind


@pytest.mark.parametrize(("kind", "state"), [("WON", "CONVERTED"), ("LOST", "DISQUALIFIED")])
def test_a_terminal_outcome_closes_the_lead_and_frees_its_owner(lead, ann, kind, state):
    done = outcome(lead, ann.user, kind, reason="Price", value=Decimal("99.50"))

    assert (done.state, done.place, done.owner, done.closed_at) == (state, "CLOSED", None, LATER)
    assert (done.former_owner, done.value, done.state_reason) == (ann, Decimal("99.50"), "Price")
    assert RepLoad.objects.get(rep=ann).open == 0
    assert done.assignments.get(epoch=2).reason_code == "CLOSED"


def test_losing_needs_a_reason(lead, ann):
    with pytest.raises(WorkRefused, match="why"):
        outcome(lead, ann.user, "LOST", reason=" ")


def test_an_unknown_outcome_is_refused(lead, ann):
    with pytest.raises(WorkRefused, match="outcome"):
        outcome(lead, ann.user, "MAYBE")


def test_a_step_that_the_table_lacks_is_refused_and_leaves_no_outcome(lead, ann):
    with pytest.raises(WrongState, match="new cannot become qualified"):
        outcome(lead, ann.user, "OPPORTUNITY")

    assert not Outcome.objects.exists()


def test_a_closed_lead_is_over(lead, ann):
    outcome(lead, ann.user, "WON")

    with pytest.raises(NotYours):
        outcome(lead, ann.user, "MEETING", epoch=2)
    with pytest.raises(WrongState):
        outcome(lead, None, "WON", epoch=2, owner_only=False)


def test_nobody_records_the_outcome_of_somebody_else(lead, ben):
    with pytest.raises(NotYours):
        outcome(lead, ben.user, "WON")


def test_an_import_may_record_outcomes_without_being_the_owner(lead):
    done = outcome(lead, None, "WON", owner_only=False)

    assert done.place == "CLOSED"


def test_closing_stops_the_clocks_in_time(ann):
    make.policy(budget=900)
    lead = make.owned(ann)

    outcome(lead, ann.user, "WON")

    clock = Clock.objects.get(lead=lead)
    assert (clock.state, clock.ended_at, clock.breached_at) == ("STOPPED", LATER, None)
    lead.refresh_from_db()
    assert (lead.due_at, lead.due_what) == (None, "")


def test_closing_after_the_deadline_leaves_a_breach(ann):
    make.policy(budget=60)
    lead = make.owned(ann)

    outcome(lead, ann.user, "WON")

    clock = Clock.objects.get(lead=lead)
    assert (clock.state, clock.breached_at) == ("STOPPED", LATER)


# --- Recycle ------------------------------------------------------------------------------------


def recycle(lead, by, *, until, reason="Next quarter"):
    return work.recycle(
        lead_id=lead.pk,
        epoch=lead.owner_epoch,
        until=until,
        reason=reason,
        by=by,
        at=LATER,
        driver="test",
    )


def test_a_recycled_lead_rests_and_comes_back_on_its_date(ann, ben):
    make.policy()
    make.rules(make.round_robin(make.pool(ann, ben)))
    lead = make.routed(make.lead())
    until = AT + timedelta(days=90)

    done = recycle(lead, ann.user, until=until)

    assert (done.place, done.state, done.route_at) == ("NURTURE", "RECYCLED", until)
    assert RepLoad.objects.get(rep=ann).open == 0
    assert not Clock.objects.filter(state="RUNNING").exists()
    make.routed(lead, at=until - timedelta(seconds=1))
    assert lead.owner is None
    make.routed(lead, at=until)
    assert lead.owner is not None
    assert (lead.state, lead.place) == ("NEW", "OWNER")


def test_recycling_needs_a_reason_a_date_to_come_and_an_own_lead(lead, ann, ben):
    with pytest.raises(WorkRefused, match="why"):
        recycle(lead, ann.user, until=LATER + timedelta(days=1), reason=" ")
    with pytest.raises(WorkRefused, match="future"):
        recycle(lead, ann.user, until=LATER)
    with pytest.raises(NotYours):
        recycle(lead, ben.user, until=LATER + timedelta(days=1))
