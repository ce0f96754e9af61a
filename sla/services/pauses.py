"""
Let a lead's clocks stand still for a reason, until a stated moment at most, and go on again.

A pause takes whole seconds out of a clock's working time, those it touches; at night it costs
nothing. Its end is a due row like any other: whoever sweeps ends it, dated the moment that was
stated, however late they come.
"""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import Error, transaction

from reps.availability import moment
from reps.due import doorbell, strikes
from reps.hours import HoursError
from reps.models import User
from reps.models.bulk import update_many
from reps.trail import audit
from routing.models import Lead
from routing.visibility import may_move
from routing.work import NotYours, WorkRefused, steps
from sla import clockwork
from sla.models import Clock, Pause, PauseReason
from sla.sentences import span
from sla.services import hours_of
from sla.services.next_due import refresh_promises

log = logging.getLogger(__name__)

JOB = "pauses"
BATCH = 50


class PauseRefused(WorkRefused):
    """The lead's clocks stay as they are; the message says why."""


def may_pause(lead: Lead, user: User) -> bool:
    """Whether a person may let the clocks of this lead stand still: its owner, or their manager."""
    owner = lead.owner
    return owner is not None and (owner.user_id == user.pk or may_move(user, lead))


@transaction.atomic
def pause(
    *,
    lead_id: int,
    epoch: int,
    reason: PauseReason,
    until: datetime,
    note: str,
    by: User,
    at: datetime,
) -> Pause:
    """
    Let every clock of a lead that may be paused and is not late stand still, until `until`.

    :raises routing.ownership.EpochPassed: if the lead has changed hands
    :raises routing.work.NotYours: for anybody but the owner and their managers
    :raises PauseRefused: if the reason is not in use, the moment has passed or is too far away,
        a pause is running already, or no clock is left that could stand still
    """
    lead = steps.locked(lead_id, epoch)
    _check_person(lead, by)
    _check_time(reason, until, at=at)
    end([lead.pk], ended=Pause.Ended.TIME, by=None, at=at, due_only=True)
    running = Pause.objects.filter(lead=lead, ended_at__isnull=True).first()
    if running is not None:
        raise PauseRefused(
            f"The clocks stand still already, until {running.resume_at:%Y-%m-%d %H:%M} UTC. "
            "Let them go on first."
        )
    clocks = _can_stand(lead, at=at)
    update_many(Clock, [{"pk": clock.pk, "paused_at": at, "next_at": None} for clock in clocks])
    made = Pause.objects.create(
        lead=lead,
        epoch=epoch,
        reason=reason,
        clocks=[clock.pk for clock in clocks],
        note=note.strip()[:300],
        started_at=at,
        resume_at=until,
        by=by,
    )
    audit.append(
        [_entry(made, kind="paused", clocks=made.clocks, reason=reason.name, by=by, at=at)]
    )
    refresh_promises([lead.pk])
    return made


@transaction.atomic
def resume(*, lead_id: int, epoch: int, by: User, at: datetime) -> Pause:
    """
    Let a lead's clocks go on, with the working time that each had left.

    :raises routing.ownership.EpochPassed: if the lead has changed hands
    :raises routing.work.NotYours: for anybody but the owner and their managers
    :raises PauseRefused: if they do not stand still
    """
    lead = steps.locked(lead_id, epoch)
    _check_person(lead, by)
    ended = end([lead.pk], ended=Pause.Ended.BY_HAND, by=by, at=at)
    if not ended:
        raise PauseRefused("The clocks of this lead do not stand still.")
    refresh_promises([lead.pk])
    return ended[0]


