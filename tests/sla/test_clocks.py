"""Clocks follow what happens to leads, in its transaction."""

from datetime import timedelta

import pytest

from routing import ownership, work
from routing.models import Lead
from routing.ownership import Move
from sla.models import Clock, ClockHours
from tests import make

AT = make.MONDAY_9AM
MINUTE = make.MINUTE
pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    make.organisation()
    return make.rep("ann")


@pytest.fixture
def ben(ann):
    return make.rep("ben")


def clock(lead, metric="ACKNOWLEDGE", **more) -> Clock:
    return Clock.objects.get(lead=lead, metric=metric, **more)


def move(lead, rep, *, at=AT + MINUTE):
    return work.give_to(
        lead_id=lead.pk,
        epoch=lead.owner_epoch,
        rep_id=rep.pk,
        reason_code="CORRECTED",
        reason="x",
        by=None,
        at=at,
        driver="test",
    )


def test_an_assignment_starts_the_clock_of_its_promise(ann):
    make.policy(budget=900)

    lead = make.owned(ann)

    found = clock(lead)
    assert (found.state, found.scope, found.epoch, found.holder) == ("RUNNING", "LEAD", 1, ann)
    assert (found.started_at, found.due_at) == (AT, AT + 15 * MINUTE)
    assert found.next_at == AT + timedelta(minutes=7, seconds=30)
    assert (lead.due_at, lead.due_what, lead.due_from) == (found.due_at, "ACKNOWLEDGE", AT)


def test_without_a_policy_there_is_no_clock(ann):
    make.policy(is_active=False)

    lead = make.owned(ann)

    assert not Clock.objects.exists()
    assert lead.due_at is None


def test_acknowledging_in_time_meets_the_promise(ann):
    make.policy(budget=900)
    lead = make.owned(ann)

    done = work.acknowledge(lead_id=lead.pk, epoch=1, by=ann.user, at=AT + 15 * MINUTE)

    found = clock(lead)
    assert (found.state, found.ended_at, found.breached_at) == ("MET", AT + 15 * MINUTE, None)
    assert found.next_at is None
    done.refresh_from_db()
    assert (done.due_at, done.due_what, done.due_from) == (None, "", None)


def test_acknowledging_late_meets_it_late(ann):
    make.policy(budget=900)
    lead = make.owned(ann)
    late = AT + 15 * MINUTE + timedelta(microseconds=1)

    work.acknowledge(lead_id=lead.pk, epoch=1, by=ann.user, at=late)

    found = clock(lead)
    assert (found.state, found.breached_at) == ("MET", late)


def test_contact_meets_the_promise_of_contact(ann):
    make.policy("Ack")
    make.policy("Contact", metric="CONTACT", budget=3600)
    lead = make.owned(ann)
    how = {"lead_id": lead.pk, "epoch": 1, "way": "CALL", "note": "", "by": ann.user}

    work.log_contact(**how, reached=False, at=AT + MINUTE)
    assert (clock(lead).state, clock(lead, "CONTACT").state) == ("MET", "RUNNING")
    assert Lead.objects.get(pk=lead.pk).due_what == "CONTACT"

    work.log_contact(**how, reached=True, at=AT + 2 * MINUTE)
    assert clock(lead, "CONTACT").state == "MET"


def test_a_lead_clock_runs_on_across_owners(ann, ben):
    make.policy(scope="LEAD", budget=900)
    lead = make.owned(ann)

    move(lead, ben)

    found = clock(lead)
    assert (found.state, found.due_at, found.epoch) == ("RUNNING", AT + 15 * MINUTE, 1)


def test_a_holders_clock_starts_anew_with_each_owner(ann, ben):
    make.policy(scope="HOLD", budget=900)
    lead = make.owned(ann)

    move(lead, ben)

    assert clock(lead, epoch=1).state == "STOPPED"
    assert clock(lead, epoch=2).due_at == AT + 16 * MINUTE


