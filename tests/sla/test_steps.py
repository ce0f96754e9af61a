"""What each step of an escalation does, and to whom: sla.services.steps."""

from datetime import timedelta

import pytest

from reps import verify
from reps.due import jobs
from reps.models import Message, Strike
from reps.services import people
from routing import story, work
from routing.dispatch import replay
from routing.models import Assignment, Decision, Lead, PoolMember
from sla import chain, messages
from sla.models import Clock, Escalation
from sla.services import steps
from sla.services.steps import base
from tests import make

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


@pytest.fixture
def boss():
    """A manager who can own leads, and leadership above."""
    organisation = make.organisation()
    organisation.leadership = make.user("ceo")
    make.saved(organisation)
    user = make.user("boss", group="manager")
    make.rep(user=user, team=make.team("North", manager=user))
    return user


@pytest.fixture
def ann(boss):
    return make.rep("ann", team=boss.rep.team)


@pytest.fixture
def ben(ann):
    return make.rep("ben", team=ann.team)


@pytest.fixture
def cleo(ann):
    return make.rep("cleo", team=ann.team)


def promise(*actions, **more):
    """A promise of 15 minutes whose steps come at 100 %, 200 % and so on; a person last."""
    taken = [{**action} if isinstance(action, dict) else {"do": action} for action in actions]
    taken.append({"do": "tell_leadership"})
    for number, step in enumerate(taken, start=1):
        step["at_percent"] = 100 * number
    return make.policy(budget=900, steps=taken, **more)


def tick(number=1):
    """Come by when so many steps are due."""
    return jobs.drain("clocks", driver="test", due_before=AT + timedelta(seconds=900 * number))


def last() -> Escalation:
    return Escalation.objects.latest("pk")


def told() -> set[str]:
    step = last()
    rows = Message.objects.filter(
        kind="clock_step", payload__clock=step.clock_id, payload__step=step.step
    ).select_related("recipient")
    assert {row.recipient_id for row in rows} == set(step.told)
    assert len(step.told) == step.recipients >= 1
    assert {row.about for row in rows} == {f"routing.lead:{step.lead_id}"}
    return {row.recipient.username for row in rows}


def owner(lead):
    lead.refresh_from_db()
    return lead.owner


# --- The registry -------------------------------------------------------------------------------


def test_every_action_of_a_chain_can_be_taken_and_has_its_words():
    assert set(steps.names()) == set(chain.ACTIONS) == set(messages.WORDS)


# --- Telling ------------------------------------------------------------------------------------


def test_leadership_is_alerted(ann):
    promise()
    make.owned(ann)

    tick()

    assert (last().effect, told()) == ("Alerted ceo", {"ceo"})


def test_whoever_answers_for_all_is_told_while_leadership_is_away(ann):
    organisation = make.organisation()
    organisation.leadership.away_until = AT + timedelta(days=1)
    organisation.leadership.save()
    promise()
    make.owned(ann)

    tick()

    assert told() == {organisation.responsible.username}


def test_a_raised_lead_goes_before_all_others_and_its_history_says_so(ann):
    promise("raise_priority")
    queue = make.queue(make.pool(ann))
    others = [make.queued(queue, {"hand_raise": True}) for _ in range(2)]
    make.policy(
        metric="CLAIM",
        budget=900,
        steps=[
            {"at_percent": 100, "do": "raise_priority"},
            {"at_percent": 200, "do": "tell_manager"},
        ],
    )
    late = make.queued(queue)
    history = late.history.count()

    tick()

    late.refresh_from_db()
    assert late.priority > max(one.priority for one in others)
    assert work.claimable(ann).first() == late
    assert late.history.count() == history + 1
    assert late.history.order_by("history_id").last().history_change_reason == "raised"


# --- To somebody of a pool ----------------------------------------------------------------------


@pytest.fixture
def live():
    """Rules are live, as they are wherever leads are routed."""
    return make.rules()


