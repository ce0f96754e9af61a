"""Working hours: weekly windows, public holidays, single dates."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from reps import trail
from reps.due.clock import database_now
from reps.forms import DAY_NAMES, BreakForm, CalendarForm, ExceptionForm
from reps.models import WorkCalendar
from reps.models.hours import WEEKDAYS
from reps.views.gates import set_up_only


def hours_in_words(calendar: WorkCalendar) -> list[str]:
    """The week, days with the same hours together: "Monday to Friday 09:00–17:00"."""
    runs: list[tuple[int, int, str]] = []
    for number, key in enumerate(WEEKDAYS):
        windows = ", ".join(f"{a}–{b}" for a, b in calendar.weekly.get(key, []))
        if not windows:
            continue
        if runs and runs[-1][1] == number - 1 and runs[-1][2] == windows:
            runs[-1] = (runs[-1][0], number, windows)
        else:
            runs.append((number, number, windows))
    found = []
    for first, last, windows in runs:
        days = str(DAY_NAMES[first])
        if last > first:
            days = _("%(first)s to %(last)s") % {"first": days, "last": DAY_NAMES[last]}
        found.append(f"{days} {windows}")
    return found


@set_up_only
def calendar_list(request: HttpRequest) -> HttpResponse:
    """Every calendar and who works by it."""
    calendars = WorkCalendar.objects.annotate(
        reps_on=Count("reps", distinct=True), teams_on=Count("teams", distinct=True)
    )
    rows = [{"calendar": row, "hours": hours_in_words(row)} for row in calendars]
    return TemplateResponse(request, "reps/calendars.html", {"rows": rows})


@set_up_only
def calendar_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make or change a calendar."""
    if pk is None:
        row = WorkCalendar(time_zone=request.user.time_zone)
    else:
        row = get_object_or_404(WorkCalendar, pk=pk)
    more = request.method == "POST" and "more" in request.POST
    form = CalendarForm(request.POST or None, instance=row, extra=1 if more else 0)
    if request.method == "POST" and not more and form.is_valid():
        trail.save(
            form.instance, by=request.user, at=database_now(), reason="edited" if pk else "created"
        )
        messages.success(request, _("Saved the hours “%(name)s”.") % {"name": form.instance})
        return redirect("calendars")
    return _calendar_page(request, row, form=form, quiet=more)


def _calendar_page(
    request: HttpRequest,
    row: WorkCalendar,
    *,
    form: CalendarForm,
    exception: ExceptionForm | None = None,
    pause: BreakForm | None = None,
    quiet: bool = False,
) -> HttpResponse:
    failed = form.is_bound and not quiet and not form.is_valid()
    refused = any(one is not None and one.errors for one in (exception, pause))
    return TemplateResponse(
        request,
        "reps/calendar.html",
        {
            "form": form,
            "calendar": row,
            "days": form.days(),
            "quiet": quiet,
            "exceptions": _single_days(row.overrides),
            "breaks": _single_days(row.breaks),
            "break_form": pause or BreakForm(prefix="break"),
            "exception_form": exception or ExceptionForm(),
        },
        status=422 if failed or refused else 200,
    )


def _single_days(windows_by_day: dict | None) -> list[dict]:
    """Dated windows for the page, in order."""
    return [
        {
            "key": day,
            "day": parse_date(day),
            "hours": ", ".join(f"{opens}–{closes}" for opens, closes in windows),
        }
        for day, windows in sorted((windows_by_day or {}).items())
    ]


@require_POST
@set_up_only
def exception_set(request: HttpRequest, pk: int) -> HttpResponse:
    """Give one date, or several in a row, other hours, or none."""
    row = get_object_or_404(WorkCalendar, pk=pk)
    form = ExceptionForm(request.POST)
    if form.is_valid():
        row.overrides = {
            **(row.overrides or {}),
            **dict.fromkeys(form.days(), form.windows()),
        }
        try:
            row.full_clean()
        except ValidationError as error:
            form.add_error(None, error.messages)
        else:
            trail.save(row, by=request.user, at=database_now(), reason="exception")
            messages.success(request, _("Saved the hours of that day."))
            return redirect("calendar", pk)
    return _calendar_page(request, row, form=CalendarForm(instance=row), exception=form)


@require_POST
@set_up_only
def exception_drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a date have the hours of its weekday again."""
    row = get_object_or_404(WorkCalendar, pk=pk)
    day = request.POST.get("day", "")
    if day in (row.overrides or {}):
        row.overrides = {key: value for key, value in row.overrides.items() if key != day}
        trail.save(row, by=request.user, at=database_now(), reason="exception taken off")
        messages.success(request, _("That day has its usual hours again."))
    return redirect("calendar", pk)


@require_POST
@set_up_only
def break_set(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a stretch of one date out of whatever is open then."""
    row = get_object_or_404(WorkCalendar, pk=pk)
    form = BreakForm(request.POST, prefix="break")
    if form.is_valid():
        day = form.cleaned_data["day"].isoformat()
        breaks = row.breaks or {}
        row.breaks = {**breaks, day: [*breaks.get(day, []), form.window()]}
        try:
            row.full_clean()
        except ValidationError as error:
            form.add_error(None, error.messages)
        else:
            trail.save(row, by=request.user, at=database_now(), reason="break")
            messages.success(request, _("Nobody works then."))
            return redirect("calendar", pk)
    return _calendar_page(request, row, form=CalendarForm(instance=row), pause=form)


@require_POST
@set_up_only
def break_drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the breaks of a date off."""
    row = get_object_or_404(WorkCalendar, pk=pk)
    day = request.POST.get("day", "")
    if day in (row.breaks or {}):
        row.breaks = {key: value for key, value in row.breaks.items() if key != day}
        trail.save(row, by=request.user, at=database_now(), reason="break taken off")
        messages.success(request, _("That day has its usual hours again."))
    return redirect("calendar", pk)


urlpatterns = [
    path("people/calendars/<int:pk>/breaks/", break_set, name="calendar_break"),
    path("people/calendars/<int:pk>/breaks/drop/", break_drop, name="calendar_break_drop"),
    path("people/calendars/", calendar_list, name="calendars"),
    path("people/calendars/new/", calendar_edit, name="calendar_add"),
    path("people/calendars/<int:pk>/", calendar_edit, name="calendar"),
    path("people/calendars/<int:pk>/days/", exception_set, name="calendar_day"),
    path("people/calendars/<int:pk>/days/drop/", exception_drop, name="calendar_day_drop"),
]
