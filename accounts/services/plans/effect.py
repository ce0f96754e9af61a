"""
Plans take effect at their time, and are undone.

The due job "territory_plans": approved plans whose moment has come. Each takes effect in one
transaction: all of its territories, their history and audit with the plan named, and what upper
apps add by signal. Run twice it does nothing the second time.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.db.models import ProtectedError

from accounts import signals
from accounts.models import PlannedTerritory, Territory, TerritoryPlan
from accounts.services.plans import approval, conflicts
from accounts.services.plans.refusals import PlanRefused
from accounts.services.plans.world import State, columns, label_of, row_of, state_of
from reps import trail
from reps.due import strikes
from reps.models import Rep, User
from reps.models.bulk import insert_many, update_many
from reps.models.tracked import bulk_writer

JOB = "territory_plans"


def drain(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """Let what is due take effect, the earliest first; return how many plans were handled."""
    now = at or due_before
    due = TerritoryPlan.objects.filter(due_at__lte=due_before).order_by("due_at", "pk")
    ids = list(due.values_list("pk", flat=True))
    return strikes.each(JOB, ids, lambda pk: take_effect(plan_id=pk, at=now), at=now)


def oldest() -> datetime | None:
    """Since when the earliest approved plan has been due, or will be."""
    rows = TerritoryPlan.objects.filter(due_at__isnull=False).order_by("due_at")
    return rows.values_list("due_at", flat=True).first()


@transaction.atomic
def take_effect(*, plan_id: int, at: datetime) -> bool:
    """
    Make the territories what an approved plan wants; False if it is not due (any more).

    If they changed meanwhile in what it changes, nothing is written: it becomes a draft again
    that says why, and whoever it concerns is told.
    """
    plan = _one_at_a_time(plan_id)
    if plan is None or plan.state != TerritoryPlan.State.SCHEDULED or plan.due_at > at:
        return False
    by = plan.approved_by
    changes = list(plan.changes.order_by("pk"))
    world = _lock(change.territory for change in changes)
    problems = [f"{one.change} {one.why}" for one in conflicts.of(changes, world)]
    problems += who_left(changes)
    if problems:
        approval.back_to_draft(plan)
        plan.error = f"It did not take effect: {'; '.join(problems)}."[:500]
        trail.save(plan, by=by, at=at, reason="stuck", kind="stuck")
        signals.plan_stuck.send(sender=TerritoryPlan, plan=plan, at=at)
        return True
    _write(plan, changes, world, by=by, at=at)
    former = _in_effect()
    if former is not None:
        former.state = TerritoryPlan.State.SUPERSEDED
        trail.save(former, by=by, at=at, reason="superseded", data={"by_plan": plan.pk})
    plan.state, plan.took_effect_at, plan.due_at = TerritoryPlan.State.IN_EFFECT, at, None
    plan.error = ""
    trail.save(plan, by=by, at=at, reason="took effect", kind="took_effect")
    signals.plan_took_effect.send(sender=TerritoryPlan, plan=plan, changes=changes, by=by, at=at)
    return True


def who_left(changes: Sequence[PlannedTerritory]) -> list[str]:
    """Say which reps the plan names who are not there any more; one statement."""
    relations = [f for f in columns() if f.is_relation and f.related_model is Rep]
    named: dict[int, PlannedTerritory] = {}
    for change in changes:
        for field in relations:
            rep = change.after.get(field.attname)
            if rep is not None and field.attname in change.changed:
                named.setdefault(rep, change)
    here = set(Rep.objects.filter(pk__in=named, is_active=True).values_list("pk", flat=True))
    gone = Rep.objects.select_related("user").filter(pk__in=set(named) - here)
    return [f"{rep} has left and cannot have {named[rep.pk]}" for rep in gone]


def _one_at_a_time(plan_id: int) -> TerritoryPlan | None:
    """
    The plan, locked, after the first of all plans: whoever changes which plan is in effect
    meets there, in one order.
    """
    rows = TerritoryPlan.objects.select_for_update(no_key=True)
    first = rows.order_by("pk").first()
    if first is not None and first.pk == plan_id:
        return first
    return rows.filter(pk=plan_id).first()


def _in_effect() -> TerritoryPlan | None:
    rows = TerritoryPlan.objects.select_for_update(no_key=True)
    return rows.filter(state=TerritoryPlan.State.IN_EFFECT).first()


def _lock(ids: Iterable[int | None]) -> dict[int, Territory]:
    """Lock the territories concerned in the order of their ids; return all of them."""
    wanted = sorted({pk for pk in ids if pk is not None})
    list(
        Territory.objects.select_for_update(no_key=True)
        .filter(pk__in=wanted)
        .order_by("pk")
        .values_list("pk")
    )
    return {row.pk: row for row in Territory.objects.order_by("pk")}


# --- Writing -----------------------------------------------------------------------------


def _write(
    plan: TerritoryPlan,
    changes: Sequence[PlannedTerritory],
    world: Mapping[int, Territory],
    *,
    by: User | None,
    at: datetime,
) -> None:
    """Write every territory of the plan; a constant number of statements."""
    ids = _make([c for c in changes if c.is_new], plan=plan, by=by, at=at)
    wanted: dict[int, State] = {}
    for change in changes:
        if change.is_new:
            change.territory = ids[change.key]
            continue
        change.was = state_of(world[change.territory])
        wanted[change.territory] = change.was | {
            name: _real(name, change.after[name], ids) for name in change.changed
        }
    write_states(wanted, plan=plan, kind="realigned", by=by, at=at)
    for change in changes:
        if change.is_new:
            change.became = _translated(change.after, ids)
        else:
            change.became = wanted[change.territory]
    with bulk_writer("take_effect"):
        update_many(
            PlannedTerritory,
            [
                {"pk": c.pk, "territory": c.territory, "was": c.was, "became": c.became}
                for c in changes
            ],
        )
    trail.record(
        PlannedTerritory,
        [
            trail.Change(id=c.pk, kind="took_effect", reason_code=code_of(plan), reason=plan.name)
            for c in changes
        ],
        by=by,
        at=at,
    )


def code_of(plan: TerritoryPlan) -> str:
    """How the history of a territory names the plan that changed it."""
    return f"plan {plan.pk}"


def _make(
    changes: Sequence[PlannedTerritory], *, plan: TerritoryPlan, by: User | None, at: datetime
) -> dict[int, int]:
    """Make the new territories; return what each key has become."""
    if not changes:
        return {}
    rows = [row_of(0, {**change.after, **_new_parents(change)}) for change in changes]
    for row in rows:
        row.pk = None
    with bulk_writer("make_territories"):
        insert_many(rows)
        ids = {change.key: row.pk for change, row in zip(changes, rows, strict=True)}
        below = [
            {"pk": ids[c.key], "parent": ids[c.after["parent_id"]]}
            for c in changes
            if (c.after.get("parent_id") or 0) < 0
        ]
        update_many(Territory, below)
    trail.record(
        Territory,
        [
            trail.Change(
                id=ids[change.key],
                kind="created",
                reason_code=code_of(plan),
                reason=plan.name,
                data={"plan": plan.pk, **_translated(change.after, ids)},
            )
            for change in changes
        ],
        by=by,
        at=at,
        created=True,
    )
    return ids


def _new_parents(change: PlannedTerritory) -> State:
    """A parent that is made in the same breath has no id yet."""
    return {"parent_id": None} if (change.after.get("parent_id") or 0) < 0 else {}


def _real(name: str, value: Any, ids: Mapping[int, int]) -> Any:
    return ids.get(value, value) if name == "parent_id" and value is not None else value


def _translated(state: State, ids: Mapping[int, int]) -> State:
    return {name: _real(name, value, ids) for name, value in state.items()}


def write_states(
    states: Mapping[int, State], *, plan: TerritoryPlan, kind: str, by: User | None, at: datetime
) -> None:
    """Give locked territories these states; three or four statements for any number."""
    if not states:
        return
    rows = [row_of(pk, state) for pk, state in sorted(states.items())]
    with bulk_writer("write_states"):
        update_many(
            Territory,
            [{"pk": row.pk, **{f.name: _value(row, f) for f in columns()}} for row in rows],
        )
    trail.record(
        Territory,
        [
            trail.Change(
                id=pk,
                kind=kind,
                reason_code=code_of(plan),
                reason=plan.name,
                data={"plan": plan.pk, **state},
            )
            for pk, state in sorted(states.items())
        ],
        by=by,
        at=at,
    )


def _value(row: Territory, field: models.Field) -> Any:
    return getattr(row, field.attname)


# --- Undoing -----------------------------------------------------------------------------


@transaction.atomic
def undo(*, plan: TerritoryPlan, by: User, at: datetime, reason: str) -> TerritoryPlan:
    """
    Restore the territories as they were before the plan; no second person is asked.

    What somebody changed since stays as it is and is named in `exceptions`. The plan before
    this one is the one in effect again.

    :raises PlanRefused: without a reason, or if it is not the latest plan in effect
    """
    if not reason.strip():
        raise PlanRefused("Say why.")
    row = _one_at_a_time(plan.pk)
    if row is None or row.state != TerritoryPlan.State.IN_EFFECT:
        latest = _in_effect()
        words = f" Undo “{latest}” first." if latest and row and row.took_effect_at else ""
        raise PlanRefused(f"{plan} is not the latest plan in effect.{words}")
    changes = list(row.changes.order_by("pk"))
    world = _lock(change.territory for change in changes)
    exceptions: list[list[Any]] = []
    states = _restored(changes, world, exceptions)
    write_states(states, plan=row, kind="realignment_undone", by=by, at=at)
    _unmake(changes, world, exceptions, plan=row, by=by, at=at)
    row.state, row.undone_by, row.undone_at = TerritoryPlan.State.UNDONE, by, at
    row.undo_reason, row.exceptions = reason.strip()[:300], exceptions
    trail.save(row, by=by, at=at, reason=f"undone: {reason.strip()}", kind="undone")
    earlier = (
        TerritoryPlan.objects.select_for_update(no_key=True)
        .filter(state=TerritoryPlan.State.SUPERSEDED)
        .order_by("-took_effect_at", "-pk")
        .first()
    )
    if earlier is not None:
        earlier.state = TerritoryPlan.State.IN_EFFECT
        trail.save(earlier, by=by, at=at, reason="in effect again", data={"undone_plan": row.pk})
    signals.plan_undone.send(sender=TerritoryPlan, plan=row, changes=changes, by=by, at=at)
    return row


def _restored(
    changes: Sequence[PlannedTerritory],
    world: Mapping[int, Territory],
    exceptions: list[list[Any]],
) -> dict[int, State]:
    """What each changed territory shall be again; what was touched since is an exception."""
    states: dict[int, State] = {}
    names = {row.name: pk for pk, row in world.items()}
    parents = {pk: row.parent_id for pk, row in world.items()}
    for change in changes:
        if change.is_new:
            continue
        pk = change.territory
        if pk not in world:
            exceptions.append([pk, "", f"{change} was deleted since."])
            continue
        now = state_of(world[pk])
        back = dict(now)
        for name in change.changed:
            old = change.was.get(name)
            if now.get(name) == old:
                continue
            if why := _touched(change, name, now, names, parents):
                exceptions.append([pk, name, f"{world[pk]}: the {label_of(name)} {why}."])
                continue
            back[name] = old
            if name == "parent_id":
                parents[pk] = old
        if back != now:
            states[pk] = back
    return states


def _touched(
    change: PlannedTerritory,
    name: str,
    now: State,
    names: Mapping[str, int],
    parents: Mapping[int, int | None],
) -> str:
    """Why a column cannot be given back; "" if it can."""
    if now.get(name) != change.became.get(name):
        return "was changed since, so it stays"
    old = change.was.get(name)
    if name == "name" and names.get(old, change.territory) != change.territory:
        return "it had belongs to another one now"
    if name == "parent_id" and old is not None:
        at: int | None = old
        seen = {change.territory}
        while at is not None:
            if at in seen or at not in parents:
                return "it had is gone, or is a part of it now"
            seen.add(at)
            at = parents[at]
    return ""


def _unmake(
    changes: Sequence[PlannedTerritory],
    world: Mapping[int, Territory],
    exceptions: list[list[Any]],
    *,
    plan: TerritoryPlan,
    by: User,
    at: datetime,
) -> None:
    """Delete what the plan made, parts before wholes; their history stays."""

    def depth(pk: int | None) -> int:
        found = 0
        while pk is not None and pk in world and found <= len(world):
            pk, found = world[pk].parent_id, found + 1
        return found

    made = [change for change in changes if change.is_new]
    for change in sorted(made, key=lambda one: -depth(one.territory)):
        row = world.get(change.territory)
        if row is None:
            exceptions.append([change.territory, "", f"{change} was deleted since."])
        elif state_of(row) != change.became:
            exceptions.append([row.pk, "", f"{row} was changed since, so it stays."])
        else:
            try:
                with transaction.atomic():
                    trail.delete(row, by=by, at=at, reason=code_of(plan))
                continue
            except ProtectedError:
                row = Territory.objects.get(pk=change.territory)
                row.is_active = False
                trail.save(row, by=by, at=at, reason=code_of(plan), data={"plan": plan.pk})
                words = f"{row} is still used elsewhere, so it was only switched off."
                exceptions.append([row.pk, "", words])
