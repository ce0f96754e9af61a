"""An installation from before the book of the rotation gets its opening lines, and may go back."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from reps import verify
from reps.due.clock import database_now
from routing.dispatch import batch
from routing.engine import UNIT
from routing.fairness import ledger
from routing.models import BalanceLine, PoolStanding
from tests import make

pytestmark = pytest.mark.django_db

migration = import_module("routing.migrations.0004_opening_lines")


@pytest.fixture
def pool():
    make.organisation()
    made = make.pool(make.rep("ann"), make.rep("ben"), make.rep("cleo"))
    make.rules(make.round_robin(made))
    for row, units in zip(
        made.members.order_by("position"), (UNIT // 2, -UNIT // 2, 0), strict=True
    ):
        PoolStanding.objects.update_or_create(
            pool=made, rep=row.rep, defaults={"balance": units, "turn": 7}
        )
    # So it was: balances, and no book.
    BalanceLine.objects.all().delete()
    return made


def forth() -> None:
    migration.open_the_book(apps, connection.schema_editor())


def back() -> None:
    migration.close_the_book(apps, connection.schema_editor())


def lines() -> list[tuple[str, str, int, int]]:
    rows = BalanceLine.objects.order_by("pk").select_related("rep__user")
    return [(one.rep.user.username, one.kind, one.units, one.balance_after) for one in rows]


def violated() -> list[str]:
    checked = verify.run(at=database_now(), codes=("F1", "F2"))
    return [line for _one, found in checked for line in found]


def test_every_balance_that_is_not_zero_gets_a_line_that_explains_it(pool):
    assert violated() != []

    forth()

    assert lines() == [
        ("ann", "ENTERED", UNIT // 2, UNIT // 2),
        ("ben", "ENTERED", -UNIT // 2, -UNIT // 2),
    ]
    assert {one.reason for one in BalanceLine.objects.all()} == {"balance before the ledger"}
    assert violated() == []


def test_the_book_goes_on_from_there_and_the_way_back_takes_only_the_opening_lines(pool):
    forth()
    at = database_now()
    make.leads(2, at=at)
    batch.route(driver="test", at=at, due_before=at)
    assert violated() == []
    assert ledger.standings(pool.pk)[pool.pk, pool.members.first().rep_id, ""].turn >= 7

    back()

    assert {kind for _name, kind, _units, _after in lines()} == {"LEADS"}


def test_a_seat_that_is_in_the_book_is_left_alone(pool):
    forth()
    written = lines()

    # A second time, as after a restored backup.
    forth()

    assert lines() == written
