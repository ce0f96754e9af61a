"""
Bring running clocks in line with their policy as it stands now: an explicit act, with a preview.

Editing a policy or a calendar moves no running deadline. Recomputing does, for the clocks that a
person names, and says so on the trail of each lead and of the policy.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from reps import trail
from reps.availability import moment
from reps.due import doorbell
from reps.models import User
from reps.models.bulk import update_many
from reps.trail import audit
from routing import ownership
from routing.models import Lead
from routing.work import WorkRefused
from sla import chain, clockwork
from sla.hours import Hours
from sla.models import Clock, Policy
from sla.services import hours_of, pauses
from sla.services.next_due import refresh_promises

BATCH = 200


class RecomputeRefused(WorkRefused):
    """No deadline was moved; the message says why."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A step that would be taken at another instant, or is new (`before` None) or gone."""

    do: str
    before: datetime | None
    after: datetime | None


@dataclass(frozen=True, slots=True)
class Change:
    """
    What recomputing makes of one clock.

    A deadline that has passed stays where it was: a breach stays a breach. `steps` is the whole
    chain, of which those taken stay as they were taken.
    """

    clock: Clock
    due_at: datetime
    steps: Sequence[Mapping[str, Any]]
    moved: tuple[Moved, ...]
    hours: Hours
    budget: int

    @property
    def changes(self) -> bool:
        """Whether anything would be different."""
        return self.due_at != self.clock.due_at or bool(self.moved)

    def fires_at_once(self, at: datetime) -> bool:
        """Whether a step would be due already, so that the next sweep takes it."""
        coming = self.steps[self.clock.next_step :]
        return self.clock.paused_at is None and bool(coming) and moment(coming[0]["at"]) <= at


def preview(policy: Policy, *, leads: QuerySet[Lead], at: datetime) -> list[Change]:
    """
    Say for every running clock of a policy, among these leads, what recomputing would make of it.

    Nothing is changed. Statements do not depend on how many clocks there are.
    """
    running = _running(policy).filter(lead__in=leads.order_by().values("pk"))
    return _changes(policy, list(running.select_related("lead__prospect")), at=at)


def recompute(*, policy: Policy, clocks: Sequence[int], reason: str, by: User, at: datetime) -> int:
    """
    Lay these running clocks of a policy out anew, by its limit, chain and hours and by the
    calendars as they stand now, from each clock's own start, its pauses left out.

    Steps that were taken stay taken, one for one; a step whose new instant has passed is taken by
    the next sweep. One transaction per batch of clocks. Returns how many clocks changed.

    :raises RecomputeRefused: without a reason or without clocks
    """
    text = reason.strip()
    if not text:
        raise RecomputeRefused("Say why.")
    if not clocks:
        raise RecomputeRefused("Choose at least one clock.")
    ids = sorted(set(clocks))
    batches = [ids[first : first + BATCH] for first in range(0, len(ids), BATCH)]
    done = sum(_batch(policy, batch, reason=text, by=by, at=at) for batch in batches)
    with transaction.atomic():
        locked = Policy.objects.select_for_update(no_key=True).get(pk=policy.pk)
        trail.note(
            locked,
            kind="recomputed",
            by=by,
            at=at,
            reason_code="recomputed",
            reason=text,
            data={"asked": len(ids), "changed": done, "version": policy.version},
        )
    return done


@transaction.atomic
def _batch(policy: Policy, ids: Sequence[int], *, reason: str, by: User, at: datetime) -> int:
    of_leads = Clock.objects.filter(pk__in=ids).values_list("lead_id", flat=True)
    ownership.lock_leads(list(of_leads))
    clocks = _running(policy).filter(pk__in=ids).select_for_update(no_key=True, of=("self",))
    changes = [one for one in _changes(policy, list(clocks), at=at) if one.changes]
    if not changes:
        return 0
    hours_of.keep([one.hours for one in changes])
    update_many(Clock, [_row(one, policy, at=at) for one in changes])
    leads = sorted({one.clock.lead_id for one in changes})
    audit.append([_entry(lead, changes, policy, reason=reason, by=by, at=at) for lead in leads])
    refresh_promises(leads)
    doorbell.ring("clocks")
    return len(changes)


