"""When a lead became an SQL: stamped once, in the transaction of the step that took it there."""

from datetime import datetime
from typing import Any

from routing import engine, states
from routing.models import FunnelDefinition, Lead
from routing.scoring import apply, live


def stamps(lead: Lead, state: str, *, at: datetime) -> dict[str, Any]:
    """
    Return the column that a step to this state fills: `sql_at`, if the definition now holds
    for the first time. One statement, some more where its condition asks for facts.
    """
    if lead.sql_at is not None or state not in states.WAY:
        return {}
    agreed = live.current(FunnelDefinition.Kind.SQL)
    if agreed is None or not states.has_reached(state, agreed.reached):
        return {}
    condition = live.condition_of(agreed.condition)
    if engine.facts_used(condition) and not _holds(condition, lead, at=at):
        return {}
    return {"sql_at": at}


def _holds(condition: engine.Condition, lead: Lead, *, at: datetime) -> bool:
    (story,) = apply.stories([lead], at=at).values()
    known = apply.facts_of(lead, story, terms=apply.terms_now(), at=at)
    return engine.holds(condition, {**known, **apply.told_by(lead)})
