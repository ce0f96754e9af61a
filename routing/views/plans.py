"""Realignments: drafted, previewed, approved, in effect, undone; and who had a place on a day."""

from datetime import datetime, time, timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import PlannedTerritory, TerritoryPlan
from accounts.services.plans import approval, draft, effect
from accounts.services.plans import world as worlds
from accounts.services.plans.refusals import PlanRefused
from accounts.services.territories import AreaTreeBroken, in_tree_order, why
from reps.due.clock import database_now
from reps.models import Rep
from reps.views.gates import set_up_only
from routing.models import RealignedLead, TerritoryStudy
from routing.plan_forms import (
    DayPlaceForm,
    MergeForm,
    PartsForm,
    PlanForm,
    PlannedForm,
    WhyForm,
)
from routing.realign import study, words
from routing.realign.effects import chosen
from routing.territories.words import takes
from routing.visibility import visible_leads

PAGE = 50
States = TerritoryPlan.State
PILLS = {
    States.DRAFT: "",
    States.ASKED: "risk",
    States.SCHEDULED: "info",
    States.IN_EFFECT: "ok",
    States.SUPERSEDED: "paused",
    States.UNDONE: "paused",
}


@set_up_only
def plan_list(request: HttpRequest) -> HttpResponse:
    """Every plan, newest first."""
    rows = TerritoryPlan.objects.select_related("author", "approved_by")
    page = Paginator(rows.prefetch_related("changes"), PAGE).get_page(request.GET.get("page"))
    for row in page.object_list:
        row.pill = PILLS[row.state]
    return TemplateResponse(request, "territories/plans.html", {"at": database_now(), "page": page})


@set_up_only
def plan_new(request: HttpRequest) -> HttpResponse:
    """Start a draft from what is in effect."""
    form = PlanForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            plan = draft.start(**form.cleaned_data, by=request.user, at=database_now())
        except PlanRefused as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("territory_plan", plan.pk)
    return TemplateResponse(
        request,
        "territories/plan_form.html",
        {"form": form, "plan": None},
        status=422 if form.errors else 200,
    )


