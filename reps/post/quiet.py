"""Quiet hours: when a person is not to be disturbed, in their own time zone."""

import zoneinfo
from datetime import UTC, date, datetime, time, timedelta

from reps.models import Message, NotificationPreference, User


def waits_until(message: Message, *, at: datetime) -> datetime | None:
    """Return when a message may go out, if its recipient has quiet hours now; else None."""
    preference = getattr(message.recipient, "notification_preference", None)
    if preference is None or (message.urgent and preference.urgent_when_quiet):
        return None
    return until(preference, user=message.recipient, at=at)


def until(preference: NotificationPreference, *, user: User, at: datetime) -> datetime | None:
    """
    Return when the quiet hours end that a person has at this moment; None if they have none.

    `[from, until)` by the wall clock of the person's zone, over midnight if `from` is the later
    one. Where a change of the clocks skips or repeats one of the two, the longer reading counts.
    """
    start, end = preference.quiet_from, preference.quiet_until
    if start is None or end is None or start == end:
        return None
    zone = zoneinfo.ZoneInfo(user.time_zone)
    today = at.astimezone(zone).date()
    # What is quiet now began today or, over midnight, yesterday.
    for day in (today - timedelta(days=1), today):
        last = day + timedelta(days=1) if end < start else day
        begins, ends = min(_readings(day, start, zone)), max(_readings(last, end, zone))
        if begins <= at < ends:
            return ends
    return None


def _readings(day: date, wall: time, zone: zoneinfo.ZoneInfo) -> tuple[datetime, datetime]:
    """Both instants that a wall clock may mean; the same one on all but two days a year."""
    first = datetime.combine(day, wall, tzinfo=zone)
    return first.astimezone(UTC), first.replace(fold=1).astimezone(UTC)
