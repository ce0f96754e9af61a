"""One desk decides: fairness, caps, parking, waking, modes, and the order of who owns what."""

from datetime import timedelta

import pytest

from reps.due import jobs
from reps.models import AuditEvent, Message
from reps.services import people
from reps.trail import audit
from routing import signals, work
from routing.dispatch import batch, parked, replay, snapshot
from routing.models import (
    Assignment,
    BalanceLine,
    Batch,
    Decision,
    Lead,
    Organisation,
    PoolStanding,
    RepLoad,
    RosterSnapshot,
)
from routing.rules import lifecycle, standard
from sla.models import Clock
from tests import make

AT = make.MONDAY_9AM
HOUR = timedelta(hours=1)
pytestmark = pytest.mark.django_db


def route(*, at=AT, driver="test"):
    return jobs.drain("route", driver=driver, due_before=at)


def owners(leads) -> list[str]:
    for lead in leads:
        lead.refresh_from_db()
    return [lead.owner.user.username if lead.owner else None for lead in leads]


@pytest.fixture
def ann():
    # One person may change the rules of these tests by themselves.
    make.organisation(approval_above=100)
    return make.rep("ann")


@pytest.fixture
def ben(ann):
    return make.rep("ben")


# --- Rotation and load --------------------------------------------------------------------------


def test_a_pool_takes_turns(ann, ben):
    make.rules(make.round_robin(make.pool(ann, ben)))
    leads = make.leads(4)

    route()

    assert owners(leads) == ["ann", "ben", "ann", "ben"]


def test_weights_are_exact_in_every_full_cycle(ann, ben):
    cleo = make.rep("cleo")
    make.rules(make.round_robin(make.pool(ann, ben, cleo, weights=(3, 2, 1))))

    for cycle in range(1, 4):
        make.leads(6)
        route()

        shares = {rep.user.username: rep.leads.count() for rep in (ann, ben, cleo)}
        assert shares == {"ann": 3 * cycle, "ben": 2 * cycle, "cleo": cycle}
    assert sum(PoolStanding.objects.values_list("balance", flat=True)) == 0


def test_the_rotation_goes_on_from_batch_to_batch(ann, ben):
    make.rules(make.round_robin(make.pool(ann, ben)))
    leads = make.leads(6)

    for lead in leads:
        batch.route(driver="test", at=AT, due_before=AT, only=[lead.pk])

    assert owners(leads) == ["ann", "ben"] * 3


def test_the_least_loaded_rep_is_chosen(ann, ben):
    pool = make.pool(ann, ben)
    make.rules(make.round_robin(pool, stages=[{"do": "select", "by": "least_loaded"}]))
    make.owned(ann)
    make.owned(ann)
    leads = make.leads(3)

    route()

    assert owners(leads) == ["ben", "ben", "ann"]


def test_nobody_gets_more_than_their_cap_in_a_batch(ann, ben):
    small = make.rep("small", capacity=1)
    make.rules(make.round_robin(make.pool(small, ben)))
    leads = make.leads(4)

    route()

    assert owners(leads) == ["small", "ben", "ben", "ben"]
    assert RepLoad.objects.get(rep=small).open == 1


def test_hot_leads_come_first(ann):
    small = make.rep("small", capacity=1)
    make.rules(make.round_robin(make.pool(small), on_empty="wait"))
    cold, hot = make.lead(), make.lead({"hand_raise": True})

    route()

    assert owners([cold, hot]) == [None, "small"]


# --- What a path asks for -----------------------------------------------------------------------


def test_a_skill_filter_keeps_only_those_who_have_it(ann, ben):
    make.rep_skill(ben, make.skill("french"), level=3)
    filters = [{"do": "filter", "by": "skill", "skill": "french", "at_least": 3}]
    make.rules(make.round_robin(make.pool(ann, ben), stages=filters))
    leads = make.leads(2)

    route()

    assert owners(leads) == ["ben", "ben"]