@set_up_only
def plan_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Say anew what a draft is called, why, when, and what happens to open leads."""
    plan = get_object_or_404(TerritoryPlan, pk=pk)
    initial = {n: getattr(plan, n) for n in ("name", "reason", "effective_at", "leads")}
    form = PlanForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            draft.edit(plan=plan, **form.cleaned_data, by=request.user, at=database_now())
        except PlanRefused as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("territory_plan", pk)
    return TemplateResponse(
        request,
        "territories/plan_form.html",
        {"form": form, "plan": plan},
        status=422 if form.errors else 200,
    )


@set_up_only
def plan_page(request: HttpRequest, pk: int) -> HttpResponse:
    """A plan with everything that one person needs to write it and another to approve it."""
    related = ("author", "asked_by", "approved_by", "undone_by")
    plan = get_object_or_404(TerritoryPlan.objects.select_related(*related), pk=pk)
    latest = plan.studies.order_by("-pk").first()
    if request.headers.get("HX-Request") and latest is not None:
        template = "territories/_study_progress.html"
        answer = TemplateResponse(request, template, {"study": latest, "url": request.path})
        if not latest.is_unended:
            # It has just ended: the whole page has more to say than the progress had.
            answer.headers["HX-Refresh"] = "true"
        return answer
    live = worlds.live()
    context: dict[str, Any] = {
        "at": database_now(),
        "plan": plan,
        "pill": PILLS[plan.state],
        "changes": words.differences(plan, live),
        "conflicts": words.conflict_rows(plan, live) if plan.took_effect_at is None else [],
        "study": latest,
        "url": request.path,
        "why_not": approval.why_not(plan, by=request.user),
        "why_form": WhyForm(auto_id="why_%s"),
        "tree": _tree(plan, live) if plan.is_draft else [],
    }
    if latest is not None and latest.state == TerritoryStudy.State.DONE:
        context["found"] = words.preview(latest)
        context["is_stale"] = plan.took_effect_at is None and study.is_stale(latest, plan)
        context["leads"] = _moving(request, latest)
    if plan.took_effect_at is not None:
        context["moved"] = _moved(request, plan)
    return TemplateResponse(request, "territories/plan.html", context)


def _tree(plan: TerritoryPlan, live: worlds.World) -> list[dict[str, Any]]:
    """The territories as the draft has them, with what is new or changed said."""
    then = worlds.planned(plan, live)
    reps = {rep.pk: str(rep) for rep in Rep.objects.select_related("user")}
    kinds = {change.key: change for change in plan.changes.all()}
    rows = sorted(then.values(), key=lambda row: (row.name, row.pk))
    return [
        {
            "depth": min(depth, 4),
            "row": row,
            "criteria": takes(row),
            "owner": reps.get(row.owner_id or 0, ""),
            "change": kinds.get(row.pk),
        }
        for depth, row in in_tree_order(rows)
    ]


def _moving(request: HttpRequest, row: TerritoryStudy) -> Any:
    """The open leads that would move, as far as this person may see them."""
    policy = row.result["policy"]
    listed = {one[0]: one for one in chosen(row.result["moving"], policy)}
    seen = visible_leads(request.user).filter(pk__in=listed).select_related("prospect")
    page = Paginator(seen.order_by("pk"), PAGE).get_page(request.GET.get("page"))
    reps = Rep.objects.select_related("user").in_bulk()
    page.lines = [
        {"lead": lead, "from": reps.get(listed[lead.pk][1]), "to": reps.get(listed[lead.pk][2])}
        for lead in page.object_list
    ]
    return page


def _moved(request: HttpRequest, plan: TerritoryPlan) -> dict[str, Any]:
    """What became of the leads of a plan: how many, how far, and which."""
    seen = visible_leads(request.user).order_by().values("pk")
    rows = RealignedLead.objects.filter(plan=plan)
    related = ("lead__prospect", "from_rep__user", "to_rep__user")
    listed = rows.filter(lead__in=seen).select_related(*related).order_by("lead")
    return {
        "counts": [
            (label, rows.filter(state=state).count())
            for state, label in RealignedLead.State.choices
        ],
        "page": Paginator(listed, PAGE).get_page(request.GET.get("page")),
        "is_moving": plan.realignments.filter(due_at__isnull=False).exists(),
    }


@set_up_only
def plan_change(request: HttpRequest, pk: int) -> HttpResponse:
    """One territory of a draft (`?territory=`, a new one without): change, split, merge, retire."""
    plan = get_object_or_404(TerritoryPlan, pk=pk)
    then = worlds.planned(plan, worlds.live())
    key = _key(request, then)
    row = then.get(key) if key is not None else None
    act = request.POST.get("act", "")
    given = request.POST or None
    forms: dict[str, Any] = {
        "save": PlannedForm(
            given if act == "save" else None,
            instance=worlds.row_of(key or 0, worlds.state_of(row)) if row else None,
            world=then,
            key=key,
        )
    }
    if row is not None and key is not None:
        parts = given if act == "parts" else None
        forms["parts"] = PartsForm(parts, world=then, key=key, auto_id="parts_%s")
        merges = given if act == "merge" else None
        forms["merge"] = MergeForm(merges, world=then, key=key, auto_id="merge_%s")
    if request.method == "POST":
        form = forms.get(act)
        if act == "retire" or (form is not None and form.is_valid()):
            try:
                _do(plan, key, act, form, request)
            except PlanRefused as refused:
                if form is None:
                    messages.warning(request, str(refused))
                else:
                    form.add_error(None, str(refused))
            else:
                return redirect(reverse("territory_plan", args=[pk]) + "#changes")
    return TemplateResponse(
        request,
        "territories/plan_change.html",
        {"plan": plan, "row": row, "key": key, "forms": forms},
        status=422 if any(form.errors for form in forms.values()) else 200,
    )


def _key(request: HttpRequest, then: worlds.World) -> int | None:
    text = request.GET.get("territory", "")
    number = int(text) if text.removeprefix("-").isdecimal() and len(text) < 19 else None
    return number if number in then else None


def _do(plan: TerritoryPlan, key: int | None, act: str, form: Any, request: HttpRequest) -> None:
    who: dict[str, Any] = {"plan": plan, "by": request.user, "at": database_now()}
    if act == "save":
        draft.put(key=key, state=form.state(), **who)
    elif key is None:
        raise PlanRefused(_("Choose a territory."))
    elif act == "parts":
        owner = form.cleaned_data["owner"]
        draft.move_parts(
            source=key,
            parts=form.parts(),
            target=form.cleaned_data["target"],
            name=form.cleaned_data["name"],
            owner=owner.pk if owner else None,
            **who,
        )
    elif act == "merge":
        draft.merge(into=key, other=form.cleaned_data["other"], **who)
    else:
        draft.retire(key=key, **who)


@require_POST
@set_up_only
def plan_act(request: HttpRequest, pk: int) -> HttpResponse:
    """A step of a plan; the button's name says which."""
    plan = get_object_or_404(TerritoryPlan, pk=pk)
    by, at = request.user, database_now()
    act, reason = request.POST.get("act", ""), request.POST.get("reason", "")
    try:
        if act == "preview":
            study.preview(plan=plan, by=by, at=at)
        elif act == "ask":
            approval.ask(plan=plan, by=by, at=at)
        elif act == "approve":
            seen = request.POST.get("digest", "")
            approval.approve(plan=plan, by=by, at=at, digest_seen=seen)
        elif act == "refuse":
            approval.refuse(plan=plan, by=by, at=at, reason=reason)
        elif act == "undo":
            effect.undo(plan=plan, by=by, at=at, reason=reason)
        elif act == "rebase":
            draft.rebase(plan=plan, keep=_keep(request), by=by, at=at)
        elif act == "drop":
            number = request.POST.get("change", "")
            change = get_object_or_404(
                PlannedTerritory, plan=plan, pk=number if number.isdecimal() else 0
            )
            draft.drop(change=change, by=by, at=at)
        elif act == "discard":
            draft.discard(plan=plan, by=by, at=at)
            return redirect("territory_plans")
    except (PlanRefused, study.StudyRefused, AreaTreeBroken) as refused:
        messages.warning(request, str(refused))
    return redirect("territory_plan", pk)


