"""
The routine "watch": finds what is wrong with the running product, and raises or clears alarms.

Each driver runs it, so the silence of one is noticed by the other; that of both is shown by
/readyz, where the watch's own sign of life is missing then.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q

from reps.due import alarms, heartbeats, holds, jobs
from reps.models import Heartbeat, Message, Routine, Strike

MAX_AGE = 60
# Due work that has waited for so long is stuck, or more than there is hands for.
PATIENCE = timedelta(seconds=60)
# After a stop of everything the first minute is for catching up.
SETTLING = timedelta(seconds=60)
FAILURES = 2

ABOUT = ("silent", "waiting", "given_up", "undelivered", "failing")


def run(at: datetime) -> dict[str, Any]:
    """Look at everything once; says what was found, by key."""
    since = _watching_since(at)
    found = {**_given_up(), **_undelivered(), **_failing()}
    if at - since >= SETTLING:
        found |= {**_silent(at), **_waiting(at)}
    alarms.settle(found, about=ABOUT, at=at)
    heartbeats.beat("watch", max_age=MAX_AGE, detail={"since": since.isoformat()})
    return {"found": sorted(found)}


def waiting_since(job: jobs.Job, *, released: datetime | None) -> datetime | None:
    """
    Since when the oldest due row of a job has waited, as far as that is anybody's fault.

    What was held back counts from its release.
    """
    oldest = job.oldest()
    if oldest is None or not job.reaches_out or released is None:
        return oldest
    return max(oldest, released)


def _watching_since(at: datetime) -> datetime:
    """When the watch began that has gone on without a gap until now."""
    row = Heartbeat.objects.filter(name="watch").first()
    if row is None or not timedelta(0) <= at - row.at <= timedelta(seconds=MAX_AGE):
        return at
    return datetime.fromisoformat(row.detail.get("since", at.isoformat()))


def _silent(at: datetime) -> dict[str, str]:
    said = {}
    for sign in heartbeats.silent(heartbeats.signs(at)):
        how = "has never been heard" if sign.silent is None else f"is silent for {sign.silent} s"
        said[f"silent/{sign.name}"] = f"“{sign.name}” {how}."
    return said


def _waiting(at: datetime) -> dict[str, str]:
    is_held, released = holds.held() is not None, holds.last_release()
    said = {}
    for name in jobs.names():
        job = jobs.get(name)
        if (is_held and job.reaches_out) or (job.is_paused is not None and job.is_paused()):
            continue
        since = waiting_since(job, released=released)
        if since is not None and at - since > PATIENCE:
            waited = int((at - since).total_seconds())
            said[f"waiting/{name}"] = f"Work of “{name}” has waited for {waited} s."
    return said


def _given_up() -> dict[str, str]:
    rows = Strike.objects.filter(given_up_at__isnull=False).values("job").annotate(n=Count("pk"))
    return {
        f"given_up/{row['job']}": f"Given up after several attempts: {row['n']} of “{row['job']}”."
        for row in rows
    }


def _undelivered() -> dict[str, str]:
    dead = Message.objects.filter(~Q(kind="alarm"), state=Message.State.DEAD).count()
    return {"undelivered/outbox": f"Messages that could not be delivered: {dead}."} if dead else {}


def _failing() -> dict[str, str]:
    rows = Routine.objects.filter(failures__gte=FAILURES)
    return {
        f"failing/{row.name}": f"The routine “{row.name}” fails: {row.last_error}" for row in rows
    }
