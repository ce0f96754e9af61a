"""What is called MQL and SQL: written in versions, signed by marketing and by sales."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from reps import trail
from reps.models import User
from routing import engine, states
from routing.engine import InvalidPart
from routing.models import FunnelDefinition, Organisation, ScoreModel
from routing.qualify import facts
from routing.qualify.scoring import THRESHOLD
from routing.scoring import live
from routing.scoring.refusals import ScoreRefused

Kind, Side = FunnelDefinition.Kind, FunnelDefinition.Side


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a definition may say to begin with, for whoever writes the first one."""

    text: str
    condition: dict[str, Any]
    reached: str = ""


PROPOSALS: Mapping[str, Proposal] = {
    Kind.MQL: Proposal(
        f"A person who scores {THRESHOLD} or more, or who asked to be contacted. Marketing may "
        "hand them to sales; sales answers them within the promised time.",
        {
            "any": [
                {"fact": "score", "op": "gte", "value": THRESHOLD},
                {"fact": "hand_raise", "op": "eq", "value": True},
            ]
        },
    ),
    Kind.SQL: Proposal(
        "An MQL whom a rep has reached and found to have a need, a budget and a say: the rep has "
        "marked the lead as qualified.",
        {"all": []},
        "QUALIFIED",
    ),
}


@transaction.atomic
def write(
    *,
    kind: str,
    text: str,
    condition: Mapping[str, Any],
    reached: str = "",
    by: User | None,
    at: datetime,
) -> FunnelDefinition:
    """
    Write a definition anew, as the next version, which nobody has signed yet.

    Leads that were stamped by an earlier version keep their moment.

    :raises ScoreRefused: for a text or condition that cannot be used, or if nothing changes
    """
    if kind not in Kind.values:
        raise ScoreRefused("A definition is of MQL or SQL.")
    if not text.strip():
        raise ScoreRefused("Write what marketing and sales agreed on.")
    if reached and reached not in states.WAY:
        raise ScoreRefused("Choose a state that lies on a lead's way.")
    try:
        engine.parse(condition, facts.FUNNEL_KINDS)
    except InvalidPart as bad:
        raise ScoreRefused(str(bad)) from bad
    Organisation.objects.select_for_update(no_key=True).get(pk=1)
    before = live.current(kind)
    if before is not None and (before.text, before.condition, before.reached) == (
        text.strip(),
        dict(condition),
        reached,
    ):
        raise ScoreRefused(f"It says just what {before} says.")
    row = FunnelDefinition(
        kind=kind,
        version=1 if before is None else before.version + 1,
        text=text.strip(),
        condition=dict(condition),
        reached=reached,
        made_by=by,
        made_at=at,
    )
    trail.save(row, by=by, at=at, reason="written", kind="written")
    return row


@transaction.atomic
def sign(*, definition_id: int, side: str, by: User, at: datetime) -> FunnelDefinition:
    """
    Sign a definition for one side, with the score as it is now.

    :raises ScoreRefused: for anybody but the person who signs for that side, for a version
        that no longer holds, before a score is live, or if the side has signed already
    """
    organisation = Organisation.objects.select_for_update(no_key=True).get(pk=1)
    row = FunnelDefinition.objects.select_for_update(no_key=True).get(pk=definition_id)
    newest = live.current(row.kind)
    if newest is None or newest.pk != row.pk:
        raise ScoreRefused(f"{row} no longer holds; sign {newest}.")
    if organisation.live_score_model_id is None:
        raise ScoreRefused("No score is live yet. Publish one, then sign what it means.")
    if side not in Side.values or by.pk != signer_id(organisation, side):
        raise ScoreRefused("Only the person who signs for that side can.")
    name = side.lower()
    if getattr(row, f"{name}_at") is not None:
        raise ScoreRefused(f"{Side(side).label} has signed {row} already.")
    if _other(row, side) == by.pk:
        raise ScoreRefused("Two different people sign: one for each side.")
    setattr(row, f"{name}_by", by)
    setattr(row, f"{name}_at", at)
    row.score_model_id = organisation.live_score_model_id
    trail.save(row, by=by, at=at, reason=f"signed for {name}", kind="signed")
    return row


def _other(row: FunnelDefinition, side: str) -> int | None:
    return row.sales_by_id if side == Side.MARKETING else row.marketing_by_id


def signer_id(organisation: Organisation, side: str) -> int | None:
    """Who signs for a side."""
    if side == Side.MARKETING:
        return organisation.marketing_signer_id
    return organisation.sales_signer_id


@transaction.atomic
def name_people(
    *,
    marketing: User | None,
    sales: User | None,
    owner: User | None,
    by: User | None,
    at: datetime,
) -> Organisation:
    """
    Say who signs for each side, and who looks after the score. Signatures that were given stay.

    :raises ScoreRefused: if one person should sign for both sides
    """
    if marketing is not None and sales is not None and marketing.pk == sales.pk:
        raise ScoreRefused("Two different people sign: one for marketing, one for sales.")
    row = Organisation.objects.select_for_update(no_key=True).get(pk=1)
    wanted = (marketing and marketing.pk, sales and sales.pk, owner and owner.pk)
    if wanted != (row.marketing_signer_id, row.sales_signer_id, row.score_owner_id):
        row.marketing_signer, row.sales_signer, row.score_owner = marketing, sales, owner
        trail.save(row, by=by, at=at, reason="people of the score")
    return row


def take_off_signatures(*, reason: str, by: User | None, at: datetime) -> None:
    """Nobody has signed for another score: the definitions that hold are open again."""
    for kind in Kind.values:
        row = live.current(kind)
        if row is None or row.score_model_id is None:
            continue
        row.marketing_by = row.marketing_at = row.sales_by = row.sales_at = None
        row.score_model = None
        trail.save(row, by=by, at=at, reason=f"unsigned: {reason}", kind="unsigned")


def standing(kind: str) -> FunnelDefinition | None:
    """The definition that holds, with whom its page names."""
    rows = FunnelDefinition.objects.select_related(
        "made_by", "marketing_by", "sales_by", "score_model"
    )
    return rows.filter(kind=kind).order_by("-version").first()


def was_signed_for(model: ScoreModel | None) -> bool:
    """Whether both definitions hold, signed by both sides, for this version of the score."""
    rows = [live.current(kind) for kind in Kind.values]
    return model is not None and all(
        row is not None and row.is_signed and row.score_model_id == model.pk for row in rows
    )
