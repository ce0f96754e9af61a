"""Write policies. Running clocks keep the limit and the chain they were started with."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from reps import trail
from reps.models import User
from routing import engine
from routing.qualify.facts import KINDS
from sla import chain, targets
from sla.models import PauseReason, Policy

STANDARD = "Acknowledge within 15 minutes"


class PolicyRefused(Exception):
    """The policy was not saved; the message says why."""


@transaction.atomic
def save_policy(
    *,
    policy: Policy,
    condition: Mapping[str, Any],
    steps: Sequence[Mapping[str, Any]],
    by: User,
    at: datetime,
) -> Policy:
    """
    Save a policy with its condition and its chain. Clocks that run keep theirs.

    :raises PolicyRefused: if the chain cannot be used, sends leads where nobody is, or another
        policy has the name
    :raises routing.engine.InvalidPart: pointing at what the engine cannot read
    """
    engine.parse(condition, KINDS)
    try:
        targets.check(chain.parse(list(steps), budget=policy.budget))
    except chain.ChainError as error:
        raise PolicyRefused(str(error)) from error
    policy.condition, policy.steps = dict(condition), [dict(step) for step in steps]
    try:
        with transaction.atomic():
            trail.save(policy, by=by, at=at, reason="edited" if policy.pk else "created")
    except IntegrityError as error:
        raise PolicyRefused("Another policy has this name.") from error
    return policy


@transaction.atomic
def add_standard(*, by: User, at: datetime) -> Policy:
    """
    Promise that every lead is acknowledged within 15 minutes of working time.

    :raises PolicyRefused: if it is there already
    """
    if Policy.objects.filter(name=STANDARD).exists():
        raise PolicyRefused(f"“{STANDARD}” is there already.")
    return promise_acknowledgement(minutes=15, by=by, at=at)


@transaction.atomic
def add_usual_reasons(*, by: User, at: datetime) -> list[PauseReason]:
    """Offer the usual reasons to pause; those that are there by name stay as they are."""
    there = set(PauseReason.objects.values_list("name", flat=True))
    made = [
        PauseReason(name=name, longest=longest)
        for name, longest in PauseReason.USUAL
        if name not in there
    ]
    for reason in made:
        trail.save(reason, by=by, at=at, reason="template")
    return made


@transaction.atomic
def promise_acknowledgement(*, minutes: int, by: User, at: datetime) -> Policy:
    """Return the promise that every lead is acknowledged within so many working minutes."""
    name = f"Acknowledge within {minutes} minutes"
    found = Policy.objects.filter(name=name).first()
    if found is not None:
        return found
    policy = Policy(name=name, budget=minutes * 60)
    trail.save(policy, by=by, at=at, reason="template")
    return policy
