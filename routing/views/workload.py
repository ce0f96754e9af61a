"""What each territory brings, week by week, and proposals that even it out."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.views.decorators.http import require_POST

from accounts.services.plans.refusals import PlanRefused
from reps.due.clock import database_now
from reps.views.gates import set_up_only
from routing.models import TerritoryStudy
from routing.plan_forms import ProposalForm
from routing.realign import proposal, study, words

KIND = TerritoryStudy.Kind.WORKLOAD


@set_up_only
def workload(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """The latest study (or the one named), and a form to ask for another."""
    at = database_now()
    form = ProposalForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = study.workload(options=form.options(), by=request.user, at=at)
        except study.StudyRefused as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("territory_workload_one", made.pk)
    rows = TerritoryStudy.objects.filter(kind=KIND).select_related("asked_by")
    row = rows.first() if pk is None else get_object_or_404(rows, pk=pk)
    context: dict[str, Any] = {"at": at, "form": form, "study": row, "url": request.path}
    if request.headers.get("HX-Request") and row is not None:
        answer = TemplateResponse(request, "territories/_study_progress.html", context)
        if not row.is_unended:
            answer.headers["HX-Refresh"] = "true"
        return answer
    if row is not None and row.state == TerritoryStudy.State.DONE:
        context["found"] = words.workload(row)
    return TemplateResponse(
        request, "territories/workload.html", context, status=422 if form.errors else 200
    )


@require_POST
@set_up_only
def adopt(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a proposal a draft plan."""
    row = get_object_or_404(TerritoryStudy, pk=pk, kind=KIND)
    try:
        plan = proposal.adopt(study=row, by=request.user, at=database_now())
    except PlanRefused as refused:
        messages.warning(request, str(refused))
        return redirect("territory_workload_one", pk)
    return redirect("territory_plan", plan.pk)


urlpatterns = [
    path("territories/workload/", workload, name="territory_workload"),
    path("territories/workload/<int:pk>/", workload, name="territory_workload_one"),
    path("territories/workload/<int:pk>/draft/", adopt, name="territory_workload_draft"),
]
