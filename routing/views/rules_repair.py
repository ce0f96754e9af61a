"""Repair: the untouched leads of a bad version, looked at and routed again."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path

from reps.due.clock import database_now
from reps.models import AuditEvent
from reps.views.gates import set_up_only
from routing.models import Organisation, RuleSet
from routing.rules import repair
from routing.rules.refusals import RulesRefused
from routing.version_forms import ReasonForm, posted_leads
from routing.visibility import visible_leads


@set_up_only
def rules_repair(request: HttpRequest, pk: int) -> HttpResponse:
    """What the live version would do with each untouched lead; then route the chosen again."""
    ruleset = get_object_or_404(RuleSet, pk=pk, state=RuleSet.State.PUBLISHED)
    at = database_now()
    form = ReasonForm(request.POST or None)
    chosen = posted_leads(request.POST.getlist("lead"))
    if request.method == "POST" and form.is_valid():
        try:
            done = repair.reroute(
                ruleset=ruleset,
                chosen=chosen,
                by=request.user,
                at=at,
                driver="web",
                **form.cleaned_data,
            )
        except RulesRefused as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("rules_repaired", done.event)
    try:
        previews = repair.preview(ruleset, by=request.user, at=at)
    except RulesRefused as refused:
        messages.warning(request, str(refused))
        return redirect("rules_version", pk)
    return TemplateResponse(
        request,
        "routing/rules_repair.html",
        {
            "at": at,
            "ruleset": ruleset,
            "live": Organisation.get().live_ruleset,
            "previews": previews,
            "moving": sum(row.moves for row in previews.rows),
            "chosen": {pk for pk, _epoch in chosen} if request.method == "POST" else None,
            "form": form,
        },
        status=422 if form.errors else 200,
    )


@set_up_only
def rules_repaired(request: HttpRequest, pk: int) -> HttpResponse:
    """What a repair did: how many leads, where each is now, and which were left alone and why."""
    event = get_object_or_404(AuditEvent, pk=pk, subject="routing.ruleset", kind="repaired")
    skipped = dict(event.data["skipped"])
    seen = {
        lead.pk: lead
        for lead in visible_leads(request.user)
        .select_related("prospect", "account", "owner__user", "queue")
        .filter(pk__in=[*event.data["moved"], *skipped])
    }
    return TemplateResponse(
        request,
        "routing/rules_repaired.html",
        {
            "at": database_now(),
            "event": event,
            "ruleset": RuleSet.objects.filter(pk=event.subject_id).first(),
            "moved": [(pk, seen.get(pk)) for pk in event.data["moved"]],
            "skipped": [(pk, seen.get(pk), why) for pk, why in skipped.items()],
        },
    )


urlpatterns = [
    path("rules/versions/<int:pk>/repair/", rules_repair, name="rules_repair"),
    path("rules/repairs/<int:pk>/", rules_repaired, name="rules_repaired"),
]
