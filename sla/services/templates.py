"""Ready-made promises: the usual ones, each saved with one click and edited like any other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from reps.models import User
from routing.models import Pool
from sla.models import Policy
from sla.services.setup import PolicyRefused, save_policy

HOT_INBOUND = {
    "all": [
        {"fact": "tier", "op": "eq", "value": "HOT"},
        {"fact": "motion", "op": "eq", "value": "INBOUND"},
    ]
}
OUTBOUND = {"all": [{"fact": "motion", "op": "eq", "value": "OUTBOUND"}]}
ANY_LEAD: dict[str, Any] = {"all": []}
Steps = Sequence[dict[str, Any]]
METRIC, HOURS = Policy.Metric, Policy.Hours


@dataclass(frozen=True, slots=True)
class Chosen:
    """What whoever takes a template has chosen for it."""

    pool: Pool | None = None
    hours: int | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """
    A ready-made promise. `asks` names what has to be chosen: "pool", "hours", or nothing.

    `make` returns the policy, unsaved, for what was chosen, its condition and chain included.
    """

    key: str
    title: str
    about: str
    make: Callable[[Chosen], Policy]
    asks: str = ""
    # What is suggested for what it asks.
    suggests: int | None = None


_templates: dict[str, Template] = {}


def register(template: Template) -> None:
    """Add a ready-made promise; they are offered in this order."""
    _templates[template.key] = template


def all_templates() -> list[Template]:
    """Every ready-made promise."""
    return list(_templates.values())


@transaction.atomic
def take(*, key: str, chosen: Chosen, by: User, at: datetime) -> Policy:
    """
    Save a ready-made promise.

    :raises PolicyRefused: if it is unknown, there already, or misses what it asks for
    """
    template = _templates.get(key)
    if template is None:
        raise PolicyRefused("There is no such template.")
    if template.asks == "pool" and chosen.pool is None:
        raise PolicyRefused("Choose the pool that takes over.")
    policy = template.make(chosen)
    if Policy.objects.filter(name=policy.name).exists():
        raise PolicyRefused(f"“{policy.name}” is there already.")
    return save_policy(policy=policy, condition=policy.condition, steps=policy.steps, by=by, at=at)


def _share(percent: int, action: str, **target: int) -> dict[str, Any]:
    return {"at_percent": percent, "do": action, **target}


def hot_inbound(chosen: Chosen) -> Policy:
    """First contact within 5 minutes; 3: the owner, 10: the manager, 30: the backup, 60: back."""
    return Policy(
        name="Hot inbound: first contact within 5 minutes",
        position=5,
        metric=METRIC.CONTACT,
        condition=HOT_INBOUND,
        budget=300,
        steps=[
            _share(60, "remind"),
            _share(200, "tell_manager"),
            _share(600, "to_backup"),
            _share(1200, "to_manager"),
        ],
    )


def acknowledge_or_pool(chosen: Chosen) -> Policy:
    """Whoever does not acknowledge within 15 minutes loses the lead to a pool."""
    pool = chosen.pool
    return Policy(
        name=f"Acknowledge within 15 minutes, or {pool} takes it",
        metric=METRIC.ACKNOWLEDGE,
        condition=ANY_LEAD,
        budget=900,
        steps=[
            _share(100, "to_pool", pool=pool.pk if pool else 0),
            _share(200, "tell_manager"),
        ],
    )


def unclaimed(chosen: Chosen) -> Policy:
    """A hot lead that nobody claims goes before the others, and somebody hears of it."""
    return Policy(
        name="Hot inbound: claimed within 5 minutes",
        position=5,
        metric=METRIC.CLAIM,
        hours=HOURS.ALWAYS,
        condition=HOT_INBOUND,
        budget=300,
        steps=[_share(100, "raise_priority"), _share(100, "tell_manager")],
    )


def unassigned(chosen: Chosen) -> Policy:
    """Whatever has no owner after some hours, day or night, is leadership's business."""
    hours = chosen.hours or 2
    return Policy(
        name=f"An owner within {hours} hour{'' if hours == 1 else 's'}",
        metric=METRIC.ASSIGN,
        hours=HOURS.ALWAYS,
        condition=ANY_LEAD,
        budget=hours * 3600,
        steps=[_share(100, "tell_leadership")],
    )


def outbound(chosen: Chosen) -> Policy:
    """Outbound leads wait longer."""
    return Policy(
        name="Outbound: first contact within 2 hours",
        metric=METRIC.CONTACT,
        condition=OUTBOUND,
        budget=7200,
        steps=[_share(75, "remind"), _share(100, "tell_manager")],
    )


def follow_up(chosen: Chosen) -> Policy:
    """After each contact the next one is due within a day's worth of working time."""
    return Policy(
        name="Follow up within 24 hours of working time",
        metric=METRIC.FOLLOW_UP,
        condition=ANY_LEAD,
        budget=24 * 3600,
        steps=[_share(75, "remind"), _share(100, "tell_manager")],
    )


def manager_takes_over(chosen: Chosen) -> Policy:
    """What nobody acknowledges is the manager's for the time being."""
    return Policy(
        name="Acknowledge within 30 minutes, or the manager takes it",
        metric=METRIC.ACKNOWLEDGE,
        condition=ANY_LEAD,
        budget=1800,
        steps=[_share(50, "remind"), _share(100, "to_manager")],
    )


register(
    Template(
        "hot_inbound",
        "Hot inbound in 5 minutes",
        "Hot inbound leads are contacted within 5 minutes. The owner is reminded after 3, the "
        "manager hears after 10, the backup gets it after 30, the manager after 60.",
        hot_inbound,
    )
)
register(
    Template(
        "acknowledge_or_pool",
        "15 minutes, then a pool",
        "A lead that is not acknowledged within 15 minutes goes to whoever is next in a pool, for "
        "example inside sales.",
        acknowledge_or_pool,
        asks="pool",
    )
)
register(
    Template(
        "unclaimed",
        "Hot and unclaimed for 5 minutes",
        "A hot inbound lead that nobody claims within 5 minutes goes before all others, and "
        "whoever answers for the queue hears of it.",
        unclaimed,
    )
)
register(
    Template(
        "unassigned",
        "Nobody owns it",
        "A lead without an owner after some hours, nights included, reaches leadership.",
        unassigned,
        asks="hours",
        suggests=2,
    )
)
register(
    Template(
        "outbound",
        "Outbound in 2 hours",
        "Outbound leads are contacted within 2 hours of working time; then the manager hears.",
        outbound,
    )
)
register(
    Template(
        "follow_up",
        "Follow up within a day",
        "After a contact the next one is due within 24 hours of working time.",
        follow_up,
    )
)
register(
    Template(
        "manager_takes_over",
        "The manager takes over",
        "What is not acknowledged within 30 minutes becomes the manager's for the time being.",
        manager_takes_over,
    )
)
