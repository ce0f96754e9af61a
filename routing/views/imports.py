"""Files of leads: upload, say what is what, look, start, watch."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reps import access, tables
from reps.due.clock import database_now
from reps.mapping import BadMapping
from reps.models import User
from reps.views.gates import set_up_only
from routing.intake import imports
from routing.models import ImportJob, Source
from routing.models.source import Mode

SHOWN = 50
# What a column can be, beside the fields: a part of the mapping rather than of the lead.
ROW_ID, MOMENT, ANSWER = "@key", "@clock", "@answer"
LABELS = {
    "email": gettext_lazy("E-mail"),
    "phone": gettext_lazy("Phone"),
    "linkedin_url": gettext_lazy("LinkedIn profile"),
    "name": gettext_lazy("Full name"),
    "first_name": gettext_lazy("First name"),
    "last_name": gettext_lazy("Last name"),
    "title": gettext_lazy("Job title"),
    "company": gettext_lazy("Company"),
    "website": gettext_lazy("Website"),
    "industry": gettext_lazy("Industry"),
    "employees": gettext_lazy("Employees"),
    "country": gettext_lazy("Country"),
    "region": gettext_lazy("State or region"),
    "city": gettext_lazy("City"),
    "postal_code": gettext_lazy("Postal code"),
    "product_interest": gettext_lazy("Product interest"),
    "budget_range": gettext_lazy("Budget"),
    "timeline": gettext_lazy("Timeline"),
    "expected_value": gettext_lazy("Expected value"),
    "campaign": gettext_lazy("Campaign"),
    "message": gettext_lazy("Message"),
    "hand_raise": gettext_lazy("Asked to be contacted (yes or no)"),
    "page_url": gettext_lazy("Page address"),
    "channel": gettext_lazy("Channel"),
    "motion": gettext_lazy("Inbound or outbound"),
}


class UploadForm(forms.Form):
    """A file, where its leads come from, and what may happen to them."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("CSV (UTF-8) or Excel (.xlsx), up to 20 MB and 100,000 rows."),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx"}),
    )
    source = forms.ModelChoiceField(
        label=gettext_lazy("Source"),
        queryset=Source.objects.none(),
        help_text=gettext_lazy("Says where these leads come from; rules and figures use it."),
    )
    mode = forms.ChoiceField(
        label=gettext_lazy("What may happen"), choices=Mode.choices, initial=Mode.LIVE
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["source"].queryset = Source.objects.filter(is_active=True)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > tables.MOST_BYTES:
            raise forms.ValidationError(_("The file is larger than 20 MB; split it."))
        return file


def jobs_of(user: User) -> QuerySet[ImportJob]:
    """The imports a person may see: a file holds people of every team."""
    jobs = ImportJob.objects.select_related("source", "created_by").defer("content")
    return jobs if access.is_revops(user) else jobs.filter(created_by=user)


@set_up_only
def import_list(request: HttpRequest) -> HttpResponse:
    """Earlier imports, and the upload of a new one."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            job = imports.preview(
                source=form.cleaned_data["source"],
                file_name=form.cleaned_data["file"].name,
                content=form.cleaned_data["file"].read(),
                data=None,
                mode=form.cleaned_data["mode"],
                by=request.user,
                at=database_now(),
            )
        except tables.BadFile as error:
            form.add_error("file", str(error))
        else:
            return redirect("import", job.pk)
    return TemplateResponse(
        request,
        "routing/imports.html",
        {
            "form": form,
            "jobs": jobs_of(request.user)[:SHOWN],
            "has_sources": form.fields["source"].queryset.exists(),
        },
        status=400 if form.errors else 200,
    )


@set_up_only
def import_job(request: HttpRequest, pk: int) -> HttpResponse:
    """One import: its columns and what they would become, or how far it is."""
    job = get_object_or_404(jobs_of(request.user), pk=pk)
    if request.method == "POST":
        return _act(request, job)
    if job.state == ImportJob.State.PREVIEW:
        return _preview(request, job)
    context = {"job": job, "progress": imports.progress(job)}
    context["is_live"] = job.state == ImportJob.State.RUNNING or bool(context["progress"].waiting)
    context["broken"] = imports.in_quarantine(job)
    name = "routing/import_progress.html" if request.htmx else "routing/import.html"
    return TemplateResponse(request, name, context)


def _act(request: HttpRequest, job: ImportJob) -> HttpResponse:
    do, at = request.POST.get("do"), database_now()
    try:
        if do == "cancel":
            imports.cancel(job=job, at=at)
            messages.info(request, _("The import is stopped. What was taken in stays."))
        elif do in ("look", "start"):
            mode = request.POST.get("mode", job.mode)
            if mode not in Mode.values:
                mode = job.mode
            job = imports.remap(job=job, data=mapping_of(request, job), mode=mode)
            if do == "start":
                imports.start(job=job, at=at)
                messages.success(request, _("The import runs. You may leave this page."))
    except BadMapping as error:
        # What was chosen stays on the page, so that only the slip has to be mended.
        return _preview(request, job, error=str(error), chosen=request.POST)
    except imports.ImportRefused as error:
        messages.error(request, str(error))
    return redirect("import", job.pk)


def mapping_of(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """
    The mapping that the selects say; what only a mapping file can say stays.

    :raises BadMapping: if two columns are chosen for one field
    """
    fields: dict[str, Any] = {}
    answers: list[str] = []
    made: dict[str, Any] = {
        key: job.mapping[key]
        for key in ("constants", "skip_if_empty", "ignore", "history")
        if key in job.mapping
    }
    before = job.mapping.get("fields", {})
    for place, column in enumerate(columns_of(job)):
        choice = request.POST.get(f"column-{place}", "")
        if choice == ANSWER:
            answers.append(column)
        elif choice in (ROW_ID, MOMENT) or choice in LABELS:
            key = {ROW_ID: "key", MOMENT: "clock"}.get(choice, choice)
            if key in fields or key in made:
                raise BadMapping("", _("Two columns say “%s”; choose one.") % _label(choice))
            if choice in LABELS:
                was = before.get(key)
                same = isinstance(was, dict) and was.get("column") == column
                fields[key] = was if same else column
            elif choice == ROW_ID:
                made["key"] = column
            else:
                made["clock"] = _clock(request, job, column)
    values = {
        name: pairs for name, pairs in job.mapping.get("values", {}).items() if name in fields
    }
    made |= {"fields": fields, "values": values, "answers": answers}
    if request.POST.get("by_id") and "key" in made:
        made["person_key"] = made["key"]
    return made


def _clock(request: HttpRequest, job: ImportJob, column: str) -> Any:
    """As a mapping file had it, else in the time zone of whoever uploads."""
    was = job.mapping.get("clock")
    if isinstance(was, dict) and was.get("column") == column:
        return was
    return {"column": column, "time_zone": request.user.time_zone}


def columns_of(job: ImportJob) -> tuple[str, ...]:
    return tables.columns_of(bytes(job.content))


def _label(choice: str) -> str:
    others = {ROW_ID: _("Id of the row"), MOMENT: _("When it happened")}
    return str(others.get(choice) or LABELS.get(choice, choice))


def _preview(
    request: HttpRequest, job: ImportJob, *, error: str = "", chosen: Any = None
) -> HttpResponse:
    seen = None
    if not error:
        try:
            seen = imports.look(job)
        except BadMapping as problem:
            error = str(problem)
    first = list(tables.unpack(bytes(job.content), most=3))
    by_column = _choices_by_column(job)
    rows = [
        {
            "name": f"column-{place}",
            "column": column,
            "choice": chosen.get(f"column-{place}", "") if chosen else by_column.get(column, ""),
            "examples": [row.cells[column] for row in first if row.cells[column]],
        }
        for place, column in enumerate(columns_of(job))
    ]
    return TemplateResponse(
        request,
        "routing/import.html",
        {
            "job": job,
            "seen": seen,
            "error": error,
            "columns": rows,
            "groups": _groups(),
            "by_id": bool(chosen.get("by_id")) if chosen else bool(job.mapping.get("person_key")),
            "modes": Mode.choices,
        },
        status=400 if chosen else 200,
    )


def _choices_by_column(job: ImportJob) -> dict[str, str]:
    """What each column is taken for at present."""
    given = job.mapping
    found = dict.fromkeys(given.get("answers", []), ANSWER)
    if given.get("key"):
        found[given["key"]] = ROW_ID
    clock = given.get("clock")
    if clock:
        found[clock["column"] if isinstance(clock, dict) else clock] = MOMENT
    for name, place in given.get("fields", {}).items():
        found[place["column"] if isinstance(place, dict) else place] = name
    return found


def _groups() -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (_("About the lead"), [(name, str(label)) for name, label in LABELS.items()]),
        (
            _("About the row"),
            [
                (ROW_ID, _("Id of the row (taken once)")),
                (MOMENT, _("When it happened")),
                (ANSWER, _("Keep as an answer")),
            ],
        ),
    ]


urlpatterns = [
    path("imports/", import_list, name="imports"),
    path("imports/<int:pk>/", import_job, name="import"),
]
