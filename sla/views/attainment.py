"""How many promises were kept, by whom and for whom; and the story of each that was not."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from reps import access
from reps.due.clock import database_now
from reps.views.gates import set_up_only
from routing import exports
from routing.models.desk import NotSetUp
from routing.visibility import visible_leads
from sla import breaches
from sla.models import Clock
from sla.services import attainment as service

PERIODS = (7, 30, 90)
USUAL = 30
PAGE = 25
WAYS = {
    "policy": gettext_lazy("Promise"),
    "rep": gettext_lazy("Rep"),
    "team": gettext_lazy("Team"),
    "rule": gettext_lazy("Rule"),
    "channel": gettext_lazy("Channel"),
}
NONE = "none"
# Fewer promises than these are judged by nobody.
ENOUGH = 5
HEADER = ("by", "of", "kept", "late", "share", "low", "high", "target")
BREACH_HEADER = (
    "lead",
    "promise",
    "due_utc",
    "late_since_utc",
    "held_by",
    "escalations",
    "state",
    "ended_utc",
)


class _Asked:
    """The period, the way to look at it, and the line looked into, as the address says."""

    def __init__(self, request: HttpRequest, *, at: datetime) -> None:
        days = request.GET.get("days", "")
        self.days = int(days) if days in map(str, PERIODS) else USUAL
        by = request.GET.get("by", "")
        self.by = by if by in WAYS else "policy"
        self.key = request.GET.get("of", "")[:80]
        self.since, self.until = at - timedelta(days=self.days), at
        self.leads = visible_leads(request.user)

    def rows(self) -> list[service.Row]:
        return service.attainment(self.leads, self.since, self.until, by=self.by)

    def chosen(self, rows: Sequence[service.Row]) -> service.Row | None:
        """The line that is looked into; those of nobody and no rule go by "none"."""
        return next((row for row in rows if address(row) == self.key), None)

    def breaches(self, row: service.Row) -> QuerySet[Clock]:
        return breaches.of(self.leads, self.since, self.until, by=self.by, key=row.key)


def address(row: service.Row) -> str:
    """How a line is named in an address."""
    return NONE if row.key is None else str(row.key)


@require_safe
def attainment(request: HttpRequest) -> HttpResponse:
    """Kept and late per policy, rep, team, rule or channel; and the breaches of one line."""
    at = database_now()
    asked = _Asked(request, at=at)
    rows = asked.rows()
    chosen = asked.chosen(rows)
    context: dict[str, Any] = {
        "at": at,
        "asked": asked,
        "rows": [(row, address(row), verdict(row), bar(row)) for row in rows],
        "ways": [(name, label, name == asked.by) for name, label in WAYS.items()],
        "way": WAYS[asked.by],
        "periods": PERIODS,
        "chosen": chosen,
        "chosen_address": address(chosen) if chosen else "",
        "may_export": access.may_set_up(request.user),
    }
    if chosen is not None:
        page = Paginator(asked.breaches(chosen), PAGE).get_page(request.GET.get("page"))
        page.object_list = breaches.stories(page.object_list)
        context["page"] = page
    return TemplateResponse(request, "sla/attainment.html", context)


@require_safe
@set_up_only
def export(request: HttpRequest) -> HttpResponseBase:
    """The table, or the breaches behind one line of it, as CSV; that it was taken is on record."""
    at = database_now()
    asked = _Asked(request, at=at)
    rows = asked.rows()
    chosen = asked.chosen(rows)
    if asked.key and chosen is None:
        messages.warning(request, _("There is nothing behind this line any more."))
        return redirect("attainment")
    used = {"by": asked.by, "days": str(asked.days), "of": address(chosen) if chosen else ""}
    try:
        exports.note_export(what="attainment", filters=used, by=request.user, at=at)
    except NotSetUp as error:
        messages.warning(request, str(error))
        return redirect("attainment")
    name = f"attainment-{timezone.localtime(at):%Y-%m-%d}.csv"
    if chosen is None:
        return exports.csv_response(name, HEADER, _cells(rows, by=asked.by))
    found = breaches.cells(asked.breaches(chosen))
    return exports.csv_response(f"breaches-{name}", BREACH_HEADER, found)


def _cells(rows: Sequence[service.Row], *, by: str) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        shares = (f"{one:.4f}" for one in (row.share, row.low, row.high))
        yield (by, row.label, row.kept, row.late, *shares, f"{row.target:.1f}")


def verdict(row: service.Row) -> tuple[str, str]:
    """What the share says of the target, given how sure it is: a colour, and words."""
    target = row.target / 100
    if row.kept + row.late < ENOUGH:
        return "", _("too few to tell")
    if row.low >= target:
        return "ok", _("above the target")
    if row.high < target:
        return "breach", _("below the target")
    return "", _("too few to tell")


def bar(row: service.Row) -> dict[str, str]:
    """The picture and its words: where the true share lies, the share found, the target."""
    return {
        "low": f"{row.low * 100:.1f}",
        "span": f"{(row.high - row.low) * 100:.1f}",
        "share": f"{row.share * 100:.1f}",
        "target": f"{row.target:.1f}",
        "share_words": f"{row.share * 100:.0f} %",
        "range_words": f"{row.low * 100:.0f} – {row.high * 100:.0f}",
    }


urlpatterns = [
    path("attainment/", attainment, name="attainment"),
    path("attainment/export/", export, name="attainment_export"),
]
