"""Pools with their members, weights and limits, and the queues people claim from."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _

from reps import access, trail
from reps.due.clock import database_now
from reps.models import Rep, User
from reps.views.gates import set_up_only
from routing import organisation
from routing.models import Lead, Limit, Pool, Queue
from routing.organisation import SetUpRefused
from routing.pool_forms import (
    KINDS,
    PERIODS,
    LimitRow,
    MemberRow,
    PoolForm,
    member_choices,
    posted_limits,
    posted_members,
    read_limits,
    read_members,
    whole,
)
from routing.setup_forms import QueueForm
from routing.visibility import visible_reps


@set_up_only
def pool_list(request: HttpRequest) -> HttpResponse:
    """Every pool with who is in it."""
    rows = Pool.objects.select_related("territory").prefetch_related("members__rep__user")
    return TemplateResponse(request, "routing/pools.html", {"pools": rows})


@set_up_only
def pool_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make or change a pool; members are rows, added, moved and taken out by buttons."""
    pool = Pool() if pk is None else get_object_or_404(Pool, pk=pk)
    form = PoolForm(request.POST or None, instance=pool)
    choices = member_choices(request.user, pool)
    action = request.POST.get("act", "")
    if request.method == "POST":
        rows = posted_members(request.POST)
        if action:
            act_on(rows, action, empty=MemberRow)
        else:
            members = read_members(rows, choices=choices)
            if form.is_valid() and not any(row.error for row in rows):
                try:
                    organisation.save_pool(
                        pool=form.instance, members=members, by=request.user, at=database_now()
                    )
                except SetUpRefused as refused:
                    form.add_error(None, str(refused))
                else:
                    messages.success(request, _("Saved the pool %(pool)s.") % {"pool": pool})
                    return redirect("pools")
    else:
        present = pool.members.order_by("position", "pk") if pool.pk else []
        rows = [MemberRow.of(one) for one in present]
    if not rows or not action:
        rows = [*rows, *[MemberRow() for _n in range(max(1, 3 - len(rows)))]]
    quiet = bool(action)
    failed = request.method == "POST" and not quiet
    shown = PoolForm(instance=pool, initial=PoolForm.typed(request.POST)) if quiet else form
    return TemplateResponse(
        request,
        "routing/pool.html",
        {
            "pool": pool,
            "form": shown,
            "parts": shown.parts(),
            "rows": rows,
            "choices": choices.values(),
            "limits": _limits_of(pool) if pool.pk else [],
        },
        status=422 if failed else 200,
    )


def _limits_of(pool: Pool) -> QuerySet[Limit]:
    return pool.limits.select_related("rep__user").order_by("rep", "kind", "pk")


def act_on(rows: list[Any], action: str, *, empty: Callable[[], Any]) -> None:
    """Add an empty row, move one up, or take one out; anything else changes nothing."""
    verb, _sep, number = action.partition(":")
    index = whole(number)
    if verb == "drop" and index is not None and index < len(rows):
        del rows[index]
    elif verb == "up" and index is not None and 0 < index < len(rows):
        rows[index - 1], rows[index] = rows[index], rows[index - 1]
    elif verb == "row":
        rows.append(empty())


@set_up_only
def pool_limits(request: HttpRequest, pk: int) -> HttpResponse:
    """The limits of a pool: for every member, or for one of them."""
    pool = get_object_or_404(Pool, pk=pk)
    members = Rep.objects.filter(memberships__pool=pool) | Rep.objects.filter(limits__pool=pool)
    return _limits(
        request,
        on=pool,
        choices={rep.pk: rep for rep in members.select_related("user").distinct()},
        nobody=_("every member"),
        about=_("Whom"),
        back=reverse("pool", args=[pk]),
    )


@set_up_only
def rep_limits(request: HttpRequest, pk: int) -> HttpResponse:
    """The limits of one rep: for all leads, or for those of one pool."""
    rep = get_object_or_404(visible_reps(request.user), pk=pk)
    if not access.manages(request.user, rep):
        raise PermissionDenied(_("Only whoever manages this rep sets their limits."))
    pools = Pool.objects.filter(members__rep=rep) | Pool.objects.filter(limits__rep=rep)
    return _limits(
        request,
        on=rep,
        choices={pool.pk: pool for pool in pools.distinct()},
        nobody=_("all leads"),
        about=_("Leads of"),
        back=reverse("rep", args=[pk]),
    )


