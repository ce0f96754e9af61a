"""The yardstick of normal: one lead at a time through the ORM, as anybody would write it."""

from collections.abc import Sequence

from django.db import transaction

from reps import trail
from reps.due.clock import database_now
from reps.models import Rep
from routing import engine
from routing.models import Assignment, Lead, Organisation, PoolMember, RepLoad, Rule
from routing.models.assignment import Reason
from routing.ownership import lock_loads
from routing.qualify.facts import KINDS, Known, read


def route_each(ids: Sequence[int]) -> int:
    """
    Route leads one by one: load the rules, try each, lock the least loaded rep, save.

    It writes less than the product (no decision, no clock, no message, no exact rotation),
    so it is a flattering baseline.
    """
    with transaction.atomic():
        lock_loads(list(Rep.objects.order_by("pk").values_list("pk", flat=True)))
    for pk in ids:
        route_lead(pk)
    return len(ids)


@transaction.atomic
def route_lead(pk: int) -> None:
    at = database_now()
    lead = (
        Lead.objects.select_for_update(of=("self",))
        .select_related("prospect", "source", "account")
        .get(pk=pk)
    )
    facts = read(Known(lead=lead, prospect=lead.prospect, account=lead.account, at=at))
    live = Organisation.objects.get().live_ruleset_id
    for rule in Rule.objects.filter(ruleset=live).order_by("is_fallback", "position"):
        if engine.holds(engine.parse(rule.condition, KINDS), facts):
            break
    members = PoolMember.objects.filter(pool=rule.path["target"]["id"]).values("rep")
    load = (
        RepLoad.objects.select_for_update(of=("self",))
        .select_related("rep")
        .filter(rep__in=members)
        .order_by("open", "rep")
        .first()
    )
    load.open += 1
    load.seq += 1
    load.save()
    Assignment.objects.create(
        lead=lead,
        epoch=lead.owner_epoch + 1,
        place=Lead.Place.OWNER,
        rep=load.rep,
        from_place=lead.place,
        started_at=at,
        reason_code=Reason.ROUTED,
        driver="naive",
        opened_seq=load.seq,
        load_after=load.open,
        cap=load.rep.capacity,
    )
    lead.place, lead.queue, lead.owner = Lead.Place.OWNER, None, load.rep
    lead.owner_epoch += 1
    lead.responsible_id = load.rep.user_id
    lead.assigned_at, lead.route_at = at, None
    trail.save(lead, by=None, at=at, reason="naive")
