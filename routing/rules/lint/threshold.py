"""
Rules that let leads rest below a score, held against the live score.

The threshold stands in two places: in the score, where lists and previews show who is above it,
and in the rule that acts on it, which may be changed like any rule. They are told apart here.
"""

from collections.abc import Iterator, Sequence

from routing.engine import Condition
from routing.engine.conditions import All, AnyOf, Check, Not
from routing.rules.lint.finding import Finding, warning
from routing.rules.lint.reach import Reach
from routing.rules.lint.world import Entry, World


def check(rules: Sequence[Entry], world: World, reach: Reach) -> Iterator[Finding]:
    """Find rules to nurture that ask for the score where there is none, or another threshold."""
    for entry in reach.live:
        if not any(path.target.kind == "nurture" for path in entry.paths):
            continue
        bounds = set(_bounds(entry.rule.condition))
        if bounds and not world.has_score:
            yield warning(
                "no_score",
                f"“{entry.rule.name}” asks for the score, but none is live: every lead has 0 "
                "and rests. Publish a score, or take the rule out.",
                entry.rule.id,
            )
        elif bounds and world.threshold is not None and world.threshold not in bounds:
            asked = " and ".join(f"{bound:g}" for bound in sorted(bounds))
            yield warning(
                "other_threshold",
                f"“{entry.rule.name}” parts leads at a score of {asked}; the threshold of the "
                f"live score is {world.threshold}. Make both the same.",
                entry.rule.id,
            )


def _bounds(part: Condition) -> Iterator[float]:
    """The scores from which on a lead is on the other side of a check."""
    match part:
        case All(parts) | AnyOf(parts):
            for one in parts:
                yield from _bounds(one)
        case Not(inner):
            yield from _bounds(inner)
        case Check(fact="score", op="lt" | "gte", value=int() | float() as bound):
            yield bound
        case Check(fact="score", op="lte" | "gt", value=int() | float() as bound):
            yield bound + 1
