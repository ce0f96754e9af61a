"""An assignment taken back leaves everything as if it had not been made."""

from datetime import timedelta

import pytest

from reps import trail
from routing import work
from routing.dispatch import batch, replay
from routing.engine import UNIT
from routing.fairness.undo import UndoRefused, undo
from routing.models import (
    Assignment,
    BalanceLine,
    Lead,
    Limit,
    Outcome,
    PoolMember,
    PoolStanding,
    RepLoad,
)
from routing.ownership import EpochPassed, LimitReached
from sla.models import Clock
from tests import make

AT = make.MONDAY_9AM
NOW = AT + make.MINUTE
pytestmark = pytest.mark.django_db


@pytest.fixture
def boss():
    make.organisation()
    return make.user("boss", is_superuser=True)


@pytest.fixture
def pool(boss):
    made = make.pool(*[make.rep(name) for name in ("ann", "ben", "cleo")], weights=(3, 2, 1))
    make.rules(make.round_robin(made))
    return made


def route(number: int, *, at=AT) -> list[Lead]:
    made = make.leads(number, at=at)
    batch.route(driver="test", at=at, due_before=at)
    for lead in made:
        lead.refresh_from_db()
    return made


def take_back(lead, boss, *, at=NOW, **more):
    return undo(
        lead_id=lead.pk,
        epoch=more.pop("epoch", lead.owner_epoch),
        by=boss,
        at=at,
        reason=more.pop("reason", "Wrong country"),
        driver="test",
    )


def counters() -> dict:
    return {
        "standings": list(
            PoolStanding.objects.order_by("rep", "lane").values_list("rep", "balance", "turn")
        ),
        "open": dict(RepLoad.objects.filter(open__gt=0).values_list("rep", "open")),
        "counted": sorted(Assignment.objects.filter(counts=True).values_list("lead", "rep")),
    }


def add_up() -> bool:
    return all(
        sum(BalanceLine.objects.filter(rep=one.rep).values_list("units", flat=True)) == one.balance
        for one in PoolStanding.objects.all()
    )


@pytest.mark.parametrize("before", [0, 1, 4])
def test_all_counters_are_as_they_were_before_the_assignment(pool, boss, before):
    route(before)
    was = counters()
    (lead,) = route(1)
    assert counters() != was

    take_back(lead, boss)

    assert counters() == was
    assert add_up()


def test_the_lead_waits_for_routing_and_is_decided_by_the_next_batch(pool, boss):
    (lead,) = route(1)
    first = lead.decisions.get()

    lead = take_back(lead, boss)

    assert (lead.place, lead.owner, lead.owner_epoch, lead.route_at) == ("QUEUE", None, 2, NOW)
    assert (lead.former_owner, lead.assigned_at, lead.state) == (None, None, "NEW")
    batch.route(driver="test", at=NOW, due_before=NOW)
    lead.refresh_from_db()
    second = lead.decisions.latest("pk")
    assert lead.owner == first.rep
    assert second.batch_id != first.batch_id
    assert replay.run_again(second).decode() == second.body


def test_the_rotation_goes_on_as_if_the_lead_had_never_come(pool, boss):
    sequence = [lead.owner_id for lead in route(6)]
    late = route(2, at=NOW)
    take_back(late[1], boss)

    again = route(6, at=NOW + make.MINUTE)

    # The one taken back is due first; then the cycle is the one of the beginning.
    late[1].refresh_from_db()
    got = [late[0].owner_id, late[1].owner_id, *[lead.owner_id for lead in again]]
    assert got == [*sequence, *sequence[:2]]


def test_the_assignment_says_that_it_was_taken_back(pool, boss):
    (lead,) = route(1)

    take_back(lead, boss)

    first, second = lead.assignments.order_by("epoch")
    assert (first.undone_at, first.counts, first.ended_at) == (NOW, False, NOW)
    assert (second.reason_code, second.reason, second.by) == ("UNDONE", "Wrong country", boss)
    assert set(BalanceLine.objects.filter(kind="UNDONE").values_list("by", "reason")) == {
        (boss.pk, "Wrong country")
    }


def test_an_earlier_owner_is_still_the_former_one(pool, boss):
    make.rep("dan")
    dan = make.Rep.objects.get(user__username="dan")
    lead = make.owned(dan)
    eve = make.rep("eve")
    work.move_by_hand(
        lead_id=lead.pk, epoch=1, to=eve, reason="Far away", by=boss, at=NOW, driver="test"
    )

    lead = take_back(lead, boss, epoch=2, at=NOW + make.MINUTE)

    assert (lead.former_owner, lead.assigned_at) == (dan, AT)