def test_a_kept_promise_of_contact_is_not_made_again_to_a_new_owner(ann, ben):
    make.policy(metric="CONTACT", scope="HOLD")
    lead = make.owned(ann)
    work.log_contact(
        lead_id=lead.pk, epoch=1, way="CALL", reached=True, note="", by=ann.user, at=AT
    )

    move(Lead.objects.get(pk=lead.pk), ben)

    assert Clock.objects.count() == 1


def test_a_new_owner_has_to_acknowledge_anew(ann, ben):
    make.policy(scope="LEAD")
    lead = make.owned(ann)
    work.acknowledge(lead_id=lead.pk, epoch=1, by=ann.user, at=AT)

    move(Lead.objects.get(pk=lead.pk), ben)

    assert clock(lead, epoch=2).state == "RUNNING"


def test_a_lead_clock_runs_on_while_a_declined_lead_waits(ann):
    make.policy(scope="LEAD", budget=900)
    lead = make.owned(ann)

    work.decline(lead_id=lead.pk, epoch=1, reason="No", by=ann.user, at=AT + MINUTE, driver="test")

    assert clock(lead).state == "RUNNING"
    assert Lead.objects.get(pk=lead.pk).due_at == AT + 15 * MINUTE


@pytest.mark.parametrize("kind", ["WON", "LOST"])
def test_closing_a_lead_stops_all_its_clocks(ann, kind):
    make.policy("Ack")
    make.policy("Contact", metric="CONTACT", scope="HOLD")
    lead = make.owned(ann)

    work.record_outcome(
        lead_id=lead.pk,
        epoch=1,
        kind=kind,
        reason="x",
        by=ann.user,
        at=AT + MINUTE,
        driver="test",
    )

    assert set(Clock.objects.values_list("state", flat=True)) == {"STOPPED"}
    assert not Clock.objects.filter(breached_at__isnull=False).exists()


def test_recycling_a_lead_stops_its_clocks(ann):
    make.policy()
    lead = make.owned(ann)

    work.recycle(
        lead_id=lead.pk,
        epoch=1,
        until=AT + timedelta(days=9),
        reason="Later",
        by=ann.user,
        at=AT,
        driver="test",
    )

    assert clock(lead).state == "STOPPED"


# --- The queue ----------------------------------------------------------------------------------


def test_a_lead_in_a_shared_queue_is_to_be_claimed(ann):
    make.policy(metric="CLAIM", budget=600)
    queue = make.queue(make.pool(ann))

    lead = make.queued(queue)

    assert (clock(lead, "CLAIM").due_at, lead.due_what) == (AT + 10 * MINUTE, "CLAIM")


def test_claiming_keeps_the_promise(ann):
    make.policy(metric="CLAIM", budget=600)
    make.policy("Ack")
    lead = make.queued(make.queue(make.pool(ann)))

    work.claim(lead_id=lead.pk, epoch=1, by=ann.user, at=AT + MINUTE, driver="test")

    assert (clock(lead, "CLAIM").state, clock(lead, "CLAIM").breached_at) == ("MET", None)
    assert clock(lead).state == "RUNNING"


def test_a_lead_that_is_given_away_from_the_queue_need_not_be_claimed(ann):
    make.policy(metric="CLAIM", budget=600)
    lead = make.queued(make.queue(make.pool(ann)))

    move(lead, ann)

    assert clock(lead, "CLAIM").state == "STOPPED"


def test_a_lead_that_waits_for_routing_is_not_to_be_claimed(ann):
    make.policy(metric="CLAIM", budget=600)
    make.lead()
    lead = make.owned(ann)

    work.decline(lead_id=lead.pk, epoch=1, reason="No", by=ann.user, at=AT, driver="test")

    assert not Clock.objects.exists()


def test_the_clock_runs_on_from_queue_to_queue(ann):
    make.policy(metric="CLAIM", budget=600)
    pool = make.pool(ann)
    lead = make.queued(make.queue(pool))

    ownership.change_many(
        [
            Move(
                lead_id=lead.pk,
                epoch=1,
                place=Lead.Place.QUEUE,
                queue_id=make.queue(pool).pk,
                reason_code="CORRECTED",
            )
        ],
        by=None,
        at=AT + MINUTE,
        driver="test",
    )

    assert clock(lead, "CLAIM").state == "RUNNING"


