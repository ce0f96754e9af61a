"""Requests for reassignment: those that one is to decide, on a page of their own."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from reps import access
from reps.due.clock import database_now
from reps.models import Rep
from routing import ownership, work
from routing.insight import selectors
from routing.models import ReassignmentRequest
from routing.visibility import visible_reps

REFUSALS = (work.WorkRefused, ownership.OwnershipRefused)


class DecisionForm(forms.Form):
    """The answer to a request; `to` may stay empty, then it goes where it was asked to go."""

    to = forms.ModelChoiceField(
        queryset=Rep.objects.none(), label=gettext_lazy("Give it to"), required=False
    )
    reason = forms.CharField(label=gettext_lazy("Your answer"), max_length=300, required=False)

    def __init__(self, *args: Any, takers: QuerySet[Rep], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = takers


def takers(request: HttpRequest, asked: ReassignmentRequest) -> QuerySet[Rep]:
    """To whom a request may be granted: whom one sees anyway, and the team of who asks."""
    seen = visible_reps(request.user).order_by().values("pk")
    reps = Rep.objects.active().select_related("user", "team")
    return reps.filter(Q(pk__in=seen) | Q(team=asked.requested_by.team_id))


def request_list(request: HttpRequest) -> HttpResponse:
    """What one is to decide; for whoever stands in for a manager, the way to do it."""
    rows = list(selectors.requests(request.user)[: selectors.LISTED])
    teams = {one.requested_by.team_id for one in rows}
    seen = visible_reps(request.user).order_by().values("pk")
    reps = Rep.objects.active().select_related("user").filter(Q(pk__in=seen) | Q(team__in=teams))
    return TemplateResponse(
        request,
        "routing/requests.html",
        {"requests": rows, "takers": list(reps) if rows else [], "at": database_now()},
    )


@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve or refuse a rep's request for reassignment."""
    back = "board" if access.may_set_up(request.user) else "requests"
    asked = selectors.requests(request.user).filter(pk=pk).first()
    if asked is None:
        messages.warning(
            request, _("This request has been decided already, or is not yours to decide.")
        )
        return redirect(back)
    form = DecisionForm(request.POST, takers=takers(request, asked))
    if not form.is_valid():
        messages.error(request, " ".join(e for errors in form.errors.values() for e in errors))
        return redirect(back)
    at, answer = database_now(), form.cleaned_data["reason"]
    try:
        if request.POST.get("decision") == "approve":
            work.approve(
                request_id=pk,
                to=form.cleaned_data["to"],
                answer=answer,
                by=request.user,
                at=at,
                driver="web",
            )
            messages.success(request, _("Approved. The lead has been passed on."))
        else:
            work.refuse(request_id=pk, answer=answer, by=request.user, at=at)
            messages.success(request, _("Refused. The rep keeps the lead and reads your answer."))
    except REFUSALS as error:
        messages.error(request, str(error))
    return redirect(back)


urlpatterns = [
    path("requests/", request_list, name="requests"),
    path("board/requests/<int:pk>/", decide, name="request_decide"),
]
