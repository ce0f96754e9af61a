"""
Whom a rule can mean. Adding a kind of target is one entry in `TARGETS`.

Owner kinds read a rep's id from the fact of the same name. The candidates of an owner are the
owner and then, as listed in the roster, the owner's backup. A territory's owner is followed by
the territory's own backups in their order and then the owner's; a named account's by the account's
backup. After the backups of an owner who has left comes their manager, if that is a rep. Before
all of them comes whoever covers the account or the territory for the time being.

`nurture` and `fast_follow` end alike, out of the reps' hands: what follows there, slowly or at
once, is for others to read from the target. `agent` means all reps that are AI agents.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from routing.engine.conditions import Facts
from routing.engine.facts import id_in
from routing.engine.types import Member, Roster, Target, TerritorySpec

NOBODY: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidates:
    """The reps a target means, and the pool they share if they do."""

    members: tuple[Member, ...] = NOBODY
    pool: int | None = None


NONE = Candidates()

Resolve: TypeAlias = Callable[[Target, Facts, Roster], Candidates]


@dataclass(frozen=True, slots=True)
class TargetKind:
    """
    `wants_id`: the target names one record. `ends`: the lead ends there, without candidates.
    `is_pool`: the candidates share a pool, so the rotation can choose among them.
    `alike`: no candidate comes before another, so the load decides. `facts`: what it reads, for
    the linter.
    """

    resolve: Resolve
    wants_id: bool = False
    ends: Literal["queue", "nurture"] | None = None
    is_pool: bool = False
    facts: tuple[str, ...] = ()
    alike: bool = False

    @property
    def default_strategy(self) -> str:
        if self.is_pool:
            return "round_robin"
        return "least_loaded" if self.alike else "first"


def in_order(*reps: int | None) -> Candidates:
    """Make candidates of these reps in this order, each once, leaving out who is not there."""
    distinct = dict.fromkeys(rep for rep in reps if rep is not None)
    return Candidates(tuple(Member(rep, 1, position) for position, rep in enumerate(distinct)))


def _backup_of(rep: int | None, roster: Roster) -> int | None:
    spec = None if rep is None else roster.reps.get(rep)
    return None if spec is None else spec.backup


def _manager_of(rep: int | None, roster: Roster) -> int | None:
    spec = None if rep is None else roster.reps.get(rep)
    return None if spec is None else spec.manager


def _rep(target: Target, facts: Facts, roster: Roster) -> Candidates:
    return in_order(target.id)


def _members_of(pool: int | None, roster: Roster) -> Candidates:
    spec = None if pool is None else roster.pools.get(pool)
    return NONE if spec is None else Candidates(spec.members, spec.id)


def _pool(target: Target, facts: Facts, roster: Roster) -> Candidates:
    return _members_of(target.id, roster)


def _owner(target: Target, facts: Facts, roster: Roster) -> Candidates:
    owner = id_in(facts, target.kind)
    if owner is None:
        return NONE
    cover, backup = _STANDING_IN.get(target.kind, ("", ""))
    return in_order(
        id_in(facts, cover),
        owner,
        id_in(facts, backup),
        _backup_of(owner, roster),
        _manager_of(owner, roster),
    )


# Who takes the leads of an owner instead for now, and who after the owner.
_STANDING_IN = {
    "account_owner": ("account_cover", "account_backup"),
    "parent_account_owner": ("parent_account_cover", "parent_account_backup"),
}


def _territory(facts: Facts, roster: Roster) -> TerritorySpec | None:
    territory = id_in(facts, "territory")
    return None if territory is None else roster.territories.get(territory)


def _territory_owner(target: Target, facts: Facts, roster: Roster) -> Candidates:
    territory = _territory(facts, roster)
    if territory is None:
        return NONE
    owner = territory.owner
    return in_order(
        id_in(facts, "territory_cover"),
        owner,
        territory.backup,
        *territory.backups,
        _backup_of(owner, roster),
        _manager_of(owner, roster),
    )


def _territory_pool(target: Target, facts: Facts, roster: Roster) -> Candidates:
    territory = _territory(facts, roster)
    return NONE if territory is None else _members_of(territory.pool, roster)


def _agents(target: Target, facts: Facts, roster: Roster) -> Candidates:
    return in_order(*sorted(rep.id for rep in roster.reps.values() if rep.agent))


def _no_reps(target: Target, facts: Facts, roster: Roster) -> Candidates:
    return NONE


TARGETS: Mapping[str, TargetKind] = {
    "rep": TargetKind(_rep, wants_id=True),
    "pool": TargetKind(_pool, wants_id=True, is_pool=True),
    "queue": TargetKind(_no_reps, wants_id=True, ends="queue"),
    "nurture": TargetKind(_no_reps, ends="nurture"),
    "fast_follow": TargetKind(_no_reps, ends="nurture"),
    "account_owner": TargetKind(_owner, facts=("account_owner",)),
    "parent_account_owner": TargetKind(_owner, facts=("parent_account_owner",)),
    "opportunity_owner": TargetKind(_owner, facts=("opportunity_owner",)),
    "territory_owner": TargetKind(_territory_owner, facts=("territory",)),
    "territory_pool": TargetKind(_territory_pool, is_pool=True, facts=("territory",)),
    "agent": TargetKind(_agents, alike=True),
}
