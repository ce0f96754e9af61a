"""One's own page: hours, absences, where to be told; and choosing a first password."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from reps import access, outlook
from reps.due.clock import database_now
from reps.forms import AwayForm, ChoosePasswordForm, TimeZoneForm
from reps.models import CalendarFeed
from reps.services import invitations, people
from reps.views import my_channels
from reps.views.absences import new_form, upcoming
from reps.views.calendars import hours_in_words


def settings_page(request: HttpRequest) -> HttpResponse:
    """What a person may set about themselves."""
    zone = TimeZoneForm(request.POST or None, initial={"time_zone": request.user.time_zone})
    if request.method == "POST" and zone.is_valid():
        people.set_time_zone(
            user=request.user, time_zone=zone.cleaned_data["time_zone"], at=database_now()
        )
        messages.success(request, _("Saved."))
        return redirect("my_settings")
    return _page(request, zone_form=zone)


@require_POST
def away(request: HttpRequest) -> HttpResponse:
    """Be away, or back, as somebody who decides; reps enter an absence."""
    form = AwayForm(request.POST)
    if not form.is_valid():
        return _page(request, away_form=form)
    people.set_away(user=request.user, until=form.cleaned_data["away_until"], at=database_now())
    messages.success(request, _("Saved."))
    return redirect("my_settings")


def _page(request: HttpRequest, **forms) -> HttpResponse:
    at = database_now()
    rep = access.rep_of(request.user)
    calendar = (rep.calendar or rep.team.calendar) if rep else None
    context = {
        "at": at,
        "rep": rep,
        "calendar": calendar,
        "hours": hours_in_words(calendar) if calendar else [],
        "absences": upcoming(rep, at) if rep else [],
        "feed": CalendarFeed.objects.filter(rep=rep).first() if rep else None,
        "week": outlook.week(rep, at=at, zone=timezone.get_current_timezone()) if rep else [],
        "channels": my_channels.summary(request.user),
        "zone_form": TimeZoneForm(initial={"time_zone": request.user.time_zone}),
        "away_form": AwayForm(initial={"away_until": request.user.away_until}),
        "absence_form": new_form(rep, at) if rep else None,
    }
    status = 422 if any(form.errors for form in forms.values()) else 200
    return TemplateResponse(request, "reps/me.html", {**context, **forms}, status=status)


@login_not_required
@never_cache
@sensitive_post_parameters()
def choose_password(request: HttpRequest, uidb64: str, token: str) -> HttpResponse:
    """Where an invitation leads: choose a password, then sign in."""
    user = invitations.invited(uidb64=uidb64, token=token)
    if user is None:
        return TemplateResponse(request, "reps/invite.html", {"form": None}, status=410)
    form = ChoosePasswordForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        invitations.choose_password(
            user=user, password=form.cleaned_data["new_password1"], at=database_now()
        )
        messages.success(request, _("Your password is set. Sign in with it."))
        return redirect("login")
    return TemplateResponse(request, "reps/invite.html", {"form": form, "who": user})


urlpatterns = [
    path("people/me/away/", away, name="my_away"),
    path("people/me/", settings_page, name="my_settings"),
    path("people/invite/<str:uidb64>/<str:token>/", choose_password, name="invite"),
]
