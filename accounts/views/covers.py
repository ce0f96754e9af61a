"""Temporary cover: of an account, a territory, or (by an absence) of all that a rep has."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.forms import CoverForm
from accounts.models import Account, Cover
from accounts.services import covers
from accounts.services.covers import CoverRefused
from reps import access
from reps.due.clock import database_now
from reps.models import Absence
from reps.views.gates import set_up_only

SHOWN = 100


@set_up_only
def cover_list(request: HttpRequest) -> HttpResponse:
    """Who stands in where, now and soon, and the form for another cover."""
    at = database_now()
    wanted = request.GET.get("account", "")
    account = Account.objects.filter(pk=int(wanted)).first() if _is_id(wanted) else None
    form = CoverForm(request.POST or None, account=account, initial={"starts_at": at})
    if request.method == "POST" and form.is_valid():
        cover = form.instance
        if not access.manages(request.user, cover.rep):
            raise PermissionDenied("Only whoever manages this rep may do this.")
        try:
            covers.add(cover=cover, by=request.user, at=at)
        except ValidationError as error:
            form.add_error(None, error.messages)
        except CoverRefused as refused:
            form.add_error("ends_at", str(refused))
        else:
            messages.success(
                request,
                _("%(who)s stands in. It ends by itself.") % {"who": cover.stand_in},
            )
            return redirect("covers")
    rows = Cover.objects.filter(ends_at__gt=at).select_related(
        "account", "territory", "rep__user", "rep__team", "stand_in__user"
    )
    absences = Absence.objects.filter(
        Q(delegate__isnull=False) | Q(cover=Absence.Cover.MOVE), ends_at__gt=at
    ).select_related("rep__user", "rep__backup__user", "delegate__user")
    return TemplateResponse(
        request,
        "accounts/covers.html",
        {
            "at": at,
            "form": form,
            "rows": [{"row": row, "runs": row.starts_at <= at} for row in rows[:SHOWN]],
            "absences": absences.order_by("starts_at", "pk")[:SHOWN],
        },
        status=422 if form.errors else 200,
    )


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 18


@require_POST
@set_up_only
def cover_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End a cover now; what it moved comes back."""
    cover = get_object_or_404(Cover.objects.select_related("rep"), pk=pk)
    if not access.manages(request.user, cover.rep):
        raise PermissionDenied("Only whoever manages this rep may do this.")
    try:
        covers.end(cover=cover, by=request.user, at=database_now())
    except CoverRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("The cover has ended."))
    return redirect("covers")


urlpatterns = [
    path("accounts/covers/", cover_list, name="covers"),
    path("accounts/covers/<int:pk>/end/", cover_end, name="cover_end"),
]
