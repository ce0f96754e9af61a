"""Rules that have outlived themselves, and rule sets that nobody can read any more."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from routing.engine import ALWAYS
from routing.rules.lint.finding import Finding, warning
from routing.rules.lint.reach import Reach, expired
from routing.rules.lint.world import Entry, World

MOST_BRANCHES: Final = 12
LEAST_PERCENT: Final = 1
# Fewer leads than this say nothing about a rule's share.
ENOUGH_LEADS: Final = 500


def fallback(rules: Sequence[Entry], world: World, reach: Reach) -> Iterator[Finding]:
    """Find what keeps a lead from having a place in the end."""
    fallbacks = [entry for entry in reach.order if entry.rule.fallback]
    if not fallbacks:
        yield Finding(
            "no_fallback",
            "There is no fallback rule: a lead that no rule takes would have no place. "
            "Mark the last rule as fallback.",
        )
    for entry in fallbacks[1:]:
        yield Finding(
            "two_fallbacks",
            f"“{entry.rule.name}” is a second fallback. Leave one of them.",
            entry.rule.id,
        )
    for entry in fallbacks:
        if entry.rule.condition != ALWAYS:
            yield Finding(
                "conditional_fallback",
                f"The fallback “{entry.rule.name}” must take every lead, without a condition.",
                entry.rule.id,
            )


def dates(rules: Sequence[Entry], world: World, reach: Reach) -> Iterator[Finding]:
    """Find rules whose time is over, and those that should have been looked at again."""
    for entry in rules:
        rule = entry.rule
        if expired(entry, world):
            yield warning(
                "expired",
                f"“{rule.name}” has expired and is skipped. Take it out, or give it more time.",
                rule.id,
            )
        elif entry.review_on is not None and entry.review_on < world.today:
            yield warning(
                "review_due",
                f"“{rule.name}” was to be reviewed by {entry.review_on:%d %B %Y}. "
                "Look at it, and set the next date.",
                rule.id,
            )


def splits(rules: Sequence[Entry], world: World, reach: Reach) -> Iterator[Finding]:
    """Find experiments in which one side gets nothing."""
    for entry in rules:
        split = entry.rule.path.split
        if split is not None and not 0 < split.percent < 100:
            yield warning(
                "one_sided_split",
                f"“{entry.rule.name}” splits its leads {100 - split.percent} to {split.percent}, "
                "so one side is never tried. End the experiment, or share the leads.",
                entry.rule.id,
            )


def branches(rules: Sequence[Entry], world: World, reach: Reach) -> Iterator[Finding]:
    """Find rule sets too long to be understood."""
    number = len(reach.live)
    if number > MOST_BRANCHES:
        yield warning(
            "too_many_branches",
            f"There are {number} rules before the fallback; more than {MOST_BRANCHES} are hard "
            "to keep in mind. Join rules that differ only in a value, or use territories.",
        )


def traffic(rules: Sequence[Entry], world: World, reach: Reach) -> Iterator[Finding]:
    """Find rules that were there all the time and decided almost nothing."""
    seen = world.traffic
    if seen.total < ENOUGH_LEADS:
        return
    whole_time = world.today - timedelta(days=seen.days)
    for entry in reach.live:
        name = entry.rule.name
        since, leads = seen.since.get(name), seen.by_rule.get(name, 0)
        if since is not None and since <= whole_time and leads * 100 < LEAST_PERCENT * seen.total:
            yield warning(
                "little_traffic",
                f"“{name}” decided {leads} of {seen.total} leads in {seen.days} days, less than "
                f"{LEAST_PERCENT} percent. Join it with another rule, or take it out.",
                entry.rule.id,
            )
