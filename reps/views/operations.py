"""How the installation is doing: what is held, wrong, waiting and given up, and what runs."""

from datetime import datetime
from typing import Any

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from reps.due import alarms, doorbell, heartbeats, holds, jobs, routines, watch
from reps.due.clock import database_now
from reps.models import Alarm, AuditAnchor, Hold, Routine, Strike
from reps.views.gates import revops_only

LATELY, MOST = 5, 50


@revops_only
def operations(request: HttpRequest) -> HttpResponse:
    """Everything on one page; each part has at most a few statements."""
    at = database_now()
    in_force = holds.open_holds()
    return TemplateResponse(
        request,
        "reps/operations.html",
        {
            "at": at,
            "in_force": in_force,
            "released": Hold.objects.filter(released_at__isnull=False).select_related(
                "released_by"
            )[:LATELY],
            "may_hold": not any(hold.kind == Hold.Kind.BY_HAND for hold in in_force),
            "alarms": list(alarms.open_alarms()[:MOST]),
            "cleared": Alarm.objects.filter(cleared_at__isnull=False).order_by("-cleared_at")[
                :LATELY
            ],
            "signs": _signs(at),
            "work": _work(at, is_held=bool(in_force)),
            "routines": Routine.objects.filter(name__in=routines.names()).order_by("next_at"),
            "strikes": Strike.objects.order_by("-given_up_at", "-last_at")[:MOST],
            "anchors": AuditAnchor.objects.order_by("-day")[:LATELY],
        },
    )


def _signs(at: datetime) -> list[dict[str, Any]]:
    found = heartbeats.signs(at)
    silent = {sign.name for sign in heartbeats.silent(found)}
    return [
        {
            "sign": sign,
            "mark": "breach" if sign.name in silent else "paused" if sign.is_stopped else "ok",
        }
        for sign in found
    ]


def _work(at: datetime, *, is_held: bool) -> list[dict[str, Any]]:
    released = holds.last_release()
    rows = []
    for name in jobs.names():
        job = jobs.get(name)
        since = watch.waiting_since(job, released=released)
        waited = max(0, int((at - since).total_seconds())) if since else 0
        is_late = waited > watch.PATIENCE.total_seconds()
        stopped = ""
        if is_held and job.reaches_out:
            stopped = _("held")
        elif is_late and job.is_paused is not None and job.is_paused():
            stopped = _("paused")
        rows.append(
            {
                "name": name,
                "waited": waited,
                "stopped": stopped,
                "mark": "paused" if stopped else "breach" if is_late else "ok",
            }
        )
    return rows


@revops_only
@require_POST
def hold(request: HttpRequest) -> HttpResponse:
    """Hold effects back by hand."""
    reason = request.POST.get("reason", "").strip()
    if not reason:
        flash.error(request, _("Say why, for whoever finds it held."))
    else:
        holds.hold(kind=Hold.Kind.BY_HAND, reason=reason, at=database_now(), by=request.user)
        flash.success(request, _("Nothing is sent and no clock fires until somebody releases it."))
    return redirect("operations")


@revops_only
@require_POST
def release(request: HttpRequest) -> HttpResponse:
    """Let effects go that were held back."""
    kind = request.POST.get("kind", "")
    reason = request.POST.get("reason", "").strip()
    if not reason:
        flash.error(request, _("Say what you have looked at before you let it go."))
    elif holds.release(kind=kind, by=request.user, at=database_now(), reason=reason):
        for name in jobs.names():
            if jobs.get(name).reaches_out:
                doorbell.ring(name)
        flash.success(request, _("Released; what has waited goes now, the oldest first."))
    else:
        flash.info(request, _("It is released already."))
    return redirect("operations")


@revops_only
@require_POST
def run_now(request: HttpRequest, name: str) -> HttpResponse:
    """Have a routine run at once."""
    if routines.run_now(name, at=database_now()):
        doorbell.ring("routines")
        flash.success(request, _("“%(name)s” runs within a few seconds.") % {"name": name})
    else:
        flash.error(request, _("There is no routine of this name."))
    return redirect("operations")


@revops_only
@require_POST
def strike(request: HttpRequest, job: str, row_id: int) -> HttpResponse:
    """Try again what was given up, or forget that it was."""
    if job not in jobs.names():
        flash.error(request, _("There is no work of this name."))
    elif request.POST.get("act") == "retry":
        done = jobs.retry(job, row_id, by=request.user, at=database_now())
        flash.success(request, _("It is tried again.") if done else _("It is dealt with already."))
    else:
        jobs.let_be(job, row_id, by=request.user, at=database_now())
        flash.success(request, _("It is dealt with."))
    return redirect("operations")


urlpatterns = [
    path("operations/", operations, name="operations"),
    path("operations/hold/", hold, name="operations_hold"),
    path("operations/release/", release, name="operations_release"),
    path("operations/routines/<slug:name>/run/", run_now, name="operations_run"),
    path("operations/given-up/<slug:job>/<int:row_id>/", strike, name="operations_strike"),
]
