"""Limits beside the cap: read for the engine, kept by every way in, counted the same by both."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from reps.services import people
from routing import ownership, work
from routing.dispatch import batch, replay, snapshot
from routing.engine.types import Limit as Cap
from routing.fairness import limits
from routing.models import Assignment, Lead, Limit, Organisation, PoolStanding
from routing.ownership import CapReached, LimitReached, Move
from tests import make

AT = make.MONDAY_9AM
MINUTE = make.MINUTE
pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    make.organisation(approval_above=100)
    return make.rep("ann")


@pytest.fixture
def ben(ann):
    return make.rep("ben")


def limit(kind: str, most: int, **fields) -> Limit:
    return make.saved(Limit(kind=kind, most=most, **fields))


def route(number: int, *, at=AT, fields=None) -> list[str | None]:
    """Route so many new leads; return who got them, in their order."""
    leads = make.leads(number, fields=fields, at=at)
    batch.route(driver="test", at=at, due_before=at)
    return [owner(lead) for lead in leads]


def owner(lead) -> str | None:
    lead.refresh_from_db()
    return lead.owner.user.username if lead.owner else None


def give(lead, rep, *, at=AT, reason_code="CORRECTED", **more) -> None:
    ownership.change_many(
        [
            Move(
                lead_id=lead.pk,
                epoch=lead.owner_epoch,
                place=Lead.Place.OWNER,
                rep_id=rep.pk,
                reason_code=reason_code,
                reason="because",
                **more,
            )
        ],
        by=None,
        at=at,
        driver="test",
    )
    lead.refresh_from_db()


# --- What the engine is told --------------------------------------------------------------------


def spec(rep, *, at=AT):
    return snapshot.current(at=at).roster.reps[rep.pk]


def test_a_rep_has_their_own_limits_and_those_of_their_pools(ann, ben):
    pool, other = make.pool(ann, ben), make.pool(ann)
    limit("points", 100, rep=ann)
    limit("value", 5000, pool=pool)
    limit("flow", 3, rep=ann, pool=other, window="DAY", rolling=True, tier="HOT")

    assert spec(ann).limits == (
        Cap("points", 100),
        Cap("value", 5000, pool=pool.pk),
        Cap("flow", 3, window=86_400, pool=other.pk, tier="HOT"),
    )
    assert spec(ben).limits == (Cap("value", 5000, pool=pool.pk),)


def test_a_share_is_always_of_the_last_so_many_hours(ann):
    pool = make.pool(ann)
    limit("tier_share", 40, pool=pool, tier="HOT", window="WEEK", rolling=True)

    assert spec(ann).limits == (Cap("tier_share", 40, window=7 * 86_400, pool=pool.pk, tier="HOT"),)


def test_a_fixed_day_begins_in_the_zone_of_the_reps_hours(ann):
    ann.calendar = make.calendar("Office", time_zone="America/New_York")
    make.saved(ann)
    limit("flow", 3, rep=ann, window="DAY")

    (cap,) = spec(ann).limits
    assert cap.window is None
    assert cap.edges[0] == int(datetime(2026, 6, 14, 4, tzinfo=UTC).timestamp())
    assert {end - start for start, end in pairwise(cap.edges)} == {86_400}
    assert cap.edges[-1] > AT.timestamp() + 26 * 86_400


def test_without_hours_it_is_the_persons_own_zone(ann):
    ann.user.time_zone = "Asia/Tokyo"
    ann.user.save()
    limit("flow", 3, rep=ann, window="DAY")

    assert spec(ann).limits[0].edges[0] == int(datetime(2026, 6, 14, 15, tzinfo=UTC).timestamp())


# --- Routing keeps them -------------------------------------------------------------------------


def test_nobody_gets_more_new_leads_a_day_than_their_limit(ann, ben):
    pool = make.pool(ann, ben)
    make.rules(make.round_robin(pool))
    limit("flow", 2, rep=ann, window="DAY")

    assert route(3) == ["ann", "ben", "ann"]
    assert route(2, at=AT + MINUTE) == ["ben", "ben"]
    tomorrow = AT + timedelta(days=1)
    assert "ann" in route(2, at=tomorrow)


def test_a_lead_that_nobody_may_have_today_waits_for_tomorrow(ann):
    make.rules(make.round_robin(make.pool(ann), on_empty="wait"))
    limit("flow", 1, rep=ann, window="DAY")
    route(1)
    lead = make.lead()
    batch.route(driver="test", at=AT, due_before=AT)

    lead.refresh_from_db()
    assert (lead.owner, lead.waiting) == (None, "CAPACITY")
    assert lead.route_at == datetime(2026, 6, 16, tzinfo=UTC)
    batch.route(driver="test", at=lead.route_at, due_before=lead.route_at)
    assert owner(lead) == "ann"


def test_a_tier_is_shared_within_the_limit(ann, ben):
    pool = make.pool(ann, ben)
    make.factor(100, {"fact": "hand_raise", "op": "eq", "value": True})
    make.rules(make.round_robin(pool, stages=[{"do": "select", "by": "first"}]))
    limit("tier_share", 50, rep=ann, pool=pool, tier="HOT", window="DAY", rolling=True)

    got = route(6, fields={"hand_raise": True})

    assert got == ["ann", "ben"] * 3
    # Cold ones are not concerned.
    assert route(2, at=AT + MINUTE) == ["ann", "ann"]


def test_open_leads_are_weighed_by_their_stage(ann, ben):
    make.rules(make.round_robin(make.pool(ann, ben), stages=[{"do": "select", "by": "first"}]))
    limit("points", 25, rep=ann)

    leads = make.leads(3)
    batch.route(driver="test", at=AT, due_before=AT)

    assert [owner(lead) for lead in leads] == ["ann", "ann", "ben"]
    assert leads[0].assignments.get().moved["points"] == 10
    for lead in leads[:2]:
        work.log_contact(
            lead_id=lead.pk, epoch=1, way="CALL", reached=True, note="", by=ann.user, at=AT
        )
    # Two contacted leads weigh sixteen: no room for ten more, but after an end there is.
    assert route(1, at=AT + MINUTE) == ["ben"]


def test_open_leads_are_weighed_by_their_value(ann, ben):
    make.rules(make.round_robin(make.pool(ann, ben), stages=[{"do": "select", "by": "first"}]))
    limit("value", 1000, rep=ann)
    held = make.owned(ann)
    make.saved(_worth(held, "999.60"))

    assert route(1) == ["ann"]
    new = make.lead()
    make.saved(_worth(new, "0.60"))
    batch.route(driver="test", at=AT, due_before=AT)
    # 1000 are held already, each value to the nearest whole.
    assert owner(new) == "ben"


def _worth(lead, value):
    lead.expected_value = value
    return lead


def test_the_value_is_read_where_a_strategy_compares_it(ann, ben):
    make.rules(
        make.round_robin(make.pool(ann, ben), stages=[{"do": "select", "by": "least_value"}])
    )
    make.saved(_worth(make.owned(ann), "500"))

    assert route(1) == ["ben"]
    assert replay_is_exact()


def replay_is_exact() -> bool:
    decisions = batch.Decision.objects.all()
    return all(replay.run_again(one).decode() == one.body for one in decisions)


def test_a_batch_with_limits_can_be_run_again(ann, ben):
    pool = make.pool(ann, ben)
    make.factor(100, {"fact": "hand_raise", "op": "eq", "value": True})
    make.rules(make.round_robin(pool, on_empty="wait"))
    limit("points", 40, pool=pool)
    limit("flow", 3, rep=ann, window="HOUR", rolling=True)
    limit("tier_share", 60, pool=pool, tier="HOT", window="DAY", rolling=True)
    gone = make.rep("gone")
    give(make.lead(), gone)

    for minute in range(4):
        route(3, at=AT + minute * MINUTE, fields={"hand_raise": minute % 2 == 0})

    assert batch.Decision.objects.filter(outcome="park").exists()
    assert replay_is_exact()


# --- Every other way in keeps them --------------------------------------------------------------


def test_a_lead_given_by_hand_beyond_a_limit_is_refused_with_the_way_out(ann):
    limit("flow", 1, rep=ann, window="DAY")
    give(make.lead(), ann)
    lead = make.lead()

    with pytest.raises(LimitReached) as refused:
        give(lead, ann)

    assert str(refused.value) == (
        "ann has had 1 new leads of at most 1 today; choose somebody else, or raise the limit."
    )
    assert isinstance(refused.value, CapReached)
    assert owner(lead) is None
    give(lead, ann, at=AT + timedelta(days=1))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "points", "most": 10}, "holds 10 of at most 10 points"),
        ({"kind": "value", "most": 50}, "worth 30 of at most 50"),
        ({"kind": "flow", "most": 1, "window": "HOUR"}, "at most 1 this hour"),
        ({"kind": "flow", "most": 1, "window": "WEEK"}, "at most 1 this week"),
        ({"kind": "flow", "most": 1, "window": "DAY", "rolling": True}, "in the last 24 hours"),
    ],
)
def test_each_limit_says_what_is_reached(ann, fields, said):
    limit(rep=ann, **fields)
    first, second = make.lead(), make.lead()
    for lead in (first, second):
        make.saved(_worth(lead, "30"))
    give(first, ann)

    with pytest.raises(LimitReached, match=said):
        give(second, ann)


def test_a_claim_counts_for_the_pool_of_its_queue(ann, ben):
    pool = make.pool(ann, ben)
    queue = make.queue(pool, max_unworked=0)
    limit("tier_share", 50, pool=pool, tier="COLD", window="DAY", rolling=True)
    leads = [make.queued(queue) for _ in range(4)]

    def claim(lead, rep):
        return work.claim(
            lead_id=lead.pk, epoch=lead.owner_epoch, by=rep.user, at=AT, driver="test"
        )

    claim(leads[0], ann)
    with pytest.raises(LimitReached, match="may have 50 percent"):
        claim(leads[1], ann)
    claim(leads[1], ben)
    claim(leads[2], ann)

    assert set(Assignment.objects.filter(rep=ann).values_list("pool", "tier")) == {
        (pool.pk, "COLD")
    }


def test_a_limit_of_a_pool_does_not_concern_other_leads(ann):
    limit("flow", 1, pool=make.pool(ann), window="DAY")

    for lead in make.leads(3):
        give(lead, ann)


@pytest.mark.parametrize("reason", sorted(limits.NOT_COUNTED))
def test_what_is_no_new_lead_counts_for_no_period(ann, reason):
    limit("flow", 1, rep=ann, window="DAY")
    lead, new = make.lead(), make.lead()

    give(lead, ann, reason_code=reason)
    give(new, ann)

    assert lead.assignments.get().counts is False
    assert new.assignments.get().counts is True
    give(make.lead(), ann, reason_code=reason)


def test_room_in_points_that_a_call_frees_may_be_used_by_a_later_move(ann, ben):
    limit("points", 10, rep=ann)
    held, lead = make.owned(ann), make.lead()

    ownership.change_many(
        [
            Move(lead_id=held.pk, epoch=1, place="OWNER", rep_id=ben.pk, reason_code="CORRECTED"),
            Move(lead_id=lead.pk, epoch=0, place="OWNER", rep_id=ann.pk, reason_code="CORRECTED"),
        ],
        by=None,
        at=AT,
        driver="test",
    )

    assert owner(lead) == "ann"


def test_the_limit_holds_inside_of_one_call(ann):
    limit("flow", 2, rep=ann, window="DAY")
    leads = make.leads(3)

    with pytest.raises(LimitReached):
        work.move_many_by_hand(
            moves=[(lead.pk, 0) for lead in leads],
            to=ann,
            reason="All of them",
            by=make.user(),
            at=AT,
            driver="test",
        )
    assert not Assignment.objects.exists()


def test_freed_points_wake_who_waits(ann):
    make.rules(make.round_robin(make.pool(ann), on_empty="wait"))
    limit("points", 10, rep=ann)
    held = make.owned(ann)
    lead = make.routed(make.lead())
    assert lead.waiting == "CAPACITY"
    now = AT + MINUTE

    work.record_outcome(
        lead_id=held.pk, epoch=1, kind="LOST", reason="No", by=ann.user, at=now, driver="test"
    )
    batch.route(driver="test", at=now, due_before=now)

    assert owner(lead) == "ann"


def test_a_lead_at_a_lighter_stage_wakes_who_waits(ann):
    make.rules(make.round_robin(make.pool(ann), on_empty="wait"))
    limit("points", 18, rep=ann)
    held = make.owned(ann)
    lead = make.routed(make.lead())
    assert lead.waiting == "CAPACITY"
    now = AT + MINUTE

    work.log_contact(
        lead_id=held.pk, epoch=1, way="CALL", reached=True, note="", by=ann.user, at=now
    )
    batch.route(driver="test", at=now, due_before=now)

    assert owner(lead) == "ann"


def test_other_weights_of_stages_hold_at_once(ann):
    organisation = Organisation.get()
    organisation.stage_points = {"NEW": 1}
    make.saved(organisation)
    limit("points", 2, rep=ann)

    for lead in make.leads(2):
        give(lead, ann)
    with pytest.raises(LimitReached):
        give(make.lead(), ann)


# --- The rest of the roster ---------------------------------------------------------------------


def test_the_roster_says_what_a_rep_is(ann):
    ann.seniority, ann.country, ann.postal_code = 3, "US", "10001"
    ann.role = "AI_AGENT"
    make.saved(ann)

    found = spec(ann)

    assert (found.seniority, found.agent, found.performance) == (3, True, 100)
    latitude, longitude = found.place
    assert (round(latitude), round(longitude)) == (41, -74)


def test_the_weight_in_force_counts_in_hundredths(ann, ben):
    pool = make.pool(ann, ben, weights=(3, 2), lanes=["HOT"], bound=4, catch_up=5)
    row = pool.members.get(rep=ben)
    row.applied_weight = 150
    make.saved(row)

    found = snapshot.current(at=AT).roster.pools[pool.pk]

    assert [(one.rep, one.weight) for one in found.members] == [(ann.pk, 300), (ben.pk, 150)]
    assert (found.lanes, found.bound, found.catch_up) == (("HOT",), 4, 5)


def test_the_delegate_stands_in_from_the_moment_the_absence_begins(ann, ben):
    cleo = make.rep("cleo")
    ann.backup = ben
    make.saved(ann)
    noon = AT + timedelta(hours=3)
    away = make.absence(ann, noon, noon + timedelta(hours=2))
    away.delegate = cleo
    make.saved(away)

    backups = {
        hours: spec(ann, at=AT + timedelta(hours=hours)).backup for hours in (0, 2, 3, 4, 5, 6)
    }

    assert backups == {0: ben.pk, 2: ben.pk, 3: cleo.pk, 4: cleo.pk, 5: ben.pk, 6: ben.pk}
    # Also when somebody acts as of a little earlier.
    assert spec(ann, at=noon - timedelta(seconds=1)).backup == ben.pk


def test_who_was_sent_away_keeps_their_share_and_who_went_does_not(ann, ben):
    boss = make.user("boss", is_superuser=True)
    cleo = make.rep("cleo")
    make.rules(make.round_robin(make.pool(ann, ben, cleo)))
    people.pause(rep=ann, until=None, reason="Training", by=boss, at=AT)
    people.pause(rep=ben, until=None, reason="Lunch", by=ben.user, at=AT)

    route(1)

    owed = dict(PoolStanding.objects.values_list("rep__user__username", "balance"))
    assert owed["ann"] > 0
    assert owed["ben"] == 0
    assert replay_is_exact()