def _running(policy: Policy) -> QuerySet[Clock]:
    clocks = Clock.objects.filter(policy=policy, state=Clock.State.RUNNING)
    return clocks.select_related("lead", "hours").order_by("due_at", "pk")


def _changes(policy: Policy, clocks: Sequence[Clock], *, at: datetime) -> list[Change]:
    if not clocks:
        return []
    working_time = hours_of.WorkingTime(
        [policy],
        holders={clock.holder_id for clock in clocks if clock.holder_id is not None},
        queues={clock.lead.queue_id for clock in clocks if clock.lead.queue_id is not None},
        since=min(clock.started_at for clock in clocks),
    )
    spans = pauses.spans_of(clocks)
    steps = chain.parse(policy.steps, budget=policy.budget)
    return [
        _change(policy, clock, steps, working_time, spans.get(clock.pk, ()), at=at)
        for clock in clocks
    ]


def _change(
    policy: Policy,
    clock: Clock,
    steps: Sequence[chain.Step],
    working_time: hours_of.WorkingTime,
    spans: tuple[tuple[int, int], ...],
    *,
    at: datetime,
) -> Change:
    start = clockwork.counts_from(clock.started_at)
    hours = clockwork.counted_in(
        working_time.of(
            policy, holder=clock.holder_id, queue=clock.lead.queue_id, start=clock.started_at
        ),
        start=start,
        budget=policy.budget,
        steps=steps,
    )
    plan = clockwork.plan(
        calendar=hours.calendar,
        pauses=(*hours.away, *spans),
        start=start,
        budget=policy.budget,
        steps=steps,
    )
    is_late = clock.breached_at is not None or (clock.paused_at is None and clock.due_at <= at)
    taken = clock.next_step
    anew = [*clock.steps[:taken], *plan.as_json(budget=policy.budget)[taken:]]
    return Change(
        clock=clock,
        due_at=clock.due_at if is_late else moment(plan.due),
        steps=anew,
        moved=tuple(_moved(clock.steps[taken:], anew[taken:])),
        hours=hours,
        budget=clock.budget if is_late else policy.budget,
    )


def _moved(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> Iterator[Moved]:
    for number in range(max(len(before), len(after))):
        old = before[number] if number < len(before) else None
        new = after[number] if number < len(after) else None
        if old == new:
            continue
        if old and new and old["do"] == new["do"]:
            yield Moved(new["do"], moment(old["at"]), moment(new["at"]))
            continue
        if old:
            yield Moved(old["do"], moment(old["at"]), None)
        if new:
            yield Moved(new["do"], None, moment(new["at"]))


def _row(one: Change, policy: Policy, *, at: datetime) -> dict[str, Any]:
    clock = one.clock
    steps = clockwork.not_before(one.steps, math.floor(at.timestamp()), taken=clock.next_step)
    coming = [] if clock.paused_at else steps[clock.next_step :]
    return {
        "pk": clock.pk,
        "budget": one.budget,
        "policy_version": policy.version,
        "hours": None if one.hours.is_always else one.hours.digest,
        "due_at": one.due_at,
        "steps": steps,
        "next_at": moment(coming[0]["at"]) if coming else None,
    }


def _entry(
    lead: int, changes: Sequence[Change], policy: Policy, *, reason: str, by: User, at: datetime
) -> audit.Entry:
    moved = [
        {"clock_id": one.clock.pk, "from": one.clock.due_at, "to": one.due_at}
        for one in changes
        if one.clock.lead_id == lead
    ]
    return audit.Entry(
        subject=audit.subject_of(Lead),
        subject_id=lead,
        kind="recomputed",
        at=at,
        by=by,
        reason_code="recomputed",
        reason=reason,
        data={"policy_id": policy.pk, "version": policy.version, "clocks": moved},
        writes_history=False,
    )
