"""What a pool promised and gave: for whoever set it up, and for each rep their own."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from reps import access
from reps.due.clock import database_now
from reps.models import Rep
from reps.views.gates import set_up_only
from routing.fairness import ledger, report
from routing.fairness.settle import SettleRefused, settle
from routing.models import BalanceLine, Pool
from routing.pool_forms import whole
from routing.visibility import visible_leads, visible_reps

PAGE = 50
PERIODS = (7, 30, 90)
USUAL = 30


@require_safe
@set_up_only
def pool_fairness(request: HttpRequest, pk: int) -> HttpResponse:
    """For each lane of a pool what was promised, what was got, and who is owed."""
    pool = get_object_or_404(Pool, pk=pk)
    at, days = database_now(), _days(request)
    visible = set(visible_reps(request.user).values_list("pk", flat=True))
    return TemplateResponse(
        request,
        "routing/pool_fairness.html",
        {
            "pool": pool,
            "at": at,
            "days": days,
            "periods": PERIODS,
            "lanes": [
                (lane, [(one, bars(lane, one), one.rep.pk in visible) for one in lane.shares])
                for lane in report.lanes(pool, since=at - timedelta(days=days), until=at)
            ],
        },
    )


@set_up_only
def pool_ledger(request: HttpRequest, pk: int, rep_pk: int) -> HttpResponse:
    """A member's account line by line; whoever manages them may settle it."""
    pool = get_object_or_404(Pool, pk=pk)
    rep = get_object_or_404(visible_reps(request.user), pk=rep_pk)
    may_settle = access.manages(request.user, rep)
    reason, refusal = request.POST.get("reason", "").strip()[:300], ""
    if request.method == "POST":
        if not may_settle:
            raise PermissionDenied(_("Only whoever manages this rep settles their balance."))
        try:
            settle(pool=pool, rep=rep, by=request.user, at=database_now(), reason=reason)
        except SettleRefused as refused:
            refusal = str(refused)
        else:
            messages.success(
                request, _("%(rep)s is level in %(pool)s.") % {"rep": rep, "pool": pool}
            )
            return redirect("pool_ledger", pk, rep_pk)
    return _ledger(
        request,
        pool=pool,
        rep=rep,
        back=reverse("pool_fairness", args=[pk]),
        may_settle=may_settle,
        reason=reason,
        refusal=refusal,
    )


@require_safe
def my_fairness(request: HttpRequest) -> HttpResponse:
    """A rep's own shares in all their pools, beside the mean of each pool."""
    rep = _own_rep(request)
    at, days = database_now(), _days(request)
    pools = []
    for pool in Pool.objects.filter(members__rep=rep):
        lanes = report.lanes(pool, since=at - timedelta(days=days), until=at)
        own = [
            (lane, one, bars(lane, one))
            for lane in lanes
            for one in lane.shares
            if one.rep.pk == rep.pk
        ]
        pools.append((pool, own))
    return TemplateResponse(
        request,
        "routing/my_fairness.html",
        {"rep": rep, "pools": pools, "at": at, "days": days, "periods": PERIODS},
    )


@require_safe
def my_ledger(request: HttpRequest, pk: int) -> HttpResponse:
    """A rep's own account in a pool, line by line."""
    rep = _own_rep(request)
    seen = Pool.objects.filter(lines__rep=rep) | Pool.objects.filter(members__rep=rep)
    pool = get_object_or_404(seen.distinct(), pk=pk)
    return _ledger(request, pool=pool, rep=rep, back=reverse("my_fairness"))


def _own_rep(request: HttpRequest) -> Rep:
    rep = access.rep_of(request.user)
    if rep is None:
        raise Http404
    return rep


def _days(request: HttpRequest) -> int:
    days = whole(request.GET.get("days", ""))
    return days if days in PERIODS else USUAL


def bars(lane: report.Lane, one: report.Share) -> dict[str, str]:
    """
    Lengths for the picture of a share, in percent of the lane's longest: what was got, its
    interval, and the mark of what was promised. As text, for attributes know no language.
    """
    longest = max([max(other.high if lane.total else 0.0, other.promised) for other in lane.shares])
    scale = 100 / longest if longest else 0.0
    high = one.high if lane.total else 0.0
    low = one.low if lane.total else 0.0
    return {
        "got": f"{one.share * scale:.2f}",
        "low": f"{low * scale:.2f}",
        "span": f"{(high - low) * scale:.2f}",
        "promised": f"{one.promised * scale:.2f}",
    }


def _ledger(request: HttpRequest, *, pool: Pool, rep: Rep, **more: Any) -> HttpResponse:
    page = Paginator(ledger.lines_of(pool, rep), PAGE).get_page(request.GET.get("page"))
    opened = whole(request.GET.get("line", ""))
    lines = [
        {
            "row": row,
            "leads": report.in_leads(row.units),
            "after": report.in_leads(row.balance_after),
            "charges": _charges(request, row) if row.pk == opened else None,
        }
        for row in page
    ]
    return TemplateResponse(
        request,
        "routing/fairness_ledger.html",
        {
            "pool": pool,
            "rep": rep,
            "page": page,
            "lines": lines,
            "opened": opened,
            "accounts": report.balances(pool, rep),
            "at": database_now(),
            **more,
        },
        status=422 if more.get("refusal") else 200,
    )


def _charges(request: HttpRequest, line: BalanceLine) -> list[dict[str, Any]]:
    """The leads of a line; those that the person may not see are told of without a name."""
    charges = ledger.expand(line)
    seen = {
        lead.pk: lead
        for lead in visible_leads(request.user)
        .filter(pk__in=[one.lead_id for one in charges])
        .select_related("prospect")
    }
    return [
        {
            "lead": seen.get(one.lead_id),
            "units": report.in_leads(one.units),
            "received": one.received,
        }
        for one in charges
    ]


urlpatterns = [
    path("pools/<int:pk>/fairness/", pool_fairness, name="pool_fairness"),
    path("pools/<int:pk>/fairness/<int:rep_pk>/", pool_ledger, name="pool_ledger"),
    path("me/fairness/", my_fairness, name="my_fairness"),
    path("me/fairness/<int:pk>/", my_ledger, name="my_ledger"),
]
