"""The points of the score, line by line."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from reps import trail
from reps.due.clock import database_now
from reps.views.gates import set_up_only
from routing.engine import InvalidPart
from routing.models import ScoreFactor
from routing.qualify.facts import SCORE_KINDS
from routing.qualify.scoring import HOT_FROM, WARM_FROM
from routing.rule_forms import FactorForm
from routing.rules import edit, sentences
from routing.rules.builder import Row, Sheet
from routing.rules.refusals import RulesRefused
from routing.rules.sentences import Names
from routing.rules.standard import THRESHOLD
from routing.views.rule_edit import NO_CONDITION, builder_context


@set_up_only
def score_page(request: HttpRequest) -> HttpResponse:
    """Every line of the score, in words."""
    names = Names.read()
    rows = [
        {
            "factor": factor,
            "words": sentences.condition_words(factor.condition, names) or _("every lead"),
        }
        for factor in ScoreFactor.objects.all()
    ]
    return TemplateResponse(
        request,
        "routing/rules_score.html",
        {"rows": rows, "hot": HOT_FROM, "warm": WARM_FROM, "threshold": THRESHOLD},
    )


@set_up_only
def factor_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Add or change a line of the score."""
    row = None if pk is None else get_object_or_404(ScoreFactor, pk=pk)
    names = Names.read()
    data = request.POST if request.method == "POST" else None
    values = {"name": row.name, "points": row.points, "is_active": row.is_active} if row else {}
    laid_out = Sheet.of(row.condition if row else NO_CONDITION, names)
    keep = laid_out is None and not (data is not None and "replace_condition" in data)
    sheet = Sheet.posted(data) if data is not None else laid_out or Sheet()
    acted = data is not None and sheet.act(data.get("act", ""))
    if acted:
        values = {
            "name": data.get("name"),
            "points": data.get("points"),
            "is_active": "is_active" in data,
        }
    form = FactorForm(None if acted else data, initial=values)
    if data is not None and not acted:
        condition = row.condition if row and keep else sheet.condition(names, kinds=SCORE_KINDS)
        if form.is_valid() and condition is not None:
            try:
                edit.save_factor(
                    factor=row,
                    **form.cleaned_data,
                    condition=condition,
                    by=request.user,
                    at=database_now(),
                )
            except (RulesRefused, InvalidPart) as refused:
                form.add_error(None, str(refused))
            else:
                messages.success(request, _("Saved the score."))
                return redirect("score")
    if not sheet.main.rows:
        sheet.main.rows.append(Row())
    return TemplateResponse(
        request,
        "routing/rules_factor.html",
        {
            "form": form,
            "factor": row,
            "sheet": sheet,
            "deep_condition": sentences.condition_words(row.condition, names)
            if row and laid_out is None
            else "",
            "replaces_condition": not keep,
            **builder_context(names, kinds=SCORE_KINDS),
        },
        status=422 if data is not None and not acted else 200,
    )


@require_POST
@set_up_only
def factor_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a line out of the score."""
    row = get_object_or_404(ScoreFactor, pk=pk)
    trail.delete(row, by=request.user, at=database_now(), reason="taken out")
    messages.success(request, _("Took “%(name)s” out of the score.") % {"name": row.name})
    return redirect("score")


urlpatterns = [
    path("rules/score/", score_page, name="score"),
    path("rules/score/add/", factor_edit, name="factor_add"),
    path("rules/score/<int:pk>/", factor_edit, name="factor"),
    path("rules/score/<int:pk>/delete/", factor_delete, name="factor_delete"),
]
