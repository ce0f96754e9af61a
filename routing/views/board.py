"""The team board: who can take leads, what is late, what waits, what is to be decided."""

import hashlib
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from reps import access
from reps.due.clock import database_now
from reps.models import Rep
from reps.services import people
from routing import ownership, panels, work
from routing.insight import selectors
from routing.models import Organisation
from routing.rules import lifecycle
from routing.visibility import visible_leads, visible_reps

REFUSALS = (work.WorkRefused, ownership.OwnershipRefused, people.PeopleRefused)
# Of the leads of one rep, what a page lists.
LISTED = 200


def _admit(request: HttpRequest) -> None:
    if not access.may_set_up(request.user):
        raise PermissionDenied(_("The team board is for managers and RevOps."))


def _takers(request: HttpRequest) -> QuerySet[Rep]:
    """The reps that a person may give leads to."""
    return visible_reps(request.user).active()


def _their_rep(request: HttpRequest, pk: int) -> Rep:
    """A rep that the acting person may pause and move; anybody else is not there."""
    rep = get_object_or_404(visible_reps(request.user), pk=pk)
    if not access.manages(request.user, rep):
        raise Http404
    return rep


class RepChoice(forms.ModelChoiceField):
    """Reps by name and team."""

    def label_from_instance(self, rep: Rep) -> str:
        return f"{rep} · {rep.team}"


