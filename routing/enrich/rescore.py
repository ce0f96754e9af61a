"""Score a lead again when data about it came in."""

from datetime import datetime

from reps import trail
from reps.models.bulk import update_many
from reps.models.tracked import bulk_writer
from routing.enrich.known import of_leads
from routing.intake.process import HOT_PRIORITY, NORMAL_PRIORITY, active_factors
from routing.models import Lead, Organisation, Touch
from routing.qualify import facts, interest, scoring


def known_of(lead: Lead, *, at: datetime) -> facts.Known:
    """What is known about a lead for its score: as in intake, with everything added since."""
    rows = Touch.objects.filter(lead=lead, kind=Touch.Kind.SUBMITTED).order_by("at", "pk")
    answers, touches = {}, 0
    for given in rows.values_list("answers", flat=True):
        answers.update(given)
        touches += 1
    signals = interest.signals_of({lead.prospect_id}, at=at)
    return facts.Known(
        lead=lead,
        prospect=lead.prospect,
        account=lead.account,
        touches=touches,
        answers=answers,
        terms=facts.Terms.of(Organisation.get()),
        links={"events": interest.fact_of(signals.get(lead.prospect_id, ()), at=at)},
        at=at,
        enriched=of_leads([lead.pk], at=at).get(lead.pk, {}),
    )


def rescore(lead: Lead, *, at: datetime) -> bool:
    """
    Score a locked lead with what is known now; return whether it rose.

    As with a later touch, new data take nothing away that was there.
    """
    result = scoring.score(active_factors(), facts.read(known_of(lead, at=at)))
    if result.value <= lead.score or not lead.is_open:
        return False
    lead.score, lead.tier = result.value, result.tier
    lead.score_parts = [[name, points] for name, points in result.parts]
    hot = lead.is_hand_raise or lead.tier == Lead.Tier.HOT
    lead.priority = HOT_PRIORITY if hot else NORMAL_PRIORITY
    columns = {name: getattr(lead, name) for name in ("score", "tier", "score_parts", "priority")}
    with bulk_writer("enrich"):
        update_many(Lead, [{"pk": lead.pk, **columns}])
    trail.record(
        Lead,
        [
            trail.Change(
                id=lead.pk,
                kind="scored",
                reason_code="enriched",
                data={"score": lead.score, "tier": lead.tier},
            )
        ],
        by=None,
        at=at,
    )
    return True
