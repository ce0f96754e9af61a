"""Steps for which the engine chooses who gets the lead, as for any lead."""

from django.db import transaction

from routing import ownership
from routing.dispatch.anew import Found, give_anew
from routing.models import Pool
from sla.services.steps.base import Context, Outcome, action, stays


@action("to_pool")
def to_pool(context: Context) -> Outcome:
    """
    Give the lead to somebody of a pool who can take it now: next in turn, within caps, limits
    and hours. If nobody can, it stays where it is.
    """
    pool = Pool.objects.filter(pk=context.step["pool"]).first()
    if pool is None:
        return stays(context, "The pool it should go to is gone")
    if not pool.is_staffed():
        return stays(context, f"{pool} has no members")
    found = _decided_anew(context, pool)
    if found is None:
        return Outcome([context.manager], f"Nobody of {pool} can take it; told the manager")
    return _moved(context, found)


@action("re_route")
def re_route(context: Context) -> Outcome:
    """Route the lead anew by the live rules, to somebody else. If nobody can, it stays."""
    found = _decided_anew(context, None)
    if found is None:
        return Outcome([context.manager], "The rules find nobody else; told the manager")
    return _moved(context, found)


def _decided_anew(context: Context, pool: Pool | None) -> Found | None:
    try:
        with transaction.atomic():
            return give_anew(
                lead=context.lead,
                pool=pool,
                reason=context.late,
                at=context.at,
                driver=context.driver,
            )
    except ownership.OwnershipRefused:
        # Between roster and ownership something changed, e.g. somebody left.
        return None


def _moved(context: Context, found: Found) -> Outcome:
    if found.rep is not None:
        return Outcome([found.rep.user, context.manager], f"Gave it to {found.rep}", moved=True)
    told = [found.queue.responsible, context.manager] if found.queue else [context.manager]
    return Outcome(told, f"Put it into {found.queue}", moved=True)
