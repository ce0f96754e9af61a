"""Golden leads of the draft, and trying a single lead."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from reps.due.clock import database_now
from reps.views.gates import set_up_only
from routing import why
from routing.engine import InvalidPart
from routing.engine.explain import CHOSEN, ELIGIBLE, RuleStory
from routing.models import Decision, GoldenLead, Lead, RuleSet
from routing.qualify import facts
from routing.rules import golden, trial
from routing.rules.fact_rows import FactSheet, choices
from routing.rules.refusals import RulesRefused
from routing.rules.sentences import Names
from routing.version_forms import GoldenForm
from routing.views.rule_edit import open_draft
from routing.visibility import visible_leads

RECENT = 25


# --- Golden leads ------------------------------------------------------------------------


@set_up_only
def golden_leads(request: HttpRequest) -> HttpResponse:
    """The draft's golden leads, each with what becomes of it now."""
    draft = open_draft()
    if draft is None:
        return redirect("rules")
    at = database_now()
    try:
        results = golden.run(draft, at=at)
    except InvalidPart as error:
        results = [golden.Result(row, None, "", [str(error)]) for row in draft.golden_leads.all()]
    return TemplateResponse(
        request,
        "routing/rules_golden.html",
        {
            "at": at,
            "draft": draft,
            "results": results,
            "failed": sum(not one.passed for one in results),
        },
    )


@set_up_only
def golden_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """
    Add or change a golden lead: its facts are rows.

    A new one may be laid out from a lead's last decision (`?lead=`), or from rows typed on
    the page that tries a lead.
    """
    draft = open_draft()
    if draft is None:
        messages.info(request, _("Make a draft first; published rules never change."))
        return redirect("rules")
    row = None if pk is None else get_object_or_404(GoldenLead, pk=pk, ruleset=draft)
    names, data = Names.read(), request.POST if request.method == "POST" else None
    start = _start(row) if row else _from_lead(request)
    sheet = FactSheet.of(start["known"], names)
    if data is not None:
        kept = sheet.kept
        sheet = FactSheet.posted(data)
        sheet.kept = _kept(request, kept)
    act = data.get("act", "") if data is not None else ""
    if act == "take":
        _leave_personal_out(request, sheet)
    acted = act == "take" or sheet.act(act)
    initial = {name: value for name, value in start.items() if name != "known"}
    if acted and act != "take":
        initial |= {name: data.get(name) for name in ("name", "moment", *EXPECTED)}
    form = GoldenForm(None if acted else data, ruleset=draft, initial=initial)
    if data is not None and not acted:
        known = sheet.known(names)
        if form.is_valid() and known is not None:
            try:
                golden.save(
                    ruleset=draft,
                    golden=row,
                    known=known,
                    **form.cleaned_data,
                    by=request.user,
                    at=database_now(),
                )
            except (RulesRefused, InvalidPart) as refused:
                form.add_error(None, str(refused))
            else:
                messages.success(request, _("Saved the golden lead."))
                return redirect("golden_leads")
    return TemplateResponse(
        request,
        "routing/rules_golden_edit.html",
        {
            "draft": draft,
            "golden": row,
            "form": form,
            "lead": request.GET.get("lead", ""),
            **_rows_context(sheet, names),
        },
        status=422 if data is not None and not acted else 200,
    )


EXPECTED = ("expect_rule", "expect_outcome", "expect_rep", "expect_pool", "expect_queue")


def _start(row: GoldenLead) -> dict[str, Any]:
    return {
        "name": row.name,
        "known": row.facts,
        "moment": row.at,
        "expect_rule": row.expect_rule,
        "expect_outcome": row.expect_outcome,
        "expect_rep": row.expect_rep_id,
        "expect_pool": row.expect_pool_id,
        "expect_queue": row.expect_queue_id,
    }


def _from_lead(request: HttpRequest) -> dict[str, Any]:
    """What the last decision about a lead that the person may see was made from."""
    decision = _last_decision(request)
    return {"known": {}} if decision is None else golden.of_decision(decision)


def _last_decision(request: HttpRequest) -> Decision | None:
    lead = _lead(request)
    if lead is None:
        return None
    decision = lead.decisions.select_related("rule", "rep").order_by("-pk").first()
    if decision is None:
        messages.warning(request, _("No rule has decided about this lead yet."))
    return decision


def _lead(request: HttpRequest) -> Lead | None:
    text = request.GET.get("lead", "")
    if not text.isdecimal() or len(text) > 18:
        return None
    leads = visible_leads(request.user).select_related("prospect", "source", "account__parent")
    lead = leads.filter(pk=text).first()
    if lead is None:
        messages.warning(request, _("There is no such lead, or it is not yours to see."))
    return lead


def _kept(request: HttpRequest, kept: dict[str, Any]) -> dict[str, Any]:
    """Facts that no row can hold stay, unless they were unticked."""
    ticked = set(request.POST.getlist("kept"))
    return {name: value for name, value in kept.items() if name in ticked}


def _leave_personal_out(request: HttpRequest, sheet: FactSheet) -> None:
    """Golden leads are kept for good, so what may be a real person's stays out of them."""
    rows = [row for row in sheet.rows if not getattr(facts.BY_NAME.get(row.fact), "personal", 0)]
    if len(rows) != len(sheet.rows):
        messages.info(
            request,
            _("Personal facts were left out; type made-up ones if a rule asks for them."),
        )
    sheet.rows = rows


