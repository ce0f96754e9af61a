"""Rules to read: what is live in plain sentences, each version, what changed; rolling back."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _

from reps import access
from reps.due.clock import database_now
from reps.views.gates import set_up_only
from routing.models import Organisation, RuleSet
from routing.rules import difference, lifecycle, reading, repair, schedule
from routing.rules.refusals import RulesRefused
from routing.rules.sentences import Names
from routing.version_forms import RollBackForm

VERSIONS = 50


@set_up_only
def rules_page(request: HttpRequest) -> HttpResponse:
    """The live version in sentences, and every version there was."""
    organisation = Organisation.objects.select_related("live_ruleset__published_by").first()
    if organisation is None:
        messages.info(request, _("First say what your organisation is called."))
        return redirect("setup_organisation")
    live, at = organisation.live_ruleset, database_now()
    versions = RuleSet.objects.select_related("published_by", "created_by", "based_on")
    return TemplateResponse(
        request,
        "routing/rules.html",
        {
            "at": at,
            "live": live,
            "rules": reading.lines(live, Names.read(), at=at) if live else [],
            "since": live_since(live),
            "reviews": schedule.due_for_review(live, at=at),
            "draft": RuleSet.objects.filter(state=RuleSet.State.DRAFT).first(),
            "versions": versions[:VERSIONS],
            "back": previous(live),
        },
    )


def rules_live(request: HttpRequest) -> HttpResponse:
    """What runs now, to read and to print, for everybody who is signed in."""
    organisation = Organisation.objects.select_related("live_ruleset__published_by").first()
    live = organisation.live_ruleset if organisation else None
    if live is None:
        return TemplateResponse(request, "routing/rules_none.html")
    return _version_page(request, live, organisation, RollBackForm(), is_live_page=True)


def rules_version(request: HttpRequest, pk: int) -> HttpResponse:
    """
    One published version in sentences, for everybody who is signed in. Whoever sets rules up
    can make it live again with a reason.
    """
    ruleset = get_object_or_404(
        RuleSet.objects.select_related("published_by", "based_on", "approved_by"), pk=pk
    )
    if ruleset.state == RuleSet.State.DRAFT:
        return redirect("rules_draft")
    form = RollBackForm(request.POST or None)
    if request.method == "POST":
        return _roll_back(request, ruleset, form)
    return _version_page(request, ruleset, Organisation.get(), form)


@set_up_only
def _roll_back(request: HttpRequest, ruleset: RuleSet, form: RollBackForm) -> HttpResponse:
    if form.is_valid():
        try:
            lifecycle.roll_back(to=ruleset, by=request.user, at=database_now(), **form.cleaned_data)
        except RulesRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("%(rules)s is live again.") % {"rules": ruleset})
            return redirect("rules")
    return _version_page(request, ruleset, Organisation.get(), form)


def _version_page(
    request: HttpRequest,
    ruleset: RuleSet,
    organisation: Organisation,
    form: RollBackForm,
    *,
    is_live_page: bool = False,
) -> HttpResponse:
    at, names = database_now(), Names.read()
    is_live = organisation.live_ruleset_id == ruleset.pk
    may_act = access.may_set_up(request.user)
    origin = ruleset.based_on
    address = reverse("rules_live") if is_live_page else reverse("rules_version", args=[ruleset.pk])
    return TemplateResponse(
        request,
        "routing/rules_version.html",
        {
            "at": at,
            "ruleset": ruleset,
            "rules": reading.lines(ruleset, names, at=at),
            "differences": difference.between(origin, ruleset, names) if origin else [],
            "form": form,
            "is_live": is_live,
            "since": live_since(ruleset) if is_live else None,
            "lives": lives(ruleset),
            "may_act": may_act,
            "untouched": repair.untouched(ruleset).count() if may_act and not is_live else 0,
            "address": request.build_absolute_uri(address),
        },
        status=422 if form.errors else 200,
    )


def live_since(ruleset: RuleSet | None):
    """The history row that made this version live last, with who did it; None if nothing did."""
    return lives(ruleset)[0] if ruleset and lives(ruleset) else None


def lives(ruleset: RuleSet | None) -> list:
    """When a version was made live, by whom and why, newest first."""
    if ruleset is None:
        return []
    rows = Organisation.history.select_related("history_user").order_by("history_id")
    found, before = [], None
    for row in rows.only(
        "live_ruleset", "history_date", "history_user", "history_change_reason", "history_type"
    ):
        if row.live_ruleset_id == ruleset.pk and before != ruleset.pk:
            found.append(row)
        before = row.live_ruleset_id
    return found[::-1]


def previous(live: RuleSet | None) -> RuleSet | None:
    """The version that was live before this one: where one click goes back to."""
    if live is None:
        return None
    rows = (
        Organisation.history.filter(live_ruleset__isnull=False)
        .exclude(live_ruleset=live.pk)
        .order_by("-history_id")
    )
    row = rows.first()
    return RuleSet.objects.filter(pk=row.live_ruleset_id).first() if row else None


urlpatterns = [
    path("rules/", rules_page, name="rules"),
    path("rules/live/", rules_live, name="rules_live"),
    path("rules/versions/<int:pk>/", rules_version, name="rules_version"),
]
