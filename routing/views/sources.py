"""Where leads come from: sources with their keys, and hosted forms."""

from django.conf import settings
from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from reps import trail
from reps.due.clock import database_now
from reps.views.gates import set_up_only
from routing import keys, organisation
from routing.models import LeadForm, Source
from routing.models.source import STANDARD_FIELDS, default_fields
from routing.rules.builder import small_number
from routing.setup_forms import (
    LeadFormForm,
    QuestionRow,
    SourceForm,
    posted_questions,
    read_questions,
    stored_questions,
)


@set_up_only
def source_list(request: HttpRequest) -> HttpResponse:
    """Sources and forms."""
    return TemplateResponse(
        request,
        "routing/sources.html",
        {
            "sources": Source.objects.annotate(number=Count("submissions")),
            "forms": LeadForm.objects.select_related("source"),
        },
    )


@set_up_only
def source_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make or change a source."""
    row = None if pk is None else get_object_or_404(Source, pk=pk)
    form = SourceForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        trail.save(
            form.instance, by=request.user, at=database_now(), reason="edited" if pk else "created"
        )
        messages.success(request, _("Saved the source %(source)s.") % {"source": form.instance})
        return redirect("source", form.instance.pk)
    return TemplateResponse(
        request,
        "routing/source.html",
        {"form": form, "source": row, "forms": row.forms.all() if row else []},
        status=422 if form.errors else 200,
    )


@require_POST
@never_cache
@set_up_only
def source_key(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the source a new key and show it, this one time."""
    source = get_object_or_404(Source, pk=pk)
    key = keys.issue_key(source=source, by=request.user, at=database_now())
    return TemplateResponse(
        request,
        "routing/source_key.html",
        {"source": source, "key": key, "address": f"{settings.BASE_URL}/api/v1/leads/"},
    )


@require_POST
@set_up_only
def source_key_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the key work no longer."""
    source = get_object_or_404(Source, pk=pk)
    keys.revoke_key(source=source, by=request.user, at=database_now())
    messages.success(request, _("The key of %(source)s works no longer.") % {"source": source})
    return redirect("source", pk)


# --- Forms -------------------------------------------------------------------------------


@set_up_only
def leadform_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make or change a hosted form; its questions are rows."""
    if pk is None:
        row = LeadForm(slug="contact", source=Source.objects.filter(channel="WEB").first())
    else:
        row = get_object_or_404(LeadForm, pk=pk)
    form = LeadFormForm(request.POST or None, instance=row)
    action = request.POST.get("act", "")
    if request.method != "POST":
        rows = stored_questions(row.fields or default_fields())
    else:
        rows = posted_questions(request.POST)
        if action:
            _act(rows, action)
            form = LeadFormForm(instance=row, initial=_typed(request, form))
        else:
            row.fields = read_questions(rows)
            if form.is_valid() and not any(one.error for one in rows):
                organisation.save_form(form=form.instance, by=request.user, at=database_now())
                messages.success(request, _("Saved the form “%(form)s”.") % {"form": form.instance})
                return redirect("leadform", form.instance.pk)
    failed = request.method == "POST" and not action
    return TemplateResponse(
        request,
        "routing/leadform.html",
        {
            "form": form,
            "leadform": row if pk else None,
            "rows": rows,
            "standard": [(name, name.replace("_", " ").capitalize()) for name in STANDARD_FIELDS],
            **(_snippets(row) if pk else {}),
        },
        status=422 if failed else 200,
    )


def _typed(request: HttpRequest, form: LeadFormForm) -> dict:
    """What was typed so far, shown again without judging it yet."""
    boxes = ("reveals_rep", "is_active")
    found: dict = {name: name in request.POST for name in boxes}
    found.update({n: request.POST[n] for n in form.fields if n in request.POST and n not in boxes})
    return found


def _act(rows: list[QuestionRow], action: str) -> None:
    verb, _sep, number = action.partition(":")
    index = small_number(number)
    if verb != "row" and index is None:
        return
    if verb == "row":
        rows.append(QuestionRow())
    elif verb == "drop" and index < len(rows):
        del rows[index]
    elif verb == "up" and 0 < index < len(rows):
        rows[index - 1], rows[index] = rows[index], rows[index - 1]


def _snippets(row: LeadForm) -> dict[str, str]:
    """The link, and the one line that embeds the form elsewhere."""
    address = settings.BASE_URL + reverse("form", args=[row.slug])
    script = settings.BASE_URL + reverse("form_embed", args=[row.slug])
    # A plain text, for people to copy: the page must escape it, not run it.
    embed = f'<script src="{escape(script)}" async></script>'
    return {"address": address, "embed": embed}


urlpatterns = [
    path("setup/sources/", source_list, name="sources"),
    path("setup/sources/new/", source_edit, name="source_add"),
    path("setup/sources/<int:pk>/", source_edit, name="source"),
    path("setup/sources/<int:pk>/key/", source_key, name="source_key"),
    path("setup/sources/<int:pk>/key/revoke/", source_key_revoke, name="source_key_revoke"),
    path("setup/forms/new/", leadform_edit, name="leadform_add"),
    path("setup/forms/<int:pk>/", leadform_edit, name="leadform"),
]
