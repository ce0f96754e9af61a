"""Hand out what is held about a person, and nothing about anybody else."""

from datetime import datetime
from typing import Any

from reps import trail
from reps.models import User
from routing.dedupe import family
from routing.models import Prospect
from routing.privacy.registry import Person, shown


def export(*, prospect: Prospect, by: User | None, at: datetime) -> dict[str, Any]:
    """
    Return everything that is held about a person as plain data; that it was done is on record.

    Colleagues who worked on it are not named: it is not about them. Everybody who was merged
    with the person is the person.
    """
    people = Prospect.objects.filter(pk__in=family.ids_of(prospect.pk)).order_by("pk")
    held: dict[str, list[dict[str, Any]]] = {}
    for row in people:
        for holding, rows in shown(Person.read(row)):
            held.setdefault(holding.name, []).extend(rows)
    trail.note(
        prospect,
        kind="exported",
        by=by,
        at=at,
        reason_code="exported",
        data={name: len(rows) for name, rows in held.items()},
    )
    merged = [row.pk for row in people if row.pk != prospect.pk]
    also = {"merged_with": merged} if merged else {}
    return {"person": prospect.pk, **also, "made_at": at.isoformat(), **held}
