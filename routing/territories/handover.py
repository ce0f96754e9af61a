"""Giving a territory to another owner; the leads that are there already stay unless asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import Q

from accounts.areas import most_specific
from accounts.models import Account, AccountOwner, Territory
from reps import trail
from reps.models import Rep, User
from routing import ownership
from routing.dispatch import snapshot
from routing.models import Lead, Organisation
from routing.models.assignment import Reason
from routing.qualify.facts import Terms
from routing.territories.placing import groups, place_of
from routing.visibility import visible_leads
from routing.work.refusals import WorkRefused, reason_given


class TerritoryRefused(WorkRefused):
    """The territory keeps its owner; the message says why."""


@dataclass(frozen=True, slots=True)
class Concerned:
    """
    What giving a territory away would concern: open leads in it that the user may see, those of
    them that would move if asked as (id, epoch), and active accounts in it.
    """

    open: int
    movable: Sequence[tuple[int, int]]
    accounts: int


def concerned(*, territory: Territory, user: User, at: datetime) -> Concerned:
    """
    Count what a territory holds, by the plan as it stands.

    Leads of a named account of the present owner would not move: they are the owner's by name,
    whoever has the territory.
    """
    areas = snapshot.current(at=at).areas
    inside = [one for one in groups(areas=areas, user=user, at=at) if one.territory == territory.pk]
    return Concerned(
        open=sum(one.figures.open for one in inside),
        movable=[(lead.pk, lead.owner_epoch) for lead in _held(territory, user=user, at=at)],
        accounts=sum(one.figures.accounts for one in inside),
    )


def _held(territory: Territory, *, user: User, at: datetime) -> list[Lead]:
    """The open leads in a territory that its owner holds because of it."""
    if territory.owner_id is None:
        return []
    areas = snapshot.current(at=at).areas
    terms = Terms.of(Organisation.get())
    leads = (
        visible_leads(user)
        .filter(owner=territory.owner_id, place=Lead.Place.OWNER)
        .exclude(account__in=_named(territory.owner_id, on=at.date()))
        .select_related("prospect", "source", "account__parent")
        .order_by("pk")
    )
    return [lead for lead in leads if most_specific(areas, place_of(lead, terms)) == territory.pk]


def _named(rep: int, *, on: date):
    held = AccountOwner.objects.filter(
        Q(ends_on__isnull=True) | Q(ends_on__gt=on),
        rep=rep,
        role=AccountOwner.Role.OWNER,
        starts_on__lte=on,
    ).values("account_id")
    return Account.objects.filter(Q(pk__in=held) | Q(parent__in=held)).values("pk")


@transaction.atomic
def give(
    *,
    territory_id: int,
    seen_owner: int | None,
    to: Rep | None,
    reason: str,
    by: User,
    at: datetime,
    driver: str,
    leads: Sequence[tuple[int, int]] = (),
) -> int:
    """
    Give a territory to another owner (None: to nobody, its pool takes over), with a reason.

    `leads` are (id, epoch) of those that move too, all or none; return how many did.

    :raises TerritoryRefused: if it has another owner than was seen, has this one already, or the
        new owner has left
    :raises WorkRefused: without a reason, or for a lead that the owner does not hold
    :raises routing.ownership.OwnershipRefused: if a lead has moved, or the new owner is full
    """
    text = reason_given(reason)
    # Leads before everything else, as everybody locks them.
    epochs = dict(leads)
    locked = ownership.lock_leads(list(epochs)) if epochs else {}
    row = (
        Territory.objects.select_for_update(no_key=True, of=("self",))
        .select_related("owner__user")
        .get(pk=territory_id)
    )
    if row.owner_id != seen_owner:
        raise TerritoryRefused(
            f"{row} belongs to {row.owner or 'nobody'} meanwhile; look again before you decide."
        )
    if row.owner_id == (None if to is None else to.pk):
        raise TerritoryRefused(f"{row} belongs to {row.owner or 'nobody'} already.")
    if to is not None and not Rep.objects.get(pk=to.pk).is_active:
        raise TerritoryRefused(f"{to} has left; choose somebody who is here.")
    if epochs and to is None:
        raise TerritoryRefused("Leads can only move to a new owner; choose one, or leave them.")
    may_move = {pk for pk, _ in _movable(row, epochs, user=by, at=at)}
    if set(epochs) - may_move or len(locked) != len(epochs):
        raise TerritoryRefused("One of these leads has changed hands; look again.")
    before = row.owner_id
    row.owner = to
    trail.save(row, by=by, at=at, reason=text, kind="reassigned", data={"from_rep": before})
    if not epochs or to is None:
        return 0
    placed = ownership.change_many(
        [
            ownership.Move(
                lead_id=pk,
                epoch=epochs[pk],
                place=Lead.Place.OWNER,
                rep_id=to.pk,
                reason_code=Reason.CORRECTED,
                reason=text,
            )
            for pk in locked
        ],
        by=by,
        at=at,
        driver=driver,
        leads=locked,
    )
    return len(placed)


def _movable(row: Territory, epochs: dict[int, int], *, user: User, at: datetime):
    if not epochs:
        return []
    return [(lead.pk, lead.owner_epoch) for lead in _held(row, user=user, at=at)]
