"""The registry of due work: one job per kind, each drained by any driver."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

# The sweep leaves this much to the first driver before it steps in.
SWEEP_AFTER = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Job:
    """
    A kind of due work.

    `drain(driver=…, due_before=…, at=…)` handles rows due at or before that moment, dates
    what it does `at`, and returns how many it handled, 0 when nothing is left; safe to run
    anywhere at any time, twice too. `oldest()` returns the due time of the oldest waiting row.
    """

    name: str
    drain: Callable[..., int]
    oldest: Callable[[], datetime | None]


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


def drain(
    name: str,
    *,
    driver: str,
    due_before: datetime,
    at: datetime | None = None,
    rounds: int = 1000,
) -> int:
    """
    Handle everything of one kind that is due, round after round, and say how much it was.

    What is done is dated `at`, by default the moment up to which things are due; the sweep,
    which leaves the newest to the first driver, says what time it really is.
    """
    job, handled = get(name), 0
    for _ in range(rounds):
        done = job.drain(driver=driver, due_before=due_before, at=at or due_before)
        if not done:
            break
        handled += done
    return handled
