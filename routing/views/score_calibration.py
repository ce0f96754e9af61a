"""Whether the score tells: bands against outcomes, the learnt score, and the quarterly review."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from reps.due.clock import database_now
from reps.views.gates import set_up_only
from routing.models import LearntScore, Organisation, ScoreModel, ScoreReview
from routing.models.desk import ScoresBy
from routing.score_forms import ReviewForm
from routing.scoring import calibration, learning, review
from routing.scoring.charts import columns
from routing.scoring.refusals import ScoreRefused

MOST_REVIEWS = 8


@set_up_only
def calibration_page(request: HttpRequest, form: ReviewForm | None = None) -> HttpResponse:
    """Bands of the score on arrival against what became of the leads."""
    at, organisation = database_now(), Organisation.get()
    days = _days(request.GET.get("days", ""))
    published = ScoreModel.objects.filter(state=ScoreModel.State.PUBLISHED)
    asked = request.GET.get("version", "")
    version = published.filter(version=int(asked)).first() if _is_number(asked) else None
    found = calibration.read(days=days, at=at, model=version)
    due = review.due_at(organisation)
    return TemplateResponse(
        request,
        "routing/score_calibration.html",
        {
            "at": at,
            "days": days,
            "periods": calibration.PERIODS,
            "versions": published,
            "version": version,
            "found": found,
            "few": calibration.FEW,
            "ripe": calibration.RIPE.days,
            "chart": columns(found.bands),
            "form": form or ReviewForm(),
            "live": organisation.live_score_model,
            "owner": organisation.score_owner or organisation.responsible,
            "reviews": ScoreReview.objects.select_related("by", "score_model")[:MOST_REVIEWS],
            "review_due": due,
            "review_is_due": due is not None and due <= at,
            "scores_by": organisation.get_scores_by_display(),
            "chosen": organisation.scores_by,
            "learnt": _learnt(organisation),
        },
        status=422 if form is not None else 200,
    )


def _learnt(organisation: Organisation) -> dict[str, Any] | None:
    """The newest learnt score with its contest, line by line."""
    row = LearntScore.objects.select_related("trained_by").first()
    if row is None:
        return None
    report = row.report
    return {
        "row": row,
        "report": report,
        "in_service": organisation.learnt_score_id == row.pk,
        "lines": [
            {
                "value": choice.value,
                "label": choice.label,
                "auc": report["auc"][choice],
                "gain": report["gain"].get(choice),
                "wins": choice == ScoresBy.POINTS or report["wins"].get(choice, False),
                "is_chosen": organisation.scores_by == choice
                and (choice == ScoresBy.POINTS or organisation.learnt_score_id == row.pk),
            }
            for choice in ScoresBy
        ],
    }


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 7


def _days(text: str) -> int:
    periods = calibration.PERIODS
    return int(text) if _is_number(text) and int(text) in periods else periods[1]


@require_POST
@set_up_only
def score_reviewed(request: HttpRequest) -> HttpResponse:
    """Record that somebody looked, and what they found."""
    form = ReviewForm(request.POST)
    if form.is_valid():
        try:
            review.reviewed(**form.cleaned_data, by=request.user, at=database_now())
        except ScoreRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Noted. The next review is due in a quarter."))
            return redirect("score_calibration")
    return calibration_page(request, form=form)


@require_POST
@set_up_only
def score_choose(request: HttpRequest) -> HttpResponse:
    """Say what scores: points, blend or the learnt score."""
    learnt_id = request.POST.get("learnt", "")
    try:
        organisation = learning.choose(
            scores_by=request.POST.get("scores_by", ""),
            learnt_id=int(learnt_id) if _is_number(learnt_id) else None,
            by=request.user,
            at=database_now(),
            reason=request.POST.get("reason", ""),
        )
    except ScoreRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(
            request, _("What scores now: %(by)s.") % {"by": organisation.get_scores_by_display()}
        )
    return redirect("score_calibration")


urlpatterns = [
    path("rules/score/calibration/", calibration_page, name="score_calibration"),
    path("rules/score/calibration/reviewed/", score_reviewed, name="score_reviewed"),
    path("rules/score/calibration/choose/", score_choose, name="score_choose"),
]
