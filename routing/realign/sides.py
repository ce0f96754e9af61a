"""
Who takes a lead under the territories as they are and as they would be.

Both sides are asked through the index that routing asks, so a preview cannot disagree with what
routing will do. A named account stays with whoever owns it: no realignment of territories
changes that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import Account, AccountOwner, TerritoryPlan
from accounts.services.plans import world as worlds
from accounts.services.plans.world import World
from accounts.services.territories import AreaIndex, Place, most_specific
from routing.dispatch import gather
from routing.fairness.limits import points_of
from routing.models import Lead, Organisation, Pool

# Facts that name who has a company already, in the order in which they count here.
NAMED = ("account_owner", "opportunity_owner")
NOBODY = "-"


def rep_key(rep: int) -> str:
    """How a rep stands in the tables; pools and nobody stand beside them, so that sums add up."""
    return f"r{rep}"


@dataclass(frozen=True, slots=True)
class Side:
    """One state of all territories: the index, who owns what, and which pool serves what."""

    world: World
    index: AreaIndex
    pools: Mapping[int, int]

    @classmethod
    def of(cls, world: World) -> "Side":
        pools = Pool.objects.filter(territory__isnull=False).values_list("territory_id", "pk")
        return cls(world, worlds.index_of(world), dict(pools))

    def area(self, place: Place) -> int | None:
        """The territory of a place; one to be made has a negative id."""
        found = most_specific(self.index, place)
        return None if found is None else int(found)

    def owner(self, area: int | None) -> int | None:
        return None if area is None else self.world[area].owner_id

    def holder(self, area: int | None) -> str:
        """Who gets what comes from a territory: a rep, a pool, or nobody in particular."""
        if area is None:
            return NOBODY
        if (owner := self.world[area].owner_id) is not None:
            return rep_key(owner)
        pool = self.pools.get(area)
        return NOBODY if pool is None else f"p{pool}"


def of_plan(plan: TerritoryPlan) -> tuple[Side, Side]:
    """The territories as they stand, and as the plan would have them."""
    live = worlds.live()
    return Side.of(live), Side.of(worlds.planned(plan, live))


@dataclass(frozen=True, slots=True)
class Seen:
    """A lead as a realignment looks at it. `named`: the rep who has its company already."""

    lead: Lead
    facts: Mapping[str, Any]
    place: Place
    named: int | None
    points: int

    @property
    def holder(self) -> int | None:
        return self.lead.owner_id

    def moves(self, old: Side, new: Side) -> tuple[int, int | None] | None:
        """
        Who has this open lead because of its territory, and who would; None if that is the same.

        A lead that somebody else holds (moved by hand, claimed, escalated) or whose company is
        named stays out of it.
        """
        if self.holder is None or self.named is not None:
            return None
        before, after = old.owner(old.area(self.place)), new.owner(new.area(self.place))
        if before is None or before != self.holder or after == before:
            return None
        return before, after


def read(
    leads: Sequence[Lead], *, index: AreaIndex, organisation: Organisation, at: datetime
) -> list[Seen]:
    """
    Read what decides about leads, a constant number of statements; leads come with prospect,
    source and account (and parent).
    """
    facts = gather.facts_of(leads, areas=index, organisation=organisation, at=at)
    stage_points = organisation.stage_points
    found = []
    for lead in leads:
        known = facts[lead.pk]
        named = next((known[name] for name in NAMED if known.get(name)), None)
        found.append(
            Seen(
                lead=lead,
                facts=known,
                place=gather.place_of(known),
                named=None if named is None else int(named),
                points=points_of(lead, stage_points) if lead.is_open else 0,
            )
        )
    return found


def places_of_accounts(accounts: Sequence[Account], *, at: datetime) -> list[tuple[Place, int]]:
    """Where accounts are, and who owns each by name (0: nobody); two statements at most."""
    today = at.date()
    owners = AccountOwner.objects.filter(
        account__in=[account.pk for account in accounts],
        role=AccountOwner.Role.OWNER,
        starts_on__lte=today,
    ).exclude(ends_on__lte=today)
    named = dict(owners.order_by("starts_on", "pk").values_list("account_id", "rep_id"))
    found = []
    for account in accounts:
        # The names under which facts know the columns, so that the place is read as routing does.
        values = {
            "country": account.country,
            "region": account.region,
            "postal_code": account.postal_code,
            "industry": account.industry,
            "employees": account.employees,
        }
        found.append((gather.place_of(values), named.get(account.pk, 0)))
    return found