# --- Which promise, in which time ---------------------------------------------------------------


def test_the_first_policy_whose_condition_holds_is_the_promise(ann):
    make.policy(
        "Hot",
        position=1,
        budget=60,
        condition={"fact": "hand_raise", "op": "eq", "value": True},
    )
    make.policy("Everybody", position=2, budget=900)

    hot, plain = make.owned(ann, {"hand_raise": True}), make.owned(ann)

    assert clock(hot).policy.name == "Hot"
    assert clock(plain).policy.name == "Everybody"


def test_policies_ask_the_facts_of_the_decision_when_a_rule_placed_the_lead(ann):
    make.policy("Germans", budget=60, condition={"fact": "country", "op": "eq", "value": "DE"})
    make.rules(make.round_robin(make.pool(ann)))

    german = make.routed(make.lead({"country": "DE"}))
    french = make.routed(make.lead({"country": "FR"}))

    assert clock(german).policy.name == "Germans"
    assert not Clock.objects.filter(lead=french).exists()


def test_one_metric_may_have_a_clock_of_each_scope(ann):
    make.policy("Ours", scope="LEAD", budget=900)
    make.policy("Yours", scope="HOLD", budget=600)

    lead = make.owned(ann)

    assert Clock.objects.filter(lead=lead).count() == 2
    assert lead.due_at == AT + 10 * MINUTE


def test_editing_a_policy_moves_no_running_clock(ann):
    policy = make.policy(budget=900)
    lead = make.owned(ann)

    policy.budget, policy.steps = 60, []
    make.saved(policy)

    assert clock(lead).due_at == AT + 15 * MINUTE
    assert len(clock(lead).steps) == 4


def test_time_counts_in_the_reps_own_working_hours():
    make.organisation()
    make.policy(budget=900)
    tokyo = make.rep("kei", calendar=make.calendar("Tokyo", time_zone="Asia/Tokyo"))

    lead = make.owned(tokyo)

    # 9:00 UTC is after hours in Tokyo, where Tuesday begins at midnight UTC.
    assert clock(lead).due_at == AT.replace(day=16, hour=0, minute=15)


def test_time_counts_in_the_teams_hours_for_a_rep_without_their_own():
    make.organisation()
    make.policy(budget=900)
    team = make.team("Tokyo", calendar=make.calendar("Tokyo", time_zone="Asia/Tokyo"))

    lead = make.owned(make.rep("kei", team=team))

    assert clock(lead).due_at == AT.replace(day=16, hour=0, minute=15)


def test_a_policy_may_count_around_the_clock():
    make.organisation()
    make.policy(budget=900, hours="ALWAYS")
    tokyo = make.rep("kei", calendar=make.calendar("Tokyo", time_zone="Asia/Tokyo"))

    assert clock(make.owned(tokyo)).due_at == AT + 15 * MINUTE


def test_an_absence_does_not_count(ann):
    make.policy(budget=900)
    make.absence(ann, AT + 5 * MINUTE, AT + 65 * MINUTE)

    assert clock(make.owned(ann)).due_at == AT + 75 * MINUTE


def test_a_holder_whose_hours_never_come_again_still_owes_an_answer():
    make.organisation()
    make.policy(budget=900)
    once = {"2020-01-01": [["09:00", "17:00"]]}
    never = make.calendar("Only once, long ago", weekly={}, overrides=once)

    assert clock(make.owned(make.rep("gone", calendar=never))).due_at == AT + 15 * MINUTE


def test_a_part_of_a_second_is_rounded_in_favour_of_the_holder(ann):
    make.policy(budget=900)
    odd = AT + timedelta(milliseconds=1)

    assert clock(make.owned(ann, at=odd)).due_at == AT + timedelta(seconds=901)


@pytest.mark.parametrize("mode", ["BACKFILL", "SHADOW"])
def test_history_and_shadows_have_no_clocks(ann, mode):
    make.policy()

    make.owned(ann, mode=mode)

    assert not Clock.objects.exists()


