"""The rule set a new organisation starts with: requirement MAT-3's order, then the pool."""

from typing import Any

from routing.models import Pool, Queue
from routing.qualify.scoring import THRESHOLD


def rules(*, pool: Pool, fallback: Queue, threshold: int = THRESHOLD) -> list[dict[str, Any]]:
    """
    Return the standard rules: the score's threshold first (SCO-2), then open opportunity,
    named account, parent account, territory, the general pool, and the fallback queue.

    Named accounts, hand-raises and pre-qualified sources pass the threshold.
    """
    return [
        gate(threshold=threshold),
        _owner("Open opportunity", "opportunity_owner", "Whoever works the deal keeps it."),
        _owner("Named account", "account_owner", "Named accounts go before territories."),
        _owner("Parent account", "parent_account_owner", "A subsidiary follows its group."),
        _owner("Territory owner", "territory_owner", "The most specific territory.", "territory"),
        {
            "name": "Territory pool",
            "reasoning": "The reps who share the territory take turns.",
            "condition": {"fact": "territory", "op": "not_empty"},
            "path": in_turn({"kind": "territory_pool"}),
        },
        {
            "name": "General pool",
            "reasoning": "In turn among those who work now; else it waits for the first.",
            "condition": {"all": []},
            "path": in_turn({"kind": "pool", "id": pool.pk}, on_empty="wait"),
        },
        last_resort(fallback),
    ]


def gate(*, threshold: int = THRESHOLD, junior: Pool | None = None) -> dict[str, Any]:
    """
    The rule that comes first (SCO-2): who scores below the threshold rests in nurture, or goes
    to junior SDRs. Named accounts, open deals, hand-raises and pre-qualified sources pass.
    """
    known = [{"fact": name, "op": "not_empty"} for name in ("opportunity_owner", "account_owner")]
    goes = "goes to nurture" if junior is None else "goes to junior SDRs"
    return {
        "name": f"Below {threshold} {goes}",
        "reasoning": "Reps' time is for people who fit or ask. A later event can lift it."
        if junior is None
        else "Junior SDRs find out what the points do not know.",
        "condition": {
            "all": [
                {"fact": "score", "op": "lt", "value": threshold},
                {"not": {"fact": "hand_raise", "op": "eq", "value": True}},
                {"not": {"fact": "prequalified", "op": "eq", "value": True}},
                {"not": {"any": known}},
            ]
        },
        "path": {"target": {"kind": "nurture"}}
        if junior is None
        else in_turn({"kind": "pool", "id": junior.pk}, on_empty="wait"),
    }


def in_turn(target: dict[str, Any], *, on_empty: str = "next") -> dict[str, Any]:
    """A path to whoever works now and is next in turn, a former owner before the others."""
    return {
        "target": target,
        "stages": [
            {"do": "filter", "by": "on_shift", "within": 0},
            {"do": "prefer", "by": "former_owner"},
            {"do": "select", "by": "round_robin"},
        ],
        "on_empty": on_empty,
    }


def last_resort(queue: Queue) -> dict[str, Any]:
    """The fallback: a queue with somebody responsible."""
    return {
        "name": "Fallback",
        "reasoning": "Nobody could take it: it waits in a queue with somebody responsible.",
        "condition": {"all": []},
        "path": {"target": {"kind": "queue", "id": queue.pk}},
        "is_fallback": True,
    }


def _owner(name: str, kind: str, reasoning: str, fact: str = "") -> dict[str, Any]:
    return {
        "name": name,
        "reasoning": reasoning,
        "condition": {"fact": fact or kind, "op": "not_empty"},
        "path": {"target": {"kind": kind}},
    }
