"""What would have been: ask for a simulation, watch it, read what it found."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.core.validators import MaxValueValidator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from reps import tables
from reps.due.clock import database_now
from reps.models import Rep
from reps.views.gates import set_up_only
from routing import exports
from routing.filters import day_start
from routing.models import Lead, RuleSet, SimulatedLead, Simulation
from routing.models.desk import NotSetUp
from routing.simulation import uploads, words, work
from routing.visibility import visible_leads

PAGE = 50
LAST_DAYS = 30
# The last date with a day after it.
LAST_DAY = date.max - timedelta(days=1)
SHOWN_ERRORS = 50
HEADER = (
    "lead",
    "row",
    "when_utc",
    "tier",
    "territory",
    "recomputed",
    "production",
    "live",
    "live_rule",
    "draft",
    "draft_rule",
    "changes",
    "moved_by_a_person",
)


class AskForm(forms.Form):
    """Which version, and over what: a past period or a file."""

    ruleset = forms.ModelChoiceField(
        label=gettext_lazy("Version"),
        queryset=RuleSet.objects.none(),
        empty_label=None,
        help_text=gettext_lazy("Compared with the version that is live."),
    )
    since = forms.DateField(
        label=gettext_lazy("From"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    until = forms.DateField(
        label=gettext_lazy("Until"),
        required=False,
        validators=[MaxValueValidator(LAST_DAY)],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("That day included. Empty: until now."),
    )
    file = forms.FileField(
        label=gettext_lazy("Or a file of leads"),
        required=False,
        help_text=gettext_lazy(
            "CSV or Excel with a column per fact, such as country, employees, tier. "
            "Takes the place of the period."
        ),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ruleset"].queryset = RuleSet.objects.order_by("-version")

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file is not None and file.size > tables.MOST_BYTES:
            raise forms.ValidationError(_("The file is larger than 20 MB; split it."))
        return file

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if not found.get("since") and not found.get("file") and "since" not in self.errors:
            self.add_error("since", _("Say from which day, or choose a file."))
        return found


class LeadFilter(forms.Form):
    """Which leads of a simulation are listed."""

    show = forms.ChoiceField(
        label=gettext_lazy("Leads"),
        required=False,
        choices=[
            ("", gettext_lazy("That change holder")),
            ("all", gettext_lazy("All")),
            ("disagree", gettext_lazy("Recomputed otherwise")),
            ("erased", gettext_lazy("Cannot be recomputed")),
        ],
    )
    rep = forms.ModelChoiceField(
        label=gettext_lazy("Rep"),
        required=False,
        queryset=Rep.objects.none(),
        empty_label=gettext_lazy("Everybody"),
    )
    tier = forms.ChoiceField(
        label=gettext_lazy("Tier"),
        required=False,
        choices=[("", gettext_lazy("All tiers")), *Lead.Tier.choices],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["rep"].queryset = Rep.objects.select_related("user")
        for field in self.fields.values():
            field.widget.attrs["class"] = "in"

    def narrow(self, rows: QuerySet[SimulatedLead]) -> QuerySet[SimulatedLead]:
        """Apply what was chosen; nonsense in the address chooses nothing."""
        chosen = self.cleaned_data if self.is_valid() else {}
        show = chosen.get("show") or ""
        wanted = {
            "": Q(moves=True),
            "all": Q(),
            "disagree": Q(agrees=False),
            "erased": Q(is_compared=False),
        }
        rows = rows.filter(wanted.get(show, Q()))
        if chosen.get("rep"):
            rows = rows.filter(Q(live_rep=chosen["rep"]) | Q(draft_rep=chosen["rep"]))
        if chosen.get("tier"):
            rows = rows.filter(tier=chosen["tier"])
        return rows


@set_up_only
def simulation_list(request: HttpRequest) -> HttpResponse:
    """Earlier simulations, newest first."""
    rows = work.visible_simulations(request.user).defer("draft_rules", "progress", "upload")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return TemplateResponse(
        request,
        "routing/simulations.html",
        {"at": database_now(), "page": page, "has_live": _has_live()},
    )


@set_up_only
def simulation_new(request: HttpRequest) -> HttpResponse:
    """Ask for one; `?ruleset=` chooses the version."""
    at = database_now()
    if request.method == "POST":
        form = AskForm(request.POST, request.FILES)
        if form.is_valid() and (made := _start(request, form)):
            return redirect("simulation", made.pk)
    else:
        draft = RuleSet.objects.filter(state=RuleSet.State.DRAFT).first()
        first = timezone.localtime(at).date() - timedelta(days=LAST_DAYS)
        asked = request.GET.get("ruleset", "")
        chosen = asked if asked.isdecimal() else getattr(draft, "pk", None)
        form = AskForm(initial={"ruleset": chosen, "since": first})
    return TemplateResponse(
        request,
        "routing/simulation_new.html",
        {"at": at, "form": form, "has_live": _has_live(), "facts": words.columns()},
    )


def _start(request: HttpRequest, form: AskForm) -> Simulation | None:
    given = form.cleaned_data
    file, since, until = given["file"], given["since"], given["until"]
    try:
        return work.start(
            ruleset=given["ruleset"],
            since=day_start(since) if since and not file else None,
            until=day_start(until + timedelta(days=1)) if until and not file else None,
            upload=uploads.read(file.name, file.read()) if file else None,
            by=request.user,
            at=database_now(),
        )
    except tables.BadFile as error:
        form.add_error("file", str(error))
    except (work.SimulationRefused, NotSetUp) as error:
        form.add_error("file" if file else None, str(error))
    return None


def _has_live() -> bool:
    return RuleSet.objects.filter(state=RuleSet.State.PUBLISHED).exists()


@set_up_only
def simulation(request: HttpRequest, pk: int) -> HttpResponse:
    """Progress while it runs; then what it found, and which leads."""
    row = get_object_or_404(work.visible_simulations(request.user), pk=pk)
    context: dict[str, Any] = {
        "at": database_now(),
        "simulation": row,
        "is_live": row.state in work.UNENDED,
        "percent": 100 * row.done // row.total if row.total else 0,
        "errors": (row.upload or {}).get("errors", [])[:SHOWN_ERRORS],
    }
    if request.headers.get("HX-Request") and context["is_live"]:
        return TemplateResponse(request, "routing/_simulation_progress.html", context)
    if row.state == Simulation.State.DONE:
        filters = LeadFilter(request.GET)
        rows = filters.narrow(_seen(request, row))
        page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
        names = words.Names(row)
        context |= {
            "filters": filters,
            "page": page,
            "lines": [names.line(one) for one in page.object_list],
            "found": words.found(row, names),
        }
    answer = TemplateResponse(request, "routing/simulation.html", context)
    if request.headers.get("HX-Request"):
        # It has just ended: the whole page has more to say than the progress had.
        answer.headers["HX-Refresh"] = "true"
    return answer


def _seen(request: HttpRequest, row: Simulation) -> QuerySet[SimulatedLead]:
    seen = visible_leads(request.user).order_by().values("pk")
    return (
        row.leads.filter(Q(lead__isnull=True) | Q(lead__in=seen))
        .select_related("lead__prospect", "lead__account")
        .order_by("place")
    )


@require_POST
@set_up_only
def simulation_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop it."""
    row = get_object_or_404(work.visible_simulations(request.user), pk=pk)
    try:
        work.cancel(simulation=row, at=database_now())
    except work.SimulationRefused as error:
        messages.warning(request, str(error))
    return redirect("simulation", pk)