def test_others_who_had_a_turn_meanwhile_keep_it(pool, boss):
    first, *_rest = route(4)
    turns = dict(PoolStanding.objects.values_list("rep", "turn"))

    take_back(first, boss)

    after = dict(PoolStanding.objects.values_list("rep", "turn"))
    # Ann had a later turn than the one that was taken back.
    assert after == turns
    assert sum(PoolStanding.objects.values_list("balance", flat=True)) == 0
    assert add_up()


def test_the_part_of_somebody_who_has_left_falls_to_the_others(pool, boss):
    (lead,) = route(1)
    row = PoolMember.objects.get(rep__user__username="ben")
    trail.delete(row, by=boss, at=NOW, reason="left the pool")

    take_back(lead, boss)

    balances = dict(PoolStanding.objects.values_list("rep__user__username", "balance"))
    assert balances["ben"] == 0
    assert sum(balances.values()) == 0
    assert add_up()


def test_the_clocks_of_the_owner_stop(pool, boss):
    make.policy(scope="HOLD")
    (lead,) = route(1)
    clock = Clock.objects.get(lead=lead)
    assert clock.state == "RUNNING"

    take_back(lead, boss)

    clock.refresh_from_db()
    assert clock.state != "RUNNING"


def test_a_claim_taken_back_gives_its_room_back(boss):
    ann = make.rep("ann")
    queue = make.queue(make.pool(ann))
    make.saved(Limit(rep=ann, kind="flow", most=1, window="DAY", rolling=True))
    first, second = make.queued(queue), make.queued(queue)

    def claim(lead):
        return work.claim(
            lead_id=lead.pk, epoch=lead.owner_epoch, by=ann.user, at=NOW, driver="test"
        )

    first = claim(first)
    with pytest.raises(LimitReached):
        claim(second)
    take_back(first, boss, at=NOW + make.MINUTE)

    assert claim(second).owner == ann


# --- What cannot be taken back ------------------------------------------------------------------


def test_what_the_owner_works_on_is_not_taken_back(pool, boss):
    (lead,) = route(1)
    work.acknowledge(lead_id=lead.pk, epoch=1, by=lead.owner.user, at=NOW)

    with pytest.raises(UndoRefused, match="works on this lead already"):
        take_back(lead, boss)
    assert not BalanceLine.objects.filter(kind="UNDONE").exists()


def test_a_lead_with_an_outcome_is_not_taken_back(pool, boss):
    (lead,) = route(1)
    Outcome.objects.create(lead=lead, kind="MEETING", at=NOW)

    with pytest.raises(UndoRefused, match="works on this lead already"):
        take_back(lead, boss)


def test_a_lead_that_has_moved_on_is_not_taken_back(pool, boss):
    (lead,) = route(1)
    take_back(lead, boss)

    with pytest.raises(EpochPassed):
        take_back(lead, boss, epoch=1)


def test_what_nobody_owns_cannot_be_taken_back(pool, boss):
    with pytest.raises(UndoRefused, match="Nobody owns"):
        take_back(make.lead(), boss)


def test_taking_back_needs_a_reason(pool, boss):
    (lead,) = route(1)

    with pytest.raises(UndoRefused, match="Say why"):
        take_back(lead, boss, reason=" ")


# --- A bad lead ---------------------------------------------------------------------------------


def decline(lead, **more):
    return work.decline(
        lead_id=lead.pk,
        epoch=lead.owner_epoch,
        reason="Only spam",
        by=lead.owner.user,
        at=NOW,
        driver="test",
        **more,
    )


def test_declining_what_is_no_lead_gives_the_turn_back(pool, boss):
    route(2)
    standings = counters()["standings"]
    (lead,) = route(1)

    decline(lead, not_a_lead=True)

    assert counters()["standings"] == standings
    given = lead.assignments.get(epoch=1)
    assert (given.counts, given.undone_at) == (False, None)
    assert add_up()


def test_declining_a_real_lead_costs_the_turn(pool, boss):
    (lead,) = route(1)
    standings = counters()["standings"]

    decline(lead)

    assert counters()["standings"] == standings
    assert lead.assignments.get(epoch=1).counts
    assert PoolStanding.objects.get(rep=lead.owner).balance == 3 * UNIT // 6 - UNIT


def test_the_turn_is_given_back_once(pool, boss):
    (lead,) = route(1)
    decline(lead, not_a_lead=True)
    later = NOW + timedelta(minutes=5)
    batch.route(driver="test", at=later, due_before=later)
    lead.refresh_from_db()
    assert lead.owner is not None

    take_back(lead, boss, at=later)

    assert set(PoolStanding.objects.values_list("balance", "turn")) == {(0, 0)}
