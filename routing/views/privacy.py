"""The data of one person: find it, show it, hand it out, erase it; and how long it is kept."""

import json
from typing import Any

from django.contrib import messages as flash
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from reps import retention
from reps.due.clock import database_now
from reps.views.gates import revops_only
from routing.dedupe import family
from routing.models import Erasure, Lead, Prospect
from routing.privacy import erase as service
from routing.privacy.export import export as held_about
from routing.privacy.find import prospects_by
from routing.privacy.registry import Person, shown
from routing.privacy_forms import EraseForm, FindForm, HoldForm, RuleForm

MOST_FOUND = 50
LATELY = 20


@revops_only
def people_data(request: HttpRequest) -> HttpResponse:
    """Find a person by what is exactly theirs; below it, who was erased lately."""
    form = FindForm(request.POST or None)
    found = None
    if request.method == "POST" and form.is_valid():
        found = list(prospects_by(form.cleaned_data["who"])[:MOST_FOUND])
        if len(found) == 1:
            return redirect("person_data", pk=found[0].pk)
    return TemplateResponse(
        request,
        "routing/people_data.html",
        {
            "form": form,
            "found": found,
            "erasures": Erasure.objects.select_related("by")[:LATELY],
        },
    )


@revops_only
def person_data(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything that is held about one person."""
    return _show(request, get_object_or_404(Prospect, pk=pk))


def _show(request: HttpRequest, prospect: Prospect, **forms: Any) -> HttpResponse:
    # Whoever is merged with them is the same person.
    people = list(Prospect.objects.filter(pk__in=family.ids_of(prospect.pk)).order_by("pk"))
    places: dict[Any, list[Any]] = {}
    for one in people:
        for holding, rows in shown(Person.read(one)):
            places.setdefault(holding.label, []).extend(_words(row) for row in rows)
    return TemplateResponse(
        request,
        "routing/person_data.html",
        {
            "prospect": prospect,
            "erasure": prospect.erasures.select_related("by").first(),
            "places": list(places.items()),
            "merged": [one.pk for one in people if one.pk != prospect.pk],
            "leads": Lead.objects.filter(prospect__in=people).order_by("pk"),
            "erase_form": forms.get("erase_form") or EraseForm(prospect=prospect),
            "hold_form": HoldForm(initial={"why": prospect.legal_hold}),
        },
        status=400 if forms else 200,
    )


def _words(row: dict[str, Any]) -> list[tuple[str, str]]:
    """A row of what is held, as names and texts."""
    return [
        (
            name.replace("_", " ").capitalize(),
            value
            if isinstance(value, str)
            else json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False),
        )
        for name, value in row.items()
        if value not in (None, "", [], {})
    ]


@revops_only
@require_POST
def export(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand out everything as a file; that it was done is on record."""
    prospect = get_object_or_404(Prospect, pk=pk)
    held = held_about(prospect=prospect, by=request.user, at=database_now())
    answer = HttpResponse(
        json.dumps(held, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2),
        content_type="application/json",
    )
    answer["Content-Disposition"] = f'attachment; filename="person-{prospect.pk}.json"'
    answer["Cache-Control"] = "no-store"
    return answer


@revops_only
@require_POST
def erase(request: HttpRequest, pk: int) -> HttpResponse:
    """Erase the person, once the number has been typed out."""
    prospect = get_object_or_404(Prospect, pk=pk)
    form = EraseForm(request.POST, prospect=prospect)
    if not form.is_valid():
        return _show(request, prospect, erase_form=form)
    try:
        service.erase(
            prospect_id=pk,
            reason=form.cleaned_data["reason"],
            by=request.user,
            at=database_now(),
        )
    except service.HeldByLaw as error:
        flash.error(request, str(error))
    else:
        flash.success(request, _("Erased. The trail is whole, and says nothing of the person."))
    return redirect("person_data", pk=pk)


@revops_only
@require_POST
def hold(request: HttpRequest, pk: int) -> HttpResponse:
    """Set a legal hold, or lift it with an empty reason."""
    prospect = get_object_or_404(Prospect, pk=pk)
    form = HoldForm(request.POST)
    if form.is_valid():
        row = service.set_legal_hold(
            prospect_id=prospect.pk,
            why=form.cleaned_data["why"],
            by=request.user,
            at=database_now(),
        )
        flash.success(
            request,
            _("Neither erased nor deleted by age until this is lifted.")
            if row.legal_hold
            else _("The hold is lifted."),
        )
    return redirect("person_data", pk=pk)


@revops_only
def keeping(request: HttpRequest) -> HttpResponse:
    """How long each kind of thing is kept, with what tonight would delete."""
    at = database_now()
    rules = retention.rules()
    sent = request.POST if request.method == "POST" else None
    forms = [RuleForm(sent, rule=rule) for rule in rules]
    if sent is not None and all(form.is_valid() for form in forms):
        try:
            _keep(forms, request=request, at=at)
        except retention.RetentionRefused as error:
            flash.error(request, str(error))
        else:
            flash.success(request, _("Saved. It holds from tonight on."))
            return redirect("retention")
    due = {rule.kept.slug: rule.kept.count(rule.before(at)) for rule in rules}
    return TemplateResponse(
        request,
        "routing/retention.html",
        {"rows": [(form, due[form.rule.kept.slug]) for form in forms]},
        status=400 if sent is not None else 200,
    )


def _keep(forms: list[RuleForm], *, request: HttpRequest, at: Any) -> None:
    for form in forms:
        if form.has_changed():
            retention.set_rule(
                what=form.rule.kept.slug,
                days=form.cleaned_data["days"],
                is_active=form.cleaned_data["is_active"],
                by=request.user,
                at=at,
            )


urlpatterns = [
    path("people-data/", people_data, name="people_data"),
    path("people-data/retention/", keeping, name="retention"),
    path("people-data/<int:pk>/", person_data, name="person_data"),
    path("people-data/<int:pk>/export/", export, name="person_export"),
    path("people-data/<int:pk>/erase/", erase, name="person_erase"),
    path("people-data/<int:pk>/hold/", hold, name="person_hold"),
]
