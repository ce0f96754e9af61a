"""What must hold for every escalation, whatever the chain and whoever is there."""

import random
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from reps import verify
from reps.due import jobs
from reps.models import Message, Team, User
from routing.dispatch import snapshot
from routing.models import Assignment, Lead
from sla import chain
from sla.models import Clock, Escalation
from tests import make

AT = make.MONDAY_9AM
BUDGET = 600
BREACHES = 400


def organisation_of(*, people: int):
    """Reps in two teams of a region, a pool of each, and a queue for both."""
    organisation = make.organisation()
    organisation.leadership = make.user("ceo")
    make.saved(organisation)
    region = make.team("Region", manager=make.rep("head", team=make.team("Heads")).user)
    teams = []
    for name in ("North", "South"):
        manager, deputy = make.user(f"{name}-manager"), make.user(f"{name}-deputy")
        team = make.team(name, manager=manager, deputy=deputy, parent=region)
        make.rep(user=manager, team=team)
        teams.append(team)
    reps = [make.rep(f"rep{n}", team=teams[n % 2]) for n in range(people)]
    for one, backup in zip(reps, [*reps[1:], reps[0]], strict=True):
        one.backup = backup
        make.saved(one)
    pools = [make.pool(*reps[n::2]) for n in range(2)]
    everybody = make.pool(*reps)
    make.rules(make.round_robin(everybody))
    return reps, pools, make.queue(everybody)


# --- No escalation reaches nobody ---------------------------------------------------------------


@pytest.mark.once
@pytest.mark.django_db
def test_of_hundreds_of_breaches_none_reaches_nobody_whoever_is_missing():
    reps, _pools, _queue = organisation_of(people=6)
    dice = random.Random(48)
    make.policy(
        budget=BUDGET,
        hours="ALWAYS",
        steps=[
            {"at_percent": 50, "do": "remind"},
            {"at_percent": 100, "do": "tell_manager"},
            {"at_percent": 120, "do": "raise_priority"},
            {"at_percent": 140, "do": "tell_leadership"},
        ],
    )
    leads = [make.owned(dice.choice(reps)) for _ in range(BREACHES // 4)]

    for percent in (50, 100, 120, 140):
        _lose_contacts(dice)
        there = set(User.objects.filter(is_active=True).values_list("pk", flat=True))
        now = AT + timedelta(seconds=BUDGET * percent // 100)
        jobs.drain("clocks", driver="test", due_before=now)
        for one in Escalation.objects.filter(fired_at=now):
            assert set(one.told) <= there, "a closed account was told"

    assert Escalation.objects.count() == 4 * len(leads) == BREACHES
    assert not Escalation.objects.filter(recipients=0).exists()
    assert all(len(one.told) == one.recipients for one in Escalation.objects.all())
    told = Message.objects.filter(kind="clock_step").count()
    assert told == sum(Escalation.objects.values_list("recipients", flat=True))


def _lose_contacts(dice: random.Random) -> None:
    """Managers leave or are away, teams lose theirs, leadership and who answers for all too."""
    for team in Team.objects.all():
        if dice.random() < 0.3:
            team.manager = None
        if dice.random() < 0.3:
            team.deputy = None
        make.saved(team)
    everybody = list(User.objects.filter(rep__isnull=True))
    keep = dice.choice(list(User.objects.filter(is_superuser=True)))
    for user in everybody:
        user.is_active = user == keep or dice.random() < 0.5
        user.away_until = AT + timedelta(days=1) if dice.random() < 0.5 else None
        user.save()


# --- Every chain, everybody's absence -----------------------------------------------------------

ACTIONS = sorted(chain.ACTIONS)


@st.composite
def worlds(draw):
    """A chain, the hops it may make, and who can take leads when it begins."""
    actions = draw(st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=5))
    return {
        "actions": [*actions, "tell_leadership"],
        "pool": draw(st.integers(0, 1)),
        "most_hops": draw(st.integers(0, 3)),
        "full": draw(st.sets(st.integers(0, 3))),
        "away": draw(st.sets(st.integers(0, 3))),
        "gone": draw(st.sets(st.sampled_from(["North-manager", "South-manager", "ceo", "head"]))),
    }


@pytest.mark.django_db
@settings(max_examples=8, deadline=None)
@given(world=worlds())
def test_whatever_the_chain_nobody_is_asked_twice_while_somebody_else_can(world):
    with transaction.atomic():
        _walk(world)
        transaction.set_rollback(True)
    # The next world has other people under the same numbers.
    snapshot.forget()


def _walk(world) -> None:
    reps, pools, queue = organisation_of(people=4)
    for number, rep in enumerate(reps):
        if number in world["away"] and number:
            make.absence(rep, AT, AT + timedelta(days=9))
        if number in world["full"] and number:
            rep.capacity = 0
            make.saved(rep)
    User.objects.filter(username__in=world["gone"]).update(away_until=AT + timedelta(days=9))
    steps = []
    for number, action in enumerate(world["actions"], start=1):
        step = {"at_percent": 100 * number, "do": action}
        if action == "to_pool":
            step["pool"] = pools[world["pool"]].pk
        if action == "to_queue":
            step["queue"] = queue.pk
        steps.append(step)
    make.policy(budget=BUDGET, hours="ALWAYS", most_hops=world["most_hops"], steps=steps)
    lead = make.owned(reps[0])
    can = {
        rep.pk
        for number, rep in enumerate(reps)
        if number == 0 or number not in world["away"] | world["full"]
    }
    members = set(pools[world["pool"]].members.values_list("rep_id", flat=True))

    for number, action in enumerate(world["actions"], start=1):
        before = set(lead.assignments.filter(rep__isnull=False).values_list("rep_id", flat=True))
        epoch = lead.owner_epoch
        now = AT + timedelta(seconds=BUDGET * number)
        jobs.drain("clocks", driver="test", due_before=now)
        lead.refresh_from_db()
        if lead.owner_epoch == epoch:
            continue
        held = lead.assignments.get(epoch=lead.owner_epoch)
        if action in ("to_pool", "re_route"):
            among = members if action == "to_pool" else {rep.pk for rep in reps}
            if held.rep_id in before:
                assert not (among & can) - before, f"{action}: somebody else could take it"
        if action == "to_backup":
            assert held.rep_id not in before
    _check(lead, world)


def _check(lead: Lead, world) -> None:
    custody = list(lead.assignments.order_by("epoch"))
    assert sum(one.ended_at is None for one in custody) == 1
    assert all(one.ended_at == other.started_at for one, other in pairwise(custody))
    hops = Assignment.objects.filter(lead=lead, reason_code="ESCALATED").count()
    assert hops <= world["most_hops"]
    taken = Escalation.objects.filter(lead=lead)
    assert all(one.recipients == len(one.told) >= 1 for one in taken)
    clock = Clock.objects.filter(lead=lead).earliest("pk")
    if clock.state == Clock.State.RUNNING:
        assert taken.filter(clock=clock).count() == len(world["actions"])
    now = AT + timedelta(seconds=BUDGET * len(world["actions"]))
    assert not [line for one, line in verify.run(at=now, codes=["I3", "I6", "I8", "I9"]) if line]
