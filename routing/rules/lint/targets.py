"""Whom the rules name: records that are gone, pools without anybody, people who have left."""

from collections.abc import Iterator, Sequence
from typing import Final

from routing.engine import Path
from routing.rules.lint.finding import Finding, warning
from routing.rules.lint.logic import checks_in
from routing.rules.lint.reach import Reach
from routing.rules.lint.words import some
from routing.rules.lint.world import DAY, HOUR, Entry, World

TERRITORY_KINDS: Final = frozenset({"territory_owner", "territory_pool"})
WEEK: Final = 7 * DAY
# The first Monday of the epoch began so many seconds after it.
_FIRST_MONDAY: Final = 4 * DAY
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def unknown(rules: Sequence[Entry], world: World, reach: Reach) -> Iterator[Finding]:
    """Find rules that name a record that is gone."""
    for entry in rules:
        name, pk = entry.rule.name, entry.rule.id
        for path in entry.paths:
            target = path.target
            known = {"pool": world.pools, "queue": world.queues, "rep": world.reps}
            if target.kind in known and target.id not in known[target.kind]:
                yield Finding(
                    f"unknown_{target.kind}",
                    f"“{name}” names a {target.kind} that is gone. Choose another one.",
                    pk,
                )
            for stage in path.stages:
                if stage.by == "team" and stage.options.get("id") not in world.teams:
                    yield Finding(
                        "unknown_team",
                        f"“{name}” asks for a team that is gone. Choose another one.",
                        pk,
                    )
        serving = {area.id for area in world.areas}
        if any(_territories_in(entry) - serving):
            yield warning(
                "unknown_territory",
                f"“{name}” asks for a territory that is gone or out of service. "
                "Change the condition.",
                pk,
            )


def _territories_in(entry: Entry) -> set[int]:
    found: set[int] = set()
    for check in checks_in(entry.rule.condition):
        if check.fact == "territory" and check.op in ("eq", "ne"):
            found.add(check.value)
        elif check.fact == "territory" and check.op in ("in", "not_in"):
            found |= set(check.value)
    return found


def pools_of(path: Path, world: World) -> list[int]:
    """Return the pools that a path can mean, those that are there."""
    if path.target.kind == "pool":
        pool = path.target.id
        return [pool] if pool is not None and pool in world.pools else []
    if path.target.kind == "territory_pool":
        specs = (world.roster.territories.get(int(area.id)) for area in world.areas)
        found = dict.fromkeys(spec.pool for spec in specs if spec is not None)
        return [pool for pool in found if pool is not None and pool in world.pools]
    return []


def empty(rules: Sequence[Entry], world: World, reach: Reach) -> Iterator[Finding]:
    """Find rules that go to a pool in which nobody is active."""
    for entry in rules:
        for path in entry.paths:
            deserted = [one for one in pools_of(path, world) if not world.members(one)]
            if deserted:
                named = some(world.pools[one] for one in deserted)
                yield Finding(
                    "empty_pool",
                    f"“{entry.rule.name}” goes to the pool {named}, which has no active rep. "
                    "Add a member, or choose another target.",
                    entry.rule.id,
                    is_error=entry.rule.fallback,
                )


def stale(rules: Sequence[Entry], world: World, reach: Reach) -> Iterator[Finding]:
    """Find rules whose target, owner or territories have somebody who has left."""
    for entry in rules:
        rule = entry.rule
        for path in entry.paths:
            target = path.target
            to = target.id if target.kind == "rep" else None
            if to is not None and to in world.reps and not world.is_active(to):
                yield warning(
                    "stale_owner",
                    f"“{rule.name}” goes to {world.reps[to]}, who has left. Choose somebody else.",
                    rule.id,
                )
            if target.kind == "territory_owner" and (left := _deserted(world)):
                yield warning(
                    "stale_owner",
                    f"“{rule.name}” goes to the owner of the territory, but those of "
                    f"{some(left)} have left and have no active backup. Name new owners.",
                    rule.id,
                )
        if entry.owner is not None and entry.owner not in world.users:
            person = world.people.get(entry.owner, "somebody")
            yield warning(
                "stale_owner",
                f"“{rule.name}” is owned by {person}, whose account is closed. "
                "Name another owner in the next draft.",
                rule.id,
            )