def test_a_pool_takes_over_in_turn_as_ever_and_the_decision_explains_it(ann, ben, cleo, live):
    pool = make.pool(ben, cleo, name="Inside sales")
    promise({"do": "to_pool", "pool": pool.pk})
    leads = [make.owned(ann) for _ in range(4)]

    assert tick() == 4

    assert sorted(owner(lead).user.username for lead in leads) == ["ben", "ben", "cleo", "cleo"]
    assert told() == {"boss", owner(leads[-1]).user.username}
    for lead in leads:
        decision = Decision.objects.get(lead=lead)
        held = lead.assignments.get(ended_at__isnull=True)
        assert (held.reason_code, held.decision, held.pool) == ("ESCALATED", decision, pool)
        assert replay.run_again(decision).decode() == decision.body
        checked = replay.check(decision)
        assert (checked.altered, checked.agrees) == ((), True)
        told_story = story.tell(lead, me=None, sees_all=True)
        assert "Late: somebody of Inside sales" in told_story.headline
        assert owner(lead).user.username in told_story.headline
    now = AT + timedelta(seconds=900)
    codes = ["I3", "I8", "I9", "F1", "F2", "F3", "D1", "D2", "D3"]
    assert not [line for _, line in verify.run(at=now, codes=codes) if line]


def test_nobody_of_a_pool_gets_it_who_is_full_away_or_outside_their_hours(ann, ben, cleo, live):
    dora = make.rep("dora", calendar=make.calendar(time_zone="Asia/Tokyo"))
    people.pause(rep=ben, until=None, reason="Training", by=ann.user, at=AT)
    cleo.capacity = 0
    make.saved(cleo)
    pool = make.pool(ben, cleo, dora)
    promise({"do": "to_pool", "pool": pool.pk})
    lead = make.owned(ann)

    tick()

    assert owner(lead) == ann
    assert told() == {"boss"}
    assert "Nobody of" in last().effect
    assert not Decision.objects.exists()


def test_a_pool_gives_a_former_holder_the_lead_only_if_nobody_else_can(ann, ben, cleo, live):
    pool = make.pool(ben, cleo)
    promise(
        {"do": "to_pool", "pool": pool.pk},
        {"do": "to_pool", "pool": pool.pk},
        {"do": "to_pool", "pool": pool.pk},
    )
    lead = make.owned(ann)

    holders = []
    for number in (1, 2, 3):
        tick(number)
        holders.append(owner(lead))

    assert set(holders[:2]) == {ben, cleo}
    assert holders[2] == holders[0]


def test_who_said_no_does_not_get_it_from_a_pool(ann, ben, live):
    pool = make.pool(ann, ben)
    promise({"do": "to_pool", "pool": pool.pk})
    lead = make.owned(ben)
    work.decline(lead_id=lead.pk, epoch=1, reason="Not mine", by=ben.user, at=AT, driver="t")
    lead.refresh_from_db()
    work.give_to(
        lead_id=lead.pk,
        epoch=lead.owner_epoch,
        rep_id=ann.pk,
        reason_code="CORRECTED",
        reason="",
        by=None,
        at=AT,
        driver="test",
    )

    tick()

    assert owner(lead) == ann
    assert "Nobody of" in last().effect


@pytest.mark.parametrize("what", ["deleted", "empty"])
def test_where_the_pool_is_gone_or_empty_people_are_told(ann, ben, live, what):
    pool = make.pool(ben, name="Rescue")
    promise({"do": "to_pool", "pool": pool.pk})
    lead = make.owned(ann)
    PoolMember.objects.all().delete()
    if what == "deleted":
        pool.delete()

    tick()

    assert owner(lead) == ann
    assert told() == {"boss", "ceo"}
    assert ("is gone" if what == "deleted" else "has no members") in last().effect


# --- Routed anew --------------------------------------------------------------------------------


