"""
From what was counted to a proposal, in figures and words, and from there to a draft plan.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import Territory, TerritoryPlan
from accounts.services.plans import draft
from accounts.services.plans import world as worlds
from accounts.services.plans.refusals import PlanRefused
from accounts.services.territories import serving
from reps.models import Rep, RepSkill, Skill, User
from routing.models import TerritoryStudy
from routing.realign import units
from routing.realign.balance import Proposal, Unit, Worker, propose

MEASURES = {"flow": 0, "open": 1, "points": 2}
MOST_MOVES = 10


def result(sums: Mapping[str, Any], *, options: Mapping[str, Any], weeks: int) -> dict[str, Any]:
    """Weeks and loads by territory, and what should move; all of it plain JSON."""
    world = worlds.live()
    rows = {row.pk: row for row in serving(world)}
    measure = MEASURES.get(options.get("measure", "flow"), 0)
    parts, about = _units(sums, rows, measure=measure, locked=set(options.get("locked", ())))
    workers = _workers(sums, rows, measure=measure, by_capacity=bool(options.get("by_capacity")))
    touching = units.touching((key, rows[a], v) for key, (a, v) in about.items())
    parts = [unit if unit.id in touching else _without_place(unit) for unit in parts]
    found = propose(parts, workers, touching, most_moves=int(options.get("most_moves", MOST_MOVES)))
    names = {rep.pk: str(rep) for rep in Rep.objects.select_related("user")}
    return {
        "measure": options.get("measure", "flow"),
        "weeks": sums.get("weeks", {}),
        "number_of_weeks": weeks,
        "areas": _areas(sums, world, weeks),
        "moves": [_move(one, about, rows, names, found) for one in found.moves],
        "loads": [
            {
                "rep": w.id,
                "name": names[w.id],
                "weight": w.weight,
                "fixed": w.fixed,
                "before": found.before[w.id],
                "after": found.after[w.id],
            }
            for w in workers
        ],
        "peak": [round(found.peak_before, 3), round(found.peak_after, 3)],
        "mean": round(found.mean, 3),
        "bound": round(found.bound, 3),
        "gap": round(found.gap, 4),
        "rounds": found.rounds,
        "in_time": found.in_time,
        "units": len(parts),
        "locked": sum(unit.is_locked for unit in parts),
    }


def _areas(sums: Mapping[str, Any], world: worlds.World, weeks: int) -> list[dict[str, Any]]:
    flow, held = sums.get("weeks", {}), sums.get("areas", {})
    keys = sorted({*flow, *held}, key=int)
    return [
        {
            "id": int(key),
            "name": world[int(key)].name if int(key) in world else "",
            "owner": world[int(key)].owner_id if int(key) in world else None,
            "flow": sum(flow.get(key, [])),
            "weeks": flow.get(key, [0] * weeks),
            "open": held.get(key, [0, 0, 0])[1],
            "points": held.get(key, [0, 0, 0])[2],
        }
        for key in keys
    ]


def _units(
    sums: Mapping[str, Any], rows: Mapping[int, Territory], *, measure: int, locked: set[int]
) -> tuple[list[Unit], dict[str, tuple[int, str]]]:
    """Every unit of the territories that a rep owns; what nobody asked for yet weighs nothing."""
    loads, spoken = sums.get("units", {}), sums.get("languages", {})
    slugs = {name.casefold(): slug for name, slug in Skill.objects.values_list("name", "slug")}
    has = _skills()
    parts: list[Unit] = []
    about: dict[str, tuple[int, str]] = {}
    for pk, row in sorted(rows.items()):
        if row.owner_id is None:
            continue
        field = units.field_of(row)
        values = list(dict.fromkeys([*(getattr(row, field) if field else []), units.REST]))
        for value in values:
            key = units.key_of(pk, value)
            is_rest = value == units.REST and bool(field)
            if is_rest and key not in loads:
                continue
            about[key] = (pk, value)
            parts.append(
                Unit(
                    id=key,
                    owner=row.owner_id,
                    load=loads.get(key, [0, 0, 0])[measure],
                    needs=units.needs_of(
                        row, spoken.get(key, {}), has.get(row.owner_id, frozenset()), slugs
                    ),
                    is_locked=pk in locked or is_rest,
                )
            )
    return parts, about


def _without_place(unit: Unit) -> Unit:
    return Unit(unit.id, unit.owner, unit.load, unit.needs, unit.is_locked, has_place=False)


def _skills() -> dict[int, frozenset[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    for rep, slug in RepSkill.objects.values_list("rep_id", "skill__slug"):
        found[rep].add(slug)
    return {rep: frozenset(slugs) for rep, slugs in found.items()}


def _workers(
    sums: Mapping[str, Any], rows: Mapping[int, Territory], *, measure: int, by_capacity: bool
) -> list[Worker]:
    """Whoever owns a territory; one who has left keeps nothing that can move to them."""
    owners = {row.owner_id for row in rows.values() if row.owner_id is not None}
    fixed, has = sums.get("fixed", {}), _skills()
    return [
        Worker(
            id=rep.pk,
            weight=float(max(1, rep.capacity)) if by_capacity else 1.0,
            fixed=fixed.get(str(rep.pk), [0, 0, 0])[measure],
            has=has.get(rep.pk, frozenset()),
        )
        for rep in Rep.objects.filter(pk__in=owners).order_by("pk")
    ]


def _move(
    one: Any,
    about: Mapping[str, tuple[int, str]],
    rows: Mapping[int, Territory],
    names: Mapping[int, str],
    found: Proposal,
) -> dict[str, Any]:
    area, value = about[one.unit]
    return {
        "area": area,
        "territory": rows[area].name,
        "field": units.field_of(rows[area]),
        "value": value,
        "from": one.source,
        "from_name": names[one.source],
        "to": one.target,
        "to_name": names[one.target],
        "load": one.load,
        "from_load": list(one.source_load),
        "to_load": list(one.target_load),
        "beside": [about[key][1] or rows[about[key][0]].name for key in one.beside][:4],
    }


# --- As a draft --------------------------------------------------------------------------


@transaction.atomic
def adopt(*, study: TerritoryStudy, by: User, at: datetime) -> TerritoryPlan:
    """
    Make a proposal a draft plan.

    A territory that goes to one rep as a whole changes its owner; parts go into a territory of
    the receiver that is alike, or become one of their own.

    :raises PlanRefused: if it proposes nothing, or the territories have changed so much since
        that it no longer fits
    """
    moves = study.result.get("moves", [])
    if study.state != TerritoryStudy.State.DONE or not moves:
        raise PlanRefused("This study proposes no moves.")
    plan = draft.start(
        name=f"Rebalancing of {at:%d %b %Y}",
        reason=f"Evens out the workload: the highest falls from {study.result['peak'][0]:g} "
        f"to {study.result['peak'][1]:g}, at a mean of {study.result['mean']:g}.",
        by=by,
        at=at,
    )
    given: dict[int, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for move in moves:
        given[move["area"]][move["to"]].append(move["value"])
    for area, by_rep in sorted(given.items()):
        _give(plan, area, by_rep, by=by, at=at)
    return plan


def _give(
    plan: TerritoryPlan, area: int, by_rep: Mapping[int, list[str]], *, by: User, at: datetime
) -> None:
    row = worlds.live().get(area)
    if row is None:
        raise PlanRefused("A territory of this proposal is gone; ask for a new one.")
    field = units.field_of(row)
    everything = set(getattr(row, field)) if field else {units.REST}
    goes = {value for values in by_rep.values() for value in values}
    left = dict(by_rep)
    if goes >= everything:
        # Nothing would be left: whoever gets most of it gets the territory itself.
        most = max(left, key=lambda rep: (len(left[rep]), -rep))
        draft.put(plan=plan, key=area, state={"owner_id": most}, by=by, at=at, reason="proposed")
        del left[most]
    for rep, values in sorted(left.items()):
        target = _alike(plan, area, rep, field)
        draft.move_parts(
            plan=plan,
            source=area,
            parts={field: values},
            target=target,
            name="" if target is not None else _name(plan, row, values),
            owner=rep,
            by=by,
            at=at,
            reason="proposed",
        )


def _alike(plan: TerritoryPlan, area: int, rep: int, field: str) -> int | None:
    """A territory of the receiver that would take these values just as this one does."""
    then = worlds.planned(plan, worlds.live())
    for pk, row in sorted(then.items()):
        theirs = row.owner_id == rep and row.is_active and pk != area and getattr(row, field)
        if theirs and draft.is_alike(then[area], row, but=field):
            return pk
    return None


def _name(plan: TerritoryPlan, row: Territory, values: list[str]) -> str:
    taken = {one.name for one in worlds.planned(plan, worlds.live()).values()}
    name = base = f"{row.name}: {', '.join(values)}"[:110]
    number = 2
    while name in taken:
        name, number = f"{base} {number}", number + 1
    return name
