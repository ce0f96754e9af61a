"""A manager settles what the rotation owes somebody; the books stay even."""

import pytest

from reps.models import AuditEvent
from routing.dispatch import batch
from routing.engine import UNIT
from routing.fairness import ledger
from routing.fairness.settle import SettleRefused, settle
from routing.fairness.shares import share_out
from routing.models import BalanceLine, PoolStanding
from tests import make

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


@pytest.fixture
def boss():
    make.organisation()
    return make.user("boss", is_superuser=True)


@pytest.fixture
def pool(boss):
    made = make.pool(*[make.rep(name) for name in ("ann", "ben", "cleo")], weights=(3, 2, 1))
    make.rules(make.round_robin(made))
    make.leads(1)
    batch.route(driver="test", at=AT, due_before=AT)
    return made


def balances(pool) -> dict[str, int]:
    rows = PoolStanding.objects.filter(pool=pool).values_list("rep__user__username", "balance")
    return dict(rows)


def rep(name):
    return make.Rep.objects.get(user__username=name)


def test_the_balance_is_zero_afterwards_and_the_others_share_the_difference(pool, boss):
    assert balances(pool) == {"ann": -UNIT // 2, "ben": UNIT // 3, "cleo": UNIT // 6}

    (line,) = settle(pool=pool, rep=rep("ann"), by=boss, at=AT, reason="Was ill")

    assert (line.units, line.balance_after, line.by, line.reason) == (UNIT // 2, 0, boss, "Was ill")
    after = balances(pool)
    assert after["ann"] == 0
    assert sum(after.values()) == 0
    shared = BalanceLine.objects.filter(kind="SHARED_OUT")
    assert {one.rep.user.username: one.units for one in shared} == {
        "ben": -UNIT // 3,
        "cleo": -UNIT // 6,
    }
    for one in ("ann", "ben", "cleo"):
        lines = ledger.lines_of(pool, rep(one))
        assert sum(line.units for line in lines) == after[one]


def test_settling_is_on_record(pool, boss):
    settle(pool=pool, rep=rep("ann"), by=boss, at=AT, reason="Was ill")

    event = AuditEvent.objects.get(kind="settled")
    assert (event.subject_id, event.actor, event.reason) == (pool.pk, boss, "Was ill")
    assert event.data == {"rep": rep("ann").pk, "units": {"": -UNIT // 2}}


def test_the_last_turn_stays(pool, boss):
    settle(pool=pool, rep=rep("ann"), by=boss, at=AT, reason="Was ill")

    assert PoolStanding.objects.get(rep=rep("ann")).turn == 1


@pytest.mark.parametrize(
    ("name", "reason", "said"),
    [
        ("ann", "  ", "Say why"),
        ("dan", "Why not", "not in"),
    ],
)
def test_what_cannot_be_settled_is_refused(pool, boss, name, reason, said):
    make.rep("dan")

    with pytest.raises(SettleRefused, match=said):
        settle(pool=pool, rep=rep(name), by=boss, at=AT, reason=reason)
    assert not BalanceLine.objects.filter(kind="SETTLED").exists()


def test_nothing_is_settled_where_nothing_is_owed(boss):
    made = make.pool(make.rep("eve"), make.rep("fay"))

    with pytest.raises(SettleRefused, match="owes nothing"):
        settle(pool=made, rep=rep("eve"), by=boss, at=AT, reason="To be sure")


def test_whoever_is_alone_has_nobody_to_settle_with(boss):
    made = make.pool(make.rep("eve"))

    with pytest.raises(SettleRefused, match="alone"):
        settle(pool=made, rep=rep("eve"), by=boss, at=AT, reason="To be sure")


def test_one_lane_can_be_settled_without_the_others(pool, boss):
    ann, ben = rep("ann"), rep("ben")
    for one, units in ((ann, 5), (ben, -5)):
        ledger.write([ledger.Posting((pool.pk, one.pk, "HOT"), "LEADS", units)], before={}, at=AT)

    settle(pool=pool, rep=ann, by=boss, at=AT, reason="Hot ones only", lane="HOT")

    assert PoolStanding.objects.get(rep=ann, lane="HOT").balance == 0
    assert PoolStanding.objects.get(rep=ann, lane="").balance == -UNIT // 2


@pytest.mark.parametrize("units", [0, 1, -1, 7, -7, UNIT, -UNIT + 1])
@pytest.mark.parametrize("weights", [{1: 1}, {1: 1, 2: 1, 3: 1}, {5: 300, 2: 200, 9: 1}])
def test_no_unit_is_lost_in_sharing_out(units, weights):
    parts = share_out(units, weights)

    total = sum(weights.values())
    assert sum(parts.values()) == units
    for one, part in parts.items():
        assert abs(part - units * weights[one] / total) <= max(1, abs(units) * 1e-15)
