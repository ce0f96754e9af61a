"""
The routine "audit": checks the invariants while the product runs, a little at a time.

Every few minutes it looks at what an index answers at once, and at a stretch of the leads, newest
first and then on from where it stopped. It may take a moment only; what it did not come to is
first next time. What may be put right it puts right once, with an entry in the trail; anything
else is an alarm. When all is well it gives a sign of life, whose absence others notice. Whole
tables are checked at night in a process of their own (`manage.py verify --report`), for a
driver must not be held up.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.dateparse import parse_datetime

from reps import verify
from reps.due import alarms, heartbeats, limits, routines
from reps.verify import Invariant, Pace

MAX_AGE = 900
# Seconds of one run. SQLite has one writer, whom the routine keeps waiting meanwhile.
BUDGET = {"postgresql": 2.0, "sqlite": 0.5}
LEADS_AT_ONCE = 1000
SHOWN = 3
# The same repair again within this time is no accident.
ONCE = timedelta(days=1)
AT_NIGHT = timedelta(hours=3)


def run(at: datetime) -> dict[str, Any]:
    """Look for as long as the budget lasts; says what was looked at, what broken, what mended."""
    this = Round(at, routines.last("audit"))
    this.known()
    this.quick()
    this.stretches()
    alarms.settle(this.alarms, about=("invariant", "audit"), at=at)
    heartbeats.beat("auditor", max_age=MAX_AGE)
    return this.detail()


class Round:
    """
    One run of the auditor, which begins with what the run before left behind.

    `broken` is kept by code: the first lines, and the stretch of leads they were found in, so
    that the next run looks there again and sees whether it has been mended.
    """

    def __init__(self, at: datetime, before: dict[str, Any]) -> None:
        self._at = at
        self._budget = BUDGET[connection.vendor]
        self._deadline = time.monotonic() + self._budget
        self._next = before.get("next", "")
        self._lead = int(before.get("lead", 0))
        self._broken: dict[str, dict[str, Any]] = dict(before.get("broken", {}))
        self._mended: dict[str, str] = dict(before.get("mended", {}))
        self._looked: set[str] = set()
        self._slow: set[str] = set()

    @property
    def left(self) -> float:
        return self._deadline - time.monotonic()

    def known(self) -> None:
        """Look again where something was broken."""
        by_code = {one.code: one for one in verify.all_invariants()}
        for code, found in list(self._broken.items()):
            if code in by_code and found["leads"]:
                self._look(by_code[code], tuple(found["leads"]))

    def quick(self) -> None:
        """Check what answers at once, beginning with what the run before did not come to."""
        waiting = [one for one in verify.all_invariants() if one.pace is Pace.QUICK]
        first = next((n for n, one in enumerate(waiting) if one.code == self._next), 0)
        self._next = ""
        for one in waiting[first:] + waiting[:first]:
            if not self._look(one):
                self._next = one.code
                return

    def stretches(self) -> None:
        """Check the newest leads, then on from where the run before stopped, to the oldest."""
        newest = verify.newest_lead()
        if not newest or not self._stretch(newest):
            return
        for _ in range(0, newest, LEADS_AT_ONCE):
            if self._lead <= 0:
                self._lead = newest
            if not self._stretch(self._lead):
                return
            self._lead -= LEADS_AT_ONCE

    def _stretch(self, last: int) -> bool:
        leads = (max(1, last - LEADS_AT_ONCE + 1), last)
        lead_by_lead = [one for one in verify.all_invariants() if one.pace is Pace.STRETCH]
        return all(self._look(one, leads) for one in lead_by_lead)

    def _look(self, one: Invariant, leads: tuple[int, ...] | None = None) -> bool:
        """Check an invariant, and mend it where that may be; False if there was no time."""
        had = self.left
        if had <= 0:
            return False
        where = () if leads is None else (leads,)
        try:
            with limits.within(had):
                lines = _twice(lambda: list(one.check(self._at, *where)))
        except limits.TookTooLong:
            if had > self._budget / 2:
                self._slow.add(one.code)
            return False
        if lines and self._mend(one.code):
            lines = list(one.check(self._at, *where))
        if lines:
            self._broken[one.code] = {"lines": lines[:SHOWN], "leads": leads and list(leads)}
        elif self._broken.get(one.code, {}).get("leads") == (leads and list(leads)):
            self._broken.pop(one.code, None)
        self._looked.add(one.code)
        return True

    def _mend(self, code: str) -> bool:
        """Put right what may be put right, once a day; whether anything was."""
        mend, last = verify.repair_of(code), parse_datetime(self._mended.get(code, ""))
        if mend is None or (last is not None and self._at - last < ONCE):
            return False
        done = mend(self._at)
        if done:
            self._mended[code] = self._at.isoformat()
        return bool(done)

    @property
    def alarms(self) -> dict[str, str]:
        said = {
            f"invariant/{code}": f"{code} is violated: {found['lines'][0]}"
            for code, found in self._broken.items()
        }
        if self._slow:
            slow = ", ".join(sorted(self._slow))
            said["audit/slow"] = f"The auditor is too slow for {slow}: over {self._budget} s."
        return said

    def detail(self) -> dict[str, Any]:
        return {
            "next": self._next,
            "lead": self._lead,
            "looked": sorted(self._looked),
            "slow": sorted(self._slow),
            "broken": self._broken,
            "mended": self._mended,
        }


def _twice(look: Callable[[], list[str]]) -> list[str]:
    """What is found at two looks: between the statements of one, the world may have moved."""
    found = look()
    if not found:
        return []
    again = set(look())
    return [line for line in found if line in again]


# --- At night ---------------------------------------------------------------------------


def tonight(at: datetime) -> datetime:
    """The next time at which whole tables are checked."""
    today = datetime.combine(at.astimezone(UTC).date(), datetime.min.time(), UTC) + AT_NIGHT
    return today if at < today else today + timedelta(days=1)


def start_whole(at: datetime) -> dict[str, Any]:
    """
    Begin the nightly check of everything, in a process of its own that nobody waits for.

    It reports by itself: an alarm for each invariant that is violated, and a sign of life.
    """
    if routines.last("verify").get("started_at") is None:
        # A new installation waits for its first night.
        return {"started_at": at.isoformat(), "process": None}
    process = spawn([sys.executable, str(settings.BASE_DIR / "manage.py"), "verify", "--report"])
    return {"started_at": at.isoformat(), "process": process}


def spawn(command: list[str]) -> int:
    """Start a process that goes on by itself; return its number."""
    return subprocess.Popen(
        command,
        cwd=settings.BASE_DIR,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ).pid
