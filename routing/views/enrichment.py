"""Enrichment: how good the data are, who is asked for them, and saying what is right."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from reps import access
from reps.due import doorbell
from reps.due.clock import database_now
from reps.views.gates import set_up_only
from routing.enrich import check, fields, report, setup, trying
from routing.enrich.panel import kept_key, may_check
from routing.enrich.providers import BUILT_IN
from routing.enrich.question import NotAskable
from routing.enrich_forms import ProviderForm, TryForm, WaitingForm
from routing.models import EnrichmentProvider, Organisation
from routing.visibility import visible_leads

LONGEST_TYPED = 300


@require_GET
@set_up_only
def quality(request: HttpRequest) -> HttpResponse:
    """How complete and how right the data are, by provider and by channel."""
    found = report.quality(at=database_now())
    concerned = [one.lead.pk for one in found.late]
    may_see = set(visible_leads(request.user).filter(pk__in=concerned).values_list("pk", flat=True))
    return TemplateResponse(
        request,
        "routing/enrichment.html",
        {
            "quality": found,
            "days": report.DAYS,
            "late": [one for one in found.late if one.lead.pk in may_see],
            "organisation": Organisation.objects.first(),
            "built_in": BUILT_IN,
            "is_admin": access.is_admin(request.user),
            "outside": [line for line in found.providers if line.provider is not None],
        },
    )


def admins_only(request: HttpRequest) -> None:
    """Whoever sets up a provider decides who is told about people."""
    if not access.is_admin(request.user):
        raise PermissionDenied("Admins set up who is told about leads.")


def provider(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Add a provider outside, or change one."""
    admins_only(request)
    row = None if pk is None else get_object_or_404(EnrichmentProvider, pk=pk)
    form = ProviderForm(request.POST or None, instance=row, label_suffix="")
    if request.method == "POST" and form.is_valid():
        setup.save_provider(provider=form.save(), by=request.user, at=database_now())
        messages.success(request, _("Saved %(name)s.") % {"name": form.instance})
        return redirect("enrichment_provider", form.instance.pk)
    return _provider_page(request, form, status=422 if form.is_bound else 200)


def _provider_page(
    request: HttpRequest, form: ProviderForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    row = form.instance if form.instance.pk else None
    context = {
        "form": form,
        "provider": row,
        "fields": [one for one in fields.ALL if one.outside],
        "try_form": TryForm(label_suffix="") if row else None,
        **more,
    }
    return TemplateResponse(request, "routing/enrichment_provider.html", context, status=status)


@require_POST
def provider_try(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask a provider once, as it was saved, and show what came of it."""
    admins_only(request)
    row = get_object_or_404(EnrichmentProvider, pk=pk)
    form = TryForm(request.POST, label_suffix="")
    more: dict[str, Any] = {"try_form": form}
    if form.is_valid():
        try:
            more["tried"] = trying.attempt(row, form.cleaned_data)
        except NotAskable as missing:
            form.add_error(None, str(missing))
    return _provider_page(
        request,
        ProviderForm(instance=row, label_suffix=""),
        status=422 if form.errors else 200,
        **more,
    )


@require_POST
def provider_act(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a provider on or off, or let one that rests be asked at once."""
    admins_only(request)
    row, at = get_object_or_404(EnrichmentProvider, pk=pk), database_now()
    act = request.POST.get("act")
    if act in ("on", "off"):
        setup.switch(provider=row, on=act == "on", by=request.user, at=at)
        said = _("%(name)s is asked from now on.") if act == "on" else _("%(name)s is off.")
        messages.success(request, said % {"name": row})
    elif act == "close":
        waiting = setup.close_breaker(provider=row, by=request.user, at=at)
        doorbell.ring("enrich")
        messages.success(
            request,
            _("%(name)s is asked again; %(n)s questions were waiting.")
            % {"name": row, "n": waiting},
        )
    return redirect("enrichment")


@set_up_only
def waiting(request: HttpRequest) -> HttpResponse:
    """How long leads wait for outside data, and what late data may do."""
    if not access.is_revops(request.user):
        raise PermissionDenied("RevOps decides how long leads wait.")
    row = Organisation.objects.first()
    if row is None:
        return redirect("setup")
    values = {
        "deadline_ms": row.enrich_deadline,
        "hot_ms": row.enrich_deadline_hot,
        "reroutes": row.enrich_reroutes,
    }
    form = WaitingForm(request.POST or None, initial=values, label_suffix="")
    if request.method == "POST" and form.is_valid():
        setup.change_waiting(**form.cleaned_data, by=request.user, at=database_now())
        messages.success(request, _("Saved how long leads wait."))
        return redirect("enrichment")
    return TemplateResponse(
        request,
        "routing/enrichment_waiting.html",
        {"form": form},
        status=422 if form.is_bound else 200,
    )


@require_POST
def field_check(request: HttpRequest, pk: int, field: str) -> HttpResponse:
    """Confirm or correct one value of a lead that one holds, or looks after."""
    lead = get_object_or_404(visible_leads(request.user).select_related("prospect"), pk=pk)
    field = request.POST.get("which") or field
    if field not in fields.BY_NAME:
        raise Http404
    if not may_check(request.user, lead):
        raise PermissionDenied("Whoever holds the lead says what is right.")
    typed = None
    if request.POST.get("act") != "confirm":
        typed = request.POST.get("value", "").replace("\x00", "")[:LONGEST_TYPED]
    try:
        check.check(lead_id=pk, field=field, typed=typed, by=request.user, at=database_now())
    except check.CheckRefused as refused:
        request.session[kept_key(pk)] = {"field": field, "typed": typed or "", "why": str(refused)}
        messages.error(request, f"{fields.BY_NAME[field].label}: {refused}".capitalize())
    else:
        messages.success(request, _("Noted. It counts before everything else from now on."))
    return redirect(f"{reverse('lead', args=[pk])}#en")


urlpatterns = [
    path("enrichment/", quality, name="enrichment"),
    path("enrichment/waiting/", waiting, name="enrichment_waiting"),
    path("enrichment/providers/new/", provider, name="enrichment_provider_add"),
    path("enrichment/providers/<int:pk>/", provider, name="enrichment_provider"),
    path("enrichment/providers/<int:pk>/try/", provider_try, name="enrichment_try"),
    path("enrichment/providers/<int:pk>/act/", provider_act, name="enrichment_act"),
    path("enrichment/leads/<int:pk>/<slug:field>/", field_check, name="enrichment_check"),
]