def _keep(request: HttpRequest) -> dict[tuple[int, str], bool]:
    """What was chosen for each conflict: "keep-CHANGE-COLUMN" is plan or live."""
    found = {}
    for name, value in request.POST.items():
        start, _dash, rest = name.partition("-")
        number, _dash, field = rest.partition("-")
        if start == "keep" and number.isdecimal() and value in ("plan", "live"):
            found[int(number), field] = value == "plan"
    return found


@set_up_only
def on_day(request: HttpRequest) -> HttpResponse:
    """Who had a place at the end of a day, by the history of the territories."""
    today = timezone.localdate()
    form = DayPlaceForm(request.GET if "day" in request.GET else None, initial={"day": today})
    answers: list[dict[str, Any]] = []
    asked = form.is_bound and form.is_valid()
    if asked:
        day = form.cleaned_data["day"]
        until = timezone.make_aware(datetime.combine(day, time())) + timedelta(days=1)
        then = worlds.on_day(min(until - timedelta(microseconds=1), database_now()))
        reps = {rep.pk: str(rep) for rep in Rep.objects.select_related("user")}
        try:
            found = why(worlds.index_of(then), form.place())
        except AreaTreeBroken:
            found = []
        for one in found:
            row = then[int(one.area_id)]
            changed = row.history.filter(history_date__lt=until).first() if row.pk else None
            answers.append(
                {
                    "row": row,
                    "owner": reps.get(row.owner_id or 0, ""),
                    "since": changed.history_date if changed else None,
                    "plan": _plan_of(changed.history_change_reason if changed else ""),
                }
            )
    return TemplateResponse(
        request, "territories/on_day.html", {"form": form, "asked": asked, "answers": answers}
    )


def _plan_of(reason: str | None) -> TerritoryPlan | None:
    """The plan that the history of a territory names."""
    word, _space, number = (reason or "").partition(" ")
    if word != "plan" or not number.isdecimal():
        return None
    return TerritoryPlan.objects.filter(pk=number).first()


urlpatterns = [
    path("territories/plans/", plan_list, name="territory_plans"),
    path("territories/plans/new/", plan_new, name="territory_plan_new"),
    path("territories/plans/<int:pk>/", plan_page, name="territory_plan"),
    path("territories/plans/<int:pk>/edit/", plan_edit, name="territory_plan_edit"),
    path("territories/plans/<int:pk>/change/", plan_change, name="territory_plan_change"),
    path("territories/plans/<int:pk>/act/", plan_act, name="territory_plan_act"),
    path("territories/on-a-day/", on_day, name="territory_day"),
]