def _deserted(world: World) -> list[str]:
    """Name the territories in service with an owner who has left, and nobody in their place."""
    found = []
    for area in world.areas:
        spec = world.roster.territories.get(int(area.id))
        if spec is None or spec.owner is None:
            continue
        owner = world.roster.reps.get(spec.owner)
        stand_ins = (
            spec.owner,
            spec.backup,
            *spec.backups,
            None if owner is None else owner.backup,
        )
        if not any(world.is_active(rep) for rep in stand_ins):
            found.append(world.territories.get(int(area.id), str(area.id)))
    return sorted(found)


def responsible(rules: Sequence[Entry], world: World, reach: Reach) -> Iterator[Finding]:
    """Find fallback queues for which nobody answers any more."""
    for entry in rules:
        for path in entry.paths if entry.rule.fallback else ():
            queue = world.queues.get(path.target.id or 0)
            if path.target.kind == "queue" and queue and queue.responsible not in world.users:
                person = world.people.get(queue.responsible, "somebody")
                yield Finding(
                    "missing_fallback_person",
                    f"“{entry.rule.name}” ends in the queue {queue.name}, for which {person} "
                    "answers, whose account is closed. Name somebody else at the queue.",
                    entry.rule.id,
                )


# --- Hours without anybody ---------------------------------------------------------------


def unstaffed(rules: Sequence[Entry], world: World, reach: Reach) -> Iterator[Finding]:
    """
    Find pools without anybody on shift where a rule insists on a shift.

    Claimed: nobody has planned hours in the coming weeks; or nobody has in part of the week
    while the rule does not wait, and no later rule but the fallback could match such a lead.
    """
    live = reach.live
    for entry in live:
        for path in entry.paths:
            shifts = [s for s in path.stages if (s.do, s.by) == ("filter", "on_shift")]
            if path.target.kind != "pool" or len(shifts) != 1 or shifts[0].relax:
                continue
            pool = path.target.id
            if pool is None or not world.members(pool):
                continue
            staffed = world.staffed(pool, within=shifts[0].options.get("within", 0))
            if staffed is None:
                continue
            name, called = entry.rule.name, world.pools.get(pool, str(pool))
            if not any(end > world.at for _, end in staffed):
                yield warning(
                    "unstaffed_pool",
                    f"“{name}” asks for somebody on shift, but nobody of {called} has "
                    "working hours in the coming weeks. Give the members working hours.",
                    entry.rule.id,
                )
            elif path.on_empty == "next" and (gaps := _gaps(staffed, world.at)):
                later = [one for one in live if one.rule.rank > entry.rule.rank]
                if not any(reach.could_meet(one, entry.rule.condition) for one in later):
                    yield warning("unstaffed_pool", _gap_words(name, called, gaps), entry.rule.id)


def _gaps(staffed: Sequence[tuple[int, int]], at: int) -> list[tuple[int, int]]:
    """Return when nobody works in the next full week, Monday to Sunday, UTC."""
    start = at + (_FIRST_MONDAY - at) % WEEK
    gaps, since = [], start
    for opens, closes in staffed:
        if opens > since:
            gaps.append((since, min(opens, start + WEEK)))
        since = max(since, closes)
        if since >= start + WEEK:
            return gaps
    return [*gaps, (since, start + WEEK)]


def _gap_words(name: str, pool: str, gaps: list[tuple[int, int]]) -> str:
    hours = sum(end - start for start, end in gaps) / HOUR
    shown = ", ".join(f"{_clock(start)} to {_clock(end)}" for start, end in gaps[:3])
    more = " and more" if len(gaps) > 3 else ""
    return (
        f"“{name}” asks for somebody on shift and does not wait, but in {hours:g} hours of the "
        f"week nobody of {pool} works ({shown}{more}, UTC): those leads go to the fallback. "
        "Let the rule wait, or staff these hours."
    )


def _clock(at: int) -> str:
    day, second = divmod((at - _FIRST_MONDAY) % WEEK, DAY)
    return f"{_WEEKDAYS[day]} {second // HOUR:02}:{second % HOUR // 60:02}"
