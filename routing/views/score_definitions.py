"""What is called MQL and SQL: everybody reads it, some write it, both sides sign it."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from reps import access
from reps.due.clock import database_now
from reps.views.gates import set_up_only
from routing.models import FunnelDefinition, Organisation
from routing.qualify.facts import FUNNEL_KINDS
from routing.rules import sentences
from routing.rules.builder import Row, Sheet
from routing.rules.sentences import Names
from routing.score_forms import DefinitionForm, PeopleForm
from routing.scoring import definitions
from routing.scoring.refusals import ScoreRefused
from routing.views.rule_edit import builder_context

Kind, Side = FunnelDefinition.Kind, FunnelDefinition.Side


def definitions_page(request: HttpRequest, people: PeopleForm | None = None) -> HttpResponse:
    """Both definitions with their signatures, and the versions before."""
    organisation, names = Organisation.get(), Names.read()
    may_edit = access.may_set_up(request.user)
    return TemplateResponse(
        request,
        "routing/score_definitions.html",
        {
            "at": database_now(),
            "rows": [_told(kind, organisation, request=request, names=names) for kind in Kind],
            "live": organisation.live_score_model,
            "may_edit": may_edit,
            "people": (people or PeopleForm(organisation=organisation)) if may_edit else None,
        },
        status=422 if people is not None else 200,
    )


def _told(
    kind: Kind, organisation: Organisation, *, request: HttpRequest, names: Names
) -> dict[str, Any]:
    row = definitions.standing(kind)
    told = {"kind": kind, "label": kind.label, "row": row}
    if row is None:
        return told
    return {
        **told,
        "words": sentences.condition_words(row.condition, names),
        "state": dict(DefinitionForm.base_fields["reached"].choices).get(row.reached, ""),
        "sides": [
            {
                "side": side,
                "label": side.label,
                "by": getattr(row, f"{side.lower()}_by"),
                "at": getattr(row, f"{side.lower()}_at"),
                "may_sign": organisation.live_score_model_id is not None
                and getattr(row, f"{side.lower()}_at") is None
                and definitions.signer_id(organisation, side) == request.user.pk,
                "signer": getattr(organisation, f"{side.lower()}_signer"),
            }
            for side in Side
        ],
        "before": FunnelDefinition.objects.filter(kind=kind, version__lt=row.version)
        .select_related("made_by")
        .order_by("-version"),
    }


@set_up_only
def definition_edit(request: HttpRequest, kind: str) -> HttpResponse:
    """Write a definition anew; its signatures start from nothing."""
    kind = kind.upper()
    if kind not in Kind.values:
        raise Http404
    row, names = definitions.standing(kind), Names.read()
    start = row or definitions.PROPOSALS[kind]
    data = request.POST if request.method == "POST" else None
    sheet = Sheet.posted(data) if data is not None else Sheet.of(start.condition, names) or Sheet()
    acted = data is not None and sheet.act(data.get("act", ""))
    values = {"text": start.text, "reached": start.reached}
    if acted:
        values = {name: data.get(name, "") for name in values}
    form = DefinitionForm(None if acted else data, initial=values)
    if data is not None and not acted:
        condition = sheet.condition(names, kinds=FUNNEL_KINDS)
        if form.is_valid() and condition is not None:
            try:
                made = definitions.write(
                    kind=kind,
                    **form.cleaned_data,
                    condition=condition,
                    by=request.user,
                    at=database_now(),
                )
            except ScoreRefused as refused:
                form.add_error(None, str(refused))
            else:
                messages.success(
                    request, _("%(row)s holds now. Both sides sign it.") % {"row": made}
                )
                return redirect("score_definitions")
    if not sheet.main.rows:
        sheet.main.rows.append(Row())
    return TemplateResponse(
        request,
        "routing/score_definition.html",
        {
            "form": form,
            "row": row,
            "label": Kind(kind).label,
            "kind": kind,
            "sheet": sheet,
            **builder_context(names, kinds=FUNNEL_KINDS),
        },
        status=422 if data is not None and not acted else 200,
    )


@require_POST
def definition_sign(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign for one's side; who may is asked by the service."""
    side = request.POST.get("side", "")
    organisation = Organisation.get()
    if request.user.pk not in (organisation.marketing_signer_id, organisation.sales_signer_id):
        raise PermissionDenied("Only who signs for marketing or sales can.")
    try:
        row = definitions.sign(definition_id=pk, side=side, by=request.user, at=database_now())
    except FunnelDefinition.DoesNotExist as error:
        raise Http404 from error
    except ScoreRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Signed %(row)s.") % {"row": row})
    return redirect("score_definitions")


@require_POST
@set_up_only
def score_people(request: HttpRequest) -> HttpResponse:
    """Say who signs for each side, and who looks after the score."""
    form = PeopleForm(request.POST, organisation=Organisation.get())
    if form.is_valid():
        try:
            definitions.name_people(**form.cleaned_data, by=request.user, at=database_now())
        except ScoreRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Saved."))
            return redirect("score_definitions")
    return definitions_page(request, people=form)


urlpatterns = [
    path("rules/score/definitions/", definitions_page, name="score_definitions"),
    path("rules/score/definitions/people/", score_people, name="score_people"),
    path("rules/score/definitions/<int:pk>/sign/", definition_sign, name="definition_sign"),
    path("rules/score/definitions/<slug:kind>/", definition_edit, name="definition"),
]