def test_a_clock_that_a_driver_broke_first_does_not_end_before_its_breach(ann):
    make.policy(budget=60, steps=[{"at_percent": 100, "do": "tell_manager"}])
    lead = make.owned(ann)
    from sla.services import escalate

    escalate.drain(driver="test", due_before=AT + 2 * MINUTE)
    # The rep's moment was read before the driver was quicker.
    work.acknowledge(lead_id=lead.pk, epoch=1, by=ann.user, at=AT + timedelta(seconds=59))

    found = clock(lead)
    assert found.state == "MET"
    assert found.breached_at == AT + 2 * MINUTE
    assert found.ended_at >= found.breached_at


# --- Finding an owner ---------------------------------------------------------------------------


def test_a_new_lead_has_to_find_an_owner(ann):
    make.policy(metric="ASSIGN", budget=600)

    lead = make.lead()

    found = clock(lead, "ASSIGN")
    assert (found.started_at, found.due_at, found.epoch) == (AT, AT + 10 * MINUTE, 0)
    assert (found.state, found.holder) == ("RUNNING", None)
    assert (lead.due_at, lead.due_what) == (found.due_at, "ASSIGN")


def test_its_time_counts_from_receipt_however_late_it_is_read(ann):
    make.policy(metric="ASSIGN", budget=600)
    received = make.submission(at=AT)
    from routing.intake import process

    process.drain(driver="test", due_before=AT + 20 * MINUTE)

    received.refresh_from_db()
    found = clock(received.lead, "ASSIGN")
    assert (found.started_at, found.due_at) == (AT, AT + 10 * MINUTE)
    # What should have been done long ago is due now, and no step counts as forgotten.
    assert found.next_at == AT + 20 * MINUTE


def test_any_owner_keeps_the_promise_to_find_one(ann):
    make.policy(metric="ASSIGN", budget=600)
    lead = make.lead()

    move(lead, ann)

    found = clock(lead, "ASSIGN")
    assert (found.state, found.ended_at, found.breached_at) == ("MET", AT + MINUTE, None)


def test_a_lead_handed_back_has_to_find_an_owner_again(ann, ben):
    make.policy(metric="ASSIGN", budget=600)
    lead = make.owned(ann)

    work.decline(lead_id=lead.pk, epoch=1, reason="No", by=ann.user, at=AT + MINUTE, driver="test")

    assert clock(lead, "ASSIGN", epoch=0).state == "MET"
    assert clock(lead, "ASSIGN", epoch=2).due_at == AT + 11 * MINUTE


@pytest.mark.parametrize(("scope", "states"), [("LEAD", ["RUNNING"]), ("HOLD", ["STOPPED"] * 2)])
def test_finding_an_owner_goes_on_from_queue_to_queue(ann, scope, states):
    make.policy(metric="ASSIGN", budget=600, scope=scope)
    lead = make.lead()
    pool = make.pool(ann)
    for number, minute in ((0, 1), (1, 2)):
        into_queue(lead, make.queue(pool), epoch=number, at=AT + minute * MINUTE)

    found = Clock.objects.filter(lead=lead, metric="ASSIGN").order_by("started_at")
    if scope == "LEAD":
        assert [one.state for one in found] == states
        assert found[0].due_at == AT + 10 * MINUTE
    else:
        assert [one.state for one in found] == [*states, "RUNNING"]
        assert found[2].due_at == AT + 12 * MINUTE


def into_queue(lead, queue, *, epoch, at=AT + MINUTE):
    ownership.change_many(
        [
            Move(
                lead_id=lead.pk,
                epoch=epoch,
                place=Lead.Place.QUEUE,
                queue_id=queue.pk,
                reason_code="CORRECTED",
            )
        ],
        by=None,
        at=at,
        driver="test",
    )


def test_a_lead_that_comes_to_rest_needs_no_owner(ann):
    make.policy(metric="ASSIGN", budget=600)
    lead = make.lead()

    ownership.change_many(
        [Move(lead_id=lead.pk, epoch=0, place=Lead.Place.NURTURE, reason_code="ROUTED")],
        by=None,
        at=AT + MINUTE,
        driver="test",
    )

    assert clock(lead, "ASSIGN").state == "STOPPED"