class MoveForm(forms.Form):
    """To whom, and why."""

    to = RepChoice(
        queryset=Rep.objects.none(),
        label=gettext_lazy("Move to"),
        empty_label=gettext_lazy("Choose a rep"),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        help_text=gettext_lazy("Stands in the history of each lead."),
    )

    def __init__(self, *args: Any, takers: QuerySet[Rep], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = takers


class PauseForm(forms.Form):
    """Until when, and why."""

    until = forms.DateTimeField(
        label=gettext_lazy("Until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=gettext_lazy("In your time zone. Empty: until somebody resumes them."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        help_text=gettext_lazy("They see it. The turns they miss are kept for them."),
    )


class LeaveForm(forms.Form):
    """Why a rep leaves."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        help_text=gettext_lazy("For example: left the company."),
    )


# --- The board ---------------------------------------------------------------------------


def board(request: HttpRequest) -> HttpResponse:
    """The whole board, or for a poll its live part: 304 while nothing has changed."""
    _admit(request)
    at = database_now()
    shown = _board(request, at=at)
    tag = _tag(shown, at=at)
    if request.htmx and request.headers.get("If-None-Match") == tag:
        response: HttpResponse = HttpResponseNotModified()
    else:
        template = "routing/_board_live.html" if request.htmx else "routing/board.html"
        response = TemplateResponse(request, template, {**shown, "tag": tag})
    response["ETag"] = tag
    patch_vary_headers(response, ["HX-Request"])
    return response


def _board(request: HttpRequest, *, at: datetime) -> dict[str, Any]:
    team = selectors.team(request.user, at=at)
    waiting = selectors.waiting(request.user)
    risk = selectors.at_risk(request.user, at=at)
    capacity = sum(row.rep.capacity for row in team)
    held = sum(row.open for row in team)
    return {
        "at": at,
        "team": team,
        "held": held,
        "capacity": capacity,
        "load": round(100 * held / capacity) if capacity else None,
        "taking": sum(row.is_taking for row in team),
        "risk": risk,
        "oldest_late": risk.leads[0] if risk.late else None,
        "waiting": waiting,
        "waits": [(lead, selectors.why_it_waits(lead)) for lead in waiting.leads],
        "requests": list(selectors.requests(request.user)[: selectors.LISTED]),
        "takers": [row.rep for row in team],
        "organisation": Organisation.objects.select_related("routing_paused_by").first(),
        "move_form": MoveForm(takers=_takers(request)),
        "panels": panels.drawn(panels.BOARD, request, at=at),
    }


def _tag(shown: dict[str, Any], *, at: datetime) -> str:
    """
    Names what the live part says. Its clocks run in the browser, and “4 min ago” may be a
    minute old, so seconds are left out.
    """
    organisation = shown["organisation"]
    content = [
        int(at.timestamp()) // 60,
        [
            (r.rep.pk, r.state, r.until, r.open, r.late, r.rep.capacity, r.last_at)
            for r in shown["team"]
        ],
        [
            (lead.pk, lead.owner_epoch, lead.due_at, lead.due_at <= at, lead.paused_until)
            for lead in shown["risk"].leads
        ],
        (shown["risk"].late, shown["risk"].risk, shown["waiting"].total),
        [(lead.pk, lead.owner_epoch, why) for lead, why in shown["waits"]],
        [request.pk for request in shown["requests"]],
        organisation.routing_paused_at if organisation else None,
        [panel.stamp for panel in shown["panels"]],
    ]
    return f'"{hashlib.sha256(repr(content).encode()).hexdigest()[:32]}"'


# --- Moving leads ------------------------------------------------------------------------


def move(request: HttpRequest) -> HttpResponse:
    """
    Choose, preview and move: whatever was picked is listed with where it goes, and nothing
    moves before “Move” is pressed there.
    """
    _admit(request)
    at = database_now()
    data = request.POST if request.method == "POST" else request.GET
    leads, seen = selectors.chosen(request.user, data.getlist("lead"))
    moves_now = request.method == "POST" and data.get("step") == "move"
    # Before anybody is chosen there is nothing to complain about.
    asks = moves_now or bool(data.get("to"))
    form = MoveForm(
        data if asks else None, initial={"reason": data.get("reason", "")}, takers=_takers(request)
    )
    if moves_now and form.is_valid() and leads:
        to = form.cleaned_data["to"]
        try:
            work.move_many_by_hand(
                moves=[(lead.pk, seen[lead.pk]) for lead in leads if lead.owner_id != to.pk],
                to=to,
                reason=form.cleaned_data["reason"],
                by=request.user,
                at=at,
                driver="web",
            )
        except REFUSALS as error:
            messages.error(request, str(error))
        else:
            number = sum(lead.owner_id != to.pk for lead in leads)
            messages.success(
                request,
                ngettext("Lead moved to %(rep)s.", "%(n)s leads moved to %(rep)s.", number)
                % {"n": number, "rep": to},
            )
            return redirect("board")
    if not leads:
        messages.warning(request, _("Select at least one lead first."))
        return redirect("board")
    return TemplateResponse(
        request, "routing/board_move.html", {"at": at, "form": form, **_preview(leads, seen, form)}
    )


def _preview(leads: list, seen: dict[int, int], form: MoveForm) -> dict[str, Any]:
    """What would move, what stays because it is there already, and whether there is room."""
    # A missing reason does not keep the page from showing where the leads would go.
    form.is_valid()
    to = form.cleaned_data.get("to") if form.is_bound else None
    moving = [lead for lead in leads if to is None or lead.owner_id != to.pk]
    held = selectors.room([to.pk]).get(to.pk, 0) if to else 0
    return {
        "to": to,
        "moving": [(lead, seen[lead.pk] != lead.owner_epoch) for lead in moving],
        "staying": [lead for lead in leads if lead not in moving],
        "held": held,
        "after": held + len(moving),
        "too_many": to is not None and held + len(moving) > to.capacity,
    }


# --- Reps --------------------------------------------------------------------------------


def rep_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One rep: what they hold, to be moved in bulk, and the switches for them."""
    _admit(request)
    rep = get_object_or_404(visible_reps(request.user), pk=pk)
    return _show_rep(request, rep, PauseForm(), at=database_now())


def _show_rep(request: HttpRequest, rep: Rep, form: PauseForm, *, at: datetime) -> HttpResponse:
    held = visible_leads(request.user).filter(owner=rep)
    return TemplateResponse(
        request,
        "routing/board_rep.html",
        {
            "at": at,
            "rep": rep,
            "row": next((r for r in selectors.team(request.user, at=at) if r.rep == rep), None),
            "leads": held.select_related("prospect", "account", "source").order_by(
                "due_at", "received_at", "pk"
            )[:LISTED],
            "total": held.count(),
            "pause_form": form,
            "move_form": MoveForm(takers=_takers(request).exclude(pk=rep.pk)),
            "manages": access.manages(request.user, rep),
            "is_paused": rep.is_paused(at),
        },
    )


@require_POST
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a rep no new leads for a while."""
    _admit(request)
    rep, at = _their_rep(request, pk), database_now()
    form = PauseForm(request.POST)
    if form.is_valid():
        try:
            people.pause(
                rep=rep,
                until=form.cleaned_data["until"],
                reason=form.cleaned_data["reason"],
                by=request.user,
                at=at,
            )
        except people.PeopleRefused as error:
            form.add_error("until", str(error))
        else:
            messages.success(
                request, _("%(rep)s gets no new leads now. What they hold stays.") % {"rep": rep}
            )
            return redirect("board")
    return _show_rep(request, rep, form, at=at)


@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a paused rep leads again."""
    _admit(request)
    rep = _their_rep(request, pk)
    people.resume(rep=rep, by=request.user, at=database_now())
    messages.success(request, _("%(rep)s takes leads again.") % {"rep": rep})
    return redirect("board")


def leave(request: HttpRequest, pk: int) -> HttpResponse:
    """Deactivate a rep, after a look at what they hold and what becomes of it."""
    _admit(request)
    rep, at = _their_rep(request, pk), database_now()
    form = LeaveForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            people.deactivate(
                rep=rep, reason=form.cleaned_data["reason"], by=request.user, at=at, driver="web"
            )
        except REFUSALS as error:
            form.add_error("reason", str(error))
        else:
            messages.success(
                request, _("%(rep)s has left. What they held is being placed anew.") % {"rep": rep}
            )
            return redirect("board")
    held = visible_leads(request.user).filter(owner=rep)
    return TemplateResponse(
        request,
        "routing/board_leave.html",
        {
            "at": at,
            "rep": rep,
            "form": form,
            "leads": held.select_related("prospect", "account").order_by("received_at", "pk")[
                :LISTED
            ],
            "total": held.count(),
        },
    )


# --- Routing as a whole ------------------------------------------------------------------


@require_POST
def switch_routing(request: HttpRequest) -> HttpResponse:
    """Pause or resume routing as a whole."""
    _admit(request)
    at = database_now()
    if not Organisation.objects.exists():
        messages.warning(request, _("Set up the organisation first."))
    elif request.POST.get("to") == "pause":
        lifecycle.pause_routing(by=request.user, at=at)
        messages.success(request, _("Routing is paused. Leads come in and wait; nothing is lost."))
    elif request.POST.get("to") == "resume":
        lifecycle.resume_routing(by=request.user, at=at)
        messages.success(request, _("Routing runs again, oldest leads first."))
    return redirect("board")


urlpatterns = [
    path("board/", board, name="board"),
    path("board/move/", move, name="board_move"),
    path("board/reps/<int:pk>/", rep_page, name="board_rep"),
    path("board/reps/<int:pk>/pause/", pause, name="board_pause"),
    path("board/reps/<int:pk>/resume/", resume, name="board_resume"),
    path("board/reps/<int:pk>/leave/", leave, name="board_leave"),
    path("board/routing/", switch_routing, name="board_routing"),
]