def drain(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """End the pauses of one batch whose time is up; return how many."""
    due = list(
        Pause.objects.filter(ended_at__isnull=True, resume_at__lte=due_before)
        .exclude(pk__in=strikes.given_up(JOB))
        .order_by("resume_at", "pk")
        .values_list("pk", "lead_id")[:BATCH]
    )
    return sum(_time_is_up(pause, lead, at=at or due_before) for pause, lead in due)


def oldest() -> datetime | None:
    """When the pause that ends next should end."""
    open_ = Pause.objects.filter(ended_at__isnull=True).exclude(pk__in=strikes.given_up(JOB))
    return open_.order_by("resume_at").values_list("resume_at", flat=True).first()


def _time_is_up(pause: int, lead: int, *, at: datetime) -> int:
    try:
        with transaction.atomic():
            locked = Lead.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
            if not locked.filter(pk=lead).exists():
                return 0
            ended = end([lead], ended=Pause.Ended.TIME, by=None, at=at, due_only=True)
            refresh_promises([lead])
            return len(ended)
    except Error:
        raise
    except Exception as error:
        log.exception("Pause %s could not be ended", pause)
        strikes.strike(JOB, pause, error=f"{type(error).__name__}: {error}", at=at)
        return 0


def end(
    lead_ids: Collection[int],
    *,
    ended: str,
    by: User | None,
    at: datetime,
    due_only: bool = False,
) -> list[Pause]:
    """
    End the pauses of locked leads, if there are any; their clocks go on.

    One whose time was up before is dated then, for nobody gains by a late driver; `due_only`
    ends no others. The caller refreshes the leads' promises. Statements are constant.
    """
    if not lead_ids:
        return []
    rows = Pause.objects.filter(lead__in=lead_ids, ended_at__isnull=True)
    if due_only:
        rows = rows.filter(resume_at__lte=at)
    open_ = list(rows.order_by("pk"))
    if not open_:
        return []
    for one in open_:
        in_time = at < one.resume_at
        one.ended = ended if in_time else Pause.Ended.TIME
        one.ended_by = by if in_time else None
        one.ended_at = max(one.started_at, min(at, one.resume_at))
    update_many(
        Pause,
        [
            {
                "pk": one.pk,
                "ended": one.ended,
                "ended_by": one.ended_by_id,
                "ended_at": one.ended_at,
            }
            for one in open_
        ],
    )
    _go_on(open_, at=at)
    doorbell.ring("clocks")
    return open_


def spans_of(clocks: Sequence[Clock]) -> dict[int, tuple[tuple[int, int], ...]]:
    """By clock the seconds that its ended pauses take out; one statement."""
    wanted = {clock.pk for clock in clocks}
    found: dict[int, list[tuple[int, int]]] = {}
    ended = Pause.objects.filter(
        lead__in={clock.lead_id for clock in clocks}, ended_at__isnull=False
    )
    for one in ended:
        for clock in wanted.intersection(one.clocks):
            found.setdefault(clock, []).append(
                clockwork.span_of_pause(one.started_at, one.ended_at)
            )
    return {clock: tuple(spans) for clock, spans in found.items()}


def _go_on(ended: Sequence[Pause], *, at: datetime) -> None:
    """Give each clock that stood still its deadline and its steps again."""
    clocks = list(
        Clock.objects.select_for_update(no_key=True, of=("self",))
        .select_related("hours")
        .filter(
            lead__in=[one.lead_id for one in ended],
            state=Clock.State.RUNNING,
            paused_at__isnull=False,
        )
        .order_by("pk")
    )
    spans = spans_of(clocks)
    of_lead = {one.lead_id: one for one in ended}
    moved: dict[int, list[dict]] = {}
    rows = []
    for clock in clocks:
        row = _laid_anew(clock, of_lead[clock.lead_id], spans.get(clock.pk, ()))
        rows.append(row)
        moved.setdefault(clock.lead_id, []).append(
            {"clock_id": clock.pk, "from": clock.due_at, "to": row["due_at"]}
        )
    update_many(Clock, rows)
    audit.append(
        [
            _entry(
                one,
                kind="resumed",
                clocks=moved.get(one.lead_id, ()),
                reason=str(Pause.Ended(one.ended).label),
                by=one.ended_by,
                at=at,
            )
            for one in ended
        ]
    )


def _laid_anew(clock: Clock, pause: Pause, spans: tuple[tuple[int, int], ...]) -> dict:
    began, resumed = clockwork.span_of_pause(pause.started_at, pause.ended_at)
    try:
        laid = clockwork.lay_anew(
            hours=hours_of.kept(clock),
            pauses=spans,
            start=clockwork.counts_from(clock.started_at),
            budget=clock.budget,
            steps=clock.steps,
            taken=clock.next_step,
        )
        due, chain = moment(laid.due), laid.steps
    except HoursError:
        # Its hours end before its time does: it goes on later by as much as it stood still.
        due = clock.due_at + timedelta(seconds=resumed - began)
        taken, coming = clock.steps[: clock.next_step], clock.steps[clock.next_step :]
        chain = [*taken, *({**step, "at": step["at"] + resumed - began} for step in coming)]
    chain = clockwork.not_before(chain, resumed, taken=clock.next_step)
    coming = chain[clock.next_step :]
    return {
        "pk": clock.pk,
        "paused_at": None,
        "due_at": due,
        "steps": chain,
        "next_at": moment(coming[0]["at"]) if coming else None,
    }


def _check_person(lead: Lead, by: User) -> None:
    if lead.owner_id is None:
        raise NotYours("Nobody owns this lead; its clocks run until somebody does.")
    if not may_pause(lead, by):
        raise NotYours("Only the owner of a lead and their managers may do this.")


def _check_time(reason: PauseReason, until: datetime, *, at: datetime) -> None:
    if not reason.is_active:
        raise PauseRefused(f"“{reason}” is not in use any more; choose another reason.")
    if until <= at:
        raise PauseRefused("Choose a moment in the future.")
    if until - at > timedelta(seconds=reason.longest):
        raise PauseRefused(
            f"“{reason}” is a reason for at most {span(reason.longest)}; choose an earlier end."
        )


def _can_stand(lead: Lead, *, at: datetime) -> list[Clock]:
    running = list(
        Clock.objects.select_for_update(no_key=True, of=("self",))
        .filter(lead=lead, state=Clock.State.RUNNING)
        .select_related("policy")
        .order_by("pk")
    )
    if not running:
        raise PauseRefused("No clock is running for this lead.")
    pausable = [clock for clock in running if clock.policy.pausable]
    if not pausable:
        raise PauseRefused("The promises about this lead may not be paused.")
    in_time = [clock for clock in pausable if clock.breached_at is None and clock.due_at > at]
    if not in_time:
        raise PauseRefused("It is too late to pause: the deadline has passed.")
    return in_time


def _entry(
    one: Pause, *, kind: str, clocks: Sequence, reason: str, by: User | None, at: datetime
) -> audit.Entry:
    """For the lead's trail: what stands still until when, or goes on, from which deadline on."""
    return audit.Entry(
        subject=audit.subject_of(Lead),
        subject_id=one.lead_id,
        kind=kind,
        at=at,
        by=by,
        reason_code=(one.ended or kind).lower(),
        reason=reason,
        data={
            "pause_id": one.pk,
            "clocks": clocks,
            "resume_at": one.resume_at,
            "ended_at": one.ended_at,
        },
        writes_history=False,
    )
