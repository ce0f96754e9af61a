"""Hand out what is held about a person, and nothing about anybody else."""

from datetime import datetime
from typing import Any

from reps import trail
from reps.models import User
from routing.models import Prospect
from routing.privacy.registry import Person, shown


def export(*, prospect: Prospect, by: User | None, at: datetime) -> dict[str, Any]:
    """
    Return everything that is held about a person as plain data; that it was done is on record.

    Colleagues who worked on it are not named: it is not about them.
    """
    held = {holding.name: rows for holding, rows in shown(Person.read(prospect))}
    trail.note(
        prospect,
        kind="exported",
        by=by,
        at=at,
        reason_code="exported",
        data={name: len(rows) for name, rows in held.items()},
    )
    return {"person": prospect.pk, "made_at": at.isoformat(), **held}
