"""What routing does when others announce something, and when it announces to itself."""

from django.db import transaction
from django.db.models import F
from django.dispatch import receiver

from reps.due import doorbell
from reps.models import Rep
from reps.post import outbox
from reps.services.people import PeopleRefused
from reps.signals import rep_available, rep_changing, rep_leaving, rep_left
from routing import ownership, signals, waking, work
from routing.disputes.ruling import follow
from routing.models import Lead, PoolMember
from routing.models.source import Mode
from routing.work.requests import overtake_requests

# Backfilled and shadow leads tell nobody anything.
TOLD = (Mode.LIVE, Mode.TEST)
# How often a hand-over begins anew because another lead came in between.
TRIES = 20


@receiver(rep_leaving, dispatch_uid="routing.rep_leaving")
def lock_what_they_hold(sender, *, rep, **kwargs) -> None:
    """
    Lock leads and load before the rep's row: no claim and no batch can now add a lead that
    the hand-over would miss, for both read whether the rep is active after locking the load.
    """
    for _ in range(TRIES):
        with transaction.atomic():
            ids = list(Lead.objects.filter(owner=rep).values_list("pk", flat=True))
            ownership.lock_leads(ids)
            ownership.lock_loads([rep.pk])
            if not Lead.objects.filter(owner=rep).exclude(pk__in=ids).exists():
                return
            # One more came before the load was ours. Leads are never locked after loads, so
            # everything is given back and begun anew.
            transaction.set_rollback(True)
    raise PeopleRefused(f"{rep} is being given leads all the time; pause them first.")


@receiver(rep_changing, dispatch_uid="routing.rep_changing")
def lock_their_load(sender, *, rep, **kwargs) -> None:
    """
    Lock the load before the rep's row: a router that counts with the rep has done so before,
    or does so after the change; none parks a lead by what is just ceasing to be true.
    """
    ownership.lock_loads([rep.pk])


@receiver(rep_left, dispatch_uid="routing.rep_left")
def place_anew(sender, *, rep, by, at, reason, driver, **kwargs) -> None:
    work.re_place(rep=rep, reason=reason, by=by, at=at, driver=driver)


@receiver(rep_available, dispatch_uid="routing.rep_available")
def wake_waiting(sender, *, rep, at, **kwargs) -> None:
    """Whoever waits for this rep or one of their pools is looked at again."""
    pools = list(rep.memberships.values_list("pool_id", flat=True))
    waiting = Lead.objects.filter(route_at__isnull=False).exclude(waiting=Lead.Waiting.NONE)
    ids = [
        *waiting.filter(wait_rep=rep).values_list("pk", flat=True),
        *waiting.filter(wait_pool__in=pools).values_list("pk", flat=True),
    ]
    waking.wake(ids, at=at)


@receiver(signals.leads_placed, dispatch_uid="routing.placed")
def tell_and_tidy(sender, *, moves, by, at, driver, **kwargs) -> None:
    """Tell new owners, close overtaken requests, and wake the router for what goes back."""
    overtake_requests(lead_ids=[one.lead.pk for one in moves], by=by, at=at)
    follow(moves, by=by, at=at)
    outbox.put(
        [
            outbox.Draft(
                key=f"assigned-{one.lead.pk}-{one.assignment.epoch}",
                kind="lead_assigned",
                to=one.rep.user_id,
                payload={"lead": one.lead.pk, "epoch": one.assignment.epoch},
                urgent=one.lead.priority > 0,
                about=f"routing.lead:{one.lead.pk}",
            )
            for one in moves
            # Who claimed or moved it to themselves knows already.
            if one.rep is not None and one.lead.mode in TOLD and one.rep.user != by
        ],
        at=at,
    )
    _tell_who_may_claim(moves, by=by, at=at)
    if any(one.move.also.get("route_at") for one in moves):
        doorbell.ring("route")


def _tell_who_may_claim(moves, *, by, at) -> None:
    """A hot lead in a queue is told to everybody who may claim it now; the first has it."""
    hot = [one for one in moves if one.move.queue_id and _is_hot(one) and one.lead.mode in TOLD]
    if not hot:
        return
    members = PoolMember.objects.filter(
        pool__queues__in={one.move.queue_id for one in hot}, rep__is_active=True
    )
    reps: dict[int, dict[int, Rep]] = {}
    for member in members.select_related("rep").annotate(queue=F("pool__queues")):
        reps.setdefault(member.queue, {})[member.rep_id] = member.rep
    outbox.put(
        [
            outbox.Draft(
                key=f"waits-{one.lead.pk}-{one.assignment.epoch}-{rep.user_id}",
                kind="lead_waits",
                to=rep.user_id,
                payload={"lead": one.lead.pk, "epoch": one.assignment.epoch},
                urgent=True,
                about=f"routing.lead:{one.lead.pk}",
            )
            for one in hot
            for rep in reps.get(one.move.queue_id, {}).values()
            if not rep.is_paused(at) and (by is None or rep.user_id != by.pk)
        ],
        at=at,
    )


def _is_hot(one: ownership.Placed) -> bool:
    return one.move.also.get("priority", one.lead.priority) > 0


@receiver(signals.leads_raised_again, dispatch_uid="routing.raised_again")
def tell_owner(sender, *, told, also, at, **kwargs) -> None:
    """The owner hears of it, and while they are away whoever stands in for them, too."""
    stand_ins = dict(Rep.objects.filter(pk__in=also.values()).values_list("pk", "user_id"))
    hear = [(lead, "", lead.responsible_id) for lead in told]
    hear += [
        (lead, "-cover", stand_ins[also[lead.owner_id]]) for lead in told if lead.owner_id in also
    ]
    outbox.put(
        [
            outbox.Draft(
                key=f"raised-{lead.pk}-{at.timestamp()}{who}",
                kind="lead_raised_again",
                to=to,
                payload={"lead": lead.pk, "epoch": lead.owner_epoch},
                urgent=True,
                about=f"routing.lead:{lead.pk}",
            )
            for lead, who, to in hear
        ],
        at=at,
    )