def _limits(
    request: HttpRequest,
    *,
    on: Pool | Rep,
    choices: Mapping[int, Any],
    nobody: str,
    about: str,
    back: str,
) -> HttpResponse:
    action, refusal = request.POST.get("act", ""), ""
    if request.method == "POST":
        rows = posted_limits(request.POST)
        if action:
            act_on(rows, action, empty=LimitRow)
        else:
            limits = read_limits(rows, on=on, choices=choices)
            present = on.limits.select_related("rep")
            if _of_others(limits, request.user) != _of_others(present, request.user):
                refusal = _(
                    "Only whoever manages a rep sets what that rep alone may get; leave that be."
                )
            elif not any(row.error for row in rows):
                try:
                    organisation.save_limits(
                        of=on, limits=limits, by=request.user, at=database_now()
                    )
                except SetUpRefused as refused:
                    refusal = str(refused)
                else:
                    messages.success(request, _("Saved the limits of %(whom)s.") % {"whom": on})
                    return redirect(back)
    else:
        rows = [LimitRow.of(row, on=on) for row in on.limits.all()]
    if not rows or not action:
        rows = [*rows, LimitRow()]
    return TemplateResponse(
        request,
        "routing/limits.html",
        {
            "on": on,
            "rows": rows,
            "choices": choices.items(),
            "nobody": nobody,
            "about": about,
            "back": back,
            "kinds": KINDS,
            "periods": PERIODS,
            "tiers": Lead.Tier.choices,
            "refusal": refusal,
        },
        status=422 if request.method == "POST" and not action else 200,
    )


def _of_others(limits: Iterable[Limit], user: User) -> set[tuple[Any, ...]]:
    """What these limits say of single reps whom the person does not manage."""
    if access.is_revops(user):
        return set()
    teams = access.teams_of(user)
    return {
        (row.rep_id, row.pool_id, row.kind, row.window, row.rolling, row.tier, row.most)
        for row in limits
        if row.rep is not None and row.rep.team_id not in teams
    }


@set_up_only
def queue_list(request: HttpRequest) -> HttpResponse:
    """Every queue, who may claim from it, who answers for it, how many wait."""
    rows = Queue.objects.select_related("pool", "responsible").annotate(
        waiting=Count("leads", filter=Q(leads__place=Lead.Place.QUEUE))
    )
    return TemplateResponse(request, "routing/queues.html", {"queues": rows})


@set_up_only
def queue_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make or change a queue."""
    row = Queue(responsible=request.user) if pk is None else get_object_or_404(Queue, pk=pk)
    form = QueueForm(request.POST or None, instance=row)
    if pk is None and request.method != "POST":
        form.initial["pool"] = Pool.objects.first()
    if request.method == "POST" and form.is_valid():
        trail.save(
            form.instance, by=request.user, at=database_now(), reason="edited" if pk else "created"
        )
        messages.success(request, _("Saved the queue %(queue)s.") % {"queue": form.instance})
        return redirect("queues")
    return TemplateResponse(
        request,
        "routing/queue.html",
        {"form": form, "queue": row if pk else None},
        status=422 if form.errors else 200,
    )


urlpatterns = [
    path("setup/pools/", pool_list, name="pools"),
    path("setup/pools/new/", pool_edit, name="pool_add"),
    path("setup/pools/<int:pk>/", pool_edit, name="pool"),
    path("setup/pools/<int:pk>/limits/", pool_limits, name="pool_limits"),
    path("setup/limits/rep/<int:pk>/", rep_limits, name="rep_limits"),
    path("setup/queues/", queue_list, name="queues"),
    path("setup/queues/new/", queue_edit, name="queue_add"),
    path("setup/queues/<int:pk>/", queue_edit, name="queue"),
]