def test_a_skill_preference_never_costs_a_lead_its_taker(ann, ben):
    make.rep_skill(ben, make.skill("french"), level=2)
    wish = {"do": "prefer", "by": "skill", "at_least": 1}
    pool = make.pool(ann, ben)
    make.rules(
        {
            **make.round_robin(pool, stages=[{**wish, "skill": "french"}]),
            "condition": {"fact": "country", "op": "eq", "value": "FR"},
        },
        make.round_robin(pool, stages=[{**wish, "skill": "klingon"}]),
    )
    french, other = make.lead({"country": "FR"}), make.lead()

    route()

    assert owners([french, other])[0] == "ben"
    assert owners([other])[0] is not None


def test_a_rep_out_of_office_gets_nothing(ann, ben):
    make.absence(ann, AT - HOUR, AT + HOUR)
    make.rules(make.round_robin(make.pool(ann, ben)))
    leads = make.leads(2)

    route()

    assert owners(leads) == ["ben", "ben"]


def test_a_paused_rep_gets_nothing_until_the_pause_ends(ann, ben):
    boss = make.user(is_superuser=True)
    people.pause(rep=ann, until=AT + HOUR, reason="Lunch", by=boss, at=AT)
    make.rules(make.round_robin(make.pool(ann, ben)))
    leads = make.leads(2)

    route()
    later = make.lead(at=AT + HOUR)
    route(at=AT + HOUR)

    assert owners([*leads, later]) == ["ben", "ben", "ann"]


# --- Who owns what: requirement MAT-3 -----------------------------------------------------------


@pytest.fixture
def market(ann):
    """One rep for every reason to own a lead."""
    reps = {
        name: make.rep(name) for name in ("deal", "named", "parent", "patch", "shared", "general")
    }
    group = make.account("Group", domain="group.example")
    account = make.account("Acme", domain="acme.example", parent=group)
    territory = make.territory("Germany", countries=["DE"], owner=reps["patch"])
    make.pool(reps["shared"], name="Territory pool", territory=territory)
    make.rules(
        *standard.rules(
            pool=make.pool(reps["general"], name="General"),
            fallback=make.queue(name="Last"),
        )
    )
    return {**reps, "group": group, "account": account, "territory": territory}


FROM_ACME = {"email": "x@acme.example", "company": "Acme", "country": "DE", "hand_raise": True}


def test_the_owner_of_an_open_opportunity_comes_first(market):
    make.opportunity(market["account"], market["deal"])
    make.account_owner(market["account"], market["named"])
    make.account_owner(market["group"], market["parent"])

    lead = make.routed(make.lead(FROM_ACME))

    assert lead.account == market["account"]
    assert lead.owner == market["deal"]


def test_a_closed_opportunity_owns_nothing(market):
    make.opportunity(market["account"], market["deal"], state="LOST", closed_at=AT)
    make.account_owner(market["account"], market["named"])

    assert make.routed(make.lead(FROM_ACME)).owner == market["named"]


def test_the_named_owner_comes_before_the_parents_owner(market):
    make.account_owner(market["account"], market["named"])
    make.account_owner(market["group"], market["parent"])

    assert make.routed(make.lead(FROM_ACME)).owner == market["named"]


def test_an_ownership_that_has_ended_owns_nothing(market):
    make.account_owner(market["account"], market["named"], ends_on=AT.date())
    make.account_owner(market["group"], market["parent"])

    assert make.routed(make.lead(FROM_ACME)).owner == market["parent"]


def test_an_ownership_that_has_not_begun_owns_nothing(market):
    make.account_owner(market["account"], market["named"], starts_on=AT.date() + timedelta(days=1))

    assert make.routed(make.lead(FROM_ACME)).owner == market["patch"]


def test_the_territory_comes_after_the_account(market):
    assert make.routed(make.lead(FROM_ACME)).owner == market["patch"]


def test_the_territorys_pool_takes_what_its_owner_cannot(market):
    make.absence(market["patch"], AT - HOUR, AT + HOUR)

    assert make.routed(make.lead(FROM_ACME)).owner == market["shared"]


def test_a_territorys_backup_takes_over_while_the_owner_is_away(market):
    make.absence(market["patch"], AT - HOUR, AT + HOUR)
    market["territory"].backup = market["named"]
    make.saved(market["territory"])

    assert make.routed(make.lead(FROM_ACME)).owner == market["named"]


