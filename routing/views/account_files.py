"""Accounts and their owners as files: upload, see what differs, take in; and out again."""

import base64
import binascii

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.services import exports, imports
from reps import tables
from reps.due.clock import database_now
from reps.mapping import BadMapping
from reps.views.gates import revops_only, set_up_only
from routing.exports import csv_response, note_export

# What travels through the page once more; more than that is for the command.
MOST_BYTES = 1024 * 1024
SHOWN = 200


class FileForm(forms.Form):
    """A file of accounts, as the export writes it or with some of its columns."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("CSV (UTF-8) or Excel (.xlsx), up to 1 MB."),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx"}),
    )

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(
                _("The file is larger than 1 MB; split it, or use the command import_accounts.")
            )
        return file


@revops_only
def account_import(request: HttpRequest) -> HttpResponse:
    """Look at what a file would change, then change it."""
    at = database_now()
    form = FileForm()
    seen, content, name = None, "", ""
    if request.method == "POST" and request.POST.get("do") == "start":
        name, content = request.POST.get("name", "")[:200], request.POST.get("content", "")
        try:
            tally = _take(imports.import_accounts, name, _bytes(content), request, at)
        except (tables.BadFile, BadMapping) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Taken in: %(tally)s.") % {"tally": tally})
            return redirect("accounts")
    elif request.method == "POST":
        form = FileForm(request.POST, request.FILES)
        if form.is_valid():
            file = form.cleaned_data["file"]
            name, raw = file.name, file.read()
            content = base64.b64encode(raw).decode()
            try:
                seen = _take(imports.preview_accounts, name, raw, request, at)
            except (tables.BadFile, BadMapping) as error:
                form.add_error("file", str(error))
    return TemplateResponse(
        request,
        "routing/account_import.html",
        {
            "form": form,
            "seen": seen,
            "differences": seen.differences[:SHOWN] if seen else [],
            "more": max(0, len(seen.differences) - SHOWN) if seen else 0,
            "content": content,
            "name": name,
            "columns": ", ".join(exports.HEADER),
        },
        status=422 if form.errors else 200,
    )


def _bytes(content: str) -> bytes:
    try:
        return base64.b64decode(content[: 2 * MOST_BYTES], validate=True)
    except (binascii.Error, ValueError) as error:
        raise tables.BadFile("The file did not come through; choose it again.") from error


def _take(work, name: str, raw: bytes, request: HttpRequest, at):
    table = tables.read(name or "file", raw)
    return work(table=table, data=imports.by_header(table), by=request.user, at=at)


@set_up_only
def account_export(request: HttpRequest) -> HttpResponse:
    """All accounts with their owners, in the form in which they are read back."""
    at = database_now()
    named = request.GET.get("only") == "named"
    note_export(what="accounts", filters={"named": named}, by=request.user, at=at)
    rows = exports.rows(at.date(), named_only=named)
    return csv_response(f"accounts-{at:%Y-%m-%d}.csv", exports.HEADER, rows)


urlpatterns = [
    path("accounts/import/", account_import, name="account_import"),
    path("accounts/export.csv", account_export, name="account_export"),
]
