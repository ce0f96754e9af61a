"""One rule of the draft: its condition is rows, its path is choices."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _

from reps.due.clock import database_now
from reps.views.gates import set_up_only
from routing.engine import InvalidPart
from routing.models import Rule, RuleSet
from routing.rule_forms import PathForm, RuleForm, fits
from routing.rules import edit, sentences
from routing.rules.builder import MATCHES, Block, Row, Sheet, fact_choices, op_choices
from routing.rules.refusals import RulesRefused
from routing.rules.sentences import Names

NO_CONDITION = {"all": []}


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
    """Add or change a rule of the draft; its condition is rows, its path is choices."""
    draft = open_draft()
    if draft is None:
        messages.info(request, _("Make a draft first; published rules never change."))
        return redirect("rules")
    rule = None if pk is None else rule_of_draft(pk)
    names = Names.read()
    page = _RulePage(request, rule, names)
    if request.method == "POST" and not page.acted and page.is_valid():
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
    failed = request.method == "POST" and not page.acted
    return TemplateResponse(
        request,
        "routing/rule_edit.html",
        {"rule": rule, "draft": draft, **page.context()},
        status=422 if failed else 200,
    )


class _RulePage:
    """The three parts of the form, and what is kept because the form cannot hold it."""

    def __init__(self, request: HttpRequest, rule: Rule | None, names: Names) -> None:
        data = request.POST if request.method == "POST" else None
        self.names, self.rule = names, rule
        stored = rule.condition if rule else NO_CONDITION
        laid_out = Sheet.of(stored, names)
        self.deep_condition = laid_out is None
        self.deep_path = rule is not None and not fits(rule.path)
        replace_condition = data is not None and "replace_condition" in data
        replace_path = data is not None and "replace_path" in data
        self.keep_condition = self.deep_condition and not replace_condition
        self.keep_path = self.deep_path and not replace_path
        self.replaces = (replace_condition, replace_path)
        self.sheet = Sheet.posted(data) if data is not None else laid_out or Sheet()
        self.acted = data is not None and self.sheet.act(data.get("act", ""))
        path = rule.path if rule and not self.deep_path else None
        if data is not None and self.acted:
            # A button of the rows: show everything as typed, judge nothing yet.
            self.form = RuleForm(rule=rule)
            self.path_form = PathForm(names=names, path=path)
            for form in (self.form, self.path_form):
                form.initial = {
                    **{name: data.get(name, "") for name in form.fields},
                    **{
                        name: name in data
                        for name, field in form.fields.items()
                        if type(field).__name__ == "BooleanField"
                    },
                }
        else:
            self.form = RuleForm(data, rule=rule)
            needs_path = data is not None and not self.keep_path
            self.path_form = PathForm(data if needs_path else None, names=names, path=path)
        self.condition: dict | None = None
        self.path: dict | None = None

    def is_valid(self) -> bool:
        """Check all parts, so that every mistake shows at once."""
        kept = self.rule.condition if self.rule and self.keep_condition else None
        self.condition = kept or self.sheet.condition(self.names)
        good = self.form.is_valid()
        if self.keep_path and self.rule:
            self.path = self.rule.path
        elif self.path_form.is_valid():
            self.path = self.path_form.path()
        return good and self.condition is not None and self.path is not None

    def context(self) -> dict:
        if not self.sheet.main.rows:
            self.sheet.blocks[0] = Block(self.sheet.main.match, [Row()])
        return {
            "form": self.form,
            "path_form": self.path_form,
            "sheet": self.sheet,
            **builder_context(self.names),
            "deep_condition": sentences.condition_words(self.rule.condition, self.names)
            if self.rule and self.deep_condition
            else "",
            "deep_path": sentences.then(self.rule, self.names)
            if self.rule and self.deep_path
            else "",
            "replaces_condition": self.replaces[0],
            "replaces_path": self.replaces[1],
        }


def builder_context(names: Names, *, kinds=None) -> dict:
    """What the rows of a condition need on a page."""
    groups = fact_choices(names, kinds=kinds) if kinds is not None else fact_choices(names)
    return {"fact_groups": groups, "op_choices": op_choices(), "matches": MATCHES}


urlpatterns = [
    path("rules/draft/add/", rule_edit, name="rule_add"),
    path("rules/draft/<int:pk>/", rule_edit, name="rule"),
]
