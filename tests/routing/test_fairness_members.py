"""Who joins begins at the mean, and what a leaver leaves over is shared by the rest."""

import pytest

from reps import trail
from reps.services import configuration
from routing.dispatch import batch
from routing.engine import UNIT
from routing.models import BalanceLine, PoolMember, PoolStanding
from tests import make

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


@pytest.fixture
def boss():
    make.organisation()
    return make.user("boss", is_superuser=True)


@pytest.fixture
def pool(boss):
    made = make.pool(*[make.rep(name) for name in ("ann", "ben", "cleo")])
    make.rules(make.round_robin(made))
    return made


def route(number: int) -> None:
    make.leads(number)
    batch.route(driver="test", at=AT, due_before=AT)


def balances(pool) -> dict[str, int]:
    rows = PoolStanding.objects.filter(pool=pool).values_list("rep__user__username", "balance")
    return dict(rows)


def member(name) -> PoolMember:
    return PoolMember.objects.get(rep__user__username=name)


def kinds(name) -> list[str]:
    rows = BalanceLine.objects.filter(rep__user__username=name).order_by("pk")
    return list(rows.values_list("kind", flat=True))


def lines_add_up() -> bool:
    return all(
        sum(BalanceLine.objects.filter(rep=one.rep, lane=one.lane).values_list("units", flat=True))
        == one.balance
        for one in PoolStanding.objects.all()
    )


def test_whoever_joins_begins_at_the_mean(pool, boss):
    route(2)
    before = balances(pool)
    dan = make.rep("dan")

    trail.save(PoolMember(pool=pool, rep=dan, position=3), by=boss, at=AT, reason="joined")

    assert balances(pool) == {**before, "dan": 0}
    line = BalanceLine.objects.get(rep=dan)
    assert (line.kind, line.units, line.balance_after, line.by) == ("ENTERED", 0, 0, boss)
    assert (line.at, line.reason) == (AT, "joined")


def test_a_newcomer_is_not_flooded(pool, boss):
    route(9)
    trail.save(
        PoolMember(pool=pool, rep=make.rep("dan"), position=3), by=boss, at=AT, reason="joined"
    )

    route(8)

    assert make.Rep.objects.get(user__username="dan").leads.count() == 2


def test_what_a_leaver_is_owed_is_shared_by_the_rest(pool, boss):
    route(1)
    assert balances(pool) == {"ann": -2 * UNIT // 3, "ben": UNIT // 3, "cleo": UNIT // 3}

    trail.delete(member("ann"), by=boss, at=AT, reason="left the pool")

    assert balances(pool) == {"ann": 0, "ben": 0, "cleo": 0}
    assert kinds("ann") == ["ENTERED", "LEADS", "LEFT"]
    assert kinds("ben") == ["ENTERED", "LEADS", "SHARED_OUT"]
    assert BalanceLine.objects.get(kind="LEFT").reason == "left the pool"
    assert lines_add_up()


def test_whoever_comes_back_begins_at_the_mean_again(pool, boss):
    ann = member("ann").rep
    route(1)
    trail.delete(member("ann"), by=boss, at=AT, reason="left the pool")
    route(3)

    trail.save(PoolMember(pool=pool, rep=ann), by=boss, at=AT, reason="joined")

    assert balances(pool)["ann"] == 0
    assert sum(balances(pool).values()) == 0
    assert kinds("ann") == ["ENTERED", "LEADS", "LEFT", "ENTERED"]


def test_the_last_to_leave_leaves_nothing_over(pool, boss):
    route(2)

    for name in ("ann", "ben", "cleo"):
        trail.delete(member(name), by=boss, at=AT, reason="left the pool")

    assert set(balances(pool).values()) == {0}
    assert lines_add_up()


def test_a_row_that_is_given_to_another_rep_is_a_leaver_and_a_newcomer(pool, boss):
    route(1)
    row, dan = member("ann"), make.rep("dan")
    row.rep = dan

    trail.save(row, by=boss, at=AT, reason="edited")

    assert balances(pool)["ann"] == balances(pool)["dan"] == 0
    assert sum(balances(pool).values()) == 0
    assert kinds("dan") == ["ENTERED"]
    assert kinds("ann")[-1] == "LEFT"


def test_another_weight_moves_no_balance(pool, boss):
    route(1)
    before, lines = balances(pool), BalanceLine.objects.count()
    row = member("ann")
    row.weight = 7

    trail.save(row, by=boss, at=AT, reason="weight")

    assert balances(pool) == before
    assert BalanceLine.objects.count() == lines


def test_a_pool_is_deleted_with_its_book(boss):
    made = make.pool(make.rep("eve"), make.rep("fay"))

    configuration.delete(made, by=boss, at=AT, reason="not used")

    assert not BalanceLine.objects.filter(pool=made.pk).exists()
    assert not PoolMember.objects.exists()