def test_a_late_lead_is_routed_anew_by_the_live_rules(ann, ben, cleo):
    make.rules(make.round_robin(make.pool(ann, ben, cleo)))
    promise("re_route", "re_route", "re_route")
    lead = make.routed(make.lead())
    first = lead.owner

    seen = [first]
    for number in (1, 2):
        tick(number)
        seen.append(owner(lead))

    assert set(seen) == {ann, ben, cleo}
    decision = lead.assignments.get(ended_at__isnull=True).decision
    assert decision.rule is not None
    assert replay.check(decision).agrees
    tick(3)
    assert owner(lead) == first or owner(lead) == seen[1]


def test_a_lead_that_the_rules_can_give_to_nobody_else_stays(ann):
    make.rules(make.round_robin(make.pool(ann)))
    promise("re_route")
    lead = make.routed(make.lead())

    tick()

    assert owner(lead) == ann
    assert (last().effect, told()) == ("The rules find nobody else; told the manager", {"boss"})


def test_without_live_rules_nothing_is_routed_anew(ann):
    promise("re_route")
    lead = make.owned(ann)

    tick()

    assert owner(lead) == ann
    assert told() == {"boss"}


# --- Into a queue, and to people ----------------------------------------------------------------


def test_a_late_lead_waits_in_a_queue_to_be_claimed(ann, ben):
    queue = make.queue(make.pool(ben), name="Rescue", responsible=make.user("keeper"))
    promise({"do": "to_queue", "queue": queue.pk})
    lead = make.owned(ann)

    tick()

    assert owner(lead) is None
    assert (lead.queue, lead.route_at) == (queue, None)
    assert told() == {"keeper", "boss"}
    work.claim(
        lead_id=lead.pk, epoch=lead.owner_epoch, by=ben.user, at=AT + timedelta(hours=1), driver="t"
    )
    assert owner(lead) == ben


def test_no_lead_goes_into_a_queue_from_which_nobody_can_claim(ann):
    queue = make.queue(name="Dead end")
    promise({"do": "to_queue", "queue": queue.pk})
    lead = make.owned(ann)

    tick()

    assert owner(lead) == ann
    assert told() == {"boss", "ceo"}
    assert last().effect.startswith("Nobody can claim from Dead end")


def test_the_next_in_line_takes_over_where_the_manager_owns_no_leads(ann, boss):
    chief = make.rep("chief", team=make.team("Chiefs"))
    region = make.team("Region", manager=chief.user)
    south = make.team("South", manager=make.user("clerk"), parent=region)
    kim = make.rep("kim", team=south)
    promise("to_manager")
    lead = make.owned(kim)

    tick()

    assert owner(lead) == chief
    assert told() == {"chief", "clerk"}


# --- Laws ---------------------------------------------------------------------------------------


def test_after_so_many_hops_people_are_only_told(ann, ben, cleo, boss):
    ann.backup, ben.backup = ben, cleo
    make.saved(ann)
    make.saved(ben)
    promise("to_backup", "to_backup", "to_manager", most_hops=1)
    lead = make.owned(ann)

    assert tick(9) == 4

    assert owner(lead) == ben
    effects = list(Escalation.objects.order_by("step").values_list("effect", flat=True))
    assert effects[1] == effects[2] == "It was handed on 1 times already; told boss and ceo"


def test_editing_a_policy_changes_no_running_clock(ann, ben, boss):
    ann.backup = ben
    make.saved(ann)
    policy = promise("to_backup")
    lead = make.owned(ann)
    version = Clock.objects.get().policy_version

    policy.most_hops = 0
    policy.budget = 60
    policy.steps = [{"at_percent": 100, "do": "remind"}, {"at_percent": 110, "do": "tell_manager"}]
    make.saved(policy)

    assert policy.version > version
    assert tick() == 1
    assert last().action == "to_backup"
    assert owner(lead) == ben