@pytest.mark.parametrize("mode", ["BACKFILL", "SHADOW"])
def test_history_and_shadows_need_no_owner(ann, mode):
    make.policy(metric="ASSIGN")

    make.lead(mode=mode)

    assert not Clock.objects.exists()


# --- Following up -------------------------------------------------------------------------------


def talk(lead, rep, *, at, reached=True):
    lead.refresh_from_db()
    return work.log_contact(
        lead_id=lead.pk,
        epoch=lead.owner_epoch,
        way="CALL",
        reached=reached,
        note="",
        by=rep.user,
        at=at,
    )


def follow_ups(lead) -> list[tuple]:
    found = Clock.objects.filter(lead=lead, metric="FOLLOW_UP").order_by("started_at")
    return [(one.state, one.started_at, one.due_at) for one in found]


def test_reaching_the_person_starts_the_time_to_follow_up(ann):
    make.policy(metric="FOLLOW_UP", budget=3600)
    lead = make.owned(ann)

    talk(lead, ann, at=AT + MINUTE, reached=False)
    assert follow_ups(lead) == []

    talk(lead, ann, at=AT + 2 * MINUTE)
    assert follow_ups(lead) == [("RUNNING", AT + 2 * MINUTE, AT + 62 * MINUTE)]
    lead.refresh_from_db()
    assert (lead.due_what, lead.due_at) == ("FOLLOW_UP", AT + 62 * MINUTE)


def test_the_next_contact_keeps_it_and_starts_it_again(ann):
    make.policy(metric="FOLLOW_UP", budget=3600)
    lead = make.owned(ann)
    talk(lead, ann, at=AT)

    talk(lead, ann, at=AT + 30 * MINUTE, reached=False)
    talk(lead, ann, at=AT + 40 * MINUTE)

    assert follow_ups(lead) == [
        ("MET", AT, AT + 60 * MINUTE),
        ("RUNNING", AT + 40 * MINUTE, AT + 100 * MINUTE),
    ]


@pytest.mark.parametrize(
    ("kind", "state"),
    [("MEETING", "STOPPED"), ("OPPORTUNITY", "STOPPED"), ("LOST", "STOPPED")],
)
def test_what_is_agreed_or_over_needs_no_following_up(ann, kind, state):
    make.policy(metric="FOLLOW_UP", budget=3600)
    lead = make.owned(ann)
    talk(lead, ann, at=AT)

    work.record_outcome(
        lead_id=lead.pk,
        epoch=1,
        kind=kind,
        reason="x",
        by=ann.user,
        at=AT + MINUTE,
        driver="test",
    )

    assert [one[0] for one in follow_ups(lead)] == [state]
    lead.refresh_from_db()
    assert lead.due_at is None


def test_who_takes_over_a_person_spoken_to_owes_the_next_word(ann, ben):
    make.policy("Theirs", metric="FOLLOW_UP", budget=3600, scope="HOLD")
    make.policy("The lead's", metric="FOLLOW_UP", budget=7200, scope="LEAD")
    lead = make.owned(ann)
    talk(lead, ann, at=AT)
    lead.refresh_from_db()

    move(lead, ben, at=AT + 10 * MINUTE)

    assert sorted(follow_ups(lead)) == [
        ("RUNNING", AT, AT + 120 * MINUTE),
        ("RUNNING", AT + 10 * MINUTE, AT + 70 * MINUTE),
        ("STOPPED", AT, AT + 60 * MINUTE),
    ]


def test_after_a_meeting_a_new_owner_owes_no_following_up(ann, ben):
    make.policy(metric="FOLLOW_UP", scope="HOLD")
    lead = make.owned(ann)
    talk(lead, ann, at=AT)
    work.record_outcome(
        lead_id=lead.pk, epoch=1, kind="MEETING", by=ann.user, at=AT + MINUTE, driver="test"
    )
    lead.refresh_from_db()

    move(lead, ben, at=AT + 2 * MINUTE)

    assert [state for state, *_ in follow_ups(lead)] == ["STOPPED"]


# --- What a clock keeps of how it was started ---------------------------------------------------

TOKYO = {"time_zone": "Asia/Tokyo"}
WEEK = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


