"""What happens to leads, and what that does to their clocks, for many leads at once."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from reps.models import User
from reps.models.bulk import update_many
from routing.models import Assignment, Lead
from routing.models.assignment import Reason
from routing.models.source import Mode
from routing.ownership import Placed
from sla.models import Clock, Pause, Policy
from sla.services import pauses
from sla.services.next_due import refresh_promises
from sla.services.starts import Start, start

CLOCKED = (Mode.LIVE, Mode.TEST)
METRIC, SCOPE, PLACE = Policy.Metric, Policy.Scope, Lead.Place
# The person has been spoken to and more is agreed: nothing to follow up.
FURTHER = (Lead.State.MEETING, Lead.State.QUALIFIED)


def receive(leads: Sequence[Lead], *, at: datetime) -> None:
    """Start what is promised about leads that have just come in: somebody shall own them."""
    starts = [
        Start(
            lead,
            epoch=lead.owner_epoch,
            since=min(lead.received_at, at),
            wanted=_both(METRIC.ASSIGN),
            queue=lead.queue_id,
        )
        for lead in leads
        if lead.mode in CLOCKED
    ]
    if start(starts, at=at):
        refresh_promises([one.lead.pk for one in starts])


def follow(moves: Sequence[Placed], *, at: datetime, by: User | None = None) -> None:
    """
    Bring the clocks of placed leads in line with their new place, in bulk.

    A move ends a pause. A new holder ends the former holder's HOLD clocks and gets new ones;
    LEAD clocks run on. A claim keeps the promise of its CLAIM clock; leaving the queue otherwise
    only stops it. Any owner keeps the promise of an ASSIGN clock. A lead in a queue people
    claim from has its CLAIM clock, one in any queue its ASSIGN clock; one that is closed, in
    nurture or anywhere else without an owner has none.
    """
    moves = [one for one in moves if one.lead.mode in CLOCKED]
    if not moves:
        return
    placed = {one.lead.pk: one for one in moves}
    _end_pauses(placed, by=by, at=at)
    running = list(Clock.objects.filter(lead__in=placed, state=Clock.State.RUNNING))
    ending = [clock for clock in running if _ends(clock, placed[clock.lead_id])]
    met = [clock for clock in ending if _is_kept(clock, placed[clock.lead_id])]
    _end(met, state=Clock.State.MET, at=at)
    _end([c for c in ending if c not in met], state=Clock.State.STOPPED, at=at)
    ended = {clock.pk for clock in ending}
    kept: dict[int, set] = {}
    for clock in running:
        if clock.pk not in ended:
            kept.setdefault(clock.lead_id, set()).add((clock.metric, clock.scope))
    start([_start_of(one, kept.get(one.lead.pk, set()), at=at) for one in moves], at=at)
    refresh_promises(list(placed))


def _end_pauses(placed: dict[int, Placed], *, by: User | None, at: datetime) -> None:
    """A lead that moves runs on; one that comes to rest has nothing left to wait for."""
    moved = [pk for pk, one in placed.items() if one.move.place in (PLACE.OWNER, PLACE.QUEUE)]
    pauses.end(moved, ended=Pause.Ended.MOVED, by=by, at=at)
    pauses.end([pk for pk in placed if pk not in moved], ended=Pause.Ended.DONE, by=by, at=at)


def _ends(clock: Clock, one: Placed) -> bool:
    place = one.move.place
    if clock.metric == METRIC.CLAIM:
        return place != PLACE.QUEUE
    if clock.scope == SCOPE.HOLD:
        return True
    if clock.metric == METRIC.ASSIGN:
        return place != PLACE.QUEUE
    # A LEAD clock outlives a lead's stay in a queue: the person is still waiting.
    return place not in (PLACE.OWNER, PLACE.QUEUE)


def _is_kept(clock: Clock, one: Placed) -> bool:
    """Whether the move is what a clock that it ends was waiting for."""
    if clock.metric == METRIC.CLAIM:
        return one.move.reason_code == Reason.CLAIMED
    return clock.metric == METRIC.ASSIGN and one.move.place == PLACE.OWNER


def _start_of(one: Placed, kept: set[tuple[str, str]], *, at: datetime) -> Start:
    return Start(
        one.lead,
        epoch=one.assignment.epoch,
        since=at,
        wanted=_wanted(one) - kept,
        holder=one.move.rep_id,
        queue=one.move.queue_id,
        decision=one.move.decision_id,
    )


def _wanted(one: Placed) -> set[tuple[str, str]]:
    """The promises that hold where a lead has come to, and are not kept yet."""
    lead, place = one.lead, one.move.place
    if place == PLACE.QUEUE:
        return _both(METRIC.ASSIGN) | (set() if _waits(one) else _both(METRIC.CLAIM))
    if place != PLACE.OWNER:
        return set()
    # Who gets a lead back, or one opened again, that they had acknowledged need not do so again.
    has_seen = one.move.also.get("acknowledged_at") is not None
    wanted = set() if has_seen else _both(METRIC.ACKNOWLEDGE)
    if lead.contacted_at is None:
        wanted |= _both(METRIC.CONTACT)
    elif lead.state not in FURTHER:
        # Whoever takes over somebody who was reached already owes them the next word.
        wanted |= _both(METRIC.FOLLOW_UP)
    return wanted


def _both(metric: str) -> set[tuple[str, str]]:
    return {(metric, scope) for scope in SCOPE.values}


def _waits(one: Placed) -> bool:
    """Whether the lead only waits for routing, where nobody can claim it."""
    return bool(one.move.also.get("route_at"))


def contact(leads: Sequence[Lead], *, at: datetime) -> None:
    """
    The persons of owned leads were reached: first contact and follow-up are kept, and the next
    follow-up begins.
    """
    meet(leads, metrics=[METRIC.CONTACT, METRIC.FOLLOW_UP], at=at)
    clocked = {lead.pk: lead for lead in leads if lead.mode in CLOCKED}
    live = Assignment.objects.filter(lead__in=clocked, ended_at__isnull=True)
    decisions = dict(live.values_list("lead_id", "decision_id"))
    starts = [
        Start(
            lead,
            epoch=lead.owner_epoch,
            since=at,
            wanted=_both(METRIC.FOLLOW_UP),
            holder=lead.owner_id,
            decision=decisions.get(lead.pk),
        )
        for lead in clocked.values()
        if lead.owner_id is not None
    ]
    if start(starts, at=at):
        refresh_promises(list(clocked))


def raised_again(leads: Sequence[Lead], *, at: datetime) -> None:
    """
    Owned leads whose person asks to be contacted again: a contact is promised anew. One that is
    promised and not kept yet runs on as it is.
    """
    clocked = {lead.pk: lead for lead in leads if lead.mode in CLOCKED}
    if not clocked:
        return
    running = Clock.objects.filter(
        lead__in=clocked, metric=METRIC.CONTACT, state=Clock.State.RUNNING
    )
    kept: dict[int, set] = {}
    for lead, metric, scope in running.values_list("lead_id", "metric", "scope"):
        kept.setdefault(lead, set()).add((metric, scope))
    live = Assignment.objects.filter(lead__in=clocked, ended_at__isnull=True)
    decisions = dict(live.values_list("lead_id", "decision_id"))
    starts = [
        Start(
            lead,
            epoch=lead.owner_epoch,
            since=at,
            wanted=_both(METRIC.CONTACT) - kept.get(pk, set()),
            holder=lead.owner_id,
            decision=decisions.get(pk),
        )
        for pk, lead in clocked.items()
    ]
    if start(starts, at=at):
        refresh_promises(list(clocked))


def meet(leads: Sequence[Lead], *, metrics: Collection[str], at: datetime) -> None:
    """Note that promises about these leads are kept, in time or late."""
    _finish(leads, metrics=metrics, state=Clock.State.MET, at=at)


def stop(leads: Sequence[Lead], *, metrics: Collection[str], at: datetime) -> None:
    """Ask for these promises no longer."""
    _finish(leads, metrics=metrics, state=Clock.State.STOPPED, at=at)


def _finish(leads: Sequence[Lead], *, metrics: Collection[str], state: str, at: datetime) -> None:
    ids = [lead.pk for lead in leads]
    clocks = Clock.objects.filter(lead__in=ids, metric__in=list(metrics), state=Clock.State.RUNNING)
    standing = clocks.filter(paused_at__isnull=False).values_list("lead_id", flat=True)
    # What stood still goes on first, so that its deadline is the true one.
    pauses.end(sorted(set(standing)), ended=Pause.Ended.DONE, by=None, at=at)
    _end(list(clocks.select_for_update(no_key=True).order_by("pk")), state=state, at=at)
    refresh_promises(ids)


def _end(clocks: Iterable[Clock], *, state: str, at: datetime) -> None:
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