def test_the_general_pool_takes_the_rest(market):
    lead = make.routed(make.lead({"country": "BR", "hand_raise": True}))

    assert lead.owner == market["general"]


def test_below_the_threshold_a_lead_goes_to_nurture(market):
    lead = make.routed(make.lead({"country": "BR"}))

    assert (lead.place, lead.owner, lead.route_at) == ("NURTURE", None, None)


def test_a_named_account_passes_the_threshold(market):
    make.account_owner(market["account"], market["named"])

    assert make.routed(make.lead({**FROM_ACME, "hand_raise": False})).owner == market["named"]


def test_a_prequalified_source_passes_the_threshold(market):
    source = make.source("crm", is_prequalified=True)

    assert make.routed(make.lead({"country": "BR"}, source=source)).owner == market["general"]


def test_a_backup_stands_in_for_an_owner_who_is_away(market):
    market["named"].backup = market["deal"]
    make.saved(market["named"])
    make.account_owner(market["account"], market["named"])
    make.absence(market["named"], AT - HOUR, AT + HOUR)

    assert make.routed(make.lead(FROM_ACME)).owner == market["deal"]


def test_nurture_is_lifted_by_a_later_raised_hand(market):
    lead = make.routed(make.lead({"country": "BR", "email": "late@acme.example"}))
    assert lead.place == "NURTURE"

    make.lead({"email": "late@acme.example", "hand_raise": True}, at=AT + HOUR)
    route(at=AT + HOUR)

    lead.refresh_from_db()
    assert lead.is_hand_raise
    assert lead.priority == 1
    assert lead.owner == market["general"]


def test_a_returning_person_prefers_their_former_owner(ann, ben):
    pool = make.pool(ann, ben)
    make.rules(make.round_robin(pool, stages=[{"do": "prefer", "by": "former_owner"}]))
    first = make.routed(make.lead({"email": "back@acme.example"}))
    make.routed(make.lead())
    work.record_outcome(
        lead_id=first.pk, epoch=1, kind="WON", by=first.owner.user, at=AT, driver="test"
    )

    again = [make.routed(make.lead({"email": "back@acme.example"}, at=AT + HOUR), at=AT + HOUR)]

    assert again[0].pk != first.pk
    assert owners(again) == ["ann"]


def test_a_former_owner_is_forgotten_after_the_set_time(ann, ben):
    organisation = make.organisation()
    organisation.sticky_days = 1
    make.saved(organisation)
    pool = make.pool(ann, ben)
    make.rules(make.round_robin(pool, stages=[{"do": "prefer", "by": "former_owner"}]))
    first = make.routed(make.lead({"email": "back@acme.example"}))
    work.record_outcome(
        lead_id=first.pk, epoch=1, kind="WON", by=first.owner.user, at=AT, driver="test"
    )

    later = AT + timedelta(days=2)
    again = make.routed(make.lead({"email": "back@acme.example"}, at=later), at=later)

    assert owners([again]) == ["ben"]


# --- Parking and waking -------------------------------------------------------------------------


def test_a_lead_without_a_taker_is_parked_with_its_reason(ann):
    small = make.rep("small", capacity=0)
    pool = make.pool(small)
    make.rules(make.round_robin(pool, on_empty="wait"))
    lead = make.lead()

    route()

    lead.refresh_from_db()
    assert (lead.place, lead.waiting, lead.wait_pool) == ("QUEUE", "CAPACITY", pool)
    assert lead.route_at == AT + parked.LOOK_AGAIN
    assert lead.decisions.get().outcome == "park"
    assert not lead.assignments.exists()


def test_a_parked_lead_is_not_decided_anew_at_every_sweep(ann):
    make.rules(make.round_robin(make.pool(make.rep("small", capacity=0)), on_empty="wait"))
    lead = make.lead()
    route()

    for second in range(1, 10):
        assert route(at=AT + timedelta(seconds=second)) == 0

    assert lead.decisions.count() == 1


