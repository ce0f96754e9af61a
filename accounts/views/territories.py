"""Territories: the tree, one of them, and "who would get this place?"."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _

from accounts.forms import PlaceForm, TerritoryForm
from accounts.models import Territory
from accounts.services.territories import Answer, in_tree_order, who_gets
from reps import trail
from reps.due.clock import database_now
from reps.views.gates import set_up_only

CRITERIA = {
    "country": "country",
    "region": "state or region",
    "postal_code": "postal code",
    "industry": "industry",
    "employees": "number of employees",
}


def criteria_of(row: Territory) -> list[str]:
    """What a territory asks for itself, in words."""
    found = [
        ", ".join(row.countries),
        ", ".join(row.regions),
        _("postal code %(list)s…") % {"list": "…, ".join(row.postal_prefixes)}
        if row.postal_prefixes
        else "",
        ", ".join(row.industries),
    ]
    low, high = row.employees_min, row.employees_max
    if low is not None and high is not None:
        found.append(_("%(low)s to %(high)s employees") % {"low": low, "high": high})
    elif low is not None:
        found.append(_("from %(low)s employees") % {"low": low})
    elif high is not None:
        found.append(_("up to %(high)s employees") % {"high": high})
    return [text for text in found if text]


@set_up_only
def territory_list(request: HttpRequest) -> HttpResponse:
    """The tree with owners and pools, and the tester."""
    rows = Territory.objects.select_related("owner__user", "backup__user").prefetch_related("pools")
    tree = [
        {"depth": min(depth, 4), "territory": row, "criteria": criteria_of(row)}
        for depth, row in in_tree_order(rows)
    ]
    asked = any(request.GET.get(name) for name in PlaceForm.base_fields)
    form = PlaceForm(request.GET if asked else None)
    answers = [_told(one) for one in who_gets(form.place())] if asked and form.is_valid() else []
    return TemplateResponse(
        request,
        "accounts/territories.html",
        {"tree": tree, "form": form, "asked": asked and form.is_valid(), "answers": answers},
    )


def _told(answer: Answer) -> dict:
    criteria = [CRITERIA[name] for name in answer.contender.criteria]
    return {"territory": answer.territory, "by": ", ".join(criteria) or _("it takes everything")}


@set_up_only
def territory_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make or change a territory."""
    row = None
    if pk is not None:
        row = get_object_or_404(Territory.objects.prefetch_related("pools"), pk=pk)
    form = TerritoryForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        trail.save(
            form.instance, by=request.user, at=database_now(), reason="edited" if pk else "created"
        )
        messages.success(request, _("Saved the territory %(name)s.") % {"name": form.instance})
        return redirect("territories")
    names = ("countries", "regions", "postal_prefixes", "industries")
    sizes = ("employees_min", "employees_max")
    return TemplateResponse(
        request,
        "accounts/territory.html",
        {
            "form": form,
            "territory": row,
            "main": [form[name] for name in ("name", "parent", "owner", "backup")],
            "criteria": [form[name] for name in (*names, *sizes)],
            "rest": [form[name] for name in ("rank", "is_active")],
        },
        status=422 if form.errors else 200,
    )


urlpatterns = [
    path("territories/", territory_list, name="territories"),
    path("territories/new/", territory_edit, name="territory_add"),
    path("territories/<int:pk>/", territory_edit, name="territory"),
]
