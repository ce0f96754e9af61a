"""Where owners contradict each other, each with its way out."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.services import conflicts
from accounts.services.conflicts import KINDS, ConflictGone
from accounts.services.ownership import OwnerRefused
from reps import access
from reps.due.clock import database_now
from reps.models import Rep
from reps.views.gates import set_up_only

SHOWN = 100


@set_up_only
def conflict_list(request: HttpRequest) -> HttpResponse:
    """Every conflict by kind; those that a click settles have a button."""
    at = database_now()
    found: dict[str, list[conflicts.Conflict]] = {kind: [] for kind in KINDS}
    for one in conflicts.find(at):
        found[one.kind].append(one)
    return TemplateResponse(
        request,
        "accounts/conflicts.html",
        {
            "at": at,
            "groups": [
                {"kind": kind, "label": KINDS[kind], "rows": rows[:SHOWN], "size": len(rows)}
                for kind, rows in found.items()
                if rows
            ],
        },
    )


@require_POST
@set_up_only
def conflict_settle(request: HttpRequest) -> HttpResponse:
    """Take one way out of one conflict."""
    at, key = database_now(), request.POST.get("key", "")
    try:
        _admit(request, key, at)
        conflicts.settle(key=key, do=request.POST.get("do", ""), by=request.user, at=at)
    except (ConflictGone, OwnerRefused) as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Settled."))
    return redirect("account_conflicts")


def _admit(request: HttpRequest, key: str, at) -> None:
    """A manager takes nothing from another manager's rep."""
    if access.is_revops(request.user):
        return
    kind = key.partition("-")[0]
    there = [one for one in conflicts.find(at, kinds=[kind]) if one.key == key]
    reps = Rep.objects.filter(pk__in={pk for one in there for pk in conflicts.involved(one)})
    if not all(access.manages(request.user, rep) for rep in reps):
        raise PermissionDenied("It concerns another team; ask their manager or RevOps.")


urlpatterns = [
    path("accounts/conflicts/", conflict_list, name="account_conflicts"),
    path("accounts/conflicts/settle/", conflict_settle, name="conflict_settle"),
]
