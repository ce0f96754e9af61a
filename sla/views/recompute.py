"""Moving running deadlines to what a policy and the calendars say now: seen before it is done."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy, ngettext

from reps.due.clock import database_now
from reps.views.gates import set_up_only
from routing.visibility import visible_leads
from sla import chain
from sla.models import Policy
from sla.services import recompute as service
from sla.services.recompute import Change, RecomputeRefused

# Of the clocks, what the page lists to be ticked one by one; "all" means all.
LISTED = 200
ALL, CHOSEN = "all", "chosen"


class RecomputeForm(forms.Form):
    """Which clocks, and why."""

    which = forms.ChoiceField(
        label=gettext_lazy("Which clocks"),
        choices=[(ALL, gettext_lazy("All that change")), (CHOSEN, gettext_lazy("The ticked ones"))],
        initial=ALL,
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(
        label=gettext_lazy("Why?"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Stands on the record of each lead and of the promise."),
    )


@set_up_only
def recompute(request: HttpRequest, pk: int) -> HttpResponse:
    """Every running clock with its old and new deadline; choose, say why, and do it."""
    policy = get_object_or_404(Policy, pk=pk)
    at = database_now()
    changes = service.preview(policy, leads=visible_leads(request.user), at=at)
    moving = [one for one in changes if one.changes]
    ticked = set(request.POST.getlist("clock"))
    form = RecomputeForm(request.POST or None, label_suffix="")
    if request.method == "POST" and form.is_valid():
        by_hand = form.cleaned_data["which"] == CHOSEN
        # Ticks name clocks that were seen here; whatever else is sent is left out.
        wanted = [one.clock.pk for one in moving if not by_hand or str(one.clock.pk) in ticked]
        try:
            done = service.recompute(
                policy=policy,
                clocks=wanted,
                reason=form.cleaned_data["reason"],
                by=request.user,
                at=at,
            )
        except RecomputeRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(
                request,
                ngettext(
                    "%(n)s clock of “%(policy)s” has a new deadline.",
                    "%(n)s clocks of “%(policy)s” have new deadlines.",
                    done,
                )
                % {"n": done, "policy": policy},
            )
            return redirect("policies")
    return TemplateResponse(
        request,
        "sla/recompute.html",
        {
            "at": at,
            "policy": policy,
            "form": form,
            "rows": [_row(one, ticked, at=at) for one in moving[:LISTED]],
            "moving": len(moving),
            "more": max(0, len(moving) - LISTED),
            "same": len(changes) - len(moving),
        },
        status=422 if form.is_bound else 200,
    )


def _row(one: Change, ticked: set[str], *, at: datetime) -> dict[str, Any]:
    """One clock for the page: what moves, and what would happen at once."""
    clock = one.clock
    return {
        "clock": clock,
        "due_at": one.due_at,
        "is_earlier": one.due_at < clock.due_at,
        "is_same": one.due_at == clock.due_at,
        "at_once": [
            chain.ACTIONS[step.do].words
            for step in one.moved
            if step.after is not None and step.after <= at and clock.paused_at is None
        ],
        "becomes_late": clock.due_at > at >= one.due_at,
        "steps": [_words(step) for step in one.moved],
        "ticked": str(clock.pk) in ticked,
    }


def _words(step: service.Moved) -> tuple[str, datetime | None, datetime | None]:
    return chain.ACTIONS[step.do].words, step.before, step.after


urlpatterns = [path("policies/<int:pk>/recompute/", recompute, name="policy_recompute")]
