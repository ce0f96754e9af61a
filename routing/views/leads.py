"""Leads: the list, one lead with its story, and what one does with it."""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from reps import access
from reps.due.clock import database_now
from reps.models import Rep, User
from routing import custody, ownership, panels, selectors, states, story, verbs, why, why_not, work
from routing.fairness.undo import undo
from routing.forms import (
    ActForm,
    AskForm,
    ContactForm,
    DeclineForm,
    GiveForm,
    LeadFilterForm,
    NewLeadForm,
    OutcomeForm,
    ReasonForm,
    RecycleForm,
)
from routing.intake import by_hand
from routing.intake.doors import DoorRefused
from routing.intake.normalise import Refused, normalise
from routing.models import Assignment, Lead, ReassignmentRequest, Submission
from routing.models.assignment import Reason
from routing.scoring import lead as lead_score
from routing.visibility import may_move, visible_leads, visible_reps
from routing.work.claim import queues_of
from routing.work.close import STATE_AFTER

PAGE = 50
REFUSALS = (work.WorkRefused, ownership.OwnershipRefused, states.WrongState)
# The way of a lead as a person reads it, end states apart.
STEPS = ("NEW", "WORKING", "CONTACTED", "MEETING", "QUALIFIED", "CONVERTED")


# --- The list ----------------------------------------------------------------------------


@require_GET
def leads(request: HttpRequest) -> HttpResponse:
    """My open leads and what I may claim; for managers and RevOps all they may see."""
    at = database_now()
    rep = access.rep_of(request.user)
    sees_all = access.may_set_up(request.user)
    filters = LeadFilterForm(request.GET, label_suffix="")
    chosen = filters.chosen()
    rows = selectors.listed(user=request.user, rep=rep, sees_all=sees_all)
    if "q" in chosen:
        rows = selectors.search(rows, chosen["q"])
    rows = rows.filter(**{name: chosen[name] for name in ("state", "tier") if name in chosen})
    page = Paginator(selectors.for_rows(rows), PAGE).get_page(request.GET.get("page"))
    page.object_list = selectors.dressed(page.object_list, me=rep, at=at)
    may_claim = rep is not None and rep.is_active and not chosen
    claimable = selectors.teasers(work.claimable(rep), PAGE) if may_claim else []
    return TemplateResponse(
        request,
        "routing/leads.html",
        {
            "at": at,
            "rep": rep,
            "page": page,
            "filters": filters,
            "filtered": bool(chosen),
            "claimable": claimable,
            "sees_all": sees_all,
        },
    )


# --- One lead ----------------------------------------------------------------------------


@require_GET
def lead(request: HttpRequest, pk: int) -> HttpResponse:
    """Who it is, what they did, what to do next, and why it is here."""
    return _page(request, _visible(request.user, pk), at=database_now())


def _visible(user: User, pk: int) -> Lead:
    rows = visible_leads(user).select_related(
        "prospect",
        "account__parent",
        "source",
        "score_model",
        "owner__user",
        "owner__team",
        "queue",
        "responsible",
        "former_owner__user",
    )
    return get_object_or_404(rows, pk=pk)


