"""The queue of match reviews: candidates side by side, decided one after the other."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from reps.due.clock import database_now
from reps.views.gates import set_up_only
from routing import ownership
from routing.models import MatchReview
from routing.review_forms import NET_NEW, ReviewForm
from routing.reviews import decisions, queue, rate
from routing.visibility import visible_reviews
from routing.work.refusals import WorkRefused

REFUSALS = (WorkRefused, ownership.OwnershipRefused)
# How long what one decided last is offered to be taken back.
UNDO_WITHIN = timedelta(hours=1)


@require_GET
@set_up_only
def review_list(request: HttpRequest) -> HttpResponse:
    """The next review to decide (after the one that was skipped), and the match rate."""
    after = request.GET.get("after", "")
    number = int(after) if after.isascii() and after.isdigit() and len(after) < 18 else None
    return _page(request, queue.next_of(request.user, after=number))


@require_GET
@set_up_only
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """One review: to decide, or how it was decided."""
    return _page(request, get_object_or_404(queue.of_page(request.user), pk=pk))


def _page(
    request: HttpRequest, row: MatchReview | None, *, form: ReviewForm | None = None
) -> HttpResponse:
    at = database_now()
    context: dict[str, Any] = {
        "at": at,
        "review": row,
        "waiting": queue.pending(request.user).count(),
        "rates": rate.read(request.user, at=at),
        "target": rate.TARGET,
        "net_new": NET_NEW,
    }
    last = queue.last_decision(request.user)
    if last is not None and last.decided_at is not None and at - last.decided_at < UNDO_WITHIN:
        context["last"] = last
    if row is not None:
        shown = queue.shown(row, user=request.user, at=at)
        context["shown"] = shown
        if row.state == MatchReview.State.PENDING:
            context["form"] = form or _form(request, row)
    failed = form is not None and form.errors
    return TemplateResponse(request, "routing/reviews.html", context, status=422 if failed else 200)


def _form(request: HttpRequest, row: MatchReview, data: Any = None) -> ReviewForm:
    others = decisions.siblings(row).filter(pk__in=visible_reviews(request.user).values("pk"))
    return ReviewForm(data, review=row, others=others)


@require_POST
@set_up_only
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Say which account it is; the next review follows."""
    row = get_object_or_404(queue.of_page(request.user), pk=pk)
    form = _form(request, row, request.POST)
    if not form.is_valid():
        return _page(request, row, form=form)
    data = form.cleaned_data
    try:
        decided = decisions.decide(
            review_id=pk,
            account_id=data["account"],
            reason=data["reason"],
            teach_name=data["teach_name"],
            teach_domain=data["teach_domain"],
            also=[other.pk for other in data["also"]],
            by=request.user,
            at=database_now(),
            driver="web",
        )
    except REFUSALS as refused:
        messages.error(request, str(refused))
    else:
        _say(request, decided)
    return redirect(f"{reverse('reviews')}?after={pk}")


def _say(request: HttpRequest, decided: list[MatchReview]) -> None:
    first = decided[0]
    what = _("Matched to %(a)s.") % {"a": first.account} if first.account else _("Net new.")
    if len(decided) > 1:
        what += " " + ngettext(
            "%(n)s more lead of the same company with it.",
            "%(n)s more leads of the same company with it.",
            len(decided) - 1,
        ) % {"n": len(decided) - 1}
    messages.success(request, f"{what} {first.became}")


@require_POST
@set_up_only
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a decision back; its review is shown again."""
    row = get_object_or_404(visible_reviews(request.user), pk=pk)
    try:
        undone = decisions.undo(review_id=row.pk, by=request.user, at=database_now(), driver="web")
    except REFUSALS as refused:
        messages.error(request, str(refused))
        return redirect("reviews")
    became = " ".join(dict.fromkeys(one.became for one in undone if one.became))
    messages.success(request, (_("Taken back; it waits again.") + " " + became).strip())
    return redirect("review", pk)


urlpatterns = [
    path("reviews/", review_list, name="reviews"),
    path("reviews/<int:pk>/", review, name="review"),
    path("reviews/<int:pk>/decide/", decide, name="review_decide"),
    path("reviews/<int:pk>/undo/", undo, name="review_undo"),
]
