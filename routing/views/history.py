"""The review: every change of owner, and the whole time line of a lead."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reps import access
from reps.due.clock import database_now
from reps.trail import timeline
from routing import exports
from routing.filters import AssignmentFilter, day_start
from routing.insight import selectors
from routing.models import Assignment, Lead
from routing.models.desk import NotSetUp
from routing.timeline import came_from, name_of, went_to
from routing.visibility import visible_leads

PAGE = 50
LAST_DAYS = 30
TAB_LABELS = {
    "all": gettext_lazy("All"),
    "corrections": gettext_lazy("Corrections"),
    "claims": gettext_lazy("Claims"),
    "escalations": gettext_lazy("Escalations"),
    "leavers": gettext_lazy("Leavers"),
}
# What the time line shows under each of its tabs; None: everything.
LAYERS: dict[str, tuple[str, ...] | None] = {
    "all": None,
    "story": (
        "touches",
        "decisions",
        "custody",
        "requests",
        "outcomes",
        "pauses",
        "clocks",
        "escalations",
        "messages",
    ),
    "fields": ("fields",),
    "audit": ("audit",),
}
LAYER_LABELS = {
    "all": gettext_lazy("Everything"),
    "story": gettext_lazy("The story"),
    "fields": gettext_lazy("Fields"),
    "audit": gettext_lazy("Audit trail"),
}
HEADER = (
    "when_utc",
    "lead",
    "epoch",
    "person",
    "company",
    "source",
    "from",
    "to",
    "reason_code",
    "reason",
    "by",
    "rule",
    "rule_version",
    "driver",
)


def _admit(request: HttpRequest) -> None:
    if not access.may_set_up(request.user):
        raise PermissionDenied(_("The history is for managers and RevOps."))


def history(request: HttpRequest) -> HttpResponse:
    """Changes of owner, newest first, filtered; the last 30 days unless asked otherwise."""
    _admit(request)
    at = database_now()
    filtered = _filtered(request, at=at)
    tab = request.GET.get("tab", "all")
    rows = _of_tab(filtered.qs, tab)
    listed = list(selectors.with_names(_before(rows, request.GET.get("before", "")))[: PAGE + 1])
    shown = listed[:PAGE]
    counts = selectors.tab_counts(filtered.qs)
    chosen = filtered.form.cleaned_data if filtered.form.is_valid() else {}
    since, until = chosen.get("since"), chosen.get("until")
    lead = _drawer(request)
    return TemplateResponse(
        request,
        "routing/history.html",
        {
            "at": at,
            "filter": filtered,
            "is_filtered": any(
                value for name, value in chosen.items() if name not in ("since", "until")
            ),
            "rows": [(row, came_from(row), went_to(row), name_of(row.by)) for row in shown],
            "tabs": [
                (name, label, counts[name], name == tab) for name, label in TAB_LABELS.items()
            ],
            "older": _cursor(shown[-1]) if len(listed) > PAGE else "",
            "is_first_page": not request.GET.get("before"),
            "figures": selectors.figures(
                request.user,
                since=day_start(since) if since else None,
                until=day_start(until + timedelta(days=1)) if until else None,
                at=at,
            ),
            "since": since,
            "until": until,
            "lead": lead,
            "entries": timeline.of(lead, only=LAYERS["story"]) if lead else [],
        },
    )


def _filtered(request: HttpRequest, *, at: datetime) -> AssignmentFilter:
    data: QueryDict = request.GET.copy()
    if "since" not in data and "until" not in data:
        first = timezone.localtime(at).date() - timedelta(days=LAST_DAYS)
        data["since"] = first.isoformat()
    return AssignmentFilter(data, queryset=selectors.changes(request.user), request=request)


def _of_tab(rows: QuerySet[Assignment], tab: str) -> QuerySet[Assignment]:
    codes = selectors.TABS.get(tab, ())
    return rows.filter(reason_code__in=codes) if codes else rows


def _cursor(row: Assignment) -> str:
    return f"{row.started_at.isoformat()}_{row.pk}"


def _before(rows: QuerySet[Assignment], cursor: str) -> QuerySet[Assignment]:
    """
    The rows after a cursor, so that a page costs the same however far down it is, and new
    rows do not push lines from one page to the next.
    """
    moment, _sign, pk = cursor.rpartition("_")
    try:
        at = parse_datetime(moment) if moment else None
    except ValueError:
        at = None
    if at is None or timezone.is_naive(at) or not pk.isdecimal() or len(pk) > 18:
        return rows
    return rows.filter(Q(started_at__lt=at) | Q(started_at=at, pk__lt=int(pk)))


def _drawer(request: HttpRequest) -> Lead | None:
    """The lead whose time line stands beside the list, if it is one the person may see."""
    pk = request.GET.get("lead", "")
    if not pk.isdecimal() or len(pk) > 18:
        return None
    return (
        visible_leads(request.user).select_related("prospect", "account").filter(pk=int(pk)).first()
    )


def export(request: HttpRequest) -> HttpResponseBase:
    """The same rows as the page, all of them, as CSV; that it was taken is put on record."""
    _admit(request)
    at = database_now()
    filtered = _filtered(request, at=at)
    if not filtered.is_valid():
        messages.error(request, _("Mend the filters first, then export."))
        return redirect("history")
    # What was searched for may be a person's name, which the trail must not hold.
    used = {
        name: str(getattr(value, "pk", value))
        for name, value in filtered.form.cleaned_data.items()
        if value and name != "q"
    }
    used["tab"] = request.GET.get("tab", "all") if request.GET.get("tab") in TAB_LABELS else "all"
    used["searched"] = "yes" if filtered.form.cleaned_data.get("q") else "no"
    try:
        exports.note_export(what="history", filters=used, by=request.user, at=at)
    except NotSetUp as error:
        messages.warning(request, str(error))
        return redirect("history")
    rows = selectors.with_names(_of_tab(filtered.qs, used["tab"]))
    name = f"history-{timezone.localtime(at):%Y-%m-%d}.csv"
    return exports.csv_response(name, HEADER, _cells(rows.iterator(chunk_size=1000)))


def _cells(rows: Iterable[Assignment]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        lead, decision = row.lead, row.decision
        yield (
            row.started_at.isoformat(),
            row.lead_id,
            row.epoch,
            lead.prospect.name,
            lead.account.name if lead.account else lead.prospect.company,
            str(lead.source),
            came_from(row),
            went_to(row),
            row.reason_code,
            row.reason,
            name_of(row.by),
            str(decision.rule) if decision and decision.rule else "",
            str(decision.batch.ruleset) if decision else "",
            row.driver,
        )


def lead_history(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything that ever happened to a lead, in order."""
    _admit(request)
    lead = get_object_or_404(
        visible_leads(request.user).select_related("prospect", "account", "owner__user", "queue"),
        pk=pk,
    )
    layer = request.GET.get("show", "all")
    layer = layer if layer in LAYERS else "all"
    return TemplateResponse(
        request,
        "routing/history_lead.html",
        {
            "at": database_now(),
            "lead": lead,
            "entries": timeline.of(lead, only=LAYERS[layer]),
            "layers": [(name, label, name == layer) for name, label in LAYER_LABELS.items()],
        },
    )


urlpatterns = [
    path("history/", history, name="history"),
    path("history/export/", export, name="history_export"),
    path("history/lead/<int:pk>/", lead_history, name="history_lead"),
]
