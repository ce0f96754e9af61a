"""Quiet hours: by the person's own wall clock, over midnight and over changes of the clocks."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reps.models import Message, NotificationPreference, User
from reps.post import deliver, kinds, outbox, quiet
from reps.post.kinds import Kind, Text
from tests import clock, make

BERLIN = ZoneInfo("Europe/Berlin")


def until(start, end, at, zone="Europe/Berlin"):
    preference = NotificationPreference(quiet_from=start, quiet_until=end)
    return quiet.until(preference, user=User(time_zone=zone), at=at)


def berlin(*parts, fold=0):
    # In UTC, for two wall clocks that read the same are not the same moment.
    return datetime(*parts, tzinfo=BERLIN, fold=fold).astimezone(UTC)


NIGHT = time(22), time(7)


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        (berlin(2026, 6, 15, 21, 59, 59), None),
        (berlin(2026, 6, 15, 22), berlin(2026, 6, 16, 7)),
        (berlin(2026, 6, 16, 0), berlin(2026, 6, 16, 7)),
        (berlin(2026, 6, 16, 6, 59, 59), berlin(2026, 6, 16, 7)),
        (berlin(2026, 6, 16, 7), None),
        # The night in which an hour is skipped, and the one in which one comes twice.
        (berlin(2026, 3, 28, 23), berlin(2026, 3, 29, 7)),
        (berlin(2026, 10, 24, 23), berlin(2026, 10, 25, 7)),
    ],
)
def test_a_night_over_midnight(at, ends):
    assert until(*NIGHT, at) == ends


def test_an_afternoon_within_a_day():
    assert until(time(13), time(14), berlin(2026, 6, 15, 13, 30)) == berlin(2026, 6, 15, 14)
    assert until(time(13), time(14), berlin(2026, 6, 15, 14)) is None


def test_a_time_that_the_clocks_skip_or_repeat_counts_to_the_quiet():
    # 02:30 is not there on 29 March 2026: until 03:30 by the new time.
    assert until(time(1), time(2, 30), berlin(2026, 3, 29, 3, 15)) == berlin(2026, 3, 29, 3, 30)
    # On 25 October it is there twice: from the first until the second.
    first, second = berlin(2026, 10, 25, 2, 30), berlin(2026, 10, 25, 2, 30, fold=1)
    assert until(time(2, 30), time(7), first) == berlin(2026, 10, 25, 7)
    assert until(time(1), time(2, 30), second - timedelta(seconds=1)) == second
    assert until(time(1), time(2, 30), second) is None


def test_nobody_has_quiet_hours_who_has_set_none():
    assert until(None, None, berlin(2026, 6, 15, 3)) is None


WALL_CLOCK = st.integers(0, 24 * 60 - 1).map(lambda n: time(n // 60, n % 60))
TWO_YEARS = st.integers(0, 2 * 365 * 24 * 60).map(
    lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    start=WALL_CLOCK,
    end=WALL_CLOCK,
    at=TWO_YEARS,
    zone=st.sampled_from(
        ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]
    ),
)
def test_quiet_ends_later_within_a_day_and_is_then_over(start, end, at, zone):
    ends = until(start, end, at, zone)

    if ends is not None:
        assert at < ends <= at + timedelta(hours=26)
        assert until(start, end, ends, zone) is None or start == end
    elif start != end:
        wall = at.astimezone(ZoneInfo(zone)).time()
        inside = start <= wall < end if start < end else wall >= start or wall < end
        assert not inside


# --- Delivery -----------------------------------------------------------------------------------


@pytest.fixture
def sleeper(db):
    kinds.register(Kind("test", lambda message: Text("S", "B")))
    user = make.user(time_zone="Europe/Berlin")
    NotificationPreference.objects.create(user=user, quiet_from=NIGHT[0], quiet_until=NIGHT[1])
    yield user
    kinds._kinds.pop("test")


def put(user, at, **more):
    outbox.put([outbox.Draft(key=f"k{more}", kind="test", to=user.pk, **more)], at=at)
    return Message.objects.latest("pk")


def drain(at):
    with clock.travel(at):
        return deliver.drain(driver="test", due_before=at)


def test_what_is_due_in_quiet_hours_waits_for_their_end_and_loses_no_attempt(sleeper, mailoutbox):
    night, morning = berlin(2026, 6, 15, 23), berlin(2026, 6, 16, 7)
    message = put(sleeper, night)

    drain(night)

    message.refresh_from_db()
    assert (message.state, message.waits_for, message.due_at) == ("PENDING", "QUIET", morning)
    assert (message.attempts, mailoutbox) == (0, [])
    drain(morning)
    message.refresh_from_db()
    assert (message.state, message.waits_for, len(mailoutbox)) == ("SENT", "", 1)


def test_urgent_messages_leave_in_quiet_hours_unless_they_may_not(sleeper, mailoutbox):
    night = berlin(2026, 6, 15, 23)
    put(sleeper, night, urgent=True)

    drain(night)
    assert len(mailoutbox) == 1

    NotificationPreference.objects.update(urgent_when_quiet=False)
    later = put(sleeper, night, urgent=True, about="x:1")
    drain(night)
    later.refresh_from_db()
    assert (later.waits_for, len(mailoutbox)) == ("QUIET", 1)
