"""The registry of due work: one job per kind, each drained by any driver."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from reps import trail
from reps.due import doorbell, holds, strikes
from reps.models import Hold, Strike, User

# The sweep leaves this much to the first driver before it steps in.
SWEEP_AFTER = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Job:
    """
    A kind of due work.

    `drain(driver=…, due_before=…, at=…)` handles rows due at or before that moment, dates
    what it does `at`, and returns how many it handled, 0 when nothing is left; safe to run
    anywhere at any time, twice too. `oldest()` returns the due time of the oldest waiting row.

    A job that `reaches_out` does nothing while effects are held, except for what `while_held`
    drains, if given. `is_paused()` says that a person has stopped it. `retry(row_id, by=…, at=…)`
    gives a row that was given up another round, where forgetting its failures is not enough.
    """

    name: str
    drain: Callable[..., int]
    oldest: Callable[[], datetime | None]
    reaches_out: bool = False
    while_held: Callable[..., int] | None = None
    is_paused: Callable[[], bool] | None = None
    retry: Callable[..., None] | None = None


_jobs: dict[str, Job] = {}


class UnknownJob(LookupError):
    """A driver was asked for a job that no app registered."""


def register(job: Job) -> None:
    """Add a kind of due work; apps do this when they are ready."""
    _jobs[job.name] = job


def names() -> list[str]:
    """The registered jobs, in the order in which a lead meets them."""
    return list(_jobs)


def get(name: str) -> Job:
    """
    Return a job by name.

    :raises UnknownJob: if no app registered it
    """
    try:
        return _jobs[name]
    except KeyError as error:
        raise UnknownJob(f"No due work is called {name!r}; known: {', '.join(_jobs)}.") from error


@transaction.atomic
def retry(name: str, row_id: int, *, by: User, at: datetime) -> bool:
    """Give a row that was given up another round of attempts; False if it was not."""
    strike = _strike(name, row_id)
    if strike is None:
        return False
    again = get(name).retry
    if again is not None:
        again(row_id, by=by, at=at)
    trail.note(strike, kind="retried", by=by, at=at, reason_code=name, data={"row": row_id})
    strikes.forgive(name, row_id)
    doorbell.ring(name)
    return True


@transaction.atomic
def let_be(name: str, row_id: int, *, by: User, at: datetime) -> bool:
    """Forget that a row was given up, for it is dealt with; False if it was not."""
    strike = _strike(name, row_id)
    if strike is None:
        return False
    trail.note(strike, kind="let_be", by=by, at=at, reason_code=name, data={"row": row_id})
    strikes.forgive(name, row_id)
    return True


def _strike(name: str, row_id: int) -> Strike | None:
    rows = Strike.objects.select_for_update(no_key=True)
    return rows.filter(job=name, row_id=row_id, given_up_at__isnull=False).first()


def drain(
    name: str,
    *,
    driver: str,
    due_before: datetime,
    at: datetime | None = None,
    rounds: int = 1000,
    seconds: float | None = None,
) -> int:
    """
    Handle everything of one kind that is due, round after round, and say how much it was.

    What is done is dated `at`, by default the moment up to which things are due; the sweep,
    which leaves the newest to the first driver, says what time it really is. No round begins
    after so many `seconds`, so that much work of one kind does not keep others waiting.
    """
    job, handled = get(name), 0
    began = time.monotonic()
    for _ in range(rounds):
        work = _work_of(job)
        done = work(driver=driver, due_before=due_before, at=at or due_before) if work else 0
        if not done:
            break
        handled += done
        if seconds is not None and time.monotonic() - began > seconds:
            break
    return handled


def _work_of(job: Job) -> Callable[..., int] | None:
    """What may be done now; asked anew before every round, for a hold may come at any time."""
    if not job.reaches_out:
        return job.drain
    holds.hold_if_restored()
    hold = holds.held()
    if hold is None:
        return job.drain
    # After a restore nothing leaves at all: who was told what is not known any more.
    return job.while_held if hold.kind != Hold.Kind.RESTORED else None