@set_up_only
def simulation_export(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The leads that the page lists, all of them, as CSV; that it was taken is put on record."""
    row = get_object_or_404(
        work.visible_simulations(request.user), pk=pk, state=Simulation.State.DONE
    )
    filters = LeadFilter(request.GET)
    rows = filters.narrow(_seen(request, row))
    used = {
        name: str(getattr(value, "pk", value))
        for name, value in getattr(filters, "cleaned_data", {}).items()
        if value
    }
    try:
        exports.note_export(
            what="simulation",
            filters={"simulation": row.pk, **used},
            by=request.user,
            at=database_now(),
        )
    except NotSetUp as error:
        messages.warning(request, str(error))
        return redirect("simulation", pk)
    names = words.Names(row)
    cells = _cells(rows.iterator(chunk_size=1000), names)
    return exports.csv_response(f"simulation-{row.pk}.csv", HEADER, cells)


def _cells(rows: Iterable[SimulatedLead], names: words.Names) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        line = names.line(row)
        yield (
            row.lead_id or "",
            row.label,
            row.at.isoformat(),
            row.tier,
            names.territory(row.territory) if row.territory else "",
            line.recomputed,
            line.actual,
            line.live,
            line.live_rule,
            line.draft,
            line.draft_rule,
            "yes" if row.moves else "no",
            "yes" if row.was_moved else "no",
        )


@set_up_only
def simulation_errors(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The rows of an uploaded file that were left out, and why."""
    row = get_object_or_404(work.visible_simulations(request.user), pk=pk, upload__isnull=False)
    return exports.csv_response(
        f"simulation-{row.pk}-rows.csv", ("row", "column", "problem"), row.upload["errors"]
    )


urlpatterns = [
    path("rules/simulations/", simulation_list, name="simulations"),
    path("rules/simulations/new/", simulation_new, name="simulation_new"),
    path("rules/simulations/<int:pk>/", simulation, name="simulation"),
    path("rules/simulations/<int:pk>/cancel/", simulation_cancel, name="simulation_cancel"),
    path("rules/simulations/<int:pk>/export/", simulation_export, name="simulation_export"),
    path("rules/simulations/<int:pk>/rows/", simulation_errors, name="simulation_errors"),
]
