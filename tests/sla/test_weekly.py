"""The weekly mail to managers: on Monday at seven by their own clock, once."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reps.due import routines
from reps.models import Message, Routine
from reps.post import deliver
from routing.models import Lead
from sla.models import Policy
from sla.services import escalate, weekly
from tests import make
from tests.clock import travel

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")
# make.MONDAY_9AM is a Monday: the mail is about the week before.
MONDAY = datetime(2026, 6, 15, 7, tzinfo=BERLIN)


@pytest.fixture
def boss():
    make.organisation()
    user = make.user("boss", group="manager", time_zone="Europe/Berlin")
    make.rep("ann", team=make.team("North", manager=user))
    return user


@pytest.mark.parametrize(
    ("at", "monday"),
    [
        (MONDAY - timedelta(seconds=1), None),
        (MONDAY, "2026-06-08"),
        (MONDAY + timedelta(days=2, hours=16), "2026-06-08"),
        (datetime(2026, 6, 18, 0, tzinfo=BERLIN), None),
        (datetime(2026, 3, 30, 7, tzinfo=BERLIN), "2026-03-23"),  # the clocks have changed
        (datetime(2027, 1, 4, 7, tzinfo=BERLIN), "2026-12-28"),
    ],
)
def test_it_is_due_from_monday_at_seven_until_wednesday_ends(boss, at, monday):
    found = weekly.due_week(boss, at=at.astimezone(UTC))

    assert (found.isoformat() if found else None) == monday


@pytest.fixture
def alone(monkeypatch):
    """No other routine comes round."""
    monkeypatch.setattr(routines, "_works", {"weekly": routines._works["weekly"]})


def test_each_manager_gets_it_by_their_own_clock_and_once(boss, alone):
    far = make.user("far", group="manager", time_zone="Pacific/Auckland")
    make.rep("kiri", team=make.team("South", manager=far))
    make.user("idle", group="manager")
    at = datetime(2026, 6, 14, 0, tzinfo=UTC)

    queued = {}
    while at < datetime(2026, 6, 19, tzinfo=UTC):
        with travel(at):
            routines.drain(driver="test", due_before=at, at=at)
        for message in Message.objects.filter(kind="weekly"):
            queued.setdefault(message.key, message.created_at)
        at += timedelta(minutes=30)

    assert queued == {
        f"weekly-{far.pk}-2026-W24": datetime(2026, 6, 15, 7, tzinfo=ZoneInfo("Pacific/Auckland")),
        f"weekly-{boss.pk}-2026-W24": MONDAY,
    }


def test_after_a_standstill_it_is_made_up_for_and_never_sent_twice(boss):
    late = (MONDAY + timedelta(days=1)).astimezone(UTC)

    assert weekly.run(late) == {"queued": 1}
    Message.objects.update(state=Message.State.SENT)
    assert weekly.run(late + timedelta(hours=1)) == {"queued": 0}
    assert Message.objects.count() == 1


def test_the_routine_comes_round_at_the_hour_or_at_the_next_monday_morning(boss):
    assert weekly.next_at(MONDAY - timedelta(minutes=20)) == MONDAY
    assert weekly.next_at(MONDAY) == MONDAY + timedelta(hours=1)


def test_it_is_one_of_the_routines(boss, alone):
    with travel(MONDAY):
        routines.drain(driver="test", due_before=MONDAY, at=MONDAY)

    assert Routine.objects.get(name="weekly").detail == {"queued": 1}


def test_it_says_load_broken_promises_fallback_requests_and_what_is_at_risk(boss):
    ann = make.rep("zoe", team=boss.managed_teams.get())
    make.policy(metric=Policy.Metric.ACKNOWLEDGE, budget=60, hours=Policy.Hours.ALWAYS)
    last_week = (MONDAY - timedelta(days=3)).astimezone(UTC)
    for _ in range(3):
        make.owned(ann, at=last_week)
    broken = last_week + timedelta(minutes=5)
    escalate.drain(driver="test", due_before=broken, at=broken)
    make.owned(ann, at=(MONDAY - timedelta(days=30)).astimezone(UTC))
    at = MONDAY.astimezone(UTC)
    Message.objects.all().delete()
    weekly.run(at)

    with travel(at):
        deliver.drain(driver="test", due_before=at)

    (sent,) = [one for one in mail.outbox if one.to == [boss.email]]
    assert "3 leads" in sent.subject
    assert "3 promises broken" in sent.subject
    assert "zoe: 3 received, 4 held now, 3 broken" in sent.body
    assert "ann: 0 received, 0 held now" in sent.body
    assert "From Monday 8 June to Sunday 14 June." in sent.body
    for fact in ("Promises kept: 0 of 3", "Requests waiting: 0", "Late now: 4", "At risk now: 0"):
        assert fact in sent.body
    html = sent.alternatives[0].content
    assert "Requests waiting" in html


def test_others_see_nothing_of_it(boss):
    weekly.run(MONDAY.astimezone(UTC))
    message = Message.objects.get()

    assert weekly._lines([message], make.user()) == {}
    assert "8 June" in weekly._lines([message], boss)[message.pk]


def test_its_statements_do_not_grow(boss):
    team = boss.managed_teams.get()
    at = MONDAY.astimezone(UTC)
    counts = []
    for size in (2, 12):
        for _ in range(size):
            make.owned(make.rep(team=team), at=at - timedelta(days=3))
        weekly.run(at)
        message = Message.objects.get(kind="weekly")
        with CaptureQueriesContext(connection) as asked:
            weekly._render(message)
        counts.append(len(asked))

    assert Lead.objects.count() == 14
    assert counts[0] == counts[1]
