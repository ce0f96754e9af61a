"""Backfilled leads that come with their owner: cut-over from another system."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q, Value
from django.db.models.functions import Concat, Lower

from reps.models import Rep
from routing import ownership
from routing.fairness.room import Room, weigh
from routing.models import Lead, Organisation
from routing.models.assignment import Reason


def hand_over(given: Sequence[tuple[Lead, str]], *, at: datetime) -> int:
    """
    Give leads to the owners their file names: user name, e-mail address or full name.

    Whom nobody knows, who has left, or who is full or at a limit, does not get the lead: it
    stays in the waiting room and the rules decide. Returns how many were handed over.
    """
    reps = _reps({name.casefold() for _, name in given})
    wanted = [(lead, reps[name.casefold()]) for lead, name in given if name.casefold() in reps]
    loads = ownership.lock_loads(sorted({rep.pk for _, rep in wanted}))
    places = Counter({rep.pk: rep.capacity - loads[rep.pk].open for _, rep in wanted})
    stage_points = Organisation.get().stage_points
    room = Room.read({rep for _, rep in wanted}, at=at, stage_points=stage_points)
    moves = []
    for lead, rep in wanted:
        weight = weigh(lead, stage_points, reason_code=Reason.IMPORTED)
        if places[rep.pk] > 0 and room.refusal(rep, weight, at=at) is None:
            places[rep.pk] -= 1
            room.take(rep.pk, weight, at=at)
            moves.append(
                ownership.Move(
                    lead_id=lead.pk,
                    epoch=lead.owner_epoch,
                    place=Lead.Place.OWNER,
                    rep_id=rep.pk,
                    reason_code=Reason.IMPORTED,
                )
            )
    ownership.change_many(moves, by=None, at=at, driver="import")
    return len(moves)


def _reps(names: set[str]) -> dict[str, Rep]:
    """The active reps of these names; a name that two people share names nobody."""
    rows = (
        Rep.objects.active()
        .select_related("user", "calendar", "team__calendar")
        .annotate(
            username=Lower("user__username"),
            mail=Lower("user__email"),
            full=Lower(Concat("user__first_name", Value(" "), "user__last_name")),
        )
        .filter(Q(username__in=names) | Q(mail__in=names) | Q(full__in=names))
    )
    found: dict[str, Rep] = {}
    shared = set()
    for rep in rows:
        for name in {rep.username, rep.mail, rep.full} & names:
            if name in found:
                shared.add(name)
            found[name] = rep
    return {name: rep for name, rep in found.items() if name not in shared}
