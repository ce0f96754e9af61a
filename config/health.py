"""
Whether it lives, and whether it keeps up. Public, and without personal data.

`/healthz` says that this process answers. `/readyz` says whether the work gets done: the
database answers, nothing due has waited for more than a minute, and no loop that must not
fall silent has.
"""

from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.http import require_safe

from reps.due import jobs
from reps.due.clock import database_now
from reps.models import Heartbeat
from routing.models import Organisation

# Seconds that due work may wait before somebody should look.
LONGEST_WAIT = 60


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    try:
        at = database_now()
        work, heartbeats = waiting_work(at), signs_of_life(at)
    except DatabaseError:
        return JsonResponse({"status": "red", "database": False}, status=503)
    ready = all(part["ok"] for part in (*work.values(), *heartbeats.values()))
    return JsonResponse(
        {
            "status": "ok" if ready else "red",
            "at": at.isoformat(),
            "database": True,
            "work": work,
            "heartbeats": heartbeats,
        },
        status=200 if ready else 503,
    )


def waiting_work(at: datetime) -> dict[str, dict[str, Any]]:
    """
    How long the oldest due row of each job has waited.

    A lead parked until the next opening is not due yet, so it does not wait; nor does
    anything wait for a router that a person has paused.
    """
    paused = Organisation.objects.filter(routing_paused_at__isnull=False).exists()
    found = {}
    for name in jobs.names():
        oldest = jobs.get(name).oldest()
        waited = max(0, int((at - oldest).total_seconds())) if oldest else 0
        is_paused = paused and name == "route"
        found[name] = {
            "ok": is_paused or waited <= LONGEST_WAIT,
            "waited_seconds": waited,
            "paused": is_paused,
        }
    return found


def signs_of_life(at: datetime) -> dict[str, dict[str, Any]]:
    """How long each loop has been silent, against how long it may be."""
    found = {}
    for heartbeat in Heartbeat.objects.order_by("name"):
        silent = max(0, int((at - heartbeat.at).total_seconds()))
        found[heartbeat.name] = {
            "ok": silent <= heartbeat.max_age,
            "silent_seconds": silent,
            "max_seconds": heartbeat.max_age,
        }
    return found


urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
]