def test_a_lead_that_waits_for_the_same_thing_stores_no_second_decision(ann):
    make.rules(make.round_robin(make.pool(make.rep("small", capacity=0)), on_empty="wait"))
    lead = make.lead()
    route()
    lead.refresh_from_db()
    history = lead.history.count()

    assert route(at=lead.route_at) == 1

    again = Lead.objects.get(pk=lead.pk)
    assert lead.decisions.count() == Batch.objects.count() == 1
    assert again.history.count() == history
    assert again.route_at == lead.route_at + parked.LOOK_AGAIN


def test_a_lead_that_waits_for_something_else_stores_its_new_decision(ann):
    small = make.rep("small", capacity=0)
    make.rules(make.round_robin(make.pool(small), on_empty="wait"))
    lead = make.lead()
    route()
    boss = make.user(is_superuser=True)
    people.pause(rep=small, until=None, reason="Training", by=boss, at=AT)
    people.set_capacity(rep=small, capacity=5, by=boss, at=AT)

    route(at=AT + HOUR)

    lead.refresh_from_db()
    assert lead.waiting == "AWAY"
    assert lead.decisions.count() == 2


def test_released_capacity_wakes_a_parked_lead(ann):
    small = make.rep("small", capacity=1)
    make.rules(make.round_robin(make.pool(small), on_empty="wait"))
    held = make.owned(small)
    lead = make.lead()
    route()
    now = AT + make.MINUTE

    work.record_outcome(
        lead_id=held.pk, epoch=1, kind="LOST", reason="No", by=small.user, at=now, driver="test"
    )
    route(at=now)

    assert owners([lead]) == ["small"]
    assert Lead.objects.get(pk=lead.pk).waiting == ""


def test_a_raised_capacity_wakes_a_parked_lead(ann):
    small = make.rep("small", capacity=0)
    make.rules(make.round_robin(make.pool(small), on_empty="wait"))
    lead = make.lead()
    route()
    now = AT + make.MINUTE

    people.set_capacity(rep=small, capacity=1, by=make.user(is_superuser=True), at=now)
    route(at=now)

    assert owners([lead]) == ["small"]


def test_the_end_of_a_pause_wakes_a_parked_lead(ann):
    boss = make.user(is_superuser=True)
    people.pause(rep=ann, until=None, reason="Away", by=boss, at=AT)
    make.rules(make.round_robin(make.pool(ann), on_empty="wait"))
    lead = make.lead()
    route()
    assert Lead.objects.get(pk=lead.pk).waiting == "AWAY"

    people.resume(rep=ann, by=boss, at=AT + make.MINUTE)
    route(at=AT + make.MINUTE)

    assert owners([lead]) == ["ann"]


def test_a_lead_in_the_evening_waits_for_the_next_opening(ann):
    office = make.calendar("Office")
    day = make.rep("day", calendar=office)
    on_shift = [{"do": "filter", "by": "on_shift", "within": 0}]
    make.rules(make.round_robin(make.pool(day), stages=on_shift, on_empty="wait"))
    friday_evening = AT + timedelta(days=4, hours=11)
    monday_morning = AT + timedelta(days=7)
    lead = make.lead(at=friday_evening)

    route(at=friday_evening)

    lead.refresh_from_db()
    assert lead.waiting == "HOURS"
    assert lead.route_at == monday_morning
    assert route(at=monday_morning - timedelta(seconds=1)) == 0
    route(at=monday_morning)
    assert owners([lead]) == ["day"]


@pytest.fixture
def waits(ann):
    """A lead that waits, under the first version, for somebody who is full."""
    small = make.rep("small", capacity=0)
    first = make.rules(make.round_robin(make.pool(small), on_empty="wait"))
    lead = make.routed(make.lead())
    assert lead.wait_ruleset == first
    make.rules(make.round_robin(make.pool(ann)), at=AT + make.MINUTE)
    lead.refresh_from_db()
    return lead


def test_a_waiting_lead_stays_with_the_version_that_it_waits_under(ann, waits):
    later = waits.route_at
    new = make.lead(at=later)

    # Two versions are two batches.
    assert len(batch.route(driver="test", at=later, due_before=later)) == 1
    assert route(at=later) == 1

    assert owners([waits, new]) == [None, "ann"]
    assert waits.waiting == "CAPACITY"
    assert new.decisions.get().batch.ruleset != waits.decisions.get().batch.ruleset


