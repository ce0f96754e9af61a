"""What came in and could not be used: look at it safely, mend it, replay it or dismiss it."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _

from reps import access
from reps.due.clock import database_now
from routing.filters import SubmissionFilter
from routing.intake import quarantine as service
from routing.models import Submission

PAGE = 50
# Bodies can be large; a list needs none of them.
UNREAD = ("raw", "corrected")


def _admit(request: HttpRequest) -> None:
    if not access.may_set_up(request.user):
        raise PermissionDenied(_("The quarantine is for managers and RevOps."))


def quarantine(request: HttpRequest) -> HttpResponse:
    """Submissions that wait for a person, newest first."""
    _admit(request)
    filtered = SubmissionFilter(
        request.GET,
        queryset=Submission.objects.filter(state=Submission.State.QUARANTINED)
        .select_related("source", "form")
        .defer(*UNREAD)
        .order_by("-received_at", "-pk"),
        request=request,
    )
    page = Paginator(filtered.qs, PAGE).get_page(request.GET.get("page"))
    return TemplateResponse(
        request,
        "routing/quarantine.html",
        {
            "at": database_now(),
            "filter": filtered,
            "page": page,
            "rows": [(row, [service.in_words(problem) for problem in row.errors]) for row in page],
        },
    )


def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One submission: what is wrong, what came, and what to do with it."""
    _admit(request)
    submission = get_object_or_404(Submission.objects.select_related("source", "form"), pk=pk)
    if request.method == "POST":
        return _act(request, submission)
    if submission.state != Submission.State.QUARANTINED:
        messages.info(request, _("This submission has been dealt with already."))
        return redirect("quarantine")
    return _show(request, submission, corrected=service.prefilled(submission))


def _act(request: HttpRequest, submission: Submission) -> HttpResponse:
    corrected = request.POST.get("corrected", "")
    act: dict[str, Any] = {
        "submission_id": submission.pk,
        "by": request.user,
        "at": database_now(),
    }
    try:
        match request.POST.get("do"):
            case "mend":
                service.mend_and_replay(corrected=corrected, **act)
                messages.success(request, _("Mended. It is on its way to becoming a lead."))
            case "replay":
                service.replay(**act)
                messages.success(request, _("Replayed as it came."))
            case "dismiss":
                service.dismiss(reason=request.POST.get("reason", ""), **act)
                messages.success(request, _("Dismissed. It is kept, with your reason."))
    except service.StillBroken as error:
        return _show(
            request,
            submission,
            corrected=corrected or service.prefilled(submission),
            problems=[service.in_words(problem.as_json()) for problem in error.problems],
        )
    except service.QuarantineRefused as error:
        messages.error(request, str(error))
        if not isinstance(error, service.NotInQuarantine):
            return redirect("quarantine_one", pk=submission.pk)
    return redirect("quarantine")


def _show(
    request: HttpRequest,
    submission: Submission,
    *,
    corrected: str,
    problems: list[str] | None = None,
) -> HttpResponse:
    body, cut = service.shown(submission)
    return TemplateResponse(
        request,
        "routing/quarantine_one.html",
        {
            "at": database_now(),
            "submission": submission,
            "errors": [service.in_words(problem) for problem in submission.errors],
            "problems": problems or [],
            "body": body,
            "cut": cut,
            "size": len(bytes(submission.raw)),
            "corrected": corrected,
            "reasons": service.DismissReason.choices,
        },
    )


urlpatterns = [
    path("quarantine/", quarantine, name="quarantine"),
    path("quarantine/<int:pk>/", one, name="quarantine_one"),
]
