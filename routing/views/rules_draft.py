"""The draft: its rules in order, what the checks say, and its way to publication."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from reps.due.clock import database_now
from reps.views.gates import set_up_only
from routing.dispatch import snapshot
from routing.engine import InvalidPart
from routing.models import Organisation, RuleSet
from routing.rules import (
    approval,
    difference,
    edit,
    golden,
    lifecycle,
    reading,
    schedule,
    traffic,
)
from routing.rules.lint import lint
from routing.rules.refusals import RulesRefused
from routing.rules.sentences import Names
from routing.version_forms import PlanForm, ReasonForm
from routing.views.rule_edit import open_draft, rule_of_draft


@require_POST
@set_up_only
def rules_draft_make(request: HttpRequest) -> HttpResponse:
    """Open the draft, or make one as a copy of what is live or of a given version."""
    if not Organisation.objects.exists():
        return redirect("setup_organisation")
    based_on = request.POST.get("based_on", "")
    readable = based_on.isdecimal() and len(based_on) < 19
    source = get_object_or_404(RuleSet, pk=based_on) if readable else None
    made = lifecycle.draft(by=request.user, at=database_now(), based_on=source)
    if source is not None and made.based_on_id != source.pk:
        messages.warning(
            request,
            _("%(draft)s is open already; publish it or take it back first.") % {"draft": made},
        )
    return redirect("rules_draft")


@set_up_only
def rules_draft(request: HttpRequest) -> HttpResponse:
    """The draft: its rules in order, what the checks found, and publishing."""
    draft = open_draft()
    if draft is None:
        return redirect("rules")
    return _page(request, draft)


def _page(
    request: HttpRequest, draft: RuleSet, *, plan: PlanForm | None = None, status: int = 200
) -> HttpResponse:
    at, names = database_now(), Names.read()
    found = lint(draft)
    by_rule: dict[int, list] = {}
    for finding in found:
        by_rule.setdefault(finding.rule_id or 0, []).append(finding)
    rows = reading.lines(draft, names, at=at)
    counted = _traffic(draft, at=at)
    for row in rows:
        row.findings = by_rule.get(row.rule.pk, [])
        row.count = counted.of(row.rule.pk) if counted else None
    examples = _golden(draft, at=at)
    return TemplateResponse(
        request,
        "routing/rules_draft.html",
        {
            "at": at,
            "draft": draft,
            "rows": rows,
            "traffic": counted,
            "findings": found,
            "errors": sum(finding.is_error for finding in found),
            "live": Organisation.get().live_ruleset,
            "golden": examples,
            "failed": sum(not one.passed for one in examples),
            "differences": difference.between(draft.based_on, draft, names)
            if draft.based_on
            else [],
            "plan": plan or PlanForm(),
        },
        status=status,
    )


def _traffic(draft: RuleSet, *, at) -> traffic.Traffic | None:
    """Which rule last month's leads would meet; None where the rules cannot be read."""
    try:
        return traffic.last_month(snapshot.read_rules(draft), at=at)
    except InvalidPart:
        return None


def _golden(draft: RuleSet, *, at) -> list[golden.Result]:
    """What the golden leads say; nothing where the rules cannot be read, as the checks say."""
    try:
        return golden.run(draft, at=at)
    except InvalidPart:
        return []


@set_up_only
def rules_reach(request: HttpRequest) -> HttpResponse:
    """How many leads the draft would move, and whether a second person has to approve it."""
    draft = open_draft()
    if draft is None:
        return redirect("rules")
    return _reach(request, draft)


def _reach(request: HttpRequest, draft: RuleSet, form: ReasonForm | None = None) -> HttpResponse:
    at = database_now()
    try:
        standing = approval.standing(draft, at=at)
    except InvalidPart:
        standing = None
    return TemplateResponse(
        request,
        "routing/_rules_reach.html" if request.htmx else "routing/rules_reach.html",
        {
            "at": at,
            "draft": draft,
            "standing": standing,
            "author": approval.last_author(draft),
            "why_not": approval.why_not(draft, by=request.user),
            "form": form or ReasonForm(),
        },
        status=422 if form is not None and form.errors else 200,
    )


