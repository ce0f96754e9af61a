"""Making and changing one territory."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _

from accounts.models import Territory
from reps.due.clock import database_now
from reps.views.gates import set_up_only
from routing.rules import sentences
from routing.rules.builder import Row, Sheet
from routing.rules.sentences import Names
from routing.territories import asking, editing
from routing.territory_forms import TerritoryForm
from routing.views.rule_edit import builder_context

FILLED_IN = ("countries", "regions", "industries", "postal_prefixes")


@set_up_only
def territory_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make or change a territory; its further conditions are rows as those of rules."""
    row = None if pk is None else get_object_or_404(Territory, pk=pk)
    names = Names.read()
    data = request.POST if request.method == "POST" else None
    stored = row.conditions if row and row.conditions else {"all": []}
    laid_out = Sheet.of(stored, names)
    keep = laid_out is None and not (data is not None and "replace_condition" in data)
    sheet = Sheet.posted(data) if data is not None else laid_out or Sheet()
    acted = data is not None and sheet.act(data.get("act", ""))
    # A gap of the plan comes with what a territory for it must take.
    given = {name: request.GET[name] for name in FILLED_IN if request.GET.get(name)}
    form = TerritoryForm(data, instance=row, initial={} if row else given)
    if acted:
        # A button of the rows saves nothing yet, so nothing is found wrong yet.
        form.full_clean()
        form._errors.clear()
    elif data is not None:
        condition = stored if keep else sheet.condition(names, kinds=asking.KINDS)
        form.instance.conditions = {} if condition in (None, {"all": []}) else condition
        if form.is_valid() and condition is not None:
            editing.save(
                form.instance,
                backups=form.backups,
                pool=form.cleaned_data["pool"],
                by=request.user,
                at=database_now(),
            )
            messages.success(request, _("Saved the territory %(name)s.") % {"name": form.instance})
            return redirect("territories")
    if not sheet.main.rows:
        sheet.main.rows.append(Row())
    return TemplateResponse(
        request,
        "routing/territory.html",
        {
            "form": form,
            "territory": row,
            "who": form.parts(*form.WHO),
            "backups": form.parts(*form.backup_names),
            "criteria": form.parts(*form.TAKES),
            "rest": form.parts(*form.REST),
            "sheet": sheet,
            "deep_condition": sentences.condition_words(row.conditions, names)
            if row and laid_out is None
            else "",
            "replaces_condition": not keep,
            **builder_context(names, kinds=asking.KINDS),
        },
        status=422 if data is not None and not acted else 200,
    )


urlpatterns = [
    path("territories/new/", territory_edit, name="territory_add"),
    path("territories/<int:pk>/", territory_edit, name="territory"),
]
