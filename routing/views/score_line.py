"""One line of the score's draft: a profile, a factor or an event, tried on recent leads."""

import copy
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from reps.due.clock import database_now
from reps.views.gates import set_up_only
from routing.qualify.facts import SCORE_KINDS
from routing.rules import sentences
from routing.rules.builder import Row, Sheet
from routing.rules.sentences import Names
from routing.score_forms import EventForm, FactorForm, LineForm, ProfileForm
from routing.scoring import edit
from routing.scoring.refusals import ScoreRefused
from routing.views.rule_edit import NO_CONDITION, builder_context
from routing.views.scoring import body_now, compared

FORMS: dict[str, type[LineForm]] = {
    "profiles": ProfileForm,
    "factors": FactorForm,
    "events": EventForm,
}
TITLES = {
    "profiles": gettext_lazy("Ideal customer profile"),
    "factors": gettext_lazy("Fit: points for a condition"),
    "events": gettext_lazy("Engagement: points for an event"),
}


class _LinePage:
    """The form of a line with its condition; events have none."""

    def __init__(self, request: HttpRequest, part: str, place: int | None) -> None:
        if part not in FORMS:
            raise Http404
        self.part, self.body = part, body_now()
        lines = self.body[part]
        if place is not None and place >= len(lines):
            raise Http404
        self.place, self.line = place, {} if place is None else lines[place]
        self.data: QueryDict | None = request.POST if request.method == "POST" else None
        self.names = Names.read()
        # A colleague may have moved lines meanwhile: a form says which one it was made for.
        self.name = self.line.get("name") if self.data is None else self.data.get("line") or None
        stored = self.line.get("condition", NO_CONDITION)
        laid_out = Sheet.of(stored, self.names)
        self.is_deep = laid_out is None
        self.replaces = self.data is not None and "replace_condition" in self.data
        self.sheet = Sheet.posted(self.data) if self.data is not None else laid_out or Sheet()
        self.acted = self.data is not None and self.sheet.act(self.data.get("act", ""))
        kind = FORMS[part]
        initial = self.line if self.data is None else _as_typed(kind, self.data)
        self.form = kind(None if self.acted else self.data, initial=initial)

    @property
    def has_condition(self) -> bool:
        return self.part != "events"

    def written(self) -> dict[str, Any] | None:
        """The line as it stands in the form; None if something is missing."""
        condition = None
        if self.has_condition:
            kept = self.line.get("condition") if self.is_deep and not self.replaces else None
            condition = kept or self.sheet.condition(self.names, kinds=SCORE_KINDS)
        if not self.form.is_valid() or (self.has_condition and condition is None):
            return None
        line = self.form.line()
        return {**line, "condition": condition} if self.has_condition else line

    def tried(self) -> dict[str, Any]:
        """The body with the line as it stands in the form, or as it was."""
        body = copy.deepcopy(self.body)
        line = None if self.data is None else self.written()
        if line is not None:
            lines = body[self.part]
            names = [one.get("name") for one in lines]
            if self.name in names:
                lines[names.index(self.name)] = line
            else:
                lines.append(line)
        return body

    def context(self) -> dict[str, Any]:
        if not self.sheet.main.rows:
            self.sheet.main.rows.append(Row())
        return {
            "part": self.part,
            "place": self.place,
            "title": TITLES[self.part],
            "line": self.line,
            "line_name": self.name or "",
            "form": self.form,
            "sheet": self.sheet if self.has_condition else None,
            "deep_condition": sentences.condition_words(self.line["condition"], self.names)
            if self.is_deep
            else "",
            "replaces_condition": self.replaces,
            **builder_context(self.names, kinds=SCORE_KINDS),
        }


def _as_typed(kind: type[LineForm], data: QueryDict) -> dict[str, Any]:
    return {
        name: name in data if field.widget.input_type == "checkbox" else data.get(name, "")
        for name, field in kind.base_fields.items()
    }


@set_up_only
def line_edit(request: HttpRequest, part: str, place: int | None = None) -> HttpResponse:
    """Add or change a line of the draft."""
    page = _LinePage(request, part, place)
    if page.data is not None and not page.acted:
        line = page.written()
        if line is not None:
            try:
                edit.save_line(
                    part=part, name=page.name, line=line, by=request.user, at=database_now()
                )
            except ScoreRefused as refused:
                page.form.add_error(None, str(refused))
            else:
                messages.success(request, _("Saved in the draft. It scores once you publish it."))
                return redirect("score")
    return TemplateResponse(
        request,
        "routing/score_line.html",
        {**page.context(), **compared(request, page.tried())},
        status=422 if page.data is not None and not page.acted else 200,
    )


@set_up_only
def line_preview(request: HttpRequest, part: str, place: int | None = None) -> HttpResponse:
    """The line as it stands in the form, tried on recent leads; nothing is saved."""
    page = _LinePage(request, part, place)
    return TemplateResponse(request, "routing/_score_preview.html", compared(request, page.tried()))


@require_POST
@set_up_only
def line_delete(request: HttpRequest, part: str) -> HttpResponse:
    """Take a line out of the draft."""
    name = request.POST.get("line", "")
    try:
        edit.delete_line(part=part, name=name, by=request.user, at=database_now())
    except ScoreRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Took “%(name)s” out of the draft.") % {"name": name})
    return redirect("score")


urlpatterns = [
    path("rules/score/<slug:part>/add/", line_edit, name="score_line_add"),
    path("rules/score/<slug:part>/add/preview/", line_preview, name="score_line_add_preview"),
    path("rules/score/<slug:part>/take-out/", line_delete, name="score_line_delete"),
    path("rules/score/<slug:part>/<int:place>/", line_edit, name="score_line"),
    path("rules/score/<slug:part>/<int:place>/preview/", line_preview, name="score_line_preview"),
]