def _page(
    request: HttpRequest,
    lead: Lead,
    *,
    at: datetime,
    refused: tuple[str, ActForm] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The lead's page; `refused` is an action that was not taken, its form as it was typed."""
    user = request.user
    me = access.rep_of(user)
    is_mine = me is not None and lead.owner_id == me.pk
    sees_all = access.may_set_up(user)
    spells = custody.spells(lead, at=at)
    scored = lead_score.standing(lead, at=at)
    current = (
        lead.assignments.filter(ended_at__isnull=True)
        .select_related("decision__rule", "by", "from_rep__user", "rep__user", "queue")
        .first()
    )
    return TemplateResponse(
        request,
        "routing/lead.html",
        {
            "at": at,
            "lead": lead,
            "me": me,
            "is_mine": is_mine,
            "acts": _forms(lead, user=user, me=me, is_mine=is_mine, refused=refused),
            "opened": refused[0] if refused else "",
            "panels": panels.drawn(panels.LEAD, request, at=at, lead=lead),
            "steps": _steps(lead),
            "outcomes": lead.outcomes.all(),
            "custody": [(one, Reason(one.reason_code).label) for one in spells],
            "custody_seconds": custody.total(spells),
            "custody_working": sum(one.working_seconds or 0 for one in spells),
            "current": current,
            "one_line": why.one_line(current, me=me),
            "scored": scored,
            "score_most": max((line.points for line in scored.lines), default=1),
            "story": story.tell(lead, me=me, sees_all=sees_all),
            **_why_not(request, lead, me=me, is_mine=is_mine),
            "happenings": selectors.happenings(lead),
            "request_pending": lead.requests.select_related("requested_by__user", "wanted__user")
            .filter(state=ReassignmentRequest.State.PENDING)
            .first(),
        },
        status=status,
    )


def _why_not(request: HttpRequest, lead: Lead, *, me: Rep | None, is_mine: bool) -> dict[str, Any]:
    """Why not me, for a rep who sees a lead of somebody else's; for others, of whom they ask."""
    choices = visible_reps(request.user).active().exclude(pk=lead.owner_id)
    may_ask = access.may_set_up(request.user)
    asked = request.GET.get("why_not", "") if may_ask else ""
    if asked.isascii() and asked.isdigit() and len(asked) < 19:
        rep = get_object_or_404(choices, pk=int(asked))
    elif may_ask or is_mine or me is None:
        rep = None
    else:
        rep = me
    context: dict[str, Any] = {"why_not_choices": choices if may_ask else (), "asked_about": rep}
    if rep is not None:
        try:
            context["why_not"] = why_not.why_not(lead, rep, me=me)
        except why_not.CannotTell as error:
            context["cannot_tell"] = str(error)
    return context


def _steps(lead: Lead) -> list[tuple[str, str]]:
    """The life cycle: each state's label, and whether it is "done", "on" or to come."""
    labels = dict(Lead.State.choices)
    if lead.state not in STEPS:
        return [(labels["NEW"], "done"), (labels[lead.state], "on")]
    here = STEPS.index(lead.state)
    return [
        (labels[state], "done" if n < here else "on" if n == here else "")
        for n, state in enumerate(STEPS)
    ]


# --- What one does with a lead -----------------------------------------------------------


def _outcomes(lead: Lead) -> list[str]:
    """The outcomes that the life cycle has from here."""
    possible = states.TRANSITIONS[lead.state]
    return [
        kind
        for kind, state in STATE_AFTER.items()
        if state is None or state == lead.state or state in possible
    ]


def _form(verb: str, lead: Lead, user: User, me: Rep | None, data: Any = None) -> ActForm:
    """The form of a verb, with the choices that this person has."""
    if verb in verbs.added:
        return verbs.added[verb].form(lead, data)
    extra: dict[str, Any] = {}
    if verb == "ask" and me is not None:
        extra["reps"] = (
            Rep.objects.active()
            .select_related("user", "load")
            .filter(team=me.team_id)
            .exclude(pk=me.pk)
        )
    elif verb == "give":
        reps = visible_reps(user).filter(is_active=True).select_related("user", "load")
        extra["reps"] = reps.exclude(pk=lead.owner_id) if lead.owner_id else reps
    elif verb == "outcome":
        extra["kinds"] = _outcomes(lead)
    initial = {"epoch": lead.owner_epoch}
    return VERBS[verb][0](data, verb=verb, initial=initial, **extra)


def _forms(
    lead: Lead,
    *,
    user: User,
    me: Rep | None,
    is_mine: bool,
    refused: tuple[str, ActForm] | None,
) -> dict[str, ActForm]:
    """The forms of everything this person may do with the lead now."""
    found = {
        verb: _form(verb, lead, user, me)
        for verb in (*VERBS, *verbs.added)
        if _may(verb, lead, user=user, is_mine=is_mine)
    }
    if refused and refused[0] in found:
        found[refused[0]] = refused[1]
    return found


def _may(verb: str, lead: Lead, *, user: User, is_mine: bool) -> bool:
    if verb in verbs.added:
        return verbs.added[verb].may(lead, user)
    if verb == "claim":
        return False
    if verb == "give":
        return lead.is_open and may_move(user, lead)
    if verb == "undo":
        untouched = lead.owner_id is not None and lead.acknowledged_at is None
        return untouched and may_move(user, lead)
    if verb == "acknowledge":
        return is_mine and lead.acknowledged_at is None
    return is_mine


def _acknowledge(lead: int, user: User, at: datetime, data: Mapping[str, Any]) -> str:
    done = work.acknowledge(lead_id=lead, epoch=data["epoch"], by=user, at=at)
    return _("Acknowledged: %(name)s is yours to contact.") % {"name": done.prospect.name}


def _contact(lead: int, user: User, at: datetime, data: Mapping[str, Any]) -> str:
    done = work.log_contact(
        lead_id=lead,
        epoch=data["epoch"],
        way=data["way"],
        reached=data["reached"],
        note=data["note"],
        by=user,
        at=at,
    )
    if data["reached"]:
        return _("Contact logged for %(name)s.") % {"name": done.prospect.name}
    return _("Attempt logged for %(name)s; the clock runs on.") % {"name": done.prospect.name}


def _decline(lead: int, user: User, at: datetime, data: Mapping[str, Any]) -> str:
    work.decline(
        lead_id=lead,
        epoch=data["epoch"],
        reason=data["reason"],
        not_a_lead=data["not_a_lead"],
        by=user,
        at=at,
        driver="web",
    )
    return _("Handed back. It is being placed with somebody else.")


def _ask(lead: int, user: User, at: datetime, data: Mapping[str, Any]) -> str:
    work.request_reassignment(
        lead_id=lead,
        epoch=data["epoch"],
        reason=data["reason"],
        wanted=data["wanted"],
        by=user,
        at=at,
    )
    return _("Your manager is asked. Until they decide, the lead is yours.")


def _outcome(lead: int, user: User, at: datetime, data: Mapping[str, Any]) -> str:
    done = work.record_outcome(
        lead_id=lead,
        epoch=data["epoch"],
        kind=data["kind"],
        value=data["value"] if data["kind"] == "WON" else None,
        reason=data["reason"],
        by=user,
        at=at,
        driver="web",
    )
    return _("Noted. The lead is %(state)s.") % {"state": done.get_state_display().lower()}


def _recycle(lead: int, user: User, at: datetime, data: Mapping[str, Any]) -> str:
    work.recycle(
        lead_id=lead,
        epoch=data["epoch"],
        until=data["until"],
        reason=data["reason"],
        by=user,
        at=at,
        driver="web",
    )
    return _("It rests until then, and is routed again.")


def _give(lead: int, user: User, at: datetime, data: Mapping[str, Any]) -> str:
    work.move_by_hand(
        lead_id=lead,
        epoch=data["epoch"],
        to=data["to"],
        reason=data["reason"],
        by=user,
        at=at,
        driver="web",
    )
    return _("Given to %(rep)s.") % {"rep": data["to"]}


def _undo(lead: int, user: User, at: datetime, data: Mapping[str, Any]) -> str:
    undo(lead_id=lead, epoch=data["epoch"], reason=data["reason"], by=user, at=at, driver="web")
    return _("Taken back. It is routed anew, as if it had not been given.")


def _claim(lead: int, user: User, at: datetime, data: Mapping[str, Any]) -> str:
    done = work.claim(lead_id=lead, epoch=data["epoch"], by=user, at=at, driver="web")
    return _("%(name)s is yours.") % {"name": done.prospect.name}


Act = Callable[[int, User, datetime, Mapping[str, Any]], str]
VERBS: Mapping[str, tuple[type[ActForm], Act]] = {
    "acknowledge": (ActForm, _acknowledge),
    "contact": (ContactForm, _contact),
    "decline": (DeclineForm, _decline),
    "ask": (AskForm, _ask),
    "outcome": (OutcomeForm, _outcome),
    "recycle": (RecycleForm, _recycle),
    "give": (GiveForm, _give),
    "undo": (ReasonForm, _undo),
    "claim": (ActForm, _claim),
}


@require_POST
def act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Take one step with a lead; refused, it says why and keeps what was typed."""
    if verb not in VERBS and verb not in verbs.added:
        raise Http404
    user, at = request.user, database_now()
    if verb == "claim":
        return _act_claim(request, pk, at=at)
    if not visible_leads(user).filter(pk=pk).exists():
        return _gone(request, pk)
    lead = _visible(user, pk)
    me = access.rep_of(user)
    if verb in ("give", "undo") and not may_move(user, lead):
        raise Http404
    if verb in verbs.added and not verbs.added[verb].may(lead, user):
        raise Http404
    if verb == "ask" and me is None:
        raise Http404
    form = _form(verb, lead, user, me, request.POST)
    if not form.is_valid():
        return _page(request, lead, at=at, refused=(verb, form), status=422)
    take = verbs.added[verb].act if verb in verbs.added else VERBS[verb][1]
    try:
        done = take(pk, user, at, form.cleaned_data)
    except REFUSALS as refused:
        messages.error(request, str(refused))
        if not visible_leads(user).filter(pk=pk).exists():
            return redirect("home")
        return _page(request, _visible(user, pk), at=at, refused=(verb, form), status=409)
    messages.success(request, done)
    return redirect(_back(request, pk))


def _act_claim(request: HttpRequest, pk: int, *, at: datetime) -> HttpResponse:
    rep = access.rep_of(request.user)
    # Only what is, or was, in a queue of theirs may be spoken of at all.
    if rep is None or not Assignment.objects.filter(lead=pk, queue__in=queues_of(rep)).exists():
        raise Http404
    form = ActForm(request.POST)
    if not form.is_valid():
        raise Http404
    try:
        messages.success(request, _claim(pk, request.user, at, form.cleaned_data))
    except REFUSALS as refused:
        messages.error(request, str(refused))
    return redirect(_back(request, pk))


def _gone(request: HttpRequest, pk: int) -> HttpResponse:
    """A lead that this rep held has moved on; any other does not exist for them."""
    if not Assignment.objects.filter(lead=pk, rep__user=request.user).exists():
        raise Http404
    messages.error(request, _("This lead has changed hands since you looked. Nothing was done."))
    return redirect("home")


def _back(request: HttpRequest, pk: int) -> str:
    """Where to go on: where one came from, or to the lead while one may see it."""
    wanted = request.POST.get("next", "")
    if wanted and url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}):
        return wanted
    if visible_leads(request.user).filter(pk=pk).exists():
        return reverse("lead", args=[pk])
    return reverse("home")


# --- Entering one by hand ----------------------------------------------------------------


def new(request: HttpRequest) -> HttpResponse:
    """Enter a lead by hand; it goes the way of every lead."""
    if access.rep_of(request.user) is None and not access.may_set_up(request.user):
        raise Http404
    form = NewLeadForm(
        request.POST or None, label_suffix="", initial={"nonce": uuid.uuid4(), "hand_raise": True}
    )
    if request.method == "POST" and form.is_valid():
        try:
            given = form.fields_given()
            normalise(given)
            receipt = by_hand.receive(
                fields=given,
                key=f"{request.user.pk}-{form.cleaned_data['nonce']}",
                by=request.user,
                at=database_now(),
            )
        except Refused as refused:
            for problem in refused.problems:
                form.add_error(
                    problem.field if problem.field in form.fields else None, problem.message
                )
        except DoorRefused as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("lead_entered", receipt.submission.public_id)
    status = 422 if form.is_bound else 200
    return TemplateResponse(request, "routing/lead_new.html", {"form": form}, status=status)


@require_GET
def entered(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """What became of a lead that one has entered; asked again until it is placed."""
    submission = get_object_or_404(
        Submission.objects.select_related("lead__owner__user", "lead__queue", "lead__prospect"),
        public_id=public_id,
        submitted_by=request.user,
    )
    lead = submission.lead
    may_see = lead is not None and visible_leads(request.user).filter(pk=lead.pk).exists()
    settled = submission.state in ("QUARANTINED", "DISMISSED") or (
        lead is not None and (lead.route_at is None or lead.waiting)
    )
    template = "routing/_lead_entered.html" if request.htmx else "routing/lead_entered.html"
    return TemplateResponse(
        request,
        template,
        {"submission": submission, "lead": lead, "may_see": may_see, "settled": settled},
    )


urlpatterns = [
    path("leads/", leads, name="leads"),
    path("leads/new/", new, name="lead_new"),
    path("leads/new/<uuid:public_id>/", entered, name="lead_entered"),
    path("leads/<int:pk>/", lead, name="lead"),
    path("leads/<int:pk>/<slug:verb>/", act, name="lead_act"),
]
