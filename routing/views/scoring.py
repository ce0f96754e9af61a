"""The score: what is live, the draft, what it would change, its versions."""

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
from routing.models import Organisation, ScoreModel
from routing.qualify import score_body
from routing.rules import sentences
from routing.rules.sentences import Names
from routing.score_forms import BoundsForm, ReasonForm
from routing.scoring import definitions, edit, preview, review
from routing.scoring.preview import Comparison
from routing.scoring.refusals import ScoreRefused
from routing.simulation.charts import Pair, chart

MOST_VERSIONS = 20


def body_now() -> dict[str, Any]:
    """What the editor shows: the draft, or the live version while there is none."""
    row = edit.open_draft() or Organisation.get().live_score_model
    return score_body.empty() if row is None else {**score_body.empty(), **row.body}


def drawn(found: Comparison | None) -> dict[str, Any]:
    """A comparison with its bars, for a page."""
    if found is None:
        return {"comparison": None}
    return {
        "comparison": found,
        "band_bars": chart(
            [
                Pair(f"{low}–{100 if low == 90 else low + 9}", before, after)
                for low, before, after in found.bands
            ]
        ),
        "tier_bars": chart(
            [Pair(str(_(tier.title())), before, after) for tier, before, after in found.tiers]
        ),
    }


def compared(request: HttpRequest, body: dict[str, Any]) -> dict[str, Any]:
    """What a body would change, drawn; nothing while it cannot be used."""
    try:
        found = preview.compare(body, user=request.user, at=database_now())
    except score_body.BadModel as bad:
        return {"comparison": None, "unusable": str(bad)}
    return drawn(found)


@set_up_only
def score_page(
    request: HttpRequest, refused: ReasonForm | None = None, bounds: BoundsForm | None = None
) -> HttpResponse:
    """Every line of the score in words, the draft beside the live version, and the versions."""
    organisation, draft, names = Organisation.get(), edit.open_draft(), Names.read()
    live, at, body = organisation.live_score_model, database_now(), body_now()
    due = review.due_at(organisation)
    return TemplateResponse(
        request,
        "routing/score.html",
        {
            "at": at,
            "live": live,
            "draft": draft,
            "body": body,
            "profiles": _in_words(body["profiles"], names),
            "factors": _in_words(body["factors"], names),
            "events": list(enumerate(body["events"])),
            "bounds": bounds or BoundsForm(initial=BoundsForm.values(body)),
            "publish_form": refused or ReasonForm(),
            "versions": ScoreModel.objects.filter(state=ScoreModel.State.PUBLISHED).select_related(
                "published_by"
            )[:MOST_VERSIONS],
            "is_signed": definitions.was_signed_for(live),
            "scores_by": organisation.get_scores_by_display(),
            "by_points": organisation.scores_by == "POINTS",
            "review_due": due,
            "review_is_due": due is not None and due <= at,
            **(compared(request, draft.body) if draft else {}),
        },
        status=422 if refused is not None or bounds is not None else 200,
    )


def _in_words(lines: list[dict[str, Any]], names: Names) -> list[tuple[int, dict[str, Any], str]]:
    return [
        (
            place,
            line,
            sentences.condition_words(line.get("condition", {"all": []}), names) or _("every lead"),
        )
        for place, line in enumerate(lines)
    ]


@set_up_only
def score_preview(request: HttpRequest) -> HttpResponse:
    """The bounds as they stand in the form, tried on recent leads; nothing is saved."""
    form = BoundsForm(request.POST or None)
    body = body_now()
    if form.is_valid():
        body |= form.body()
    return TemplateResponse(request, "routing/_score_preview.html", compared(request, body))


@require_POST
@set_up_only
def score_bounds(request: HttpRequest) -> HttpResponse:
    """Save weights, threshold and tiers into the draft."""
    form = BoundsForm(request.POST)
    if not form.is_valid():
        return score_page(request, bounds=form)
    body = {**body_now(), **form.body()}
    edit.save_body(body=body, by=request.user, at=database_now(), reason="bounds")
    messages.success(request, _("Saved in the draft. It scores once you publish it."))
    return redirect("score")


@require_POST
@set_up_only
def score_publish(request: HttpRequest) -> HttpResponse:
    """Let the draft score, or throw it away."""
    at = database_now()
    if request.POST.get("act") == "discard":
        edit.discard(by=request.user, at=at)
        messages.success(request, _("Threw the draft away."))
        return redirect("score")
    form = ReasonForm(request.POST)
    if form.is_valid():
        try:
            row = edit.publish(**form.cleaned_data, by=request.user, at=at)
        except ScoreRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(
                request,
                _("%(version)s scores now. Definitions have to be signed anew.") % {"version": row},
            )
            return redirect("score")
    return score_page(request, refused=form)


@set_up_only
def score_version(request: HttpRequest, version: int) -> HttpResponse:
    """A published version as it is, and the way back to it."""
    rows = ScoreModel.objects.filter(state=ScoreModel.State.PUBLISHED, version=version)
    row = rows.select_related("published_by", "based_on").first()
    if row is None:
        messages.info(request, _("There is no published version of this number."))
        return redirect("score")
    organisation, names = Organisation.get(), Names.read()
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            edit.roll_back(version=version, **form.cleaned_data, by=request.user, at=database_now())
        except ScoreRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("%(version)s scores again.") % {"version": row})
            return redirect("score")
    body = {**score_body.empty(), **row.body}
    return TemplateResponse(
        request,
        "routing/score_version.html",
        {
            "version": row,
            "is_live": row.pk == organisation.live_score_model_id,
            "body": body,
            "profiles": _in_words(body["profiles"], names),
            "factors": _in_words(body["factors"], names),
            "events": list(enumerate(body["events"])),
            "form": form,
            **({} if row.pk == organisation.live_score_model_id else compared(request, body)),
        },
        status=422 if form.is_bound and form.errors else 200,
    )


urlpatterns = [
    path("rules/score/", score_page, name="score"),
    path("rules/score/preview/", score_preview, name="score_preview"),
    path("rules/score/bounds/", score_bounds, name="score_bounds"),
    path("rules/score/publish/", score_publish, name="score_publish"),
    path("rules/score/versions/<int:version>/", score_version, name="score_version"),
]
