"""
Canonical bytes: equal values have equal bytes, and every value comes back as it was.

JSON with sorted keys and no spaces, UTF-8; rows are sorted by id. A digest of these bytes
names a roster for good: so what version 2 of the engine added to a roster (places, seniority,
limits, lanes) is written only where it says something, and a roster of version 1 has the bytes
it always had.

Decisions of version 1 name the eligible instead of what was charged. They are read all the
same, see `decision_from_json`; run again they give an answer of the present version.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from routing.engine.spans import Spans
from routing.engine.types import (
    Counters,
    Decision,
    Limit,
    Member,
    PoolSpec,
    RepSpec,
    Roster,
    TerritorySpec,
)


def canonical(data: object) -> bytes:
    """
    Write JSON data in the one canonical way.

    :raises ValueError: if the data has no JSON form (NaN, lone surrogates)
    """
    text = json.dumps(
        data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def digest(data: bytes) -> str:
    """Return the SHA-256 of the bytes in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


# --- Decision ----------------------------------------------------------------------------

_DECISION_FIELDS = tuple(field.name for field in fields(Decision))


def decision_to_json(decision: Decision) -> dict[str, Any]:
    data = {name: getattr(decision, name) for name in _DECISION_FIELDS}
    data["charges"] = [list(charge) for charge in decision.charges]
    data["drops"] = [list(drop) for drop in decision.drops]
    data["passed_over"] = [list(rule) for rule in decision.passed_over]
    return data


def decision_from_json(data: Mapping[str, Any]) -> Decision:
    """
    Read what `decision_to_json` wrote; the result equals the original.

    A decision of version 1 comes with the eligible as charged, 0 units each: what their shares
    were can be told from the roster, and `apply` does.
    """
    values = dict(data)
    if "eligible" in values:
        values["charges"] = [(rep, 0) for rep in values.pop("eligible")]
    values["charges"] = tuple((rep, units) for rep, units in values["charges"])
    values["drops"] = tuple((verdict, count) for verdict, count in values["drops"])
    values["passed_over"] = tuple((rule, why) for rule, why in values["passed_over"])
    return Decision(**values)


def encode_decision(decision: Decision) -> bytes:
    return canonical(decision_to_json(decision))


def decode_decision(data: bytes) -> Decision:
    return decision_from_json(json.loads(data))


# --- Counters ----------------------------------------------------------------------------


def encode_counters(counters: Counters) -> bytes:
    return canonical(counters.to_json())


def decode_counters(data: bytes) -> Counters:
    return Counters.from_json(json.loads(data))


# --- Roster ------------------------------------------------------------------------------


def roster_to_json(roster: Roster) -> dict[str, Any]:
    reps, pools, territories = roster.reps, roster.pools, roster.territories
    return {
        "reps": [_rep_to_json(reps[key]) for key in sorted(reps)],
        "pools": [_pool_to_json(pools[key]) for key in sorted(pools)],
        "territories": [_territory_to_json(territories[key]) for key in sorted(territories)],
    }


def _territory_to_json(one: TerritorySpec) -> dict[str, Any]:
    data: dict[str, Any] = {
        "id": one.id,
        "owner": one.owner,
        "backup": one.backup,
        "pool": one.pool,
    }
    if one.backups:
        data["backups"] = list(one.backups)
    return data


def _rep_to_json(rep: RepSpec) -> dict[str, Any]:
    data: dict[str, Any] = {
        "id": rep.id,
        "capacity": rep.capacity,
        "active": rep.active,
        "skills": dict(rep.skills),
        "team": rep.team,
        "backup": rep.backup,
        "hours": None if rep.hours is None else [list(span) for span in rep.hours],
        "absences": [list(span) for span in rep.absences],
    }
    if rep.place is not None:
        # Of 52, 52.0 and -0.0 each equals one other that is written differently.
        data["place"] = [float(degrees) + 0.0 for degrees in rep.place]
    if rep.limits:
        data["limits"] = [_limit_to_json(limit) for limit in rep.limits]
    return data | _unusual(rep, _REP, ("seniority", "performance", "agent", "manager"))


def _limit_to_json(limit: Limit) -> dict[str, Any]:
    data: dict[str, Any] = {"kind": limit.kind, "most": limit.most}
    if limit.edges:
        data["edges"] = list(limit.edges)
    return data | _unusual(limit, _LIMIT, ("window", "pool", "tier"))


def _pool_to_json(pool: PoolSpec) -> dict[str, Any]:
    data: dict[str, Any] = {
        "id": pool.id,
        "members": [[m.rep, m.weight, m.position] for m in pool.members],
    }
    if pool.lanes:
        data["lanes"] = list(pool.lanes)
    return data | _unusual(pool, _POOL, ("bound", "catch_up"))


# Specimens that have every default.
_REP, _POOL, _LIMIT = RepSpec(0), PoolSpec(0), Limit("points", 0)


def _unusual(value: object, usual: object, names: tuple[str, ...]) -> dict[str, Any]:
    return {
        name: getattr(value, name) for name in names if getattr(value, name) != getattr(usual, name)
    }


def roster_from_json(data: Mapping[str, Any]) -> Roster:
    """Read what `roster_to_json` wrote, by this or an earlier version."""
    return Roster.of(
        [_rep_from_json(rep) for rep in data["reps"]],
        [_pool_from_json(pool) for pool in data["pools"]],
        [
            TerritorySpec(**{**territory, "backups": tuple(territory.get("backups", ()))})
            for territory in data["territories"]
        ],
    )


def _rep_from_json(data: Mapping[str, Any]) -> RepSpec:
    values = dict(data)
    hours, place = values["hours"], values.get("place")
    values["hours"] = None if hours is None else _spans(hours)
    values["absences"] = _spans(values["absences"])
    if place is not None:
        values["place"] = (place[0], place[1])
    values["limits"] = tuple(
        Limit(**{**limit, "edges": tuple(limit.get("edges", ()))})
        for limit in values.get("limits", ())
    )
    return RepSpec(**values)


def _pool_from_json(data: Mapping[str, Any]) -> PoolSpec:
    values = dict(data)
    values["members"] = tuple(Member(*member) for member in values["members"])
    values["lanes"] = tuple(values.get("lanes", ()))
    return PoolSpec(**values)


def _spans(rows: list[list[int]]) -> Spans:
    return tuple((start, end) for start, end in rows)


def encode_roster(roster: Roster) -> bytes:
    return canonical(roster_to_json(roster))


def decode_roster(data: bytes) -> Roster:
    return roster_from_json(json.loads(data))
