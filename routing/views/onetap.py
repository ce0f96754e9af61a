"""
The page behind a one-tap link: one lead, one button.

Opening it never does anything, because mail scanners and previews open links. Posting does,
without a sign-in and without a CSRF token, for the link's own token is what a CSRF token stands
for: it is signed, known only to whom the message was sent, bound to one person, lead, epoch and
verb, and sent by no browser of its own accord. Another site that knew it could act with it, but
so could whoever it got it from; another site that does not know it has nothing to forge.
"""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from reps.due.clock import database_now
from routing import onetap, selectors
from routing.models import Lead

DRIVER = "link"
GONE = 410
RELATED = ("prospect", "account", "source", "queue")


@login_not_required
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def tap(request: HttpRequest, token: str) -> HttpResponse:
    """Show what the link is for; posted, do it and say what came of it."""
    try:
        found = onetap.read(token)
    except onetap.LinkRefused as refused:
        # One answer, whatever is wrong with it: nothing is learnt by trying.
        return _sealed(_answer(request, {"words": str(refused), "outcome": "broken"}, status=GONE))
    if request.method == "POST":
        answer = onetap.act(found, at=database_now(), driver=DRIVER)
    else:
        answer = onetap.standing(found)
    context = {
        "verb": found.verb,
        "label": onetap.LABELS[found.verb],
        "outcome": answer.outcome.value,
        "words": answer.words,
        "is_done": answer.is_done,
        "lead_id": found.lead_id,
        **_lead(found),
    }
    return _sealed(_answer(request, context))


def _lead(found: onetap.Tap) -> dict[str, Any]:
    lead, with_person = onetap.lead_shown(found)
    if lead is None:
        return {"title": "", "facts": []}
    if with_person:
        return {"title": lead.prospect.name, "facts": _facts(lead)}
    (teaser,) = selectors.teasers(Lead.objects.filter(pk=lead.pk).select_related(*RELATED), 1)
    facts = [
        (_("Where"), teaser.where),
        (_("Score"), f"{teaser.score} ({teaser.get_tier_display()})"),
        (_("Queue"), str(teaser.queue)),
    ]
    return {"title": teaser.kind_of, "facts": [(name, value) for name, value in facts if value]}


def _facts(lead: Lead) -> list[tuple[str, str]]:
    """
    Who it is, without how to reach them: this page asks for no password, so what stays behind
    one is a phone number and an address.
    """
    rows = [
        (_("Company"), lead.account.name if lead.account else lead.prospect.company),
        (_("Title"), lead.prospect.title),
        (_("Score"), f"{lead.score} ({lead.get_tier_display()})"),
        (_("Source"), lead.source.name),
        (_("Interest"), lead.product_interest),
    ]
    return [(name, value) for name, value in rows if value]


def _answer(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    # The service worker acts for a button on a notification, and tells what came of it.
    if request.headers.get("Accept", "").startswith("application/json"):
        shown = {"outcome": context["outcome"], "words": context["words"]}
        return JsonResponse(shown, status=status)
    return TemplateResponse(request, "routing/onetap.html", context, status=status)


def _sealed(response: HttpResponse) -> HttpResponse:
    """Keep the link to whoever holds it: in no index, no cache, and no Referer header."""
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Cache-Control"] = "no-store, private"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


urlpatterns = [path("t/<str:token>/", tap, name="onetap")]
