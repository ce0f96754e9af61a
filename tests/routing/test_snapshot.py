"""The roster as the engine gets it: what it costs, how long it holds, and how well reps do."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reps.models import Absence, BusyTime, CalendarFeed
from routing import work
from routing.dispatch import batch, replay, snapshot
from routing.models import Decision, Lead, Limit, Outcome, PoolMember
from tests import make

AT = make.MONDAY_9AM
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
pytestmark = pytest.mark.django_db


# --- What it costs --------------------------------------------------------------------------------


def hire(number: int, pool) -> None:
    """Reps with all that a roster tells of: hours, skills, meetings, absences, limits."""
    french = make.skill(f"french-{number}")
    for n in range(number):
        rep = make.rep(
            team=make.team(calendar=make.calendar(holiday_country="DE")),
            calendar=make.calendar(time_zone="Europe/Paris") if n % 2 else None,
            country="US",
            postal_code="10001",
        )
        make.rep_skill(rep, french)
        make.saved(PoolMember(pool=pool, rep=rep, position=n))
        feed = make.saved(CalendarFeed(rep=rep, url=f"https://calendar.test/{rep.pk}"))
        for place, kind in enumerate(BusyTime.Kind.values):
            begins = AT + (place + 1) * HOUR
            BusyTime.objects.create(feed=feed, kind=kind, starts_at=begins, ends_at=begins + HOUR)
        away = make.absence(rep, AT - HOUR, AT + HOUR)
        away.delegate = pool.members.first().rep
        make.saved(away)
        make.saved(Limit(rep=rep, kind="flow", most=9, window="DAY"))
        make.saved(Limit(rep=rep, pool=pool, kind="points", most=9))
        make.pool(rep)


def cold(act) -> int:
    snapshot.forget()
    with CaptureQueriesContext(connection) as captured:
        act()
    return len(captured)


def test_a_cold_roster_costs_as_many_statements_for_thirty_reps_as_for_three():
    pool = make.pool(make.rep())
    make.saved(Limit(pool=pool, kind="tier_share", most=50, tier="HOT", window="DAY", rolling=True))
    hire(3, pool)
    few = cold(lambda: snapshot.current(at=AT))
    hire(27, pool)

    assert cold(lambda: snapshot.current(at=AT)) == few
    spec = snapshot.current(at=AT).roster.reps[pool.members.last().rep_id]
    assert (len(spec.limits), len(spec.absences), spec.backup) == (
        3,
        2,
        pool.members.first().rep_id,
    )


def test_a_batch_on_a_cold_roster_costs_no_more_for_more_reps():
    pool = make.pool(make.rep())
    make.rules(make.round_robin(pool))
    hire(3, pool)

    def one() -> None:
        make.lead()
        snapshot.forget()
        with CaptureQueriesContext(connection) as captured:
            assert len(batch.route(driver="test", at=AT, due_before=AT)) == 1
        costs.append(len(captured))

    costs: list[int] = []
    one()
    hire(9, pool)
    one()

    assert costs[0] == costs[1]


def test_a_warm_roster_costs_one_statement(django_assert_num_queries):
    make.rep()
    snapshot.current(at=AT)

    with django_assert_num_queries(1):
        snapshot.current(at=AT + HOUR)


# --- How long it holds ----------------------------------------------------------------------------


def delegated(rep, to, *, start: timedelta, end: timedelta) -> Absence:
    row = make.absence(rep, AT + start, AT + end)
    row.delegate = to
    return make.saved(row)


def test_a_delegate_who_is_away_too_passes_the_lead_on():
    ann, ben, cleo = make.rep("ann"), make.rep("ben"), make.rep("cleo")
    delegated(ann, ben, start=-HOUR, end=9 * HOUR)
    delegated(ben, cleo, start=2 * HOUR, end=4 * HOUR)

    def backup(hours: float) -> int | None:
        return snapshot.current(at=AT + hours * HOUR).roster.reps[ann.pk].backup

    forth = {hours: backup(hours) for hours in (0, 1.5, 2, 3.5, 4, 5)}
    assert forth == {0: ben.pk, 1.5: ben.pk, 2: cleo.pk, 3.5: cleo.pk, 4: ben.pk, 5: ben.pk}
    # The sweep acts as of a little earlier, with the roster of later in its hands.
    assert {hours: backup(hours) for hours in reversed(forth)} == forth


def test_delegates_who_name_each_other_leave_it_to_the_backup():
    ann, ben, cleo = make.rep("ann"), make.rep("ben"), make.rep("cleo")
    ann.backup = cleo
    make.saved(ann)
    delegated(ann, ben, start=-HOUR, end=HOUR)
    delegated(ben, ann, start=-HOUR, end=HOUR)

    assert snapshot.current(at=AT).roster.reps[ann.pk].backup == cleo.pk


def test_a_roster_ends_at_every_edge_and_begins_at_the_one_before():
    ann, ben = make.rep("ann"), make.rep("ben")
    delegated(ann, ben, start=HOUR, end=2 * HOUR)
    delegated(ann, ben, start=5 * HOUR, end=6 * HOUR)
    midnight = AT.replace(hour=0)

    def validity(hours: float) -> tuple[float, float]:
        shot = snapshot.current(at=AT + hours * HOUR)
        start = AT.timestamp()
        return (shot.since - start) / 3600, (shot.until - start) / 3600

    opening, closing = (midnight - AT) / HOUR, (midnight + DAY - AT) / HOUR
    assert [validity(hours) for hours in (0, 1, 3, 5.5, 7)] == [
        (opening, 1),
        (1, 2),
        (2, 5),
        (5, 6),
        (6, closing),
    ]


# --- How well reps do -----------------------------------------------------------------------------


@pytest.fixture
def closers():
    """Ann wins half of her leads, Ben none; the rules choose by performance."""
    make.organisation()
    ann, ben = make.rep("ann"), make.rep("ben")
    pool = make.pool(ben, ann)
    for rep, won in ((ann, 12), (ben, 0)):
        for number, lead in enumerate(make.leads(24)):
            lead = given(lead, rep)
            if number < won:
                close(lead)
    make.rules(
        {
            "name": "The best first",
            "path": {
                "target": {"kind": "pool", "id": pool.pk},
                "stages": [{"do": "select", "by": "performance"}],
            },
        }
    )
    snapshot.forget()
    return ann, ben


def given(lead: Lead, rep) -> Lead:
    boss = make.User.objects.filter(is_superuser=True).first()
    return work.move_by_hand(
        lead_id=lead.pk,
        epoch=lead.owner_epoch,
        to=rep,
        reason="given",
        by=boss,
        at=AT,
        driver="test",
    )


def close(lead: Lead) -> None:
    work.record_outcome(
        lead_id=lead.pk,
        epoch=lead.owner_epoch,
        kind=Outcome.Kind.WON,
        by=None,
        at=AT,
        driver="test",
        owner_only=False,
    )


def performance(at) -> list[int]:
    reps = snapshot.current(at=at).roster.reps
    return [reps[pk].performance for pk in sorted(reps)]


def test_the_better_closer_gets_the_lead_although_they_hold_more(closers):
    ann, ben = closers
    for lead in make.leads(12):
        given(lead, ann)
    tomorrow = AT + DAY
    assert ann.load.open > ben.load.open - 12
    make.leads(3, at=tomorrow)

    batch.route(driver="test", at=tomorrow, due_before=tomorrow)

    decided = list(Decision.objects.order_by("place"))
    assert [one.rep for one in decided] == [ann] * 3
    assert performance(tomorrow) == [120, 80]
    assert all(replay.run_again(one) == one.body.encode() for one in decided)


def test_performance_is_of_midnight_and_stays_for_the_day(closers):
    assert performance(AT + HOUR) == [100, 100]
    tomorrow = AT + DAY
    assert performance(tomorrow) == [120, 80]

    Outcome.objects.all().delete()
    # Somebody changes the roster, so that it is made anew.
    make.rep("cleo")
    assert performance(tomorrow + HOUR) == [120, 80, 100]
    assert performance(tomorrow + DAY) == [100, 100, 100]


def test_a_few_leads_judge_nobody():
    make.organisation()
    ann = make.rep("ann")
    for lead in make.leads(5):
        close(given(lead, ann))

    assert performance(AT + DAY) == [100]
