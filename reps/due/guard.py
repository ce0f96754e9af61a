"""
Whether the clock by which everything due is judged runs as time does.

Each driver holds the progress of the database's time against that of this machine's steady
clock. More than a minute of difference between two looks is a jump: effects are held back
before anything is judged by the new time, for a clock set two hours ahead would breach every
promise at once. A person looks and releases (docs/operators/running.md says how, and what this
cannot see).
"""

import os
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max

from reps.due import holds
from reps.due.clock import database_now
from reps.models import Heartbeat, Hold

TOLERANCE = timedelta(seconds=60)
# What two undisciplined clocks may drift apart, as a share of the time between two looks.
DRIFT = 0.001


@dataclass(frozen=True, slots=True)
class Look:
    """The database's time, and the steady clock just before and just after it was read."""

    now: datetime
    before: float
    after: float


def jump(earlier: Look, later: Look) -> timedelta:
    """
    Return how far the database's time moved beyond what passed between two looks.

    Below zero: it went back, or stood still. However slow the answer was or long this process
    was stopped, what may have passed meanwhile is no jump.
    """
    progress = (later.now - earlier.now).total_seconds()
    least, most = later.before - earlier.after, later.after - earlier.before
    return timedelta(seconds=progress - min(max(progress, least), most))


def is_a_jump(by: timedelta, *, after: float) -> bool:
    """Whether a difference found after so many seconds is more than clocks may drift."""
    return abs(by) > TOLERANCE + timedelta(seconds=max(0.0, after) * DRIFT)


_last: Look | None = None


def forget() -> None:
    """Begin anew, as a process that has just started."""
    global _last
    _last = None


def checked_now() -> datetime:
    """
    Return the database's time, after having looked whether its clock has jumped.

    Whatever judges by it asks here; a jump holds effects back before this returns.
    """
    global _last
    earlier, before = _last, steady()
    now = database_now()
    later = Look(now, before, steady())
    if earlier is None:
        by, passed = _since_others(later), 0.0
    else:
        by, passed = jump(earlier, later), later.before - earlier.after
    if is_a_jump(by, after=passed):
        _hold(by, at=now)
    # Only now: if the hold could not be written, the next look must find the jump again.
    _last = later
    return now


def steady() -> float:
    """A clock of this machine that nobody sets, and that counts the time it sleeps."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


def _since_others(look: Look) -> timedelta:
    """How far the time is behind the newest sign of life, for a process that has just started."""
    newest = Heartbeat.objects.aggregate(newest=Max("at"))["newest"]
    return min(timedelta(0), look.now - newest) if newest else timedelta(0)


def _hold(by: timedelta, *, at: datetime) -> None:
    seconds = round(by.total_seconds())
    way = "ahead" if seconds > 0 else "back"
    holds.hold(
        kind=Hold.Kind.CLOCK_JUMP,
        reason=f"the database's clock has jumped {abs(seconds)} s {way}",
        at=at,
        detail={"seconds": seconds, "process": os.getpid()},
    )
