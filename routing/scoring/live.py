"""What scores now: the live version of the model, the learnt score, and what is an MQL."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from routing.engine import Condition, parse
from routing.models import FunnelDefinition, LearntScore, Organisation, ScoreModel
from routing.models.desk import ScoresBy
from routing.qualify import facts, score_body, scoring
from routing.qualify.learnt import Learnt
from routing.qualify.scoring import Model


@dataclass(frozen=True, slots=True)
class Live:
    """Everything that a lead is scored by. Without a published version nobody gets points."""

    model: Model = scoring.EMPTY
    row_id: int | None = None
    scores_by: str = ScoresBy.POINTS
    learnt: Learnt | None = None
    learnt_id: int | None = None
    mql: Condition | None = None
    mql_reached: str = ""


def read(organisation: Organisation) -> Live:
    """Read what scores now: two statements, three with a learnt score."""
    row = None
    if organisation.live_score_model_id is not None:
        row = ScoreModel.objects.filter(pk=organisation.live_score_model_id).first()
    learnt = None
    if organisation.scores_by != ScoresBy.POINTS:
        learnt = LearntScore.objects.get(pk=organisation.learnt_score_id)
    mql = current(FunnelDefinition.Kind.MQL)
    return Live(
        model=scoring.EMPTY if row is None else model_of(row.body),
        row_id=row and row.pk,
        scores_by=organisation.scores_by,
        learnt=learnt and Learnt.from_json(learnt.body),
        learnt_id=learnt and learnt.pk,
        mql=mql and condition_of(mql.condition),
        mql_reached=mql.reached if mql else "",
    )


def current(kind: str) -> FunnelDefinition | None:
    """The definition that holds: the newest version."""
    return FunnelDefinition.objects.filter(kind=kind).order_by("-version").first()


def model_of(body: Mapping[str, Any]) -> Model:
    """
    Read a stored body; the same text is read once in a process.

    :raises routing.qualify.score_body.BadModel: at the first part that cannot be used
    """
    return _model(json.dumps(body, sort_keys=True))


@lru_cache(maxsize=16)
def _model(text: str) -> Model:
    return score_body.read(json.loads(text), facts.SCORE_KINDS)


def condition_of(condition: Mapping[str, Any]) -> Condition:
    """Read the condition of a definition."""
    return _condition(json.dumps(condition, sort_keys=True))


@lru_cache(maxsize=16)
def _condition(text: str) -> Condition:
    return parse(json.loads(text), facts.FUNNEL_KINDS)
