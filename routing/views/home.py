"""The page one starts at: a rep's own work, or wherever one's role looks first."""

import hashlib

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from reps import access
from reps.due.clock import database_now
from reps.models import Rep
from reps.services import people
from routing import panels, selectors
from routing.forms import ContactForm, PauseForm
from routing.models import Organisation


def home(request: HttpRequest) -> HttpResponse:
    """
    A rep's page, asked again every few seconds; everybody else is sent where they work.

    Asked by htmx, it answers the moving part only, or 304 where nothing has moved.
    """
    rep = access.rep_of(request.user)
    if rep is not None and rep.is_active:
        return _rep_home(request, rep)
    if not access.may_set_up(request.user):
        return TemplateResponse(request, "routing/home_rep.html", {"rep": None})
    organisation = Organisation.objects.first()
    if organisation is None or organisation.live_ruleset_id is None:
        return redirect("setup")
    return redirect("board" if access.is_manager(request.user) else "history")


def _rep_home(request: HttpRequest, rep: Rep) -> HttpResponse:
    at = database_now()
    # Read before the page: what happens in between shows at the next asking.
    stamp = f"{rep.pk}|{selectors.home_stamp(rep=rep, at=at)}"
    etag = f'"{hashlib.sha256(stamp.encode()).hexdigest()[:32]}"'
    if request.htmx:
        unchanged = get_conditional_response(request, etag=etag)
        if unchanged is not None:
            return unchanged
    template = "routing/_rep_live.html" if request.htmx else "routing/home_rep.html"
    response = TemplateResponse(
        request,
        template,
        {
            "at": at,
            "rep": rep,
            "home": selectors.rep_home(rep=rep, at=at),
            "is_paused": rep.is_paused(at),
            "pause_form": PauseForm(label_suffix=""),
            "contact_ways": ContactForm.base_fields["way"].choices,
            # Of the same leads, and the stamp is of this minute: panels need none of their own.
            "panels": panels.drawn(panels.HOME, request, at=at),
            "etag": etag,
        },
    )
    response.headers["ETag"] = etag
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_POST
def taking_leads(request: HttpRequest) -> HttpResponse:
    """A rep stops taking leads for a while, or takes them again."""
    rep = access.rep_of(request.user)
    if rep is None:
        return redirect("home")
    at = database_now()
    form = PauseForm(request.POST)
    try:
        if request.POST.get("on") == "1":
            people.resume(rep=rep, by=request.user, at=at)
            messages.success(request, _("You take leads again."))
        elif form.is_valid():
            people.pause(
                rep=rep,
                until=form.until(at),
                reason=form.cleaned_data["reason"],
                by=request.user,
                at=at,
            )
            messages.success(request, _("No new leads for now. The ones you hold stay yours."))
        else:
            messages.error(request, _("Choose for how long."))
    except people.PeopleRefused as refused:
        messages.error(request, str(refused))
    return redirect("home")


urlpatterns = [
    path("", home, name="home"),
    path("taking-leads/", taking_leads, name="taking_leads"),
]
