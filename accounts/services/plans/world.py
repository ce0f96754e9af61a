"""
Territories as rows of a world: the live one, the one that a plan wants, the one before it.

A world maps ids to unsaved or saved `Territory` rows; one to be made has a negative id. States
are generic over the model's columns, so a new criterion is planned, compared and undone without
a change here.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from accounts.models import PlannedTerritory, Territory, TerritoryPlan
from accounts.services.territories import AreaIndex, area_of, serving

State = dict[str, Any]
World = dict[int, Territory]


def columns() -> list[models.Field]:
    """Everything of a territory that a plan can change: all columns but the id."""
    return [field for field in Territory._meta.concrete_fields if not field.primary_key]


def label_of(name: str) -> str:
    """How people call a column."""
    for field in columns():
        if field.attname == name:
            return str(field.verbose_name)
    return name


def state_of(row: Territory) -> State:
    """A territory as JSON, by column."""
    found = {field.attname: getattr(row, field.attname) for field in columns()}
    return json.loads(json.dumps(found, cls=DjangoJSONEncoder))


def empty_state() -> State:
    """A territory that says nothing yet: every column at its default."""
    return state_of(Territory())


def row_of(pk: int, state: Mapping[str, Any]) -> Territory:
    """An unsaved territory with this id; a column that the state does not know has its default."""
    row = Territory(pk=pk)
    for field in columns():
        if field.attname in state:
            setattr(row, field.attname, field.to_python(state[field.attname]))
    return row


def live() -> World:
    """The territories as they stand; one statement."""
    return {row.pk: row for row in Territory.objects.order_by("pk")}


def planned(plan: TerritoryPlan, world: World) -> World:
    """
    The territories as they will be if nothing else changes until the plan takes effect.

    A live territory keeps what the plan leaves alone; one that is gone stays gone.
    """
    found = dict(world)
    for change in plan.changes.all():
        if change.is_new:
            found[change.key] = row_of(change.key, change.after)
        elif change.territory in world:
            state = state_of(world[change.territory])
            state |= {name: change.after[name] for name in change.changed}
            found[change.territory] = row_of(change.territory, state)
    return found


def before(changes: Iterable[PlannedTerritory], world: World) -> World:
    """The territories without what a plan in effect did, all else as it stands now."""
    found = dict(world)
    for change in changes:
        if change.is_new:
            found.pop(change.territory, None)
        elif change.was is not None and change.territory in found:
            state = state_of(found[change.territory])
            state |= {name: change.was[name] for name in change.changed if name in change.was}
            found[change.territory] = row_of(change.territory, state)
    return found


def on_day(at: datetime) -> World:
    """The territories as they were at a moment, by their history."""
    rows = Territory.history.filter(history_date__lte=at).latest_of_each()
    found: World = {}
    # Of two at one moment the one written later counts.
    for row in rows.order_by("history_id"):
        if row.history_type == "-":
            found.pop(row.id, None)
        else:
            found[row.id] = row.instance
    return found


def index_of(world: World) -> AreaIndex:
    """
    The same index that routing asks.

    :raises accounts.geography.AreaTreeBroken: if the world is no tree
    """
    whole = {
        pk: row for pk, row in world.items() if row.parent_id is None or row.parent_id in world
    }
    while len(whole) < len(world):
        world = whole
        whole = {
            pk: row for pk, row in world.items() if row.parent_id is None or row.parent_id in world
        }
    return AreaIndex(area_of(row) for row in serving(whole))


def shown(name: str, value: Any, *, reps: Mapping[int, str], names: Mapping[int, str]) -> str:
    """A value of a column as people read it; "" for nothing."""
    if value in (None, "", [], {}):
        return ""
    field = next((one for one in columns() if one.attname == name), None)
    if field is not None and field.is_relation:
        known = names if field.related_model is Territory else reps
        return known.get(value, str(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_word(one) for one in value)
    if isinstance(value, date):
        return value.isoformat()
    return _word(value)


def _word(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "–".join(str(one) for one in value)
    if isinstance(value, dict):
        return " ".join(str(one) for one in value.values())
    return str(value)
