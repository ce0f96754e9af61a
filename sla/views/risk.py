"""What is about to be late: before it is."""

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from reps.due.clock import database_now
from routing.visibility import visible_leads
from sla import outlook
from sla.filters import PromisedFilter
from sla.services import forecast

# Of the clocks at risk, what the page lists; the counters are of all.
LISTED = 100


@require_safe
def risk(request: HttpRequest) -> HttpResponse:
    """
    The promises at risk of the leads that one may see; for a poll the live part, or 304 while
    nothing has changed.
    """
    at = database_now()
    filtered = PromisedFilter(request.GET, queryset=visible_leads(request.user), request=request)
    found = forecast.at_risk(filtered.qs, at, metric=filtered.metric_chosen)
    lines = outlook.lines(found.rows[:LISTED], at=at)
    shown: dict[str, Any] = {
        "at": at,
        "lines": lines,
        "total": len(found.rows),
        "more": max(0, len(found.rows) - LISTED),
        "counters": outlook.counters(found),
        # Of what is late already the counters tell; without more to come it would be empty.
        "chart": outlook.chart(found) if any(number for _, number in found.by_hour) else "",
        "by_hour": found.by_hour,
    }
    # Its clocks run in the browser, so seconds are left out.
    content = [
        request.user.pk,
        request.GET.urlencode(),
        int(at.timestamp()) // 60,
        found.buckets,
        [line.stamp for line in lines],
    ]
    tag = f'"{hashlib.sha256(repr(content).encode()).hexdigest()[:32]}"'
    if request.htmx and request.headers.get("If-None-Match") == tag:
        response: HttpResponse = HttpResponseNotModified()
    else:
        template = "sla/_risk_live.html" if request.htmx else "sla/risk.html"
        chosen = filtered.form.cleaned_data if filtered.form.is_valid() else {}
        shown |= {"tag": tag, "filter": filtered, "is_filtered": any(chosen.values())}
        response = TemplateResponse(request, template, shown)
    response["ETag"] = tag
    patch_vary_headers(response, ["HX-Request"])
    return response


urlpatterns = [path("risk/", risk, name="risk")]
