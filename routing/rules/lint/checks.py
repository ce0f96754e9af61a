"""Every check, in the order in which its findings are shown. Pure."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from routing.rules.lint import hot, market, stages, targets, threshold, upkeep
from routing.rules.lint.finding import Finding
from routing.rules.lint.reach import Reach
from routing.rules.lint.world import Entry, World

Check: TypeAlias = Callable[[Sequence[Entry], World, Reach], Iterator[Finding]]


def _reach(rules: Sequence[Entry], world: World, reach: Reach) -> Iterator[Finding]:
    return reach.findings()


CHECKS: Final[tuple[Check, ...]] = (
    upkeep.fallback,
    targets.unknown,
    targets.empty,
    targets.responsible,
    _reach,
    market.unmapped,
    market.contradictions,
    targets.stale,
    targets.unstaffed,
    stages.check,
    hot.check,
    threshold.check,
    upkeep.splits,
    upkeep.dates,
    upkeep.branches,
    upkeep.traffic,
)


def findings(rules: Sequence[Entry], world: World, reach: Reach | None = None) -> list[Finding]:
    """Return everything that is wrong with these rules in this company, errors first."""
    reach = reach or Reach(rules, world)
    found = [one for check in CHECKS for one in check(reach.order, world, reach)]
    return sorted(dict.fromkeys(found), key=lambda one: not one.is_error)
