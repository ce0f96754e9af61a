"""Put a score on leads: from what is known about each, as of one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from reps import trail
from routing import engine, states
from routing.enrich import known as enriched_known
from routing.enrich.waterfall import Value
from routing.models import Lead, Organisation, Touch
from routing.models.desk import ScoresBy
from routing.models.source import Mode
from routing.qualify import decay, facts, interest, scoring
from routing.qualify.scoring import FORM_EVENT, Part, Score
from routing.scoring.live import Live

HOT_PRIORITY, NORMAL_PRIORITY = 1, 0
# What scoring writes and history keeps.
COLUMNS = (
    "score",
    "score_parts",
    "tier",
    "fit",
    "engagement",
    "profiles",
    "score_model",
    "learnt_score",
    "mql_at",
    "priority",
)
# A touch of a lead as scoring reads it: when, and what was answered.
Visit = tuple[datetime, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Story:
    """What a score reads: the forms of a lead and the intent events, oldest first, and more."""

    visits: Sequence[Visit] = ()
    signals: Sequence[interest.Signal] = ()
    # What enrichment added, by field.
    enriched: Mapping[str, Value] = field(default_factory=dict)

    @property
    def answers(self) -> dict[str, Any]:
        """The answers of all forms, a later one before an earlier."""
        found: dict[str, Any] = {}
        for _, given in self.visits:
            found.update(given)
        return found

    def events(self, at: datetime) -> list[list[str | int]]:
        """What engagement counts: intent events, and forms as events of their own."""
        forms = [(FORM_EVENT, when) for when, _ in self.visits]
        return interest.fact_of([*self.signals, *forms], at=at)


def stories(leads: Sequence[Lead], *, at: datetime) -> dict[int, Story]:
    """Return lead id → what the person did up to this moment: three statements."""
    signals = interest.signals_of({lead.prospect_id for lead in leads}, at=at)
    seen = visits([lead.pk for lead in leads])
    added = enriched_known.of_leads([lead.pk for lead in leads], at=at)
    return {
        lead.pk: Story(
            seen.get(lead.pk, ()),
            signals.get(lead.prospect_id, ()),
            added.get(lead.pk, {}),
        )
        for lead in leads
    }


def visits(lead_ids: Sequence[int]) -> dict[int, list[Visit]]:
    """Return lead id → the forms and other doors it came by, oldest first; one statement."""
    found: dict[int, list[Visit]] = {}
    rows = Touch.objects.filter(lead__in=lead_ids, kind=Touch.Kind.SUBMITTED).order_by("at", "pk")
    for lead, when, answers in rows.values_list("lead_id", "at", "answers"):
        found.setdefault(lead, []).append((when, answers))
    return found


def facts_of(lead: Lead, story: Story, *, terms: facts.Terms, at: datetime) -> dict[str, Any]:
    """Everything that a score may ask about a lead read with prospect, source and account."""
    return facts.read(
        facts.Known(
            lead=lead,
            prospect=lead.prospect,
            account=lead.account,
            touches=len(story.visits),
            answers=story.answers,
            terms=terms,
            links={"events": interest.fact_of(story.signals, at=at)},
            at=at,
            enriched=story.enriched,
        )
    )


def score(
    live: Live, known: Mapping[str, Any], *, events: Sequence[scoring.Event], at: datetime
) -> Score:
    """Score what is known by the points, the learnt score, or half of each, as is chosen."""
    points = scoring.score(live.model, known, events=events, at=_epoch(at))
    if live.learnt is None or live.scores_by == ScoresBy.POINTS:
        return points
    told = {**known, "fit": round(points.fit), "engagement": round(points.engagement)}
    learnt = live.learnt.parts(told)
    if live.scores_by == ScoresBy.LEARNT:
        value, parts = live.learnt.score(told), learnt
    else:
        value = scoring.bounded((points.value + live.learnt.score(told)) / 2)
        parts = tuple(_half(part) for part in (*points.parts, *learnt))
    return Score(
        value,
        live.model.tier_of(value),
        parts,
        points.fit,
        points.engagement,
        points.profiles,
    )


def _half(part: Part) -> Part:
    return Part(part.kind, part.name, part.points / 2, part.full / 2, part.count, part.ago)


def put_on(lead: Lead, story: Story, *, live: Live, terms: facts.Terms, at: datetime) -> None:
    """Set what scoring says on a lead that is not saved yet."""
    known = facts_of(lead, story, terms=terms, at=at)
    events = story.events(at)
    result = score(live, known, events=events, at=at)
    lead.score, lead.tier = result.value, result.tier
    lead.score_parts = [[part.name, rounded(part.points)] for part in result.parts]
    lead.fit, lead.engagement = round(result.fit), round(result.engagement)
    lead.profiles = list(result.profiles)
    lead.score_model_id, lead.learnt_score_id = live.row_id, live.learnt_id
    hot = lead.is_hand_raise or lead.tier == Lead.Tier.HOT
    lead.priority = HOT_PRIORITY if hot else NORMAL_PRIORITY
    if lead.pk is None:
        lead.arrival_score = lead.score
    lead.rescore_at = _next_look(lead, known, live, events, at=at)
    if lead.mql_at is None and is_mql(lead, known, live):
        lead.mql_at = at


def rounded(points: float) -> int | float:
    """Points as they are kept: whole where they are, else with one digit."""
    whole = round(points)
    return whole if abs(points - whole) < 0.05 else round(points, 1)


def is_mql(lead: Lead, known: Mapping[str, Any], live: Live) -> bool:
    """Whether the lead is what marketing and sales agreed to call an MQL."""
    if live.mql is None or not states.has_reached(lead.state, live.mql_reached):
        return False
    return engine.holds(live.mql, {**known, **told_by(lead)})


def told_by(lead: Lead) -> dict[str, Any]:
    """What the lead's own score answers to a definition."""
    return {
        "score": lead.score,
        "tier": lead.tier,
        "fit": lead.fit,
        "engagement": lead.engagement,
        "profiles": [name.casefold() for name in lead.profiles],
    }


def columns(lead: Lead) -> dict[str, Any]:
    """What scoring writes and history keeps."""
    keys = ("score_model", "learnt_score")
    return {name: getattr(lead, f"{name}_id" if name in keys else name) for name in COLUMNS}


def change(lead: Lead, reason_code: str) -> trail.Change:
    """What goes on record of a lead that has been scored anew."""
    return trail.Change(
        id=lead.pk,
        kind="scored",
        reason_code=reason_code,
        data={
            "score": lead.score,
            "tier": lead.tier,
            "is_hand_raise": lead.is_hand_raise,
            "score_model_id": lead.score_model_id,
        },
    )


def _next_look(
    lead: Lead,
    known: Mapping[str, Any],
    live: Live,
    events: Sequence[scoring.Event],
    *,
    at: datetime,
) -> datetime | None:
    """When time alone may next change the score; a shadow is scored once."""
    if lead.mode == Mode.SHADOW:
        return None
    wait = decay.next_look(live.model, known, events=events, at=_epoch(at))
    return None if wait is None else at + timedelta(seconds=wait)


def _epoch(at: datetime) -> int:
    return int(at.timestamp())


def terms_now() -> facts.Terms:
    """The organisation's terms as they stand."""
    return facts.Terms.of(Organisation.get())
