"""
Look at every open and recent lead and every account, step by step.

The due job "studies". A step reads one chunk without a lock, adds it to the sums and stores
them, unless somebody else has stored that step: run twice, or cut off by a crash, it counts
everything once.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import Error, transaction
from django.db.models import Q, QuerySet

from accounts.models import Account, TerritoryPlan
from accounts.services.plans import approval
from accounts.services.plans import world as worlds
from accounts.services.territories import AreaTreeBroken
from reps.due import doorbell
from reps.models import Rep, RosterStamp, User
from routing.models import Lead, Organisation, TerritoryStudy
from routing.realign import effects, proposal, sides, units
from routing.realign.sides import Seen, Side, rep_key

log = logging.getLogger(__name__)
LEADS_AT_ONCE, ACCOUNTS_AT_ONCE = 500, 2000
LEASE = timedelta(seconds=60)
RECENT = timedelta(days=90)
WEEKS = 13
# More open leads than this are counted, and moved, but not listed one by one.
LISTED = 20_000
UNENDED = (TerritoryStudy.State.WAITING, TerritoryStudy.State.RUNNING)


class StudyRefused(Exception):
    """The study cannot be started; the message says why."""


@transaction.atomic
def preview(*, plan: TerritoryPlan, by: User | None, at: datetime) -> TerritoryStudy:
    """
    Ask what a plan would move. If that is being looked at already, return that study.

    :raises StudyRefused: for a plan that changes nothing or has taken effect
    """
    if plan.took_effect_at is not None:
        raise StudyRefused("This plan has taken effect; its leads are listed below.")
    if not plan.changes.exists():
        raise StudyRefused("This plan changes nothing yet.")
    says = approval.digest_of(plan)
    rows = TerritoryStudy.objects.filter(plan=plan, digest=says, state__in=UNENDED)
    if (running := rows.first()) is not None:
        return running
    return _start(TerritoryStudy.Kind.PREVIEW, plan=plan, digest=says, by=by, at=at)


@transaction.atomic
def workload(*, options: Mapping[str, Any], by: User | None, at: datetime) -> TerritoryStudy:
    """
    Ask what each territory brings, and for a proposal that evens it out.

    `options`: `measure` ("flow", "open" or "points"), `most_moves`, `locked` (territory ids),
    `by_capacity`; see `proposal.read`.

    :raises StudyRefused: if fewer than two reps own territories
    """
    owners = {row.owner_id for row in worlds.live().values() if row.is_active and row.owner_id}
    if len(owners) < 2:
        raise StudyRefused("Give territories to at least two reps; then there is work to even out.")
    return _start(TerritoryStudy.Kind.WORKLOAD, options=dict(options), by=by, at=at)


def _start(kind: str, *, by: User | None, at: datetime, **more: Any) -> TerritoryStudy:
    made = TerritoryStudy.objects.create(
        kind=kind,
        stamp=RosterStamp.current(),
        due_at=at,
        asked_by=by,
        asked_at=at,
        progress={"step": 0, "stage": "leads", "after": 0, "sums": {}},
        **more,
    )
    doorbell.ring("studies")
    return made


def is_stale(study: TerritoryStudy, plan: TerritoryPlan) -> bool:
    """Whether the plan or the people and territories have changed since it was looked at."""
    return study.digest != approval.digest_of(plan) or study.stamp != RosterStamp.current()


def drain(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """Carry the oldest due study on by one step; return 1, or 0 if none is due."""
    now = at or due_before
    row = _lease(due_before, now)
    if row is None:
        return 0
    try:
        progress, seen = _step(row)
        result = None if progress["stage"] != "end" else _result(row, progress["sums"], at=now)
    except Error:
        raise
    except AreaTreeBroken as error:
        _fail(row, f"The territories are no tree: {error}", at=now)
        return 1
    except Exception as error:
        log.exception("Study %s failed", row.pk)
        _fail(row, f"It failed: {type(error).__name__}", at=now)
        return 1
    _write(row, progress, seen, result, at=now)
    return 1


def oldest() -> datetime | None:
    """Since when the oldest unended study has been due."""
    rows = TerritoryStudy.objects.filter(due_at__isnull=False).order_by("due_at")
    return rows.values_list("due_at", flat=True).first()


def leads_of(row: TerritoryStudy) -> QuerySet[Lead]:
    """The leads that a study is about: open ones that a rep holds, and recent ones."""
    recent = row.asked_at - max(RECENT, timedelta(weeks=WEEKS))
    return Lead.objects.counted().filter(
        Q(place=Lead.Place.OWNER) | Q(received_at__gt=recent), received_at__lte=row.asked_at
    )


@transaction.atomic
def _lease(due_before: datetime, at: datetime) -> TerritoryStudy | None:
    row = (
        TerritoryStudy.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related("plan")
        .filter(state__in=UNENDED, due_at__lte=due_before)
        .order_by("due_at", "pk")
        .first()
    )
    if row is None:
        return None
    if row.state == TerritoryStudy.State.WAITING:
        row.state = TerritoryStudy.State.RUNNING
        row.total = leads_of(row).count() + Account.objects.filter(is_active=True).count()
    row.due_at = at + LEASE
    row.save(update_fields=["state", "due_at", "total"])
    return row


def _step(row: TerritoryStudy) -> tuple[dict[str, Any], int]:
    """Read one chunk; return the progress after it, and how many rows it was."""
    progress = {**row.progress, "step": row.progress["step"] + 1}
    sums = progress["sums"]
    is_preview = row.kind == TerritoryStudy.Kind.PREVIEW
    old, new = _sides(row)
    if progress["stage"] == "leads":
        chosen = leads_of(row).filter(pk__gt=progress["after"]).order_by("pk")
        related = chosen.select_related("prospect", "source", "account__parent")
        leads = list(related[:LEADS_AT_ONCE])
        organisation = Organisation.get()
        for one in sides.read(leads, index=old.index, organisation=organisation, at=row.asked_at):
            if is_preview:
                _count_preview(sums, one, old, new, row.asked_at)
            else:
                units.count(sums, one, old, at=row.asked_at, weeks=WEEKS)
        done = len(leads) < LEADS_AT_ONCE
        progress["after"] = 0 if done else leads[-1].pk
        progress["stage"] = ("accounts" if is_preview else "end") if done else "leads"
        return progress, len(leads)
    rows = Account.objects.filter(is_active=True, pk__gt=progress["after"]).order_by("pk")
    accounts = list(rows[:ACCOUNTS_AT_ONCE])
    for place, named in sides.places_of_accounts(accounts, at=row.asked_at):
        _count_account(sums, place, named, old, new)
    done = len(accounts) < ACCOUNTS_AT_ONCE
    progress["after"] = 0 if done else accounts[-1].pk
    progress["stage"] = "end" if done else "accounts"
    return progress, len(accounts)


def _sides(row: TerritoryStudy) -> tuple[Side, Side]:
    if row.plan is not None:
        return sides.of_plan(row.plan)
    live = Side.of(worlds.live())
    return live, live


def _table(sums: dict[str, Any], name: str) -> dict[str, list[int]]:
    return sums.setdefault(name, {})


def _count_preview(
    sums: dict[str, Any], one: Seen, old: Side, new: Side, asked_at: datetime
) -> None:
    """Add one lead to both sides: as part of the flow, and as an open one."""
    lead = one.lead
    areas = old.area(one.place), new.area(one.place)
    if lead.received_at > asked_at - RECENT:
        _count(sums, "leads", 1)
        for side, (here, area) in enumerate(zip((old, new), areas, strict=True)):
            holder = rep_key(one.named) if one.named is not None else here.holder(area)
            effects.add(_table(sums, "flow"), holder, side)
            effects.add(_table(sums, "territory_flow"), str(area or 0), side)
        _count(sums, "leads_named", int(one.named is not None))
        _count(sums, "leads_moving", int(areas[0] != areas[1]))
    if lead.place != Lead.Place.OWNER:
        return
    for side, area in enumerate(areas):
        effects.add(_table(sums, "open"), rep_key(lead.owner_id), side)
        effects.add(_table(sums, "points"), rep_key(lead.owner_id), side, one.points)
        effects.add(_table(sums, "territory_open"), str(area or 0), side)
    moves = one.moves(old, new)
    if moves is not None:
        _count(sums, "moving_all", 1)
        moving = sums.setdefault("moving", [])
        if len(moving) < LISTED:
            moving.append([lead.pk, *moves, lead.acknowledged_at is not None, one.points])


def _count(sums: dict[str, Any], name: str, amount: int) -> None:
    sums[name] = sums.get(name, 0) + amount


def _count_account(sums: dict[str, Any], place: Any, named: int, old: Side, new: Side) -> None:
    _count(sums, "accounts_all", 1)
    _count(sums, "accounts_named", int(bool(named)))
    areas = old.area(place), new.area(place)
    for side, (here, area) in enumerate(zip((old, new), areas, strict=True)):
        holder = rep_key(named) if named else here.holder(area)
        effects.add(_table(sums, "accounts"), holder, side)
        effects.add(_table(sums, "territory_accounts"), str(area or 0), side)
    if not named and old.holder(areas[0]) != new.holder(areas[1]):
        _count(sums, "accounts_moving", 1)


def _result(row: TerritoryStudy, sums: dict[str, Any], *, at: datetime) -> dict[str, Any]:
    if row.kind == TerritoryStudy.Kind.WORKLOAD:
        return proposal.result(sums, options=row.options, weeks=WEEKS)
    for name in ("flow", "open", "points", "accounts"):
        sums.setdefault(name, {})
    sums.setdefault("moving", [])
    old, new = _sides(row)
    owners = {side.owner(pk) for side in (old, new) for pk in side.world}
    assert row.plan is not None
    concerned = {rep_key(rep) for rep in owners if rep is not None}
    active = set(Rep.objects.filter(is_active=True).values_list("pk", flat=True))
    concerned &= {rep_key(rep) for rep in active}
    found = effects.tables(sums, policy=row.plan.leads, reps=concerned)
    found["policy"] = row.plan.leads
    found["moving"] = sums["moving"]
    found["counts"] = {
        name: sums.get(name, 0)
        for name in (
            "leads",
            "leads_named",
            "leads_moving",
            "moving_all",
            "accounts_all",
            "accounts_named",
            "accounts_moving",
        )
    }
    names = {pk: one.name for side in (old, new) for pk, one in side.world.items()}
    places: dict[str, dict[str, list[int]]] = {}
    for measure in ("territory_flow", "territory_open", "territory_accounts"):
        for key, pair in sums.get(measure, {}).items():
            places.setdefault(key, {})[measure.removeprefix("territory_")] = pair
    changed = {str(change.key) for change in row.plan.changes.all()}
    found["territories"] = [
        {
            "id": int(key),
            "name": names.get(int(key), ""),
            **{m: pairs.get(m, [0, 0]) for m in ("flow", "open", "accounts")},
        }
        for key, pairs in sorted(places.items(), key=lambda item: int(item[0]))
        if key in changed or any(a != b for a, b in pairs.values())
    ]
    return found


@transaction.atomic
def _write(
    row: TerritoryStudy,
    progress: dict[str, Any],
    seen: int,
    result: dict[str, Any] | None,
    *,
    at: datetime,
) -> None:
    """Store a step, unless somebody else has stored this step or the study has ended."""
    now = TerritoryStudy.objects.select_for_update(no_key=True, of=("self",)).get(pk=row.pk)
    if now.state not in UNENDED or now.progress["step"] != progress["step"] - 1:
        return
    now.done += seen
    now.progress = progress
    if result is not None:
        now.result, now.progress = result, {"step": progress["step"]}
        now.state, now.due_at, now.ended_at = TerritoryStudy.State.DONE, None, at
    else:
        now.due_at = at
        doorbell.ring("studies")
    now.save()


@transaction.atomic
def _fail(row: TerritoryStudy, why: str, *, at: datetime) -> None:
    now = TerritoryStudy.objects.select_for_update(no_key=True, of=("self",)).get(pk=row.pk)
    if now.state in UNENDED:
        now.state, now.due_at, now.ended_at = TerritoryStudy.State.FAILED, None, at
        now.error, now.progress = why[:300], {"step": now.progress["step"]}
        now.save()
