"""
Hand over by the plan, in bounded batches that anybody can continue; and put back.

1. `start`: the rep is paused, so that routing gives them nothing any more.
2. `step`, again and again: the next rows of one kind, in one transaction with their state. After
   a crash the next driver goes on with the rows that are still to do.
3. `finish`: what has come to name the rep meanwhile is handed over too; then they leave, and
   with them whatever a hand gave them in the last moment is routed anew.

At every moment each lead has one place, and nobody who has left holds one. Undoing goes the same
way back: the rep returns first, then the rows, last kind first.
"""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from reps import signals, trail
from reps.due import doorbell, strikes
from reps.due.clock import database_now
from reps.models import Rep, Strike, User
from reps.services import people
from routing import waking
from routing.models import Lead, Offboarding, OffboardingItem
from routing.models.offboarding import Way
from routing.offboarding import news, registry
from routing.offboarding.plan import (
    OffboardingRefused,
    locked,
    look_again,
    refuse_undecided,
    undecided,
)
from routing.offboarding.registry import Act

JOB = "offboarding"
BATCH = 100
# How often `finish` goes back because something new names the rep.
ROUNDS = 5
State = Offboarding.State
ItemState = OffboardingItem.State
PAUSE = ("paused_at", "paused_until", "pause_reason", "pause_is_own")


# --- The job -----------------------------------------------------------------------------


