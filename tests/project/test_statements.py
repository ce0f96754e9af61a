"""Statements per batch are constant: 2 leads, 20 or 200, receivers included."""

from collections.abc import Callable
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reps.models import Message
from routing import ownership, work
from routing.dispatch import batch
from routing.intake import process
from routing.models import Decision, Lead, Limit
from routing.ownership import Move, Placed
from sla.models import Clock, Policy
from sla.services import clocks
from tests import make

AT = make.MONDAY_9AM
# Django writes at most 999 values with one statement of SQLite, and a lead has many columns.
SIZES = {"sqlite": (2, 12), "postgresql": (2, 20, 200)}

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    """A pool, promises of both scopes, a points model, accounts and a territory."""
    make.organisation(approval_above=100)
    ann, ben = make.rep("ann"), make.rep("ben")
    pool = make.pool(ann, ben)
    make.policy("Acknowledge")
    make.policy("Contact", metric="CONTACT", scope="HOLD", budget=3600)
    make.policy("Claim", metric="CLAIM")
    make.factor(30, {"fact": "country", "op": "eq", "value": "DE"})
    make.territory(countries=["FR"], owner=ann)
    make.account("Known", domain="known.example")
    make.rules(make.round_robin(pool, stages=[{"do": "prefer", "by": "former_owner"}]))
    # The first batch fills the caches of the process.
    make.leads(1)
    batch.route(driver="test", at=AT, due_before=AT)
    return {"ann": ann, "ben": ben, "pool": pool}


def sizes() -> tuple[int, ...]:
    return SIZES[connection.vendor]


@contextmanager
def counted(found: dict[int, int], size: int):
    with CaptureQueriesContext(connection) as captured:
        yield
    found[size] = len(captured)


def assert_constant(what: str, found: dict[int, int]) -> None:
    assert len(set(found.values())) == 1, f"{what} grows: {found}"


def measure(what: str, prepare: Callable[[int], object], act: Callable[[object], object]) -> None:
    found: dict[int, int] = {}
    for size in sizes():
        prepared = prepare(size)
        with counted(found, size):
            act(prepared)
    assert_constant(what, found)


def test_routing_a_batch(world):
    def act(leads: list[Lead]) -> None:
        decided = batch.route(driver="test", at=AT, due_before=AT)
        assert len(decided) == len(leads)

    measure("routing.dispatch.batch.route", make.leads, act)

    # Everything that goes with an assignment was really written.
    number = 1 + sum(sizes())
    assert Decision.objects.count() == number
    assert Lead.objects.filter(place="OWNER").count() == number
    assert Clock.objects.filter(metric="ACKNOWLEDGE").count() == number
    assert Clock.objects.filter(metric="CONTACT").count() == number
    assert Message.objects.filter(kind="lead_assigned").count() == number


def test_routing_a_batch_where_everything_is_limited(world):
    for fields in (
        {"kind": "points", "rep": world["ann"]},
        {"kind": "value", "pool": world["pool"]},
        {"kind": "flow", "pool": world["pool"], "window": "DAY"},
        {"kind": "flow", "rep": world["ben"], "window": "HOUR", "rolling": True},
    ):
        make.saved(Limit(most=1_000_000, **fields))
    share = {"kind": "tier_share", "window": "WEEK", "rolling": True, "tier": "COLD"}
    make.saved(Limit(most=100, pool=world["pool"], **share))
    # The new limits make a new roster.
    make.leads(1)
    batch.route(driver="test", at=AT, due_before=AT)

    measure(
        "routing with limits",
        make.leads,
        lambda leads: batch.route(driver="test", at=AT, due_before=AT),
    )

    assert Lead.objects.filter(place="OWNER").count() == 2 + sum(sizes())


