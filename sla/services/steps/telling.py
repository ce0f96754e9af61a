"""Steps that leave the lead where it is."""

from reps import trail
from sla.services.steps.base import Context, Outcome, action

# Beyond whatever intake gives.
HIGHEST = 100


@action("remind")
def remind(context: Context) -> Outcome:
    """Remind the owner, or whoever answers for the queue."""
    owner = context.lead.owner
    if owner is None:
        return Outcome([context.lead.responsible], "Reminded whoever answers for the lead")
    return Outcome([owner.user], f"Reminded {owner}")


@action("tell_manager")
def tell_manager(context: Context) -> Outcome:
    """Tell whoever answers for the owner now: the manager, their delegate or deputy, the next."""
    return Outcome([context.manager], f"Told {context.manager.label}")


@action("tell_leadership")
def tell_leadership(context: Context) -> Outcome:
    """Alert leadership; while they are away, whoever answers for every lead."""
    return Outcome([context.leadership], f"Alerted {context.leadership.label}")


@action("raise_priority")
def raise_priority(context: Context) -> Outcome:
    """Put the lead before every other that waits for routing or to be claimed."""
    lead, told = context.lead, [context.lead.responsible]
    if lead.priority >= HIGHEST:
        return Outcome(told, "It goes before all others already")
    before, lead.priority = lead.priority, HIGHEST
    trail.save(
        lead,
        by=None,
        at=context.at,
        reason="raised",
        kind="raised",
        data={"clock_id": context.clock.pk, "from": before},
    )
    return Outcome(told, "It goes before all others now")
