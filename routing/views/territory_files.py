"""Territories from files: upload, look, take in; and the plan as a file."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import TerritoryImport
from accounts.services import territory_files
from accounts.services.territory_rows import COLUMNS
from reps import tables
from reps.due.clock import database_now
from reps.views.gates import set_up_only
from routing import exports
from routing.territory_forms import TerritoryFileForm

SHOWN, MOST_ROWS_SHOWN = 20, 200


@set_up_only
def territory_imports(request: HttpRequest) -> HttpResponse:
    """Upload a file of territories; what was taken in before."""
    form = TerritoryFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        content = file.read()
        try:
            territory_files.plan(tables.read(file.name, content))
        except (tables.BadFile, territory_files.FileRefused) as error:
            form.add_error("file", str(error))
        else:
            made = TerritoryImport.objects.create(
                file_name=file.name[:200],
                content=content,
                created_by=request.user,
                created_at=database_now(),
            )
            return redirect("territory_import", made.pk)
    rows = TerritoryImport.objects.filter(applied_at__isnull=False).select_related("created_by")
    return TemplateResponse(
        request,
        "routing/territory_imports.html",
        {"form": form, "columns": COLUMNS, "rows": rows.defer("content")[:SHOWN]},
        status=400 if form.errors else 200,
    )


@set_up_only
def territory_import(request: HttpRequest, pk: int) -> HttpResponse:
    """What a file would change; confirmed, it does."""
    row = get_object_or_404(TerritoryImport, pk=pk, created_by=request.user)
    if row.content is None:
        messages.info(request, _("This file was taken in already: %(said)s.") % {"said": row.said})
        return redirect("territory_imports")
    problem = ""
    table = tables.read(row.file_name, bytes(row.content))
    if request.method == "POST":
        at = database_now()
        try:
            made = territory_files.apply(table, by=request.user, at=at)
        except territory_files.FileRefused as refused:
            problem = str(refused)
        else:
            row.content, row.applied_at, row.said = None, at, str(made)[:200]
            row.save()
            messages.success(request, _("Taken in: %(said)s.") % {"said": made})
            return redirect("territories")
    made = territory_files.plan(table)
    return TemplateResponse(
        request,
        "routing/territory_import.html",
        {
            "row": row,
            "made": made,
            "problem": problem,
            "entries": [*made.created, *made.changed][:MOST_ROWS_SHOWN],
            "problems": made.problems[:MOST_ROWS_SHOWN],
            "most": MOST_ROWS_SHOWN,
            "does_anything": bool(made.created or made.changed),
        },
        status=409 if problem else 200,
    )


@require_POST
@set_up_only
def territory_import_drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a file that was only looked at."""
    get_object_or_404(
        TerritoryImport, pk=pk, created_by=request.user, applied_at__isnull=True
    ).delete()
    messages.info(request, _("Nothing was changed."))
    return redirect("territory_imports")


@set_up_only
def territory_export(request: HttpRequest) -> StreamingHttpResponse:
    """The whole plan, in the form that import reads."""
    exports.note_export(what="territories", filters={}, by=request.user, at=database_now())
    rows: Any = territory_files.export()
    return exports.csv_response("territories.csv", COLUMNS, rows)


urlpatterns = [
    path("territories/files/", territory_imports, name="territory_imports"),
    path("territories/files/<int:pk>/", territory_import, name="territory_import"),
    path("territories/files/<int:pk>/drop/", territory_import_drop, name="territory_import_drop"),
    path("territories/files/export.csv", territory_export, name="territory_export"),
]