def test_parking_a_batch(world):
    for name in ("ann", "ben"):
        world[name].capacity = 0
        make.saved(world[name])
    make.rules(make.round_robin(world["pool"], on_empty="wait"))
    # The new caps make a new roster.
    make.leads(1)
    batch.route(driver="test", at=AT, due_before=AT)

    measure(
        "parking",
        make.leads,
        lambda leads: batch.route(driver="test", at=AT, due_before=AT),
    )

    assert Lead.objects.filter(waiting="CAPACITY").count() == 1 + sum(sizes())


def test_processing_a_batch_of_submissions(world, monkeypatch):
    monkeypatch.setattr(process, "BATCH", 200)

    def prepare(size: int) -> int:
        for _ in range(size):
            make.submission({"company": "Somewhere", "phone": "", "country": "DE"})
        return size

    def act(size: int) -> None:
        assert process._process_batch(due_before=AT) == size

    measure("routing.intake.process._process_batch", prepare, act)


def test_processing_a_batch_of_touches_of_known_leads(world):
    def prepare(size: int) -> int:
        for lead in make.leads(size):
            make.submission({"email": lead.prospect.email, "hand_raise": True, "country": "DE"})
        return size

    def act(size: int) -> None:
        assert process._process_batch(due_before=AT) == min(size, process.BATCH)

    found: dict[int, int] = {}
    for size in (2, 20):
        prepared = prepare(size)
        with counted(found, size):
            act(prepared)
    assert_constant("touches of known leads", found)


def owned(world, size: int) -> dict[int, Lead]:
    made = make.leads(size)
    ownership.change_many([_to(lead, world["ann"]) for lead in made], by=None, at=AT, driver="test")
    return ownership.lock_leads([lead.pk for lead in made])


def _to(lead: Lead, rep) -> Move:
    return Move(
        lead_id=lead.pk,
        epoch=lead.owner_epoch,
        place=Lead.Place.OWNER,
        rep_id=rep.pk,
        reason_code="CORRECTED",
        reason="Measured",
    )


def test_changing_the_owners_of_many(world):
    measure(
        "routing.ownership.change_many",
        lambda size: [_to(lead, world["ben"]) for lead in owned(world, size).values()],
        lambda moves: ownership.change_many(moves, by=None, at=AT, driver="test"),
    )


def test_moving_many_by_hand(world):
    boss = make.user(is_superuser=True)

    measure(
        "routing.work.move_many_by_hand",
        lambda size: [(pk, lead.owner_epoch) for pk, lead in owned(world, size).items()],
        lambda moves: work.move_many_by_hand(
            moves=moves, to=world["ben"], reason="Balance", by=boss, at=AT, driver="test"
        ),
    )


def test_following_placements_with_clocks(world):
    def prepare(size: int) -> list[Placed]:
        made = owned(world, size)
        Clock.objects.filter(lead__in=made).delete()
        return [
            Placed(
                lead=lead,
                move=_to(lead, world["ann"]),
                assignment=lead.assignments.get(ended_at__isnull=True),
                rep=world["ann"],
            )
            for lead in made.values()
        ]

    measure("sla.services.clocks.follow", prepare, lambda moves: clocks.follow(moves, at=AT))


def test_meeting_promises(world):
    measure(
        "sla.services.clocks.meet",
        lambda size: list(owned(world, size).values()),
        lambda leads: clocks.meet(leads, metrics=[Policy.Metric.ACKNOWLEDGE], at=AT),
    )

    assert not Clock.objects.filter(metric="ACKNOWLEDGE", state="RUNNING").exclude(
        lead=Lead.objects.order_by("pk").first()
    )


def test_a_batch_has_a_bound(world):
    most = batch.LARGEST[connection.vendor]
    if connection.vendor == "sqlite":
        assert most <= 25
    make.leads(27)

    decided = batch.route(driver="test", at=AT, due_before=AT)

    assert len(decided) == min(most, 27)


def test_a_caller_may_ask_for_fewer(world):
    make.leads(5)

    assert len(batch.route(driver="test", at=AT, due_before=AT, most=3)) == 3
