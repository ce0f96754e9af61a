"""Realignments of the demo: one that is in effect, and a draft to go on with."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from accounts.models import Territory
from accounts.services.plans import approval, draft, effect
from reps.models import Rep, User


def make(*, users: Mapping[str, User], reps: Mapping[str, Rep], at: datetime) -> None:
    """A past plan that gave the Nordics a backup, and a draft that splits the Northeast."""
    author, second = users["revops"], users["manager"]
    nordics = Territory.objects.get(name="Nordics")
    past = draft.start(
        name="Cover for the Nordics",
        reason="Nobody stood in while their owner was away.",
        by=author,
        at=at,
    )
    backup = reps["imogen"].pk
    draft.put(plan=past, key=nordics.pk, state={"backup_id": backup}, by=author, at=at)
    approval.ask(plan=past, by=author, at=at)
    approval.approve(plan=past, by=second, at=at)
    effect.take_effect(plan_id=past.pk, at=at)
    northeast = Territory.objects.get(name="US Northeast")
    split = draft.start(
        name="Split the Northeast",
        reason="New England has grown; it gets an owner of its own.",
        by=author,
        at=at,
        effective_at=at + timedelta(days=14),
    )
    draft.move_parts(
        plan=split,
        source=northeast.pk,
        parts={"regions": ["Connecticut", "Maine", "Massachusetts", "New Hampshire"]},
        name="New England",
        owner=reps["marisol"].pk,
        by=author,
        at=at,
    )
