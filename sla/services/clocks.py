"""Start, meet and stop clocks, for many leads at once."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime

from reps.availability import absences, calendar_of, moment
from reps.due import doorbell
from reps.hours import ALWAYS, HoursError
from reps.models import Rep
from reps.models.bulk import insert_many, update_many
from reps.models.tracked import bulk_writer
from routing.models import Decision, Lead
from routing.models.assignment import Reason
from routing.models.source import Mode
from routing.ownership import Placed
from sla import clockwork
from sla.models import Clock, Policy
from sla.services import policies

CLOCKED = (Mode.LIVE, Mode.TEST)


def follow(moves: Sequence[Placed], *, at: datetime) -> None:
    """
    Bring the clocks of placed leads in line with their new place, in bulk.

    A new holder ends the former holder's HOLD clocks and gets new ones; LEAD clocks run on.
    A claim keeps the promise of its CLAIM clock; leaving the queue otherwise only stops it.
    A lead in a queue people claim from has its CLAIM clock; one that is closed, in nurture
    or anywhere else without an owner has none.
    """
    moves = [one for one in moves if one.lead.mode in CLOCKED]
    if not moves:
        return
    ids = [one.lead.pk for one in moves]
    running = list(Clock.objects.filter(lead__in=ids, state=Clock.State.RUNNING))
    ending = [clock for clock in running if _ends(clock, moves)]
    claimed = {one.lead.pk for one in moves if one.move.reason_code == Reason.CLAIMED}
    kept_promise = [
        clock
        for clock in ending
        if clock.metric == Policy.Metric.CLAIM and clock.lead_id in claimed
    ]
    _end(kept_promise, state=Clock.State.MET, at=at)
    _end([c for c in ending if c not in kept_promise], state=Clock.State.STOPPED, at=at)
    kept = {(c.lead_id, c.metric, c.scope) for c in running} - {
        (c.lead_id, c.metric, c.scope) for c in ending
    }
    _start(moves, kept=kept, at=at)
    refresh_promises(ids)


def _ends(clock: Clock, moves: Sequence[Placed]) -> bool:
    place = next(one.move.place for one in moves if one.lead.pk == clock.lead_id)
    queue = next(one.move.queue_id for one in moves if one.lead.pk == clock.lead_id)
    if clock.metric == Policy.Metric.CLAIM:
        return place != Lead.Place.QUEUE or queue is None
    if clock.scope == Policy.Scope.HOLD:
        return True
    # A LEAD clock outlives a lead's stay in a queue: the person is still waiting.
    return place not in (Lead.Place.OWNER, Lead.Place.QUEUE)


def _start(moves: Sequence[Placed], *, kept: set, at: datetime) -> None:
    promises = policies.active()
    if not promises:
        return
    known = _facts(moves)
    holders = {
        rep.pk: rep
        for rep in Rep.objects.select_related("calendar", "team__calendar").filter(
            pk__in={one.rep.pk for one in moves if one.rep}
        )
    }
    away = absences(holders, since=at)
    rows = []
    for one in moves:
        lead = one.lead
        wanted = _wanted(one)
        for (metric, scope), promise in policies.first_per_promise(
            promises, known[lead.pk]
        ).items():
            if metric not in wanted or (lead.pk, metric, scope) in kept:
                continue
            holder = holders.get(one.rep.pk) if one.rep else None
            rows.append(
                _clock(
                    lead,
                    promise,
                    epoch=one.assignment.epoch,
                    holder=holder,
                    pauses=away.get(holder.pk, ()) if holder else (),
                    at=at,
                )
            )
    insert_many(rows)
    if rows:
        doorbell.ring("clocks")


def _wanted(one: Placed) -> set[str]:
    """The promises that hold where a lead has come to, and are not kept yet."""
    if one.move.place == Lead.Place.QUEUE:
        return {Policy.Metric.CLAIM} if one.move.queue_id and not _waits(one) else set()
    if one.move.place != Lead.Place.OWNER:
        return set()
    wanted = {Policy.Metric.ACKNOWLEDGE}
    if one.lead.contacted_at is None:
        wanted.add(Policy.Metric.CONTACT)
    return wanted


def _waits(one: Placed) -> bool:
    """Whether the lead only waits for routing, where nobody can claim it."""
    return bool(one.move.also.get("route_at"))


def _facts(moves: Sequence[Placed]) -> dict[int, dict]:
    """The facts that policies ask: those of the decision, or what the lead itself says."""
    ids = [one.move.decision_id for one in moves if one.move.decision_id]
    kept = dict(Decision.objects.filter(pk__in=ids).values_list("pk", "facts")) if ids else {}
    return {
        one.lead.pk: kept.get(one.move.decision_id)
        or {
            "channel": one.lead.channel,
            "motion": one.lead.motion,
            "campaign": one.lead.campaign or None,
            "score": one.lead.score,
            "tier": one.lead.tier,
            "hand_raise": one.lead.is_hand_raise,
            "product_interest": one.lead.product_interest or None,
            "source": one.lead.source.slug,
        }
        for one in moves
    }


def _clock(
    lead: Lead,
    promise: policies.Promise,
    *,
    epoch: int,
    holder: Rep | None,
    pauses: Iterable,
    at: datetime,
) -> Clock:
    policy = promise.policy
    by_rep = policy.hours == Policy.Hours.REP and holder is not None
    calendar = calendar_of(holder, year=at.year) if by_rep else ALWAYS
    start = math.ceil(at.timestamp())
    try:
        plan = clockwork.plan(
            calendar=calendar,
            pauses=tuple(pauses) if by_rep else (),
            start=start,
            budget=policy.budget,
            steps=promise.steps,
        )
    except HoursError:
        # A holder whose hours never come again still owes an answer: count around the clock.
        plan = clockwork.plan(
            calendar=ALWAYS, pauses=(), start=start, budget=policy.budget, steps=promise.steps
        )
    steps = plan.as_json()
    return Clock(
        lead=lead,
        policy=policy,
        metric=policy.metric,
        scope=policy.scope,
        epoch=epoch,
        holder=holder,
        started_at=at,
        due_at=moment(plan.due),
        steps=steps,
        next_step=0,
        next_at=moment(steps[0]["at"]) if steps else None,
    )


def meet(leads: Sequence[Lead], *, metrics: Iterable[str], at: datetime) -> None:
    """Note that promises about these leads are kept, in time or late."""
    ids = [lead.pk for lead in leads]
    _end(
        list(
            Clock.objects.select_for_update(no_key=True)
            .filter(lead__in=ids, metric__in=list(metrics), state=Clock.State.RUNNING)
            .order_by("pk")
        ),
        state=Clock.State.MET,
        at=at,
    )
    refresh_promises(ids)


def _end(clocks: Sequence[Clock], *, state: str, at: datetime) -> None:
    # A person's moment is read before they wait for the lead: where the deadline's step was
    # quicker, the clock ended after its breach, not before.
    update_many(
        Clock,
        [
            {
                "pk": clock.pk,
                "state": state,
                "ended_at": max(at, clock.breached_at or at),
                "next_at": None,
                "breached_at": clock.breached_at or (at if at > clock.due_at else None),
            }
            for clock in clocks
        ],
    )


def refresh_promises(lead_ids: Sequence[int]) -> None:
    """Write each lead's next deadline on the lead, for lists and queues."""
    running = Clock.objects.filter(lead__in=lead_ids, state=Clock.State.RUNNING)
    # The nearest deadline is read last and so stays.
    nearest = {
        lead: (due, metric, started)
        for lead, due, metric, started in running.order_by("-due_at", "-pk").values_list(
            "lead_id", "due_at", "metric", "started_at"
        )
    }
    rows = []
    for pk in lead_ids:
        due, metric, started = nearest.get(pk, (None, "", None))
        rows.append({"pk": pk, "due_at": due, "due_what": metric, "due_from": started})
    with bulk_writer("promise"):
        # Derived from the clocks, so history leaves these columns out.
        update_many(Lead, rows)