def test_a_waiting_lead_is_placed_by_the_version_that_it_waits_under(ann, waits):
    small = waits.wait_pool.members.get().rep
    now = AT + 2 * make.MINUTE
    people.set_capacity(rep=small, capacity=1, by=make.user(is_superuser=True), at=now)

    route(at=now)

    assert owners([waits]) == ["small"]
    assert waits.wait_ruleset is None
    first, second = waits.decisions.order_by("pk")
    assert first.batch.ruleset == second.batch.ruleset
    assert replay.run_again(second).decode() == second.body


def test_new_rules_decide_a_waiting_lead_that_they_take_over(ann, waits):
    now = AT + 2 * make.MINUTE
    lifecycle.take_over(Organisation.get().live_ruleset, by=make.user(is_superuser=True), at=now)

    route(at=now)

    assert owners([waits]) == ["ann"]


def test_a_lead_taken_over_waits_under_the_newer_rules_from_then_on(ann, waits):
    ann.capacity = 0
    make.saved(ann)
    second = make.rules(make.round_robin(waits.wait_pool, on_empty="wait"), at=AT + 2 * make.MINUTE)
    now = AT + 3 * make.MINUTE
    lifecycle.take_over(second, by=make.user(is_superuser=True), at=now)

    route(at=now)

    waits.refresh_from_db()
    assert (waits.waiting, waits.wait_ruleset) == ("CAPACITY", second)
    assert waits.decisions.count() == 2


def test_without_rules_leads_wait_and_are_routed_once_there_are_some(ann):
    lead = make.lead()

    route()

    lead.refresh_from_db()
    assert lead.waiting == "UNROUTED"
    assert lead.history.count() == 2
    route(at=lead.route_at)
    assert lead.history.count() == 2

    make.rules(make.round_robin(make.pool(ann)), at=AT + HOUR)
    route(at=AT + HOUR)
    assert owners([lead]) == ["ann"]


def test_a_queue_rule_places_the_lead_there(ann):
    shared = make.queue(make.pool(ann), name="Shared")
    make.rules({"name": "Share", "path": {"target": {"kind": "queue", "id": shared.pk}}})

    lead = make.routed(make.lead())

    assert (lead.place, lead.queue, lead.owner_epoch, lead.route_at) == ("QUEUE", shared, 1, None)


def test_a_rule_that_sends_a_lead_where_it_waits_leaves_it_there(ann):
    room = make.organisation().intake_queue
    make.rules({"name": "Stay", "path": {"target": {"kind": "queue", "id": room.pk}}})

    lead = make.routed(make.lead())

    assert (lead.queue, lead.owner_epoch, lead.route_at, lead.waiting) == (room, 0, None, "")
    assert lead.decisions.get().outcome == "queue"


# --- Modes, switches, and what goes wrong -------------------------------------------------------


def test_a_shadow_lead_is_decided_not_done(ann, ben):
    make.rules(make.round_robin(make.pool(ann, ben)))
    make.policy()
    lead = make.lead(mode="SHADOW")

    route()

    lead.refresh_from_db()
    decision = lead.decisions.get()
    assert (decision.outcome, decision.rep, decision.applied) == ("assign", ann, False)
    assert (lead.place, lead.owner, lead.owner_epoch, lead.route_at) == ("QUEUE", None, 0, None)
    assert not Message.objects.exists()
    assert not Clock.objects.exists()
    assert set(PoolStanding.objects.values_list("balance", "turn")) == {(0, 0)}
    real = make.routed(make.lead())
    assert real.owner == ann


def test_a_backfilled_lead_has_no_clocks_and_tells_nobody(ann):
    make.rules(make.round_robin(make.pool(ann)))
    make.policy()
    lead = make.lead(mode="BACKFILL", occurred_at=AT - timedelta(days=100))

    route()

    lead.refresh_from_db()
    assert lead.owner == ann
    assert lead.received_at == AT - timedelta(days=100)
    assert not Message.objects.exists()
    assert not Clock.objects.exists()


