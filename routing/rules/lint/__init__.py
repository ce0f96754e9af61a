"""
What is wrong with a rule set, before it does harm.

| module     | holds                                                                     |
|------------|---------------------------------------------------------------------------|
| `logic`    | what conditions imply: pure, and never wrong where it claims something    |
| `world`    | the rules and the company as the checks see them                          |
| `reach`    | rules that never hold, stand twice, or stand behind others                |
| `targets`  | records that are gone, empty and unstaffed pools, people who have left    |
| `stages`   | filters that leave nobody, relaxations that bring nobody                  |
| `market`   | the territory plan                                                        |
| `hot`      | hot leads on a slow way                                                   |
| `upkeep`   | the fallback, dates, experiments, size and traffic                        |
| `checks`   | the registry of all these                                                 |
| `reading`  | rules and company from the database                                       |
| `promises` | what is promised for which leads, told by whoever keeps it                |
| `live`     | the live rules, checked whenever people, hours or territories change      |

A check is a function of rules and world that yields findings; adding one is a function, its
line in `checks.CHECKS`, and its defect in the tests that plant defects.
"""

from datetime import datetime

from reps.due.clock import database_now
from routing import engine
from routing.engine import InvalidPart
from routing.models import Rule, RuleSet
from routing.qualify.facts import KINDS
from routing.rules.lint import checks, reading
from routing.rules.lint.finding import Finding

__all__ = ["Finding", "check_rule", "lint"]


def lint(ruleset: RuleSet, *, at: datetime | None = None) -> list[Finding]:
    """
    Return everything that is wrong, errors first; by default as of now.

    Rules that cannot be read are named alone: what the others mean depends on them.
    """
    rules = list(ruleset.rules.order_by("is_fallback", "position", "pk"))
    unreadable = [finding for rule in rules if (finding := _unreadable(rule)) is not None]
    if unreadable:
        return unreadable
    return checks.findings(reading.entries(rules), reading.world(at=at or database_now()))


def check_rule(rule: Rule) -> None:
    """
    Refuse a rule that the engine could not read.

    :raises routing.engine.InvalidPart: pointing at the part
    """
    engine.parse(rule.condition, KINDS)
    engine.parse_path(rule.path)


def _unreadable(rule: Rule) -> Finding | None:
    try:
        check_rule(rule)
    except InvalidPart as error:
        return Finding("unreadable", f"Rule “{rule.name}”: {error}.", rule.pk)
    return None
