"""Score what a batch of submissions touched, and write what that changed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reps import trail
from reps.due import doorbell
from reps.models.bulk import update_many
from reps.models.tracked import bulk_writer
from routing.enrich.begin import Begun
from routing.models import Lead, Organisation
from routing.qualify import facts, interest
from routing.scoring import apply, live
from routing.scoring.apply import Story, Visit

if TYPE_CHECKING:
    from routing.intake.process import Item


def put_on(
    items: Sequence["Item"],
    again: Mapping[int, Lead],
    *,
    signals: Mapping[int, Sequence[interest.Signal]],
    organisation: Organisation,
    terms: facts.Terms,
    enriched: Begun,
    at: datetime,
) -> None:
    """
    Score each lead as of this moment, with everything counted in that the batch brought.

    `again` are the leads that were there before; what they came by is read in one statement.
    """
    scores = live.read(organisation)
    visits: dict[int, list[Visit]] = {}
    stored = apply.visits(list(again))
    for item in items:
        came = visits.setdefault(id(item.lead), list(stored.get(item.lead.pk, ())))
        when = item.submission.occurred_at or item.submission.received_at
        came.append((when, item.person.answers))
    done: set[int] = set()
    for item in items:
        if id(item.lead) in done:
            continue
        done.add(id(item.lead))
        # A lead that is not stored yet has no prospect of its own; the batch's is the newest.
        item.lead.prospect = item.prospect
        story = Story(
            visits[id(item.lead)],
            signals.get(item.prospect.pk, ()),
            enriched.known(item.lead, at=at),
        )
        apply.put_on(item.lead, story, live=scores, terms=terms, at=at)


def standing(lead: Lead) -> tuple[Any, ...]:
    """What is written, with history, when it changes."""
    return (*apply.columns(lead).values(), lead.is_hand_raise)


def write(leads: Sequence[Lead], *, at: datetime) -> None:
    """Write the new score of leads that were there already; one in nurture is routed anew."""
    if not leads:
        return
    with bulk_writer("intake"):
        update_many(
            Lead,
            [
                {
                    "pk": lead.pk,
                    **apply.columns(lead),
                    "rescore_at": lead.rescore_at,
                    "is_hand_raise": lead.is_hand_raise,
                    "route_at": at if lead.place == Lead.Place.NURTURE else lead.route_at,
                }
                for lead in leads
            ],
        )
    trail.record(Lead, [apply.change(lead, "touched") for lead in leads], by=None, at=at)
    doorbell.ring("route")
