"""One's own page: hours, absences, where to be told; and choosing a first password."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from reps import access, trail
from reps.due.clock import database_now
from reps.forms import (
    AbsenceForm,
    ChoosePasswordForm,
    PreferenceForm,
    TimeZoneForm,
    next_days,
)
from reps.models import Absence, NotificationPreference, Rep
from reps.services import invitations, people
from reps.views.calendars import hours_in_words


def settings_page(request: HttpRequest) -> HttpResponse:
    """What a person may set about themselves."""
    preference = NotificationPreference.objects.filter(user=request.user).first()
    form = PreferenceForm(
        request.POST or None, instance=preference or NotificationPreference(user=request.user)
    )
    zone = TimeZoneForm(request.POST or None, initial={"time_zone": request.user.time_zone})
    if request.method == "POST" and form.is_valid() and zone.is_valid():
        people.set_preferences(
            preference=form.instance,
            time_zone=zone.cleaned_data["time_zone"],
            by=request.user,
            at=database_now(),
        )
        messages.success(request, _("Saved."))
        return redirect("my_settings")
    return _page(request, form=form, zone_form=zone)


def _page(request: HttpRequest, **forms) -> HttpResponse:
    at = database_now()
    rep = access.rep_of(request.user)
    begins, ends = next_days(at, 1)
    calendar = (rep.calendar or rep.team.calendar) if rep else None
    preference = NotificationPreference.objects.filter(user=request.user).first()
    context = {
        "at": at,
        "rep": rep,
        "calendar": calendar,
        "hours": hours_in_words(calendar) if calendar else [],
        "absences": rep.absences.filter(ends_at__gt=at) if rep else [],
        "form": PreferenceForm(instance=preference),
        "zone_form": TimeZoneForm(initial={"time_zone": request.user.time_zone}),
        "absence_form": AbsenceForm(initial={"starts_at": begins, "ends_at": ends}),
    }
    status = 422 if any(form.errors for form in forms.values()) else 200
    return TemplateResponse(request, "reps/me.html", {**context, **forms}, status=status)


@require_POST
def my_absence_add(request: HttpRequest) -> HttpResponse:
    """Say when one will be away."""
    rep = get_object_or_404(Rep, user=request.user)
    form = AbsenceForm(request.POST, instance=Absence(rep=rep))
    if not form.is_valid():
        return _page(request, absence_form=form)
    trail.save(form.instance, by=request.user, at=database_now(), reason="entered")
    messages.success(request, _("You get no leads while you are away."))
    return redirect("my_settings")


@require_POST
def my_absence_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Be back, or stay after all."""
    absence = get_object_or_404(Absence.objects.filter(rep__user=request.user), pk=pk)
    people.end_absence(absence=absence, by=request.user, at=database_now())
    messages.success(request, _("You are not away any more."))
    return redirect("my_settings")


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
    path("people/me/", settings_page, name="my_settings"),
    path("people/me/absences/", my_absence_add, name="my_absence_add"),
    path("people/me/absences/<int:pk>/end/", my_absence_end, name="my_absence_end"),
    path("people/invite/<str:uidb64>/<str:token>/", choose_password, name="invite"),
]
