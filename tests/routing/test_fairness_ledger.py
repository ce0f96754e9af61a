"""The book of the rotation: lines add up to balances, and each lead can be read from them."""

from datetime import timedelta

import pytest

from routing.dispatch import batch
from routing.engine import UNIT
from routing.fairness import ledger
from routing.models import BalanceLine, PoolStanding
from tests import make

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


@pytest.fixture
def pool():
    make.organisation()
    made = make.pool(make.rep("ann"), make.rep("ben"), weights=(2, 1), lanes=["HOT"])
    make.rules(make.round_robin(made))
    return made


def reps(pool):
    return {row.rep.user.username: row.rep for row in pool.members.select_related("rep__user")}


def route(number: int, *, at=AT, **fields) -> None:
    make.leads(number, fields=fields or None, at=at)
    batch.route(driver="test", at=at, due_before=at)


def test_a_batch_is_one_line_for_each_member(pool):
    route(2)

    lines = BalanceLine.objects.filter(kind="LEADS").order_by("rep__user__username")
    assert [(one.rep.user.username, one.leads, one.shared) for one in lines] == [
        ("ann", 1, 2),
        ("ben", 1, 2),
    ]
    assert [one.units for one in lines] == [2 * UNIT // 3 * 2 - UNIT, UNIT // 3 * 2 - UNIT]
    assert {one.batch_id for one in lines} == {batch.Batch.objects.get().pk}


def test_lines_of_several_batches_add_up_to_the_balance(pool):
    for minute, number in enumerate((1, 3, 2, 5)):
        route(number, at=AT + timedelta(minutes=minute))

    for rep in reps(pool).values():
        lines = list(ledger.lines_of(pool, rep))
        standing = PoolStanding.objects.get(pool=pool, rep=rep, lane="")
        assert sum(one.units for one in lines) == standing.balance == lines[0].balance_after
        assert sum(one.leads for one in lines) == rep.leads.count()
    assert sum(PoolStanding.objects.values_list("balance", flat=True)) == 0


def test_a_lane_has_lines_of_its_own(pool):
    make.factor(100, {"fact": "hand_raise", "op": "eq", "value": True})

    route(2, hand_raise=True)

    hot = BalanceLine.objects.filter(kind="LEADS").values_list("lane", flat=True)
    assert set(hot) == {"HOT"}
    ann = reps(pool)["ann"]
    assert [one.kind for one in ledger.lines_of(pool, ann, lane="HOT")] == ["LEADS"]
    assert [one.kind for one in ledger.lines_of(pool, ann, lane="")] == ["ENTERED"]


def test_a_line_is_expanded_into_its_leads(pool):
    route(3)
    ann = reps(pool)["ann"]
    line = ledger.lines_of(pool, ann).get(kind="LEADS")

    charges = ledger.expand(line)

    assert sum(one.units for one in charges) == line.units
    assert sum(one.received for one in charges) == line.leads == 2
    assert len(charges) == line.shared == 3
    assert {one.lead_id for one in charges if one.received} == set(
        ann.leads.values_list("pk", flat=True)
    )
    assert [one.place for one in charges] == [0, 1, 2]


def test_a_line_that_is_no_batchs_has_no_leads(pool):
    line = BalanceLine.objects.filter(kind="ENTERED").first()

    assert ledger.expand(line) == []


def test_a_shadow_lead_leaves_no_line(pool):
    make.lead(mode="SHADOW")

    batch.route(driver="test", at=AT, due_before=AT)

    assert not BalanceLine.objects.filter(kind="LEADS").exists()


def test_a_lead_that_no_rotation_chose_leaves_no_line():
    make.organisation()
    made = make.pool(make.rep("ann"), make.rep("ben"))
    make.rules(make.round_robin(made, stages=[{"do": "select", "by": "least_loaded"}]))

    route(2)

    assert not BalanceLine.objects.filter(kind="LEADS").exists()