@require_POST
@set_up_only
def rules_approval(request: HttpRequest) -> HttpResponse:
    """Ask for approval, give it, or refuse it: the button says which."""
    draft = open_draft()
    if draft is None:
        messages.warning(request, _("There is no draft."))
        return redirect("rules")
    act, at = request.POST.get("do", ""), database_now()
    form = ReasonForm(request.POST) if act == "refuse" else None
    if form is not None and not form.is_valid():
        return _reach(request, draft, form)
    try:
        if act == "ask":
            approval.ask(ruleset=draft, by=request.user, at=at)
            messages.success(request, _("Asked. Whoever may approve it has been told."))
        elif act == "approve":
            seen = request.POST.get("digest", "")
            approval.approve(ruleset=draft, by=request.user, at=at, digest_seen=seen)
            messages.success(request, _("Approved %(rules)s.") % {"rules": draft})
        elif form is not None:
            approval.refuse(ruleset=draft, by=request.user, at=at, **form.cleaned_data)
            messages.success(request, _("Refused; whoever asked is told why."))
    except RulesRefused as refused:
        messages.error(request, str(refused))
    return redirect("rules_draft")


@require_POST
@set_up_only
def rules_publish(request: HttpRequest) -> HttpResponse:
    """Make the draft live; findings, golden leads and a missing approval keep it from that."""
    draft = open_draft()
    if draft is None:
        messages.warning(request, _("There is no draft to publish."))
        return redirect("rules")
    try:
        made = lifecycle.publish(
            ruleset=draft,
            by=request.user,
            at=database_now(),
            takes_over="takes_over" in request.POST,
        )
    except (RulesRefused, InvalidPart) as refused:
        messages.error(request, str(refused))
        return redirect("rules_draft")
    messages.success(request, _("%(rules)s is live.") % {"rules": made})
    return redirect("rules")


@require_POST
@set_up_only
def rules_plan(request: HttpRequest) -> HttpResponse:
    """Let the draft go live at a moment, or take that back."""
    draft = open_draft()
    if draft is None:
        messages.warning(request, _("There is no draft to publish."))
        return redirect("rules")
    form = PlanForm(request.POST)
    try:
        if "cancel" in request.POST:
            schedule.cancel(ruleset=draft, by=request.user, at=database_now())
            messages.success(request, _("It no longer goes live by itself."))
            return redirect("rules_draft")
        if form.is_valid():
            schedule.plan(ruleset=draft, by=request.user, at=database_now(), **form.cleaned_data)
            messages.success(request, _("It goes live by itself at that time."))
            return redirect("rules_draft")
    except (RulesRefused, InvalidPart) as refused:
        form.add_error(None, str(refused))
    return _page(request, draft, plan=form, status=422)


@require_POST
@set_up_only
def rules_note(request: HttpRequest) -> HttpResponse:
    """Say what changes with the draft."""
    draft = open_draft()
    if draft is not None:
        text = request.POST.get("note", "").replace("\x00", "").strip()[:300]
        lifecycle.note(ruleset=draft, text=text, by=request.user, at=database_now())
        messages.success(request, _("Noted."))
    return redirect("rules_draft")


@require_POST
@set_up_only
def rules_order(request: HttpRequest) -> HttpResponse:
    """Ask the rules in the order of these ids; the page's dragging posts them."""
    draft = open_draft()
    ids = [int(pk) for pk in request.POST.getlist("rule") if pk.isdecimal() and len(pk) < 19]
    if draft is not None:
        try:
            edit.reorder(ruleset=draft, ids=ids, by=request.user, at=database_now())
        except RulesRefused as refused:
            messages.warning(request, str(refused))
    return redirect("rules_draft")


@require_POST
@set_up_only
def rule_move(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask a rule earlier or later."""
    up = request.POST.get("way") == "up"
    try:
        edit.move_rule(rule=rule_of_draft(pk), up=up, by=request.user, at=database_now())
    except RulesRefused as refused:
        messages.warning(request, str(refused))
    return redirect("rules_draft")


@require_POST
@set_up_only
def rule_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a rule out of the draft."""
    rule = rule_of_draft(pk)
    try:
        edit.delete_rule(rule=rule, by=request.user, at=database_now())
    except RulesRefused as refused:
        messages.warning(request, str(refused))
        return redirect("rules_draft")
    messages.success(request, _("Took out the rule “%(name)s”.") % {"name": rule.name})
    return redirect("rules_draft")


urlpatterns = [
    path("rules/draft/", rules_draft, name="rules_draft"),
    path("rules/draft/new/", rules_draft_make, name="rules_draft_make"),
    path("rules/draft/reach/", rules_reach, name="rules_reach"),
    path("rules/draft/approval/", rules_approval, name="rules_approval"),
    path("rules/draft/publish/", rules_publish, name="rules_publish"),
    path("rules/draft/plan/", rules_plan, name="rules_plan"),
    path("rules/draft/note/", rules_note, name="rules_note"),
    path("rules/draft/order/", rules_order, name="rules_order"),
    path("rules/draft/<int:pk>/move/", rule_move, name="rule_move"),
    path("rules/draft/<int:pk>/delete/", rule_delete, name="rule_delete"),
]
