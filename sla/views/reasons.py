"""The list of reasons for which a lead's clocks may stand still."""

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from reps import trail
from reps.due.clock import database_now
from reps.views.gates import set_up_only
from sla import sentences
from sla.models import PauseReason
from sla.pause_forms import PauseReasonForm
from sla.services.setup import add_usual_reasons


@set_up_only
def reason_list(request: HttpRequest) -> HttpResponse:
    """Every reason, how long it may last, and how many clocks stand still for it now."""
    reasons = PauseReason.objects.annotate(
        standing=Count("pauses", filter=Q(pauses__ended_at__isnull=True)), used=Count("pauses")
    )
    rows = [(row, sentences.span(row.longest)) for row in reasons.order_by("-is_active", "name")]
    return TemplateResponse(request, "sla/reasons.html", {"rows": rows})


@set_up_only
def reason_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make or change a reason; pauses that run keep the end they were given."""
    row = None if pk is None else get_object_or_404(PauseReason, pk=pk)
    form = PauseReasonForm(request.POST or None, instance=row, label_suffix="")
    if request.method == "POST" and form.is_valid():
        trail.save(
            form.instance, by=request.user, at=database_now(), reason="edited" if pk else "created"
        )
        messages.success(request, _("Saved the reason “%(reason)s”.") % {"reason": form.instance})
        return redirect("pause_reasons")
    return TemplateResponse(
        request,
        "sla/reason.html",
        {"form": form, "reason": row},
        status=422 if form.is_bound else 200,
    )


@require_POST
@set_up_only
def reasons_usual(request: HttpRequest) -> HttpResponse:
    """One click: the reasons that most organisations start with."""
    made = add_usual_reasons(by=request.user, at=database_now())
    messages.success(
        request,
        ngettext("Added %(n)d reason.", "Added %(n)d reasons.", len(made)) % {"n": len(made)},
    )
    return redirect("pause_reasons")


urlpatterns = [
    path("policies/reasons/", reason_list, name="pause_reasons"),
    path("policies/reasons/usual/", reasons_usual, name="pause_reasons_usual"),
    path("policies/reasons/new/", reason_edit, name="pause_reason_add"),
    path("policies/reasons/<int:pk>/", reason_edit, name="pause_reason"),
]
