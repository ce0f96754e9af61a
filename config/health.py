"""
Whether it lives, and whether it keeps up: measured at what arrives, not at what runs.

`/healthz` says that this process answers. `/readyz` says whether the work gets done: the
database answers, nothing vital that is due has waited for more than a minute, and no loop that
must not fall silent has, our own test lead included. What a person holds back or has paused is
no fault. Public, without personal data, and at the same cost for one lead and a million.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.http import require_safe

from reps.due import alarms, heartbeats, holds, jobs, watch
from reps.due.clock import database_now
from reps.models import Hold

# What a lead meets on its way; the watch looks at everything else and raises alarms.
VITAL = ("intake", "route", "clocks", "requests", "outbox")
LONGEST_WAIT = watch.PATIENCE.total_seconds()


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    try:
        at = database_now()
        in_force = holds.open_holds()
        work = waiting_work(at, in_force=in_force)
        loops = signs_of_life(at)
        wrong = alarms.open_alarms().count()
    except DatabaseError:
        return JsonResponse({"status": "red", "database": False}, status=503)
    ready = all(part["ok"] for part in (*work.values(), *loops.values()))
    return JsonResponse(
        {
            "status": "red" if not ready else "held" if in_force else "ok",
            "at": at.isoformat(),
            "database": True,
            "work": work,
            "heartbeats": loops,
            "holds": [{"kind": hold.kind, "since": hold.since.isoformat()} for hold in in_force],
            "alarms": wrong,
        },
        status=200 if ready else 503,
    )


def waiting_work(at: datetime, *, in_force: Sequence[Hold]) -> dict[str, dict[str, Any]]:
    """
    How long the oldest due row of each vital job has waited.

    A lead parked until the next opening is not due yet, so it does not wait. What was held back
    waits from its release.
    """
    found = {}
    for name in VITAL:
        job = jobs.get(name)
        waited = _seconds(at, job.oldest())
        # Reasons are asked for only where it matters: what keeps up costs no statement more.
        if waited > LONGEST_WAIT and job.reaches_out and (released := holds.last_release()):
            waited = min(waited, _seconds(at, released))
        is_late = waited > LONGEST_WAIT
        is_held = job.reaches_out and bool(in_force)
        is_paused = is_late and job.is_paused is not None and job.is_paused()
        found[name] = {
            "ok": is_held or is_paused or not is_late,
            "waited_seconds": waited,
            "paused": is_paused,
            "held": is_held,
        }
    return found


def _seconds(at: datetime, since: datetime | None) -> int:
    return max(0, int((at - since).total_seconds())) if since else 0


def signs_of_life(at: datetime) -> dict[str, dict[str, Any]]:
    """How long each loop has been silent, against how long it may be; null: never heard."""
    found = heartbeats.signs(at)
    silent = {sign.name for sign in heartbeats.silent(found)}
    return {
        sign.name: {
            "ok": sign.name not in silent,
            "silent_seconds": sign.silent,
            "max_seconds": sign.max_age,
        }
        for sign in found
    }


urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
]
