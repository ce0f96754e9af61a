"""
Hot leads on a slow way.

A rule is named if a hot lead can be made up that it gets, past all earlier rules that keep
their leads, and it goes

- to nurture, or to a queue from which nobody active may claim; or
- to a pool without regard to shifts (no filter and no preference for them), while the first
  promise that holds for that lead is at most an hour, and either counts around the clock while
  a member does not work around the clock, or members work at different hours, so that it can
  go to somebody off shift though somebody else is there.

The fallback is left out: there is always one, and it takes what nobody else could.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from routing.engine import Facts, Path, holds
from routing.rules.lint.finding import Finding, warning
from routing.rules.lint.reach import Reach
from routing.rules.lint.targets import pools_of
from routing.rules.lint.words import span
from routing.rules.lint.world import HOUR, Entry, Promise, World

# A promise up to this long is a matter of minutes.
QUICK: Final = HOUR
_MINDS_SHIFTS: Final = frozenset({"on_shift", "before_deadline"})


def check(rules: Sequence[Entry], world: World, reach: Reach) -> Iterator[Finding]:
    """Find rules by which a hot lead ends up where nobody is quick."""
    for entry in reach.live:
        slow = [path for path in entry.paths if _may_be_slow(path, world)]
        lead = reach.example(entry, world.hot) if slow else None
        if lead is None:
            continue
        for path in slow:
            why = _why(path, world, lead)
            if why:
                yield warning(
                    "hot_to_slow",
                    f"“{entry.rule.name}” can get hot leads and {why}",
                    entry.rule.id,
                )


def _may_be_slow(path: Path, world: World) -> bool:
    return path.target.kind in ("nurture", "queue") or bool(_off_shift(path, world))


def _why(path: Path, world: World, lead: Facts) -> str:
    if path.target.kind == "nurture":
        return "lets them rest in nurture. Ask for the tier too, or send them to a pool first."
    if path.target.kind == "queue":
        queue = world.queues.get(path.target.id or 0)
        if queue is None or (queue.pool is not None and world.members(queue.pool)):
            return ""
        return (
            f"puts them into the queue {queue.name}, from which nobody can claim. "
            "Let a pool claim from it, or send hot leads to a pool first."
        )
    for pool in _off_shift(path, world):
        for promise in _promises_for(lead, world):
            if promise.around_the_clock or _differ(pool, world):
                return (
                    f"gives them to {world.pools[pool]} whether or not somebody works, although "
                    f"{span(promise.seconds)} are promised. Ask for, or prefer, who is on shift."
                )
    return ""


def _off_shift(path: Path, world: World) -> list[int]:
    """Return the pools of a path that takes no account of shifts, and has some."""
    if any(stage.by in _MINDS_SHIFTS for stage in path.stages):
        return []
    return [
        pool
        for pool in pools_of(path, world)
        if any(world.roster.reps[one.rep].hours is not None for one in world.members(pool))
    ]


def _differ(pool: int, world: World) -> bool:
    return len({world.roster.reps[one.rep].hours for one in world.members(pool)}) > 1


def _promises_for(lead: Facts, world: World) -> list[Promise]:
    """Return the quick promises that hold for a lead: of each kind the first that applies."""
    first: dict[str, Promise] = {}
    for promise in world.promises:
        if promise.about not in first and holds(promise.condition, lead):
            first[promise.about] = promise
    return [promise for promise in first.values() if promise.seconds <= QUICK]