def drain(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """Start what is due and go on with what has begun; return how many steps were done."""
    at = at or due_before
    ids = list(_due(due_before).order_by("effective_at", "pk").values_list("pk", flat=True)[:10])
    return strikes.each(JOB, ids, lambda pk: go_on(offboarding_id=pk, at=at, driver=driver), at=at)


def oldest() -> datetime | None:
    """The moment at which the plan that has waited longest was due; None if none is."""
    at = database_now()
    rows = _due(at).values_list("effective_at", "started_at", "planned_at")
    return min((one[1] or one[0] or one[2] for one in rows), default=None)


def _due(at: datetime):
    given_up = Strike.objects.filter(job=JOB, given_up_at__isnull=False).values("row_id")
    begun = Q(state__in=[State.RUNNING, State.UNDOING])
    ready = Q(state=State.PLANNED, approved_at__isnull=False, effective_at__lte=at)
    return Offboarding.objects.filter(begun | ready).exclude(pk__in=given_up)


def go_on(*, offboarding_id: int, at: datetime, driver: str) -> int:
    """Do the next step of an offboarding, whatever it is; 0 if there was nothing to do."""
    row = Offboarding.objects.get(pk=offboarding_id)
    if row.state == State.PLANNED:
        try:
            start(offboarding=row, by=row.planned_by, at=at, driver=driver)
        except OffboardingRefused as refused:
            _put_off(row, why=str(refused), at=at)
        return 1
    if row.state == State.RUNNING:
        return step(offboarding_id=offboarding_id, at=at, driver=driver)
    if row.state == State.UNDOING:
        return step_back(offboarding_id=offboarding_id, at=at, driver=driver)
    return 0


@transaction.atomic
def _put_off(offboarding: Offboarding, *, why: str, at: datetime) -> None:
    """It cannot start by itself: a person has to decide first, and hears of it."""
    row = locked(offboarding)
    row.approved_at = None
    trail.save(row, by=None, at=at, reason=f"cannot start: {why}")
    news.tell_planner(row, at=at)


# --- There -------------------------------------------------------------------------------


@transaction.atomic
def start(*, offboarding: Offboarding, by: User, at: datetime, driver: str) -> Offboarding:
    """
    Begin: from now on routing gives the rep nothing. The rest is done in steps.

    :raises OffboardingRefused: if it has begun, or rows have nobody to go to
    """
    row = locked(offboarding)
    if row.state != State.PLANNED:
        raise OffboardingRefused("It has started already.")
    look_again(row, at=at)
    refuse_undecided(row)
    rep = people.locked(row.rep)
    row.before = {
        "is_active": rep.is_active,
        "account": rep.user.is_active,
        **{name: _plain(getattr(rep, name)) for name in PAUSE},
    }
    if rep.is_active:
        people.pause(rep=rep, until=None, reason=f"leaves: {row.reason}", by=by, at=at)
    row.state, row.started_at, row.acting = State.RUNNING, at, by
    trail.save(
        row, by=by, at=at, reason=row.reason, kind="offboarding_began", data={"driver": driver}
    )
    doorbell.ring(JOB)
    return row


def run(
    *, offboarding: Offboarding, at: datetime, driver: str, steps: int = 100, seconds: float = 60
) -> Offboarding:
    """
    Take some steps at once, for whoever waits for them; the job takes the others. None begins
    after so many seconds.
    """
    began = time.monotonic()
    for _ in range(steps):
        if time.monotonic() - began > seconds:
            break
        if not go_on(offboarding_id=offboarding.pk, at=at, driver=driver):
            break
    return Offboarding.objects.select_related("rep__user").get(pk=offboarding.pk)


@transaction.atomic
def step(*, offboarding_id: int, at: datetime, driver: str, batch: int = BATCH) -> int:
    """Hand over the next rows, all of one kind; return how many, counting the last step as one."""
    row = locked(Offboarding(pk=offboarding_id))
    if row.state != State.RUNNING:
        return 0
    items = _next(row, batch)
    if not items:
        return _finish(row, at=at, driver=driver)
    act = Act(rep=row.rep, by=row.acting, at=at, reason=_why(row), driver=driver)
    kind = registry.get(items[0].kind)
    going = []
    for item in items:
        if item.how == Way.KEEP:
            item.state = ItemState.LEFT
        else:
            going.append(item)
    if going:
        kind.move(going, act)
    _save(items)
    return len(items)


def _next(row: Offboarding, batch: int) -> list[OffboardingItem]:
    rows = row.items.filter(state=ItemState.PLANNED).order_by("position", "kind", "pk")
    first = rows.values_list("kind", flat=True).first()
    return list(rows.filter(kind=first)[:batch]) if first else []


def _save(items: Sequence[OffboardingItem]) -> None:
    OffboardingItem.objects.bulk_update(
        items, ["state", "note", "before", "after", "how", "to_rep"]
    )


def _why(row: Offboarding) -> str:
    return f"{row.rep} leaves: {row.reason}"


def _finish(row: Offboarding, *, at: datetime, driver: str) -> int:
    """Nothing is left to hand over: look once more, and let the rep leave."""
    rounds = row.before.get("rounds", 0)
    if rounds < ROUNDS and look_again(row, at=at):
        for item in undecided(row):
            # Nobody can be asked now; it stays, and the page lists it.
            item.how, item.note = Way.KEEP, "Came while it ran, and nobody was named for it."
            item.save(update_fields=["how", "note"])
        row.before = {**row.before, "rounds": rounds + 1}
        trail.save(row, by=row.acting, at=at, reason="more was found")
        return 1
    waiting = list(Lead.objects.filter(wait_rep=row.rep_id).values_list("pk", flat=True))
    if row.before["is_active"] and Rep.objects.filter(pk=row.rep_id, is_active=True).exists():
        people.deactivate(rep=row.rep, reason=_why(row)[:100], by=row.acting, at=at, driver=driver)
    if row.closes_account and row.before["account"]:
        _switch_account(row, on=False, at=at)
    waking.wake(waiting, at=at)
    counts = _counts(row)
    row.state, row.done_at = State.DONE, at
    trail.save(
        row,
        by=row.acting,
        at=at,
        reason=row.reason,
        kind="offboarded",
        data={"counts": counts, "driver": driver},
    )
    news.tell_receivers(row, at=at)
    return 1


def _counts(row: Offboarding) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for kind, state in row.items.values_list("kind", "state"):
        mine = found.setdefault(kind, {})
        mine[state] = mine.get(state, 0) + 1
    return found


def _switch_account(row: Offboarding, *, on: bool, at: datetime) -> None:
    user = User.objects.select_for_update(no_key=True).get(pk=row.rep.user_id)
    user.is_active = on
    user.save(update_fields=["is_active"])
    trail.note(
        user,
        kind="account_opened" if on else "account_closed",
        by=row.acting,
        at=at,
        reason_code="offboarding",
        reason=row.reason,
    )


# --- And back ----------------------------------------------------------------------------


@transaction.atomic
def undo(*, offboarding: Offboarding, by: User, at: datetime, driver: str) -> Offboarding:
    """
    Put back: the rep is here again at once, the rows follow in steps.

    :raises OffboardingRefused: if nothing has been done, or the rep has another plan
    """
    row = locked(offboarding)
    if row.state not in (State.RUNNING, State.DONE):
        raise OffboardingRefused("There is nothing to undo.")
    others = Offboarding.objects.filter(rep=row.rep_id).exclude(pk=row.pk)
    if others.filter(state__in=[State.PLANNED, State.RUNNING, State.UNDOING]).exists():
        raise OffboardingRefused(f"There is another plan for {row.rep}; cancel that first.")
    if row.before["account"] and not row.rep.user.is_active:
        _switch_account(row, on=True, at=at)
    if row.before["is_active"]:
        rep = people.locked(row.rep)
        rep.is_active = True
        for name in PAUSE:
            setattr(rep, name, _typed(name, row.before[name]))
        trail.save(rep, by=by, at=at, reason="offboarding undone", kind="came_back")
        signals.rep_available.send(sender=Rep, rep=rep, by=by, at=at)
    row.state, row.acting = State.UNDOING, by
    trail.save(row, by=by, at=at, reason="undone", kind="undo_began", data={"driver": driver})
    doorbell.ring(JOB)
    return row


@transaction.atomic
def step_back(*, offboarding_id: int, at: datetime, driver: str, batch: int = BATCH) -> int:
    """Put back the next rows, all of one kind, the last kind first."""
    row = locked(Offboarding(pk=offboarding_id))
    if row.state != State.UNDOING:
        return 0
    rows = row.items.filter(state=ItemState.DONE).order_by("-position", "-kind", "-pk")
    last = rows.values_list("kind", flat=True).first()
    if last is None:
        row.state, row.undone_at = State.UNDONE, at
        trail.save(
            row,
            by=row.acting,
            at=at,
            reason="undone",
            kind="undone",
            data={"counts": _counts(row), "driver": driver},
        )
        news.tell_of_undoing(row, at=at)
        return 1
    items = list(rows.filter(kind=last)[:batch])
    act = Act(
        rep=row.rep,
        by=row.acting,
        at=at,
        reason=f"{row.rep} stays: leaving undone",
        driver=driver,
    )
    registry.get(last).restore(items, act)
    _save(items)
    return len(items)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _typed(name: str, value: Any) -> Any:
    moments = ("paused_at", "paused_until")
    return datetime.fromisoformat(value) if value and name in moments else value
