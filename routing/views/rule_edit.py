"""One rule of the draft: its condition and its path are rows, told back as a sentence."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _

from reps.due.clock import database_now
from reps.views.gates import set_up_only
from routing.engine import InvalidPart
from routing.models import Rule, RuleSet
from routing.path_forms import PathEditor
from routing.rule_forms import RuleForm
from routing.rules import edit, sentences
from routing.rules.builder import MATCHES, Block, Row, Sheet, fact_choices, op_choices
from routing.rules.preview import Preview, preview
from routing.rules.refusals import RulesRefused
from routing.rules.sentences import Names

NO_CONDITION = {"all": []}
# The button that only counts; its press saves nothing.
COUNT = "count"


def open_draft() -> RuleSet | None:
    """The draft there is, with whom its page names."""
    drafts = RuleSet.objects.select_related(
        "based_on", "created_by", "approval_asked_by", "approved_by", "publish_by"
    )
    return drafts.filter(state=RuleSet.State.DRAFT).first()


def rule_of_draft(pk: int) -> Rule:
    """A rule that may still be changed; published ones are not found."""
    return get_object_or_404(
        Rule.objects.select_related("ruleset").filter(ruleset__state=RuleSet.State.DRAFT), pk=pk
    )


@set_up_only
def rule_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Add or change a rule of the draft; its condition and its path are rows."""
    draft = open_draft()
    if draft is None:
        messages.info(request, _("Make a draft first; published rules never change."))
        return redirect("rules")
    rule = None if pk is None else rule_of_draft(pk)
    data = request.POST if request.method == "POST" else None
    page = _RulePage(data, draft, rule, Names.read())
    if data is not None and not page.acted and page.is_valid():
        try:
            edit.save_rule(
                ruleset=draft,
                rule=rule,
                **page.form.cleaned_data,
                condition=page.condition,
                path=page.path,
                by=request.user,
                at=database_now(),
            )
        except (RulesRefused, InvalidPart) as refused:
            page.form.add_error(None, str(refused))
        else:
            messages.success(
                request, _("Saved the rule “%(name)s”.") % {"name": page.form.cleaned_data["name"]}
            )
            return redirect("rules_draft")
    return TemplateResponse(
        request,
        "routing/rule_edit.html",
        {"rule": rule, "draft": draft, **page.context()},
        status=422 if data is not None and not page.acted else 200,
    )


@set_up_only
def rule_preview(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """The rule as it stands in the form: its sentence, and whom of last month it would take."""
    draft = open_draft()
    if draft is None or request.method != "POST":
        return redirect("rules_draft")
    rule = None if pk is None else rule_of_draft(pk)
    page = _RulePage(request.POST, draft, rule, Names.read())
    return TemplateResponse(request, "routing/_rule_preview.html", {"preview": page.preview()})


class _RulePage:
    """The three parts of the form, and what is kept because the rows cannot hold it."""

    def __init__(
        self, data: QueryDict | None, draft: RuleSet, rule: Rule | None, names: Names
    ) -> None:
        self.data, self.draft, self.rule, self.names = data, draft, rule, names
        laid_out = Sheet.of(rule.condition if rule else NO_CONDITION, names)
        self.deep_condition = laid_out is None
        self.replaces_condition = data is not None and "replace_condition" in data
        self.keeps_condition = self.deep_condition and not self.replaces_condition
        self.sheet = Sheet.posted(data) if data is not None else laid_out or Sheet()
        self.editor = PathEditor(data, names=names, stored=rule.path if rule else None)
        action = "" if data is None else data.get("act", "")
        self.acted = action == COUNT or self.sheet.act(action) or self.editor.act(action)
        self.form = RuleForm(None if self.acted else data, rule=rule)
        if data is not None and self.acted:
            # A button of the rows: show everything as typed, judge nothing yet.
            self.editor.retype()
            self.form.initial = _as_typed(self.form, data)
        self.condition: dict[str, Any] | None = None
        self.path: dict[str, Any] | None = None

    def is_valid(self) -> bool:
        """Check all parts, so that every mistake shows at once."""
        kept = self.rule.condition if self.rule and self.keeps_condition else None
        self.condition = kept or self.sheet.condition(self.names)
        self.path = self.editor.path()
        return self.form.is_valid() and self.condition is not None and self.path is not None

    def preview(self) -> Preview:
        """What is in the form, or what is stored where nothing was posted, told back."""
        row, has_condition, has_path = self._stored() if self.data is None else self._written()
        return preview(
            self.draft,
            row,
            has_condition=has_condition,
            has_path=has_path,
            names=self.names,
            at=database_now(),
        )

    def _stored(self) -> tuple[Rule, bool, bool]:
        if self.rule is None:
            return Rule(condition=NO_CONDITION, path={}), True, False
        return self.rule, True, True

    def _written(self) -> tuple[Rule, bool, bool]:
        """The rule as posted, and whether its condition and its path are finished."""
        # Judged apart from the page's own forms, which may show what was only typed.
        form = RuleForm(self.data, rule=self.rule)
        form.is_valid()
        kept = self.rule.condition if self.rule and self.keeps_condition else None
        condition = kept or Sheet.posted(self.data).condition(self.names)
        stored = self.rule.path if self.rule else None
        path = PathEditor(self.data, names=self.names, stored=stored).path()
        row = Rule(
            pk=self.rule.pk if self.rule else None,
            position=self.rule.position if self.rule else None,
            condition=condition or NO_CONDITION,
            path=path or {},
            is_fallback=form.cleaned_data.get("is_fallback", False),
            expires_at=form.cleaned_data.get("expires_at"),
        )
        return row, condition is not None, path is not None

    def context(self) -> dict[str, Any]:
        if not self.sheet.main.rows:
            self.sheet.blocks[0] = Block(self.sheet.main.match, [Row()])
        return {
            "form": self.form,
            "preview": self.preview(),
            "sheet": self.sheet,
            **builder_context(self.names),
            **self.editor.context(),
            "deep_condition": sentences.condition_words(self.rule.condition, self.names)
            if self.rule and self.deep_condition
            else "",
            "replaces_condition": self.replaces_condition,
        }


def _as_typed(form: forms.Form, data: QueryDict) -> dict[str, Any]:
    return {
        name: name in data if isinstance(field, forms.BooleanField) else data.get(name, "")
        for name, field in form.fields.items()
    }


def builder_context(names: Names, *, kinds=None) -> dict:
    """What the rows of a condition need on a page."""
    groups = fact_choices(names, kinds=kinds) if kinds is not None else fact_choices(names)
    return {"fact_groups": groups, "op_choices": op_choices(), "matches": MATCHES}


urlpatterns = [
    path("rules/draft/add/", rule_edit, name="rule_add"),
    path("rules/draft/add/preview/", rule_preview, name="rule_add_preview"),
    path("rules/draft/<int:pk>/", rule_edit, name="rule"),
    path("rules/draft/<int:pk>/preview/", rule_preview, name="rule_preview"),
]