def test_a_clock_keeps_its_budget_its_version_and_its_first_deadline(ann):
    policy = make.policy(budget=900)
    policy.budget = 1200
    make.saved(policy)

    found = clock(make.owned(ann))

    assert (found.budget, found.policy_version) == (1200, 2)
    assert found.first_due_at == found.due_at == AT + 20 * MINUTE
    assert found.hours is None


def test_clocks_in_the_same_hours_share_one_row():
    make.organisation()
    make.policy("One")
    make.policy("Two", metric="CONTACT")
    kei = make.rep("kei", calendar=make.calendar("Tokyo", **TOKYO))

    first, second = make.owned(kei), make.owned(kei)

    body = ClockHours.objects.get().body
    assert {clock(one).hours_id for one in (first, second)} == {clock(first, "CONTACT").hours_id}
    assert (body["calendar"]["timezone"], body["calendar"]["weekly"]) == ("Asia/Tokyo", WEEK)
    assert body["away"] == []


def test_absences_are_kept_with_the_hours(ann):
    make.policy(budget=900)
    make.absence(ann, AT + 5 * MINUTE, AT + 65 * MINUTE)

    body = clock(make.owned(ann)).hours.body

    start = int(AT.timestamp())
    assert body == {"calendar": None, "away": [[start + 300, start + 3900]]}


def test_the_teams_hours_are_those_of_the_nearest_team_that_has_some(ann):
    make.policy(budget=900, hours="TEAM")
    region = make.team("Japan", calendar=make.calendar("Tokyo", **TOKYO))
    team = make.team("Osaka", parent=make.team("Kansai", parent=region))
    always = make.calendar("Early", time_zone="UTC", weekly={"mon": [["00:00", "24:00"]]})
    kei = make.rep("kei", team=team, calendar=always)
    # Nor does it matter that they are away.
    make.absence(kei, AT, AT + timedelta(days=3))

    assert clock(make.owned(kei)).due_at == AT.replace(day=16, hour=0, minute=15)
    assert clock(make.owned(ann)).due_at == AT + 15 * MINUTE


@pytest.mark.parametrize("hours", ["REP", "TEAM"])
def test_without_a_holder_the_hours_of_whoever_may_claim_count(ann, hours):
    make.policy(metric="CLAIM", budget=900, hours=hours)
    tokyo, night = make.calendar("Tokyo", **TOKYO), {"mon": [["20:00", "20:10"]]}
    kei = make.rep("kei", calendar=tokyo)
    eve = make.rep("eve", calendar=make.calendar("Eve", time_zone="UTC", weekly=night))
    # Agents never sleep, and who has left does not count.
    make.rep("bot", role="AI_AGENT")
    gone = make.rep("gone", is_active=False)
    queue = make.queue(make.pool(kei, eve, gone))

    lead = make.queued(queue)

    # Ten minutes of Eve's on Monday evening, five of Kei's on Tuesday.
    assert clock(lead, "CLAIM").due_at == AT.replace(day=16, hour=0, minute=5)
    assert len(clock(lead, "CLAIM").hours.body["any_of"]) == 2


def test_without_a_holder_and_without_hours_time_counts_around_the_clock(ann):
    make.policy("Claim", metric="CLAIM", budget=900)
    make.policy("Assign", metric="ASSIGN", budget=600)
    kei = make.rep("kei", calendar=make.calendar("Tokyo", **TOKYO))

    # Ann works around the clock; the waiting room has no pool.
    assert clock(make.queued(make.queue(make.pool(kei, ann))), "CLAIM").due_at == AT + 15 * MINUTE
    assert clock(make.lead(), "ASSIGN").due_at == AT + 10 * MINUTE


def test_a_budget_that_ends_at_closing_is_due_at_closing():
    make.organisation()
    make.policy(budget=900)
    week = {"mon": [["08:00", "09:15"]], "tue": [["08:00", "09:15"]]}
    kei = make.rep("kei", calendar=make.calendar("Short", time_zone="UTC", weekly=week))

    assert clock(make.owned(kei)).due_at == AT + 15 * MINUTE
