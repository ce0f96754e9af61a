"""Pools with their members and weights, and the queues people claim from."""

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _

from reps import trail
from reps.due.clock import database_now
from reps.views.gates import set_up_only
from routing import organisation
from routing.models import Lead, Pool, Queue
from routing.organisation import SetUpRefused
from routing.rules.builder import small_number
from routing.setup_forms import (
    MemberRow,
    PoolForm,
    QueueForm,
    member_choices,
    posted_members,
    read_members,
)


@set_up_only
def pool_list(request: HttpRequest) -> HttpResponse:
    """Every pool with who is in it."""
    rows = Pool.objects.select_related("territory").prefetch_related("members__rep__user")
    return TemplateResponse(request, "routing/pools.html", {"pools": rows})


@set_up_only
def pool_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make or change a pool; members are rows, added and taken out by buttons."""
    pool = Pool() if pk is None else get_object_or_404(Pool, pk=pk)
    form = PoolForm(request.POST or None, instance=pool)
    choices = member_choices(request.user, pool)
    action = request.POST.get("act", "")
    if request.method == "POST":
        rows = posted_members(request.POST)
        if action:
            _act(rows, action)
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
        rows = [MemberRow(str(one.rep_id), str(one.weight)) for one in present]
    if not rows or not action:
        rows = [*rows, *[MemberRow() for _n in range(max(1, 3 - len(rows)))]]
    quiet = bool(action)
    failed = request.method == "POST" and not quiet
    return TemplateResponse(
        request,
        "routing/pool.html",
        {
            "pool": pool,
            "form": PoolForm(instance=pool, initial=_typed(request)) if quiet else form,
            "rows": rows,
            "choices": choices.values(),
        },
        status=422 if failed else 200,
    )


def _typed(request: HttpRequest) -> dict[str, str]:
    """What was typed so far, shown again without judging it yet."""
    return {name: request.POST.get(name, "") for name in ("name", "territory")}


def _act(rows: list[MemberRow], action: str) -> None:
    verb, _sep, number = action.partition(":")
    index = small_number(number)
    if verb == "drop" and index is not None and index < len(rows):
        del rows[index]
    elif verb == "row":
        rows.append(MemberRow())


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
    path("setup/queues/", queue_list, name="queues"),
    path("setup/queues/new/", queue_edit, name="queue_add"),
    path("setup/queues/<int:pk>/", queue_edit, name="queue"),
]
