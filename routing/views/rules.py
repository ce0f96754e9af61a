"""Rules: what is live in plain sentences, the draft, its rules, and the score."""

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
from routing.models import Organisation, Rule, RuleSet, ScoreFactor
from routing.qualify.facts import SCORE_KINDS
from routing.qualify.scoring import HOT_FROM, WARM_FROM
from routing.rule_forms import FactorForm, PathForm, RollBackForm, RuleForm, fits
from routing.rules import edit, lifecycle, sentences
from routing.rules.builder import MATCHES, Block, Row, Sheet, fact_choices, op_choices
from routing.rules.lifecycle import RulesRefused
from routing.rules.lint import lint
from routing.rules.sentences import Names
from routing.rules.standard import THRESHOLD

NO_CONDITION = {"all": []}


def in_words(ruleset: RuleSet, names: Names) -> list[dict]:
    """The rules of a version in the order in which they are asked, in sentences."""
    rules = ruleset.rules.select_related("owner").order_by("is_fallback", "position", "pk")
    return [
        {"rule": rule, "when": sentences.when(rule, names), "then": sentences.then(rule, names)}
        for rule in rules
    ]


@set_up_only
def rules_page(request: HttpRequest) -> HttpResponse:
    """The live version in sentences, and every version there was."""
    organisation = Organisation.objects.select_related("live_ruleset__published_by").first()
    if organisation is None:
        messages.info(request, _("First say what your organisation is called."))
        return redirect("setup_organisation")
    live = organisation.live_ruleset
    return TemplateResponse(
        request,
        "routing/rules.html",
        {
            "at": database_now(),
            "live": live,
            "rules": in_words(live, Names.read()) if live else [],
            "draft": RuleSet.objects.filter(state=RuleSet.State.DRAFT).first(),
            "versions": RuleSet.objects.select_related("published_by", "created_by", "based_on"),
        },
    )


@set_up_only
def rules_version(request: HttpRequest, pk: int) -> HttpResponse:
    """One published version in sentences; it can be made live again with a reason."""
    ruleset = get_object_or_404(RuleSet.objects.select_related("published_by"), pk=pk)
    if ruleset.state == RuleSet.State.DRAFT:
        return redirect("rules_draft")
    form = RollBackForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            lifecycle.roll_back(
                to=ruleset,
                by=request.user,
                at=database_now(),
                reason=form.cleaned_data["reason"],
            )
        except RulesRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("%(rules)s is live again.") % {"rules": ruleset})
            return redirect("rules")
    return TemplateResponse(
        request,
        "routing/rules_version.html",
        {
            "ruleset": ruleset,
            "rules": in_words(ruleset, Names.read()),
            "form": form,
            "is_live": Organisation.get().live_ruleset_id == ruleset.pk,
        },
        status=422 if form.errors else 200,
    )


@require_POST
@set_up_only
def rules_draft_make(request: HttpRequest) -> HttpResponse:
    """Open the draft, or make one as a copy of what is live or of a given version."""
    if not Organisation.objects.exists():
        return redirect("setup_organisation")
    based_on = request.POST.get("based_on", "")
    source = get_object_or_404(RuleSet, pk=based_on) if based_on.isdecimal() else None
    lifecycle.draft(by=request.user, at=database_now(), based_on=source)
    return redirect("rules_draft")


@set_up_only
def rules_draft(request: HttpRequest) -> HttpResponse:
    """The draft: its rules in order, what the checks found, and publishing."""
    draft = _draft()
    if draft is None:
        return redirect("rules")
    found = lint(draft)
    by_rule: dict[int, list] = {}
    for finding in found:
        by_rule.setdefault(finding.rule_id or 0, []).append(finding)
    rows = in_words(draft, Names.read())
    for row in rows:
        row["findings"] = by_rule.get(row["rule"].pk, [])
    return TemplateResponse(
        request,
        "routing/rules_draft.html",
        {
            "at": database_now(),
            "draft": draft,
            "rows": rows,
            "findings": found,
            "errors": sum(finding.is_error for finding in found),
            "live": Organisation.get().live_ruleset,
        },
    )


def _draft() -> RuleSet | None:
    drafts = RuleSet.objects.select_related("based_on", "created_by")
    return drafts.filter(state=RuleSet.State.DRAFT).first()


@require_POST
@set_up_only
def rules_publish(request: HttpRequest) -> HttpResponse:
    """Make the draft live; findings keep it from that."""
    draft = _draft()
    if draft is None:
        messages.warning(request, _("There is no draft to publish."))
        return redirect("rules")
    try:
        made = lifecycle.publish(ruleset=draft, by=request.user, at=database_now())
    except RulesRefused as refused:
        messages.error(request, str(refused))
        return redirect("rules_draft")
    messages.success(request, _("%(rules)s is live.") % {"rules": made})
    return redirect("rules")


@require_POST
@set_up_only
def rules_note(request: HttpRequest) -> HttpResponse:
    """Say what changes with the draft."""
    draft = _draft()
    if draft is not None:
        draft.note = request.POST.get("note", "").replace("\x00", "").strip()[:300]
        trail.save(draft, by=request.user, at=database_now(), reason="note")
        messages.success(request, _("Noted."))
    return redirect("rules_draft")


# --- One rule of the draft ---------------------------------------------------------------


def _rule(pk: int) -> Rule:
    return get_object_or_404(
        Rule.objects.select_related("ruleset").filter(ruleset__state=RuleSet.State.DRAFT), pk=pk
    )


@set_up_only
def rule_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Add or change a rule of the draft; its condition is rows, its path is choices."""
    draft = _draft()
    if draft is None:
        messages.info(request, _("Make a draft first; published rules never change."))
        return redirect("rules")
    rule = None if pk is None else _rule(pk)
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


@require_POST
@set_up_only
def rule_move(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask a rule earlier or later."""
    up = request.POST.get("way") == "up"
    try:
        edit.move_rule(rule=_rule(pk), up=up, by=request.user, at=database_now())
    except RulesRefused as refused:
        messages.warning(request, str(refused))
    return redirect("rules_draft")


@require_POST
@set_up_only
def rule_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a rule out of the draft."""
    rule = _rule(pk)
    try:
        edit.delete_rule(rule=rule, by=request.user, at=database_now())
    except RulesRefused as refused:
        messages.warning(request, str(refused))
        return redirect("rules_draft")
    messages.success(request, _("Took out the rule “%(name)s”.") % {"name": rule.name})
    return redirect("rules_draft")


# --- The score ---------------------------------------------------------------------------


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
    path("rules/", rules_page, name="rules"),
    path("rules/versions/<int:pk>/", rules_version, name="rules_version"),
    path("rules/draft/", rules_draft, name="rules_draft"),
    path("rules/draft/new/", rules_draft_make, name="rules_draft_make"),
    path("rules/draft/publish/", rules_publish, name="rules_publish"),
    path("rules/draft/note/", rules_note, name="rules_note"),
    path("rules/draft/add/", rule_edit, name="rule_add"),
    path("rules/draft/<int:pk>/", rule_edit, name="rule"),
    path("rules/draft/<int:pk>/move/", rule_move, name="rule_move"),
    path("rules/draft/<int:pk>/delete/", rule_delete, name="rule_delete"),
    path("rules/score/", score_page, name="score"),
    path("rules/score/add/", factor_edit, name="factor_add"),
    path("rules/score/<int:pk>/", factor_edit, name="factor"),
    path("rules/score/<int:pk>/delete/", factor_delete, name="factor_delete"),
]