def test_a_test_lead_is_routed_but_not_counted(ann):
    make.rules(make.round_robin(make.pool(ann)))
    lead = make.routed(make.lead(mode="TEST"))

    assert lead.owner == ann
    assert not Lead.objects.counted().exists()


def test_while_routing_is_paused_leads_come_in_and_wait(ann):
    boss = make.user(is_superuser=True)
    make.rules(make.round_robin(make.pool(ann)))
    lifecycle.pause_routing(by=boss, at=AT)
    lead = make.lead()

    assert route() == 0
    lifecycle.resume_routing(by=boss, at=AT + HOUR)
    assert route(at=AT + HOUR) == 1

    assert owners([lead]) == ["ann"]


def test_nothing_is_decided_before_there_is_an_organisation():
    assert route() == 0


def test_an_assignment_names_its_driver_and_its_decision(ann):
    make.rules(make.round_robin(make.pool(ann)))
    lead = make.lead()

    route(driver="sweep")

    custody = lead.assignments.get()
    assert custody.driver == "sweep"
    assert custody.decision.batch.driver == "sweep"
    assert custody.decision.rep == ann
    event = AuditEvent.objects.get(subject="routing.lead", subject_id=lead.pk, kind="placed")
    assert event.data["decision_id"] == custody.decision_id
    assert event.data["ruleset_id"] == custody.decision.batch.ruleset_id
    assert event.data["rule_id"] == custody.decision.rule_id


def test_when_a_receiver_fails_the_whole_batch_has_not_happened(ann):
    make.rules(make.round_robin(make.pool(ann)))
    make.policy()
    leads = make.leads(3)
    trail = AuditEvent.objects.count()

    def fails(sender, **kwargs):
        raise RuntimeError("the receiver fails")

    signals.leads_placed.connect(fails)
    try:
        with pytest.raises(RuntimeError):
            route()
    finally:
        signals.leads_placed.disconnect(fails)

    assert owners(leads) == [None] * 3
    for model in (Assignment, Batch, Clock, Decision, Message):
        assert not model.objects.exists(), model
    assert set(BalanceLine.objects.values_list("kind", flat=True)) == {"ENTERED"}
    assert set(PoolStanding.objects.values_list("balance", "turn")) == {(0, 0)}
    assert AuditEvent.objects.count() == trail
    assert not list(audit.broken())


def test_after_a_batch_that_failed_the_next_one_works_in_the_same_process(ann):
    make.rules(make.round_robin(make.pool(ann)))
    lead = make.lead()
    snapshot.forget()

    def fails(sender, **kwargs):
        raise RuntimeError("the receiver fails")

    signals.leads_placed.connect(fails)
    try:
        with pytest.raises(RuntimeError):
            batch.route(driver="test", at=AT, due_before=AT)
    finally:
        signals.leads_placed.disconnect(fails)
    assert not RosterSnapshot.objects.exists()

    route()

    assert owners([lead]) == ["ann"]
    assert replay.run_again(lead.decisions.get()).decode() == lead.decisions.get().body


def test_a_change_of_people_is_seen_by_the_next_batch(ann, ben):
    make.rules(make.round_robin(make.pool(ann, ben)))
    make.routed(make.lead())
    boss = make.user(is_superuser=True)

    people.deactivate(rep=ben, reason="left", by=boss, at=AT, driver="test")
    leads = make.leads(2)
    route()

    assert owners(leads) == ["ann", "ann"]


def test_an_equal_roster_is_stored_once(ann):
    make.rules(make.round_robin(make.pool(ann)))
    make.routed(make.lead())
    snapshot.forget()
    make.routed(make.lead())

    assert RosterSnapshot.objects.count() == 1
    assert Batch.objects.count() == 2


def test_a_hot_leads_message_is_due_at_once_and_urgent(ann):
    make.rules(make.round_robin(make.pool(ann)))

    lead = make.routed(make.lead({"hand_raise": True}))

    message = Message.objects.get(kind="lead_assigned")
    assert (message.recipient, message.urgent, message.due_at) == (ann.user, True, AT)
    assert message.payload == {"lead": lead.pk, "epoch": 1}
