"""Out of office: one's own, and that of the reps one manages."""

from datetime import datetime

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from reps import access
from reps.due.clock import database_now
from reps.forms import AbsenceForm, next_days
from reps.models import Absence, Rep, User
from reps.services import absences
from reps.services.absences import Preview
from reps.services.people import PeopleRefused


def theirs_or_managed(user: User, rep_id: int) -> Rep:
    """
    The rep whose time a person may arrange: their own, and of those they manage.

    :raises Http404: for anybody else's
    """
    rep = get_object_or_404(
        Rep.objects.select_related(
            "user", "team__calendar", "calendar", "backup__user", "backup__load", "load"
        ),
        pk=rep_id,
    )
    if rep.user_id != user.pk and not (access.may_set_up(user) and access.manages(user, rep)):
        raise Http404
    return rep


def home_of(rep: Rep, user: User) -> HttpResponse:
    """Back to where a rep's time is shown to this person."""
    return redirect("my_settings") if rep.user_id == user.pk else redirect("rep", rep.pk)


def new_form(rep: Rep, at: datetime) -> AbsenceForm:
    """An empty form: the whole of tomorrow."""
    begins, ends = next_days(at, 1)
    return AbsenceForm(instance=Absence(rep=rep), initial={"starts_at": begins, "ends_at": ends})


def upcoming(rep: Rep, at: datetime) -> QuerySet[Absence]:
    """A rep's absences that are not over, with who stands in."""
    return rep.absences.filter(ends_at__gt=at).select_related("delegate__user")


@require_POST
def absence_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Enter when a rep is away."""
    rep = theirs_or_managed(request.user, pk)
    return _edit(request, Absence(rep=rep), title=_("Away"))


@require_POST
def my_absence_add(request: HttpRequest) -> HttpResponse:
    """Say when one will be away."""
    rep = get_object_or_404(Rep, user=request.user)
    return absence_add(request, rep.pk)


def absence_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change when a rep is away, and who stands in."""
    absence = _absence(request, pk)
    if absence.ends_at <= database_now():
        messages.info(request, _("This absence is over."))
        return home_of(absence.rep, request.user)
    return _edit(request, absence, title=_("Change an absence"))


def _absence(request: HttpRequest, pk: int) -> Absence:
    absence = get_object_or_404(Absence.objects.select_related("delegate__user"), pk=pk)
    absence.rep = theirs_or_managed(request.user, absence.rep_id)
    return absence


def _edit(request: HttpRequest, absence: Absence, *, title: str) -> HttpResponse:
    at, rep, is_new = database_now(), absence.rep, absence.pk is None
    form = AbsenceForm(request.POST or None, instance=absence)
    preview = None
    if request.method == "POST" and form.is_valid():
        preview = absences.preview(form.instance)
        if _seen(request, form.instance, preview):
            act = {"by": request.user, "at": at}
            try:
                if is_new:
                    absences.add(absence=form.instance, **act)
                else:
                    absences.change(absence=absence, changes=form.cleaned_data, **act)
            except PeopleRefused as refused:
                messages.error(request, str(refused))
            except ValidationError as refused:
                # Somebody else entered the same days between the check and the lock.
                messages.error(request, " ".join(refused.messages))
            else:
                messages.success(request, _said(rep, request.user))
            return home_of(rep, request.user)
    return TemplateResponse(
        request,
        "reps/absence.html",
        {
            "at": at,
            "rep": rep,
            "own": rep.user_id == request.user.pk,
            "absence": absence,
            "title": title,
            "form": form,
            "preview": preview,
            "seen": _token(form.instance, preview) if preview else "",
        },
        status=422 if form.errors else 200,
    )


def _seen(request: HttpRequest, absence: Absence, preview: Preview | None) -> bool:
    """Whether what would move was shown for just this, or there is nothing to show."""
    if preview is None or not preview.moving + preview.staying:
        return True
    return request.POST.get("seen") == _token(absence, preview)


def _token(absence: Absence, preview: Preview) -> str:
    return f"{preview.to.pk}:{absence.starts_at.timestamp():.0f}:{absence.ends_at.timestamp():.0f}"


def _said(rep: Rep, user: User) -> str:
    if rep.user_id == user.pk:
        return _("Saved. You get no leads while you are away.")
    return _("Saved. %(rep)s gets no leads while away.") % {"rep": rep}


@require_POST
def absence_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End an absence now, or cancel one that has not begun."""
    absence = _absence(request, pk)
    own = absence.rep.user_id == request.user.pk
    try:
        absences.end(absence=absence, by=request.user, at=database_now())
    except PeopleRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(
            request,
            _("You are not away any more.")
            if own
            else _("%(rep)s is not away any more.") % {"rep": absence.rep},
        )
    return home_of(absence.rep, request.user)


urlpatterns = [
    path("people/me/absences/", my_absence_add, name="my_absence_add"),
    path("people/reps/<int:pk>/absences/", absence_add, name="absence_add"),
    path("people/absences/<int:pk>/", absence_edit, name="absence"),
    path("people/absences/<int:pk>/end/", absence_end, name="absence_end"),
]