def _rows_context(sheet: FactSheet, names: Names) -> dict[str, Any]:
    return {
        "sheet": sheet.padded(),
        "fact_groups": choices(names),
        "kept": [
            (name, str(facts.BY_NAME[name].label) if name in facts.BY_NAME else name)
            for name in sheet.kept
        ],
    }


@require_POST
@set_up_only
def golden_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a golden lead out of the draft."""
    row = get_object_or_404(GoldenLead, pk=pk, ruleset__state=RuleSet.State.DRAFT)
    try:
        golden.delete(golden=row, by=request.user, at=database_now())
    except RulesRefused as refused:
        messages.warning(request, str(refused))
    else:
        messages.success(request, _("Took out “%(name)s”.") % {"name": row.name})
    return redirect("golden_leads")


# --- Trying one lead ---------------------------------------------------------------------


@set_up_only
def rules_try(request: HttpRequest) -> HttpResponse:
    """What the draft would do now with one lead, and what is live does."""
    draft = open_draft()
    if draft is None:
        return redirect("rules")
    at, names = database_now(), Names.read()
    data = request.POST if request.method == "POST" else None
    sheet = FactSheet.posted(data) if data is not None else FactSheet()
    acted = data is not None and sheet.act(data.get("act", ""))
    lead = _lead(request)
    known = trial.facts_of(lead, at=at) if lead else None
    if data is not None:
        sheet.kept = _kept(request, FactSheet.of(known or {}, names).kept)
        known = None if acted else sheet.known(names)
    elif known is not None:
        sheet = FactSheet.of(known, names)
    tried, error = None, ""
    if known is not None:
        try:
            tried = trial.run(draft, known, at=at)
        except InvalidPart as refused:
            error = str(refused)
    recent = visible_leads(request.user).filter(decisions__isnull=False).distinct()
    return TemplateResponse(
        request,
        "routing/rules_try.html",
        {
            "at": at,
            "draft": draft,
            "lead": lead,
            "recent": recent.select_related("prospect").order_by("-received_at", "-pk")[:RECENT],
            "tried": tried,
            "sides": _sides(tried, names) if tried else [],
            "error": error,
            **_rows_context(sheet, names),
        },
        status=422 if sheet.rows and any(row.error for row in sheet.rows) else 200,
    )


def _sides(tried: trial.Tried, names: Names) -> list[dict[str, Any]]:
    """Both versions side by side, rule by rule in words."""
    return [
        {
            "trial": one,
            "title": _("The draft") if one is tried.draft else _("Live now"),
            "rules": [(rule, _told(rule, names)) for rule in one.told.rules],
            "candidates": _candidates(one, names),
        }
        for one in (tried.draft, tried.live)
        if one is not None
    ]


def _told(rule: RuleStory, names: Names) -> str:
    """What became of the lead at a rule."""
    if rule.status == "not_reached":
        return _("not asked")
    if rule.status == "no_match":
        failed = rule.failed
        if failed is None or failed.fact is None:
            return _("does not fit")
        label = str(facts.BY_NAME[failed.fact].label) if failed.fact in facts.BY_NAME else ""
        found = _("not known") if failed.found is None else _value(failed, names)
        return _("does not fit: %(fact)s is %(found)s") % {"fact": label, "found": found}
    if rule.result == "fell_through":
        return _("fits, but nobody could take it (%(why)s)") % {
            "why": why.VERDICTS.get(rule.why or "", ("", _("nobody to ask")))[1]
        }
    return _("fits; it waits here") if rule.result == "waits" else _("takes it")


def _value(failed: Any, names: Names) -> str:
    called = names.of_fact(failed.fact)
    found = failed.found
    if isinstance(found, bool):
        return _("yes") if found else _("no")
    if isinstance(found, list | tuple):
        return ", ".join(str(called.get(one, one)) for one in found)
    return str(called.get(found, found))


def _candidates(one: trial.Trial, names: Names) -> list[tuple[str, str, bool]]:
    """The reps of the rule that decided: name, what about them, whether they passed."""
    decided = next((rule for rule in one.told.rules if rule.id == one.told.decision.rule), None)
    if decided is None:
        return []
    rows = []
    for found in decided.candidates:
        words = why.VERDICTS.get(found.verdict, (found.verdict, ""))[0]
        if found.verdict == CHOSEN:
            words = _("chosen")
        elif found.verdict == ELIGIBLE:
            words = _("could take it")
        name = names.reps.get(found.rep, _("somebody who has left"))
        rows.append((name, str(words), found.verdict in (CHOSEN, ELIGIBLE)))
    return rows


urlpatterns = [
    path("rules/draft/golden/", golden_leads, name="golden_leads"),
    path("rules/draft/golden/add/", golden_edit, name="golden_add"),
    path("rules/draft/golden/<int:pk>/", golden_edit, name="golden"),
    path("rules/draft/golden/<int:pk>/delete/", golden_delete, name="golden_delete"),
    path("rules/draft/try/", rules_try, name="rules_try"),
]
