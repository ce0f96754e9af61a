"""Write a draft: what shall change, without touching the live territories."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction

from accounts.models import PlannedTerritory, Territory, TerritoryPlan
from accounts.services.plans import conflicts
from accounts.services.plans.refusals import PlanRefused
from accounts.services.plans.world import (
    State,
    columns,
    empty_state,
    label_of,
    live,
    planned,
    row_of,
    state_of,
)
from reps import trail
from reps.models import Rep, User

# What a territory is called and whose it is; every other column says what belongs to it.
NO_CRITERIA = {"name", "rank", "is_active", "backups"}


def criteria() -> list[models.Field]:
    """The columns that say which places belong to a territory."""
    return [f for f in columns() if not f.is_relation and f.attname not in NO_CRITERIA]


def stand_ins() -> list[models.Field]:
    """The columns that name a rep beside the owner."""
    return [f for f in columns() if f.related_model is Rep and f.attname != "owner_id"]


def lists() -> list[str]:
    """The criteria that are lists, any of whose values is enough; these can be divided."""
    return [f.attname for f in criteria() if isinstance(f, models.JSONField) and f.default is list]


@transaction.atomic
def start(
    *,
    name: str,
    reason: str,
    by: User | None,
    at: datetime,
    leads: str = TerritoryPlan.Leads.STAY,
    effective_at: datetime | None = None,
) -> TerritoryPlan:
    """
    Begin a draft of what is in effect: nothing changes yet.

    :raises PlanRefused: without a name or a reason, or for a moment that has passed
    """
    plan = TerritoryPlan(author=by, drafted_at=at)
    _say(plan, name=name, reason=reason, leads=leads, effective_at=effective_at, at=at)
    trail.save(plan, by=by, at=at, reason="drafted", kind="drafted")
    return plan


@transaction.atomic
def edit(
    *,
    plan: TerritoryPlan,
    name: str,
    reason: str,
    leads: str,
    effective_at: datetime | None,
    by: User,
    at: datetime,
) -> TerritoryPlan:
    """
    Say anew what a draft is called, why, when, and what happens to open leads.

    :raises PlanRefused: if it is no draft, or as `start`
    """
    row = locked(plan)
    _say(row, name=name, reason=reason, leads=leads, effective_at=effective_at, at=at)
    row.error = ""
    trail.save(row, by=by, at=at, reason="edited")
    return row


def _say(
    plan: TerritoryPlan,
    *,
    name: str,
    reason: str,
    leads: str,
    effective_at: datetime | None,
    at: datetime,
) -> None:
    if not name.strip() or not reason.strip():
        raise PlanRefused("Give the plan a name and say why.")
    if leads not in TerritoryPlan.Leads.values:
        raise PlanRefused("Say what happens to open leads.")
    if effective_at is not None and effective_at <= at:
        raise PlanRefused("Choose a moment in the future, or none: as soon as it is approved.")
    plan.name, plan.reason = name.strip()[:120], reason.strip()[:300]
    plan.leads, plan.effective_at = leads, effective_at


@transaction.atomic
def discard(*, plan: TerritoryPlan, by: User, at: datetime) -> None:
    """
    Throw a draft away; its last state stays in the history.

    :raises PlanRefused: if it is no draft
    """
    row = locked(plan)
    for change in row.changes.all():
        trail.delete(change, by=by, at=at, reason="draft discarded")
    trail.delete(row, by=by, at=at, reason="draft discarded")


@transaction.atomic
def put(
    *,
    plan: TerritoryPlan,
    key: int | None,
    state: Mapping[str, Any],
    by: User | None,
    at: datetime,
    reason: str = "planned",
) -> PlannedTerritory | None:
    """
    Plan how a territory shall be; `key` None makes a new one. Return the change, or None if it
    shall be as it is.

    `state` may name some columns only; the others stay as the plan has them.

    :raises PlanRefused: if it is no draft, or the territory could not be so
    """
    row = locked(plan)
    world = live()
    then = planned(row, world)
    if key is not None and key not in then:
        raise PlanRefused("This territory is gone.")
    change = row.changes.filter(pk=-key).first() if key is not None and key < 0 else None
    if change is None and key is not None:
        change = row.changes.filter(territory=key).first()
    after = {**(state_of(then[key]) if key is not None else empty_state()), **state}
    # As the column holds it: a number typed as text must not look like another number.
    after = state_of(row_of(0, after))
    if change is None:
        change = PlannedTerritory(plan=row, territory=key)
        change.before = None if key is None else state_of(world[key])
    change.after = after
    if not change.is_new and not change.changed:
        if change.pk:
            trail.delete(change, by=by, at=at, reason="as it is")
        return None
    _check(row, change, world)
    trail.save(change, by=by, at=at, reason=reason, data={"plan": row.name})
    return change


def _check(plan: TerritoryPlan, change: PlannedTerritory, world: Mapping[int, Territory]) -> None:
    row = row_of(change.territory or 0, change.after)
    unsaved = change.pk is None
    others = [one for one in plan.changes.all() if one.pk != change.pk]
    if unsaved:
        # An id that no row has, so that the tree can be looked at before it is saved.
        change.pk = 2**62
    try:
        row.clean_fields(exclude=[f.name for f in columns() if f.is_relation])
        for conflict in conflicts.of([*others, change], world):
            if conflict.change is change and "was" not in conflict.why.split():
                raise PlanRefused(f"{change}: {conflict.why}.")
        low, high = row.employees_min, row.employees_max
        if low is not None and high is not None and high < low:
            raise PlanRefused(f"{change}: the upper number of employees is below the lower.")
    except ValidationError as error:
        raise PlanRefused(f"{change}: {' '.join(error.messages)}") from error
    finally:
        if unsaved:
            change.pk = None


@transaction.atomic
def move_parts(
    *,
    plan: TerritoryPlan,
    source: int,
    parts: Mapping[str, Sequence[Any]],
    by: User | None,
    at: datetime,
    target: int | None = None,
    name: str = "",
    owner: int | None = None,
    reason: str = "",
) -> PlannedTerritory:
    """
    Move values of one criterion (such as states) to another territory, or (no `target`) split
    them off as a new one with this name and owner. Return the change of whoever gets them.

    :raises PlanRefused: if nothing is named or nothing would be left, which would take
        everything; if several criteria are divided at once; or if the target asks for other
        things beside, so that it would not take what the source took
    """
    row = locked(plan)
    then = planned(row, live())
    if source not in then or (target is not None and target not in then):
        raise PlanRefused("This territory is gone.")
    given = {field: list(values) for field, values in parts.items() if values}
    if len(given) != 1 or not set(given) <= set(lists()):
        raise PlanRefused("Choose values of one criterion, e.g. some of the states.")
    ((field, values),) = given.items()
    old = state_of(then[source])
    left = [value for value in old[field] if value not in values]
    if len(left) + len(values) != len(old[field]):
        raise PlanRefused(f"{then[source]} does not have all of these any more.")
    if not left:
        raise PlanRefused(
            f"Nothing would be left of {then[source]}: change its owner, or merge it instead."
        )
    if target is None:
        state = {**old, field: values, "name": name.strip(), "owner_id": owner}
        # Nobody stands in for themselves.
        state |= {f.attname: None for f in stand_ins() if owner and old.get(f.attname) == owner}
        if not name.strip():
            raise PlanRefused("Give the new territory a name.")
    else:
        new = state_of(then[target])
        if unlike := _unlike(old, new, but=field):
            raise PlanRefused(
                f"{then[target]} differs from {then[source]} in {', '.join(unlike)} too, so it "
                "would not take the same places. Split them off as a new territory."
            )
        if not new[field]:
            raise PlanRefused(f"{then[target]} takes every {label_of(field)} already.")
        state = {field: [*new[field], *(v for v in values if v not in new[field])]}
    put(plan=row, key=source, state={field: left}, by=by, at=at, reason=reason or "parts moved")
    got = put(plan=row, key=target, state=state, by=by, at=at, reason=reason or "parts moved")
    if got is None:
        raise PlanRefused("These values are where they should go already.")
    return got


def _unlike(one: State, other: State, *, but: str = "") -> list[str]:
    """In which criteria, and in which place in the tree, two territories differ."""
    names = [*(field.attname for field in criteria()), "parent_id"]
    return [
        label_of(name)
        for name in names
        if name != but and _plain(one.get(name)) != _plain(other.get(name))
    ]


def is_alike(one: Territory, other: Territory, *, but: str) -> bool:
    """Whether two territories ask for the same things, one criterion left out."""
    return not _unlike(state_of(one), state_of(other), but=but)


def _plain(value: Any) -> Any:
    return sorted(map(str, value)) if isinstance(value, list) else value


@transaction.atomic
def merge(
    *, plan: TerritoryPlan, into: int, other: int, by: User | None, at: datetime
) -> PlannedTerritory:
    """
    Let one territory take what another takes, and retire the other.

    Exact, or refused: the two may differ in one list only (say, states), and the other must
    have no parts of its own.

    :raises PlanRefused: if the union of both cannot be said as one territory
    """
    row = locked(plan)
    then = planned(row, live())
    if into == other or into not in then or other not in then:
        raise PlanRefused("Choose two territories.")
    kept, gone = then[into], then[other]
    if any(one.parent_id == other and one.is_active for one in then.values()):
        raise PlanRefused(f"{gone} has parts of its own: move or retire them first.")
    one, two = state_of(kept), state_of(gone)
    if gone.parent_id != into:
        fields = [name for name in lists() if _plain(one[name]) != _plain(two[name])]
        field = fields[0] if fields else ""
        if unlike := _unlike(one, two, but=field):
            raise PlanRefused(
                f"{kept} and {gone} cannot be one: beside {label_of(field) or 'their name'} they "
                f"differ in {', '.join(unlike)}."
            )
        if field:
            both = [*one[field], *(v for v in two[field] if v not in one[field])]
            everything = not one[field] or not two[field]
            put(
                plan=row,
                key=into,
                state={field: [] if everything else both},
                by=by,
                at=at,
                reason="merged",
            )
    retired = retire(plan=row, key=other, by=by, at=at, reason="merged")
    if retired is None:
        raise PlanRefused(f"{gone} is retired already.")
    return retired


def retire(
    *, plan: TerritoryPlan, key: int, by: User | None, at: datetime, reason: str = "retired"
) -> PlannedTerritory | None:
    """
    Take a territory (and its parts with it) out of service; one that the draft itself makes is
    just not made.

    :raises PlanRefused: if it is no draft
    """
    if key < 0:
        change = plan.changes.filter(pk=-key).first()
        if change is None:
            raise PlanRefused("This territory is gone.")
        drop(change=change, by=by, at=at)
        return change
    return put(plan=plan, key=key, state={"is_active": False}, by=by, at=at, reason=reason)


@transaction.atomic
def drop(*, change: PlannedTerritory, by: User | None, at: datetime) -> None:
    """
    Take one change out of a draft.

    :raises PlanRefused: if it is no draft, or other changes need the territory
    """
    row = locked(change.plan)
    needing = [one for one in row.changes.all() if one.after.get("parent_id") == change.key]
    if change.is_new and needing:
        raise PlanRefused(f"{needing[0]} would be part of it: change that first.")
    trail.delete(change, by=by, at=at, reason="taken out")


@transaction.atomic
def rebase(
    *, plan: TerritoryPlan, keep: Mapping[tuple[int, str], bool], by: User, at: datetime
) -> TerritoryPlan:
    """
    Bring a draft up to what is live now. `keep` says for each conflict, named by the id of the
    change and the column, whether the plan's value stays wanted; else the live one is kept.

    A territory that is gone leaves the plan. What nobody decided stays a conflict.

    :raises PlanRefused: if it is no draft, or a new name has to be chosen first
    """
    row = locked(plan)
    world = live()
    for change in list(row.changes.all()):
        if change.is_new:
            continue
        if change.territory not in world:
            if keep.get((change.pk, "")) is not None:
                trail.delete(change, by=by, at=at, reason="gone meanwhile")
            continue
        now, after, base = state_of(world[change.territory]), dict(change.after), change.before
        found = {c.field for c in conflicts.of([change], world) if c.field}
        fresh = dict(base)
        for name, value in now.items():
            if name not in found:
                # What the plan leaves alone follows the live one.
                after[name] = after[name] if name in change.changed else value
                fresh[name] = value
            elif (change.pk, name) in keep:
                after[name] = after[name] if keep[change.pk, name] else value
                fresh[name] = value
        if (fresh, after) == (change.before, change.after):
            continue
        change.before, change.after = fresh, after
        if change.changed:
            trail.save(change, by=by, at=at, reason="rebased", data={"plan": row.name})
        else:
            trail.delete(change, by=by, at=at, reason="as it is live")
    row.error = ""
    trail.save(row, by=by, at=at, reason="rebased", kind="rebased")
    return row


def locked(plan: TerritoryPlan) -> TerritoryPlan:
    """
    The plan's row, locked, if it is still a draft.

    :raises PlanRefused: if it is none
    """
    row = TerritoryPlan.objects.select_for_update(no_key=True).filter(pk=plan.pk).first()
    if row is None:
        raise PlanRefused("This draft was thrown away.")
    if not row.is_draft:
        raise PlanRefused(
            f"{row} is no draft any more ({row.get_state_display().lower()}); take it back first."
        )
    return row
