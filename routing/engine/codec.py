"""
Canonical bytes: equal values have equal bytes, and every value comes back as it was.

JSON with sorted keys and no spaces, UTF-8; rows are sorted by id. A digest of these bytes
names a roster for good.
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
    values = dict(data)
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
        "pools": [
            {"id": key, "members": [[m.rep, m.weight, m.position] for m in pools[key].members]}
            for key in sorted(pools)
        ],
        "territories": [
            {"id": key, "owner": one.owner, "backup": one.backup, "pool": one.pool}
            for key, one in sorted(territories.items())
        ],
    }


def _rep_to_json(rep: RepSpec) -> dict[str, Any]:
    return {
        "id": rep.id,
        "capacity": rep.capacity,
        "active": rep.active,
        "skills": dict(rep.skills),
        "team": rep.team,
        "backup": rep.backup,
        "hours": None if rep.hours is None else [list(span) for span in rep.hours],
        "absences": [list(span) for span in rep.absences],
    }


def roster_from_json(data: Mapping[str, Any]) -> Roster:
    return Roster.of(
        [_rep_from_json(rep) for rep in data["reps"]],
        [
            PoolSpec(pool["id"], tuple(Member(*member) for member in pool["members"]))
            for pool in data["pools"]
        ],
        [TerritorySpec(**territory) for territory in data["territories"]],
    )


def _rep_from_json(data: Mapping[str, Any]) -> RepSpec:
    hours = data["hours"]
    return RepSpec(
        **{
            **data,
            "hours": None if hours is None else _spans(hours),
            "absences": _spans(data["absences"]),
        }
    )


def _spans(rows: list[list[int]]) -> Spans:
    return tuple((start, end) for start, end in rows)


def encode_roster(roster: Roster) -> bytes:
    return canonical(roster_to_json(roster))


def decode_roster(data: bytes) -> Roster:
    return roster_from_json(json.loads(data))
