"""Take the steps of clocks that have come due: each once, whoever drives, whatever dies."""

import logging
from collections.abc import Sequence
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction

from reps import trail
from reps.availability import moment
from reps.due import strikes
from reps.models import Strike
from reps.post import outbox
from routing.models import Lead
from routing.work.answering import last_in_line
from sla.models import Clock, Escalation, Policy
from sla.services import steps
from sla.services.next_due import refresh_promises
from sla.services.steps import Context, Outcome

log = logging.getLogger(__name__)

JOB = "clocks"
BATCH = 50


def drain(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """
    Take the due step of each of one batch of clocks, oldest first; return how many were handled.

    A clock whose step fails stops no other: it comes behind all that have not failed. After
    three failures the step is set aside: whoever answers at the end is told instead, and the
    chain goes on.
    """
    failing = set(Strike.objects.filter(job=JOB).values_list("row_id", flat=True))
    return sum(
        _attempt(clock, lead, driver=driver, due_before=due_before, at=at, failed=clock in failing)
        for clock, lead in _due(due_before, last=failing)
    )


def _due(due_before: datetime, *, last: set[int]) -> list[tuple[int, int]]:
    """The clocks of one batch, oldest first, and these behind all others."""
    due = Clock.objects.filter(next_at__lte=due_before).order_by("next_at", "pk")
    rows = list(due.exclude(pk__in=last).values_list("pk", "lead_id")[:BATCH])
    if last and len(rows) < BATCH:
        failing = due.filter(pk__in=last).values_list("pk", "lead_id")
        rows += failing[: BATCH - len(rows)]
    return rows


def _attempt(
    clock: int, lead: int, *, driver: str, due_before: datetime, at: datetime | None, failed: bool
) -> int:
    """Take a clock's step; `failed`: one of its steps has failed before."""
    asked = {"clock_id": clock, "lead_id": lead, "driver": driver, "due_before": due_before}
    try:
        taken = fire(**asked, at=at)
    except (OperationalError, InterfaceError):
        # The database is not there, or two drivers met: no fault of this clock.
        raise
    except Exception as error:
        log.exception("The step of clock %s failed", clock)
        if strikes.strike(JOB, clock, error=repr(error), at=at or due_before):
            return _set_aside(clock, asked, at=at)
        return 0
    if taken and failed and clock not in strikes.given_up(JOB):
        strikes.forgive(JOB, clock)
    return taken


def _set_aside(clock: int, asked: dict, *, at: datetime | None) -> int:
    """Tell a person in place of what the step says; the clock goes on with its next step."""
    try:
        return fire(**asked, at=at, set_aside=True)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("Clock %s could not even tell that its step fails", clock)
        return 0


def oldest() -> datetime | None:
    """The instant of the earliest step that is still to be taken."""
    return (
        Clock.objects.filter(next_at__isnull=False)
        .order_by("next_at")
        .values_list("next_at", flat=True)
        .first()
    )


@transaction.atomic
def fire(
    *,
    clock_id: int,
    lead_id: int,
    driver: str,
    due_before: datetime,
    at: datetime | None = None,
    set_aside: bool = False,
) -> int:
    """
    Take the due step of one clock, in one transaction with all its effects, dated `at`.

    Locks the lead first and its clock last, as everybody does: whoever changes a clock holds its
    lead, so what is read in between stands. An acknowledgement that came first has ended the
    clock, another driver has moved it on. Returns 1 if a step was taken. `set_aside`: not what
    the step says, which keeps failing, but the word that it does.
    """
    at = at or due_before
    leads = list(
        Lead.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related("prospect", "source", "responsible", "owner__team", "owner__user")
        .filter(pk=lead_id)
    )
    if not leads:
        return 0
    lead = leads[0]
    if lead.assignments.filter(started_at__gt=at).exists():
        # It changed hands after the moment as of which this driver works. What the step does
        # would end that custody before it began, so it is left to the next round.
        return 0
    clock = (
        Clock.objects.select_related("policy")
        .filter(pk=clock_id, state=Clock.State.RUNNING, next_at__lte=due_before)
        .first()
    )
    if clock is None:
        return 0
    step = clock.steps[clock.next_step]
    context = Context(lead, clock, step=step, at=at, driver=driver)
    outcome = _failing(context) if set_aside else steps.take(context, most_hops=_most_hops(clock))
    Escalation.objects.create(
        clock=clock,
        lead_id=lead_id,
        step=clock.next_step,
        action=step["do"],
        due_at=clock.next_at,
        fired_at=at,
        driver=driver,
        recipients=len(outcome.told),
        told=[user.pk for user in outcome.told],
        effect=outcome.effect[:200],
    )
    trail.note(
        lead,
        kind="escalated",
        by=None,
        at=at,
        reason_code=step["do"],
        reason=outcome.effect,
        data={"clock_id": clock.pk, "step": clock.next_step, "driver": driver},
    )
    _tell(context, outcome)
    _move_on(clock, at=at)
    return 1


def _failing(context: Context) -> Outcome:
    """What is done for a step that cannot be taken: a person hears of it."""
    user = last_in_line(context.at)
    return Outcome([user], f"This step keeps failing and was set aside; told {user.label}")


def _most_hops(clock: Clock) -> int:
    """The limit of hand-overs as it was when the clock started; later edits move no clock."""
    versions = Policy.history.filter(id=clock.policy_id, version=clock.policy_version)
    most = versions.order_by("-history_id").values_list("most_hops", flat=True).first()
    return clock.policy.most_hops if most is None else most


def _tell(context: Context, outcome: Outcome) -> None:
    clock = context.clock
    outbox.put(
        [
            outbox.Draft(
                key=f"clock-{clock.pk}-{clock.next_step}-{user.pk}",
                kind="clock_step",
                to=user.pk,
                payload={
                    "lead": clock.lead_id,
                    "clock": clock.pk,
                    "step": clock.next_step,
                    "action": context.step["do"],
                    "moved": outcome.moved,
                },
                urgent=True,
                about=f"routing.lead:{clock.lead_id}",
            )
            for user in outcome.told
        ],
        at=context.at,
    )


def _move_on(clock: Clock, *, at: datetime) -> None:
    """Put the clock on its next step. The step's own effect may have ended the clock."""
    taken = clock.next_step
    # A move stops HOLD clocks and leaves LEAD clocks, so look at the row as it is now.
    clock = Clock.objects.select_for_update(no_key=True).get(pk=clock.pk)
    if clock.breached_at is None and clock.due_at <= at:
        clock.breached_at = at
    clock.next_step = taken + 1
    if clock.state == Clock.State.RUNNING:
        clock.next_at = _next_at(clock.steps[clock.next_step :])
    clock.save(update_fields=["breached_at", "next_step", "next_at"])
    refresh_promises([clock.lead_id])


def _next_at(following: Sequence[dict]) -> datetime | None:
    return moment(following[0]["at"]) if following else None
