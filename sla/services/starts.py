"""Start clocks: the promises that hold for leads, laid out in their working time."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from reps.availability import moment
from reps.due import doorbell
from reps.models.bulk import insert_many
from routing.models import Decision, Lead
from sla import clockwork
from sla.hours import Hours
from sla.models import Clock
from sla.services import hours_of, policies


@dataclass(frozen=True, slots=True)
class Start:
    """
    A lead about which promises may begin: who or what holds it, and which metrics are asked.

    `wanted` leaves out what is kept already, as (metric, scope). `since` is when its time
    begins, which may lie a little before the moment at which that is known.
    """

    lead: Lead
    epoch: int
    since: datetime
    wanted: Collection[tuple[str, str]]
    holder: int | None = None
    queue: int | None = None
    decision: int | None = None


def start(starts: Sequence[Start], *, at: datetime) -> list[Clock]:
    """
    Start the clock of each promise that holds for these leads; statements are constant.

    A step that should have been taken before `at` is due at once.
    """
    promises = policies.active() if any(one.wanted for one in starts) else []
    if not promises:
        return []
    found = _promised(starts, promises)
    working_time = hours_of.WorkingTime(
        [promise.policy for _, promise in found],
        holders={one.holder for one, _ in found if one.holder is not None},
        queues={one.queue for one, _ in found if one.queue is not None},
        since=min((one.since for one, _ in found), default=at),
    )
    hours = [_hours(working_time, one, promise) for one, promise in found]
    hours_of.keep(hours)
    clocks = [
        _clock(one, promise, hours=counted, at=at)
        for (one, promise), counted in zip(found, hours, strict=True)
    ]
    insert_many(clocks)
    if clocks:
        doorbell.ring("clocks")
    return clocks


def _promised(
    starts: Sequence[Start], promises: Sequence[policies.Promise]
) -> list[tuple[Start, policies.Promise]]:
    known = _facts(starts)
    return [
        (one, promise)
        for one in starts
        for place, promise in policies.first_per_promise(promises, known[one.lead.pk]).items()
        if place in one.wanted
    ]


def _facts(starts: Sequence[Start]) -> dict[int, dict]:
    """The facts that policies ask: those of the decision, or what the lead itself says."""
    ids = [one.decision for one in starts if one.decision]
    kept = dict(Decision.objects.filter(pk__in=ids).values_list("pk", "facts")) if ids else {}
    return {
        one.lead.pk: kept.get(one.decision)
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
        for one in starts
    }


def _hours(working_time: hours_of.WorkingTime, one: Start, promise: policies.Promise) -> Hours:
    policy = promise.policy
    return clockwork.counted_in(
        working_time.of(policy, holder=one.holder, queue=one.queue, start=one.since),
        start=clockwork.counts_from(one.since),
        budget=policy.budget,
        steps=promise.steps,
    )


def _clock(one: Start, promise: policies.Promise, *, hours: Hours, at: datetime) -> Clock:
    policy = promise.policy
    plan = clockwork.plan(
        calendar=hours.calendar,
        pauses=hours.away,
        start=clockwork.counts_from(one.since),
        budget=policy.budget,
        steps=promise.steps,
    )
    steps = clockwork.not_before(plan.as_json(budget=policy.budget), math.floor(at.timestamp()))
    return Clock(
        lead=one.lead,
        policy=policy,
        metric=policy.metric,
        scope=policy.scope,
        epoch=one.epoch,
        holder_id=one.holder,
        budget=policy.budget,
        policy_version=policy.version,
        hours_id=None if hours.is_always else hours.digest,
        started_at=one.since,
        first_due_at=moment(plan.due),
        due_at=moment(plan.due),
        steps=steps,
        next_step=0,
        next_at=moment(steps[0]["at"]) if steps else None,
    )
