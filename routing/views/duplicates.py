"""People who may be one: decided side by side; merges, and the way back."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from reps.due.clock import database_now
from reps.views.gates import set_up_only
from routing import ownership
from routing.dedupe import deciding, merging, unmerging, words
from routing.dedupe.deciding import visible_merges, visible_pairs
from routing.duplicate_forms import DecideForm, PolicyForm, ProviderForms, ReturnForms, UndoForm
from routing.models import DuplicatePair, DuplicatePolicy, Lead, Organisation
from routing.visibility import visible_leads

PAGE = 25
LATELY = 20
OPEN = DuplicatePair.State.OPEN


@set_up_only
def duplicates(request: HttpRequest) -> HttpResponse:
    """What is to decide, the surest first, and what was merged lately."""
    rows = visible_pairs(request.user).filter(state=OPEN).select_related("first", "second")
    page = Paginator(rows.order_by("-confidence", "pk"), PAGE).get_page(request.GET.get("page"))
    for pair in page.object_list:
        pair.words = words.evidence(pair.evidence)
    merges = visible_merges(request.user).select_related("winner", "loser", "by", "undone_by")
    return TemplateResponse(
        request,
        "routing/duplicates.html",
        {"page": page, "merges": merges.order_by("-at", "-pk")[:LATELY]},
    )


@set_up_only
def pair(request: HttpRequest, pk: int) -> HttpResponse:
    """Two people side by side; merge them, or keep them apart."""
    row = get_object_or_404(visible_pairs(request.user).select_related("first", "second"), pk=pk)
    form = DecideForm(request.POST or None)
    refused = ""
    if request.method == "POST" and form.is_valid():
        try:
            return _decide(request, row, form)
        except (merging.MergeRefused, ownership.OwnershipRefused) as error:
            refused = str(error)
    return _pair_page(request, row, form, refused=refused)


def _decide(request: HttpRequest, row: DuplicatePair, form: DecideForm) -> HttpResponse:
    at, reason = database_now(), form.cleaned_data["reason"]
    upcoming = visible_pairs(request.user).filter(state=OPEN).exclude(pk=row.pk)
    if request.POST.get("do") == "apart":
        deciding.keep_apart(
            one_id=row.first_id, other_id=row.second_id, by=request.user, at=at, reason=reason
        )
        messages.success(request, _("Kept apart. They are not suggested again."))
    else:
        first = form.cleaned_data["winner"] == "first"
        winner, loser = (row.first, row.second) if first else (row.second, row.first)
        merging.merge(
            winner_id=winner.pk,
            loser_id=loser.pk,
            by=request.user,
            at=at,
            driver="web",
            reason=reason,
            take=form.take(),
        )
        messages.success(request, _("Merged. It can be undone on the page of duplicates."))
    # On to the next one, so that many are decided in one go.
    following = upcoming.order_by("-confidence", "pk").first()
    return redirect("duplicate", pk=following.pk) if following else redirect("duplicates")


def _pair_page(
    request: HttpRequest, row: DuplicatePair, form: DecideForm, *, refused: str
) -> HttpResponse:
    seen = visible_leads(request.user).select_related("owner__user", "queue", "source")
    leads = list(seen.filter(prospect__in=[row.first_id, row.second_id]).order_by("pk"))
    policy = DuplicatePolicy.get()
    clashes = merging.clashing(leads, policy=policy)
    stays = clashes[0].kept.prospect_id if clashes else _with_open(leads, row)
    chosen = form.data.get("winner") or ("first" if stays == row.first_id else "second")
    fields = [
        {
            "row": one,
            "side": form.data.get(f"take_{one.name}") or _side(one, chosen),
        }
        for one in words.side_by_side(row.first, row.second)
    ]
    return TemplateResponse(
        request,
        "routing/duplicate.html",
        {
            "pair": row,
            "form": form,
            "refused": refused,
            "winner": chosen,
            "fields": fields,
            "evidence": words.evidence(row.evidence),
            "sides": [
                ("first", row.first, [one for one in leads if one.prospect_id == row.first_id]),
                ("second", row.second, [one for one in leads if one.prospect_id == row.second_id]),
            ],
            "outcome": words.outcome(row, leads, policy),
            "decided": row.state != OPEN,
        },
        status=409 if refused else 422 if form.errors else 200,
    )


def _with_open(leads: list[Lead], row: DuplicatePair) -> int:
    """Whoever has the open lead; else whoever is known longer."""
    return next((lead.prospect_id for lead in leads if lead.is_open), row.first_id)


def _side(one: words.Row, winner: str) -> str:
    """The value that is kept unless somebody chooses: the one who stays knows best."""
    other = "second" if winner == "first" else "first"
    return winner if getattr(one, winner) else other


@require_POST
@set_up_only
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take two people apart again."""
    row = get_object_or_404(visible_merges(request.user), pk=pk)
    form = UndoForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Say why they are two."))
        return redirect("duplicates")
    try:
        unmerging.unmerge(
            merge_id=row.pk,
            by=request.user,
            at=database_now(),
            driver="web",
            reason=form.cleaned_data["reason"],
        )
    except (merging.MergeRefused, ownership.OwnershipRefused) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Undone. Everything is with whom it was before."))
    return redirect("duplicates")


@set_up_only
def policy(request: HttpRequest) -> HttpResponse:
    """What makes two submissions the same person, and what becomes of a duplicate."""
    row = DuplicatePolicy.get()
    sent = request.POST if request.method == "POST" else None
    form = PolicyForm(sent, instance=DuplicatePolicy.get())
    sets: dict[str, Any] = {
        "providers": ProviderForms(
            sent,
            prefix="p",
            initial=[{**one, "domains": ", ".join(one["domains"])} for one in row.providers],
        ),
        "returns": ReturnForms(sent, prefix="r", initial=row.returns),
    }
    valid = sent is not None and all([form.is_valid(), *(one.is_valid() for one in sets.values())])
    if valid:
        rows = {name: one.rows() for name, one in sets.items()}
        made = deciding.set_policy(
            values={**form.cleaned_data, **rows}, by=request.user, at=database_now()
        )
        messages.success(request, _("Saved: version %(n)s.") % {"n": made.version})
        return redirect("duplicate_policy")
    return TemplateResponse(
        request,
        "routing/duplicate_policy.html",
        {
            "form": form,
            **sets,
            "policy": row,
            "sticky_days": Organisation.get().sticky_days if Organisation.objects.exists() else 90,
            "history": DuplicatePolicy.history.select_related("history_user")[:LATELY],
        },
        status=422 if sent is not None else 200,
    )


urlpatterns = [
    path("duplicates/", duplicates, name="duplicates"),
    path("duplicates/policy/", policy, name="duplicate_policy"),
    path("duplicates/<int:pk>/", pair, name="duplicate"),
    path("duplicates/merges/<int:pk>/undo/", undo, name="merge_undo"),
]
