"""What the linter found in the live rules, and what has been mended of it."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path

from reps.due.clock import database_now
from reps.views.gates import set_up_only
from routing.models import Organisation, RuleFinding, RuleSet

PAGE = 50


@set_up_only
def findings_page(request: HttpRequest) -> HttpResponse:
    """Open findings, errors first, then those that are gone, newest first."""
    organisation = Organisation.objects.select_related("live_ruleset").first()
    rows = RuleFinding.objects.select_related("rule__owner", "ruleset")
    gone = rows.filter(gone_at__isnull=False).order_by("-gone_at", "-pk")
    return TemplateResponse(
        request,
        "routing/rules_findings.html",
        {
            "at": database_now(),
            "live": organisation.live_ruleset if organisation else None,
            "checked_at": organisation.linted_at if organisation else None,
            "draft": RuleSet.objects.filter(state=RuleSet.State.DRAFT).first(),
            "rows": rows.filter(gone_at__isnull=True).order_by("-is_error", "found_at", "pk"),
            "page": Paginator(gone, PAGE).get_page(request.GET.get("page")),
        },
    )


urlpatterns = [path("rules/findings/", findings_page, name="rule_findings")]