def test_a_step_that_fails_stops_no_other_and_a_person_hears_of_it(ann, ben, boss, monkeypatch):
    promise("to_backup")
    poisoned, sound = make.owned(ann), make.owned(ann)
    ann.backup = ben
    make.saved(ann)
    sane = base._actions["to_backup"]

    def fails(context):
        if context.lead.pk == poisoned.pk:
            raise ValueError("poison")
        return sane(context)

    monkeypatch.setitem(base._actions, "to_backup", fails)

    rounds = [tick() for _ in range(3)]

    assert sum(rounds) == 2
    assert owner(sound) == ben
    taken = Escalation.objects.get(lead=poisoned)
    organisation = make.organisation()
    assert taken.told == [organisation.responsible_id]
    assert "keeps failing" in taken.effect
    strike = Strike.objects.get(job="clocks")
    assert strike.given_up_at is not None
    assert "poison" in strike.last_error
    # The chain goes on.
    assert tick(2) == 2
    assert Escalation.objects.filter(lead=poisoned, action="tell_leadership").exists()


def test_failing_clocks_do_not_block_those_behind_them(ann, monkeypatch):
    from sla.services import escalate

    monkeypatch.setattr(escalate, "BATCH", 2)
    promise()
    leads = [make.owned(ann, at=AT) for _ in range(4)]
    sane, bad = base._actions["tell_leadership"], {leads[0].pk, leads[1].pk}

    def fails(context):
        if context.lead.pk in bad:
            raise ValueError("poison")
        return sane(context)

    monkeypatch.setitem(base._actions, "tell_leadership", fails)

    tick()
    tick()

    assert set(Escalation.objects.values_list("lead_id", flat=True)) == {
        lead.pk for lead in leads[2:]
    }


def test_a_clock_that_failed_once_and_then_not_is_forgiven(ann, monkeypatch):
    promise()
    make.owned(ann)
    sane = base._actions["tell_leadership"]

    def fails(context):
        raise ValueError("once")

    monkeypatch.setitem(base._actions, "tell_leadership", fails)
    tick()
    monkeypatch.setitem(base._actions, "tell_leadership", sane)
    tick()

    assert not Strike.objects.exists()
    assert last().effect == "Alerted ceo"


def test_one_round_takes_no_more_than_a_batch_oldest_first(ann, monkeypatch):
    from sla.services import escalate

    monkeypatch.setattr(escalate, "BATCH", 3)
    promise()
    for minute in range(5):
        make.owned(ann, at=AT + minute * make.MINUTE)

    now = AT + timedelta(hours=1)
    assert escalate.drain(driver="test", due_before=now) == 3

    due = list(Escalation.objects.order_by("pk").values_list("due_at", flat=True))
    assert due == sorted(due)
    assert due[-1] < escalate.oldest()


def test_while_a_request_waits_its_owner_answers_and_their_clocks_run_on(ann, ben, boss):
    ann.backup = ben
    make.saved(ann)
    promise("remind", "to_backup")
    lead = make.owned(ann)
    clock = Clock.objects.get()
    work.request_reassignment(
        lead_id=lead.pk, epoch=1, reason="Too far", by=ann.user, at=AT + make.MINUTE
    )

    again = Clock.objects.get()
    assert (again.due_at, again.next_at, again.paused_at) == (clock.due_at, clock.next_at, None)
    tick()
    assert told() == {"ann"}
    tick(2)
    assert owner(lead) == ben
    assert lead.requests.get().state == "STALE"


def test_escalations_never_leave_two_owners(ann, ben, live):
    pool = make.pool(ben)
    promise({"do": "to_pool", "pool": pool.pk}, "to_manager")
    lead = make.owned(ann)

    tick(5)

    open_ones = Assignment.objects.filter(lead=lead, ended_at__isnull=True)
    assert open_ones.count() == 1
    assert open_ones.get().rep == owner(lead)
    assert lead.place == Lead.Place.OWNER
