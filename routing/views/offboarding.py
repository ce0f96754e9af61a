"""Offboarding: plan who leaves, look at what goes where, start it, watch it, undo it."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from reps import access
from reps.due.clock import database_now
from reps.views.gates import set_up_only
from routing.models import Offboarding
from routing.offboarding import carry, plan
from routing.offboarding.plan import OffboardingRefused
from routing.offboarding_forms import OffboardForm, WhenForm, chosen, plans_of, sections

PER_PAGE = 30
SHOWN = 100
# So long whoever presses the button waits for steps; the job takes the others.
SECONDS = 4.0


@set_up_only
def offboarding_list(request: HttpRequest) -> HttpResponse:
    """Who leaves, who has left by a plan, and the form for another one."""
    at = database_now()
    initial = {"rep": request.GET.get("rep")} if request.GET.get("rep", "").isdigit() else {}
    initial["closes_account"] = True
    form = OffboardForm(request.POST or None, by=request.user, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            made = plan.make(**form.cleaned_data, by=request.user, at=at)
        except OffboardingRefused as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("offboarding", made.pk)
    rows = plans_of(request.user).annotate(
        size=Count("items"),
        problems=Count("items", filter=Q(items__state__in=["EXCEPTION", "LEFT"])),
    )
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    return TemplateResponse(
        request,
        "routing/offboardings.html",
        {"at": at, "form": form, "page": page},
        status=422 if form.errors else 200,
    )


@set_up_only
def offboarding(request: HttpRequest, pk: int) -> HttpResponse:
    """One plan: by kind, row by row; what it would do, does or did."""
    row = get_object_or_404(plans_of(request.user), pk=pk)
    return _page(request, row)


def _page(request: HttpRequest, row: Offboarding, *, error: str = "") -> HttpResponse:
    row = plans_of(request.user).get(pk=row.pk)
    found = sections(row, most=SHOWN)
    is_planned = row.state == Offboarding.State.PLANNED
    todo = row.items.filter(state="PLANNED").count()
    return TemplateResponse(
        request,
        "routing/offboarding.html",
        {
            "at": database_now(),
            "row": row,
            "error": error,
            "sections": found,
            "total": sum(one["size"] for one in found),
            "todo": todo,
            "receivers": plan.receivers(row),
            "undecided": len(plan.undecided(row)) if is_planned else 0,
            "is_planned": is_planned,
            "is_moving": row.state in (Offboarding.State.RUNNING, Offboarding.State.UNDOING),
            "may_undo": row.state in (Offboarding.State.RUNNING, Offboarding.State.DONE),
            "when_form": WhenForm(initial={"effective_at": row.effective_at}),
            "problems": row.items.filter(state__in=["EXCEPTION", "LEFT"]),
        },
        status=422 if error else 200,
    )


@require_POST
@set_up_only
def offboarding_act(request: HttpRequest, pk: int) -> HttpResponse:
    """Save the plan, let it take effect, start it, cancel it or undo it."""
    row = get_object_or_404(plans_of(request.user), pk=pk)
    if not access.manages(request.user, row.rep) or row.rep.user_id == request.user.pk:
        raise PermissionDenied("Only whoever manages this rep may do this.")
    do, at = request.POST.get("do", "save"), database_now()
    try:
        said = _do(request, row, do, at=at)
    except OffboardingRefused as refused:
        return _page(request, row, error=str(refused))
    if said:
        messages.success(request, said)
    return redirect("offboarding", pk)


def _do(request: HttpRequest, row: Offboarding, do: str, *, at) -> str:
    by, who = request.user, {"rep": row.rep}
    if do in ("save", "start", "schedule") and row.state == Offboarding.State.PLANNED:
        kinds, items = chosen(request.POST, row)
        plan.choose(offboarding=row, kinds=kinds, items=items, by=by, at=at)
    if do == "save":
        return _("Saved the plan.")
    if do == "schedule":
        form = WhenForm(request.POST)
        if not form.is_valid() or form.cleaned_data["effective_at"] is None:
            raise OffboardingRefused(_("Choose the day and the time at which it takes effect."))
        moment = form.cleaned_data["effective_at"]
        plan.reschedule(offboarding=row, effective_at=moment, by=by, at=at)
        return _("It takes effect by itself at that moment.")
    if do == "start":
        carry.start(offboarding=row, by=by, at=at, driver="web")
        carry.run(offboarding=row, at=at, driver="web", seconds=SECONDS)
        return _("%(rep)s is being offboarded. They get no new leads any more.") % who
    if do == "cancel":
        plan.cancel(offboarding=row, by=by, at=at)
        return _("The plan is cancelled. Nothing has changed.")
    if do == "undo":
        carry.undo(offboarding=row, by=by, at=at, driver="web")
        carry.run(offboarding=row, at=at, driver="web", seconds=SECONDS)
        return _("%(rep)s is back. What nobody changed since goes back to them.") % who
    return ""


urlpatterns = [
    path("offboarding/", offboarding_list, name="offboardings"),
    path("offboarding/<int:pk>/", offboarding, name="offboarding"),
    path("offboarding/<int:pk>/act/", offboarding_act, name="offboarding_act"),
]
