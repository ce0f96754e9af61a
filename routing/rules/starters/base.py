"""What a template is made of, and the pieces that several of them share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from routing.models import Pool, Queue

Spec: TypeAlias = dict[str, Any]
# What was chosen for each slot, by its name: a Pool, a Queue or a Rep.
Chosen: TypeAlias = Mapping[str, Any]

ALWAYS: Spec = {"all": []}


@dataclass(frozen=True, slots=True)
class Slot:
    """Something of the organisation that a template needs: a pool, a queue or a rep."""

    name: str
    kind: Literal["pool", "queue", "rep"]
    label: Any
    help: Any = ""


@dataclass(frozen=True, slots=True)
class Template:
    """
    Rules to start from.

    `rules` and `golden` make, of what was chosen for the slots, the columns of rules (in order,
    the fallback last) and of the golden leads that prove what `points` say. `acknowledge` is the
    promise that goes well with it, in minutes.
    """

    slug: str
    name: Any
    summary: Any
    points: Sequence[Any]
    slots: Sequence[Slot]
    rules: Callable[[Chosen], list[Spec]]
    golden: Callable[[Chosen], list[Spec]]
    acknowledge: int | None = None
    # Whether the rules themselves begin with the threshold of the score.
    has_threshold: bool = False


def rule(name: str, condition: Spec, path: Spec, reasoning: str) -> Spec:
    return {"name": name, "condition": condition, "path": path, "reasoning": reasoning}


def check(fact: str, op: str, value: Any = None) -> Spec:
    return {"fact": fact, "op": op} if value is None else {"fact": fact, "op": op, "value": value}


def every(*parts: Spec) -> Spec:
    return {"all": list(parts)}


def to_owner(kind: str, **more: Any) -> Spec:
    """A path to whoever owns it; the backup stands in."""
    return {"target": {"kind": kind}, **more}


def in_turn(
    pool: Pool, *, on_empty: str = "wait", stages: Sequence[Spec] = (), **more: Any
) -> Spec:
    """A path to whoever of a pool works now and is next in turn, a former owner first."""
    return {
        "target": {"kind": "pool", "id": pool.pk},
        "stages": [
            *stages,
            {"do": "filter", "by": "on_shift", "within": 0},
            {"do": "prefer", "by": "former_owner"},
            {"do": "select", "by": "round_robin"},
        ],
        "on_empty": on_empty,
        **more,
    }


def fallback(queue: Queue, reasoning: str = "") -> Spec:
    """The last rule: a queue with somebody who answers for it."""
    return {
        "name": "Fallback",
        "reasoning": reasoning
        or "Nobody could take it: it waits in a queue with somebody responsible.",
        "condition": ALWAYS,
        "path": {"target": {"kind": "queue", "id": queue.pk}},
        "is_fallback": True,
    }


def golden(name: str, facts: Spec, rule: str, **expected: Any) -> Spec:
    """An example: a lead with these facts is decided by this rule, and goes there."""
    return {"name": name, "facts": facts, "expect_rule": rule, **expected}


def anybody_of(pool: Pool) -> int | None:
    """Return some active member of a pool, to stand for an owner in an example."""
    return (
        pool.members.filter(rep__is_active=True)
        .order_by("position", "pk")
        .values_list("rep_id", flat=True)
        .first()
    )


POOL = Slot("pool", "pool", "Pool", "Who takes turns.")
LAST = Slot("fallback", "queue", "Fallback queue", "Where a lead waits that nobody could take.")
